"""Files that models put out and folders that models come in: refused with a remedy, and never run."""

import io
import json
import pickle
import struct

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from safetensors.numpy import save_file

from miniature.files import read_npy, read_parquet
from miniature.models.entry import check_entry
from refusals import Canary, refused, run_script

IDS = ["r1", "r2", "r3"]
TABLE = pd.DataFrame({"id": IDS, "cluster": IDS, "text": ["a", "b", "c"], "label": ["good", "bad", "good"]})
RIGHT = dict(zip(IDS, TABLE["label"], strict=True))


@pytest.fixture
def canary(tmp_path):
    """Something that must not run; outside of the folder that is looked at."""
    found = Canary(tmp_path)
    yield found
    assert not found.sings(), "code from a file was run"
    pickle.loads(found.pickled())
    assert found.sings(), "the canary is a dummy"
    found.file.unlink()


def importing(tmp_path, kind, name, content, *, sha256=None):
    """Write a file and a data table; give the job that would bring the one into the order of the other."""
    folder = tmp_path / "given"
    folder.mkdir()
    file = folder / name
    file.write_bytes(content)
    table = tmp_path / "test.parquet"
    TABLE.to_parquet(table)
    return lambda: run_script(
        f"import_{kind}",
        artifact=str(file),
        table=str(table),
        output=str(tmp_path / "results" / f"out{'.npy' if kind == 'embeddings' else '.parquet'}"),
        wildcards={"model": "theirs", "dataset": "reviews"},
        params={
            "sha256": sha256,
            "kind": "classification",
            "labels": ["good", "bad"],
            "label_values": ["good", "bad"],
            "source": {"path": str(file)},
            "other_prompts": False,
        },
    )


def npy(array, *, allow_pickle=False):
    file = io.BytesIO()
    np.save(file, array, allow_pickle=allow_pickle)
    return file.getvalue()


def parquet(table):
    file = io.BytesIO()
    pq.write_table(table, file)
    return file.getvalue()


def as_json(value):
    return json.dumps(value).encode()


ROWS = np.zeros((3, 2), dtype=np.float32)
ARTIFACTS = {
    "predictions that lack an id": ("predictions", "p.json", as_json({"r1": "good", "r2": "bad"}), ["r3"]),
    "predictions of another dataset": (
        "predictions",
        "p.json",
        as_json({**RIGHT, **dict.fromkeys(("r6", "r7", "r8", "r9"), "bad")}),
        ["4 of 7 ids", "r6"],
    ),
    "a prediction that is no class": (
        "predictions",
        "p.json",
        as_json({**RIGHT, "r1": "so-so"}),
        ["'so-so'"],
    ),
    "a prediction that is no text": (
        "predictions",
        "p.json",
        as_json({**RIGHT, "r1": {"a": 1}}),
        ["not text"],
    ),
    "one id predicted twice": (
        "predictions",
        "p.json",
        b'{"r1": "good", "r1": "bad", "r2": "bad", "r3": "good"}',
        ["more than once", "r1"],
    ),
    "predictions nested 100,000 deep": ("predictions", "p.json", b"[" * 100_000, ["nested too deeply"]),
    "predictions without their column": (
        "predictions",
        "p.csv",
        b"id,answer\nr1,good\n",
        ["lacks the column prediction"],
    ),
    "predictions in half a parquet file": (
        "predictions",
        "p.parquet",
        parquet(pa.table({"id": IDS, "prediction": IDS}))[:-20],
        ["damaged or cut short"],
    ),
    "an error list with a repeated id": ("errors", "e.json", as_json(["r1", "r1"]), ["more than once"]),
    "an error list of unknown ids": ("errors", "e.json", as_json(["r7"]), ["r7"]),
    "an error list that is none": ("errors", "e.json", as_json({"r1": True}), ["no JSON list of ids"]),
    "embeddings with a row too few": ("embeddings", "e.npy", npy(ROWS[:2]), ["2 rows of embeddings for 3"]),
    "embeddings with NaN": ("embeddings", "e.npy", npy(ROWS * np.nan), ["NaN or infinity"]),
    "embeddings of one dimension": ("embeddings", "e.npy", npy(ROWS[:, 0]), ["float32 of shape [3]"]),
    "embeddings of text": ("embeddings", "e.npy", npy(np.array([["a"], ["b"], ["c"]])), ["<U1 of shape"]),
    "embeddings in half a file": ("embeddings", "e.npy", npy(ROWS)[:-5], ["cannot be read"]),
}


@pytest.mark.bad_input
@pytest.mark.parametrize("what", ARTIFACTS)
def test_artifacts_are_refused(what, tmp_path, table_row):
    kind, name, content, parts = ARTIFACTS[what]
    job = importing(tmp_path, kind, name, content)
    # A user's file is never renamed: it is theirs, and no rule builds it again.
    with refused(tmp_path, "model theirs", *parts) as told:
        job()
    table_row(what, told.message.splitlines()[0], told.left)


@pytest.mark.bad_input
def test_artifact_is_not_the_pinned_one(tmp_path, table_row):
    job = importing(tmp_path, "predictions", "p.json", as_json(RIGHT), sha256="0" * 64)
    with refused(tmp_path, "not the file that the study pins", "sha256: ") as told:
        job()
    table_row("a checksum that does not match", told.message.splitlines()[0].split(":")[0], told.left)


@pytest.mark.bad_input
def test_pickled_embeddings(tmp_path, canary, table_row):
    content = npy(np.array([[canary]], dtype=object), allow_pickle=True)
    job = importing(tmp_path, "embeddings", "e.npy", content)
    with refused(tmp_path, "cannot be read", "allow_pickle=False") as told:
        job()
    table_row("an npy file whose pickle runs code", told.message.splitlines()[0], told.left)


@pytest.mark.bad_input
def test_pickle_under_the_name_of_a_result(tmp_path, canary, table_row):
    for name, read in (("a.npy", read_npy), ("a.parquet", read_parquet)):
        (tmp_path / name).write_bytes(canary.pickled())
        with refused(tmp_path, "The file is damaged", renamed=[name]) as told:
            read(tmp_path / name)
        (tmp_path / f"{name}.damaged").unlink()
    table_row("a pickle under the name of a result", told.message.splitlines()[0], told.left)


@pytest.mark.bad_input
def test_parquet_with_a_pickled_column_type(tmp_path, canary, table_row):
    # Old versions of Arrow took a column type of this name out of its pickle.
    field = pa.field(
        "prediction",
        pa.string(),
        metadata={
            "ARROW:extension:name": "arrow.py_extension_type",
            "ARROW:extension:metadata": canary.pickled(),
        },
    )
    schema = pa.schema([pa.field("id", pa.string()), field])
    content = parquet(pa.table([IDS, ["so", "so", "so"]], schema=schema))
    job = importing(tmp_path, "predictions", "p.parquet", content)
    with refused(tmp_path, "'so'") as told:
        job()
    table_row("a parquet column whose type is a pickle", "read as the text it is", told.left)


def write_model(folder, *, config=(), tensors=b"{}", **files):
    """As much of a model folder as is looked at before it is loaded."""
    folder.mkdir()
    settings = {"model_type": "bert", "num_hidden_layers": 2, "architectures": ["BertModel"], **dict(config)}
    (folder / "config.json").write_text(json.dumps(settings))
    if tensors is not None:
        (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(tensors)) + tensors)
    (folder / "tokenizer.json").write_text("{}")
    for name, content in files.items():
        (folder / name.replace("__", ".")).write_bytes(content)
    return folder


SHARDS = as_json({"weight_map": {"a": "../../elsewhere.safetensors"}})
MODELS = {
    "a model that brings code": (
        {"config": {"auto_map": {"AutoModel": "m.M"}}},
        ["its own code, which is never"],
    ),
    "a tokenizer that brings code": (
        {"tokenizer_config__json": as_json({"auto_map": {"AutoTokenizer": ["t.T", None]}})},
        ["tokenizer brings its own code", "tokenizer.json"],
    ),
    "a tokenizer's configuration that is torn": ({"tokenizer_config__json": b'{"a": '}, ["cannot be read"]),
    "quantized weights": ({"config": {"quantization_config": {"bits": 4}}}, ["quantized", "predictions: "]),
    "another kind of model": ({"config": {"model_type": "gpt2"}}, ["'gpt2' are not supported", "bert"]),
    "weights that were cut off": (
        {"tensors": as_json({"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}})},
        ["damaged", "incomplete metadata"],
    ),
    "weights whose header is garbage": ({"tensors": b"\xff" * 64}, ["damaged"]),
    "an index of weights that leads elsewhere": (
        {"tensors": None, "model__safetensors__index__json": SHARDS},
        ["A file of weights is missing: ../../elsewhere"],
    ),
    "a config.json nested 100,000 deep": ({"config__json": b"[" * 100_000}, ["cannot be read"]),
    "more layers than there are": ({"layers": 5}, ["has 2 layers", "layers: 2"]),
}


@pytest.mark.bad_input
@pytest.mark.parametrize("what", MODELS)
def test_models_are_refused(what, tmp_path, table_row):
    settings, parts = MODELS[what]
    layers = {key: settings[key] for key in ("layers",) if key in settings}
    folder = write_model(tmp_path / "model", **{k: v for k, v in settings.items() if k != "layers"})
    spec = {"path": str(folder), **layers}
    with refused(tmp_path, *parts) as told:
        check_entry(spec, where="study.yaml:9: models.mine")
    table_row(what, told.message.splitlines()[0].replace(str(tmp_path), "..."), told.left)


LAYER = "base_model.model.bert.encoder.layer.0.attention.self.query"
PRODUCT = {f"{LAYER}.lora_A.weight": (2, 8), f"{LAYER}.lora_B.weight": (8, 2)}
LORA = {"peft_type": "LORA", "r": 2, "lora_alpha": 4}
ADAPTERS = {
    "adapter: of another kind": (
        {"peft_type": "IA3"}, PRODUCT, ["kind 'IA3'", "path: folder/of/the/merged/model"],
    ),
    "adapter: that changes more than a product": (
        {"use_dora": True}, PRODUCT, ["use_dora: True", "path: folder/of/the/merged/model"],
    ),
    "adapter: that goes with another base": (
        {"init_lora_weights": "pissa"}, PRODUCT, ["init_lora_weights: 'pissa'", "path: folder/of/the/merged"],
    ),
    "adapter: a rank that is none": ({"r": 0}, PRODUCT, ["r of the adapter is 0", "fetch the adapter again"]),
    "adapter: another rank than its configuration's": (
        {"r": 4}, PRODUCT, ["r is 4, and that of bert.encoder", '"r": 2,'],
    ),
    "adapter: for a wider model": (
        {}, {f"{LAYER}.lora_A.weight": (2, 16), f"{LAYER}.lora_B.weight": (16, 2)},
        ["does not fit its base", "where the model's is [8, 8]", "base: "],
    ),
    "adapter: for a model of more layers": (
        {}, {name.replace("layer.0", "layer.9"): shape for name, shape in PRODUCT.items()},
        ["does not fit its base", "layer.9", "base: "],
    ),
    "adapter: half of a product": (
        {}, {f"{LAYER}.lora_A.weight": (2, 8)}, ["one of lora_A and lora_B", "fetch the adapter again"],
    ),
    "adapter: tensors of which nothing is known": (
        {}, {**PRODUCT, f"{LAYER}.lora_magnitude_vector": (8,)}, ["lora_magnitude_vector", "merged"],
    ),
    "adapter: no change at all": ({}, {}, ["changes no layer", "fetch the adapter again"]),
}  # fmt: skip


def write_adapter(folder, tensors, **settings):
    folder.mkdir()
    (folder / "adapter_config.json").write_text(json.dumps({**LORA, **settings}))
    if tensors is not None:
        arrays = {name: np.ones(shape, "float32") for name, shape in tensors.items()}
        save_file(arrays, folder / "adapter_model.safetensors")
    return {"adapter": str(folder), "base": str(folder.parent / "model")}


@pytest.fixture
def adapted(tmp_path):
    """A model to which adapters belong, of width 8."""
    write_model(tmp_path / "model", config={"num_hidden_layers": 1})
    weights = {f"{LAYER.removeprefix('base_model.model.')}.weight": np.ones((8, 8), "float32")}
    save_file(weights, tmp_path / "model" / "model.safetensors")


@pytest.mark.bad_input
@pytest.mark.parametrize("what", ADAPTERS)
def test_adapters_are_refused(what, adapted, tmp_path, table_row):
    settings, tensors, parts = ADAPTERS[what]
    entry = write_adapter(tmp_path / "adapter", tensors, **settings)
    with refused(tmp_path, *parts) as told:
        check_entry(entry, where="study.yaml:9: models.mine")
    table_row(what, told.message.splitlines()[0], told.left)


@pytest.mark.bad_input
def test_an_adapter_without_its_base(adapted, tmp_path, table_row):
    entry = write_adapter(tmp_path / "adapter", PRODUCT, base_model_name_or_path="me/large")
    for base in (None, "models/elsewhere"):
        with refused(tmp_path, "the folder of me/large", "base: models/large", "study.yaml:9") as told:
            check_entry({**entry, "base": base}, where="study.yaml:9: models.mine")
    table_row("adapter: without its base", told.message.splitlines()[0], told.left)


@pytest.mark.bad_input
def test_an_adapter_that_is_a_pickle(adapted, canary, tmp_path, table_row):
    entry = write_adapter(tmp_path / "adapter", None)
    (tmp_path / "adapter" / "adapter_model.bin").write_bytes(canary.pickled())
    with refused(tmp_path, "adapter_model.bin", "can run code", "safe_serialization=True") as told:
        check_entry(entry, where="study.yaml:9: models.mine")
    table_row("adapter: a pickle that runs code", told.message.splitlines()[0], told.left)


@pytest.mark.bad_input
def test_a_model_where_an_adapter_is_named(adapted, tmp_path, table_row):
    entry = {"adapter": str(tmp_path / "model"), "base": str(tmp_path / "model")}
    with refused(tmp_path, "has no adapter_config.json", f"path: {tmp_path / 'model'}") as told:
        check_entry(entry, where="study.yaml:9: models.mine")
    table_row(
        "adapter: a model in its place", told.message.splitlines()[0].replace(str(tmp_path), "..."), told.left
    )


@pytest.mark.bad_input
def test_checkpoint_that_is_a_pickle(tmp_path, canary, table_row):
    folder = write_model(tmp_path / "model", tensors=None, pytorch_model__bin=canary.pickled())
    with refused(
        tmp_path, "pytorch_model.bin", "a format that can run code", "safe_serialization=True"
    ) as told:
        check_entry({"path": str(folder)}, where="study.yaml:9: models.mine")
    table_row("a checkpoint whose pickle runs code", told.message.splitlines()[0], told.left)


@pytest.mark.bad_input
def test_pickles_beside_good_weights_are_not_read(tmp_path, canary, table_row):
    from miniature.models.build import build_model
    from refusals import tree
    from small_models import save_encoder

    folder = save_encoder(tmp_path / "model")
    names = ("pytorch_model.bin", "training_args.bin", "optimizer.pt", "scheduler.pt", "rng_state.pth")
    for name in names:
        (folder / name).write_bytes(canary.pickled())
    (folder / "modeling_bert.py").write_text(f"open({str(canary.file)!r}, 'w')")
    before = tree(tmp_path)
    model, _ = build_model({"path": str(folder)}, head="classification", labels=["a", "b"], seed=1)
    assert model.config.num_labels == 2
    assert tree(tmp_path) == before
    table_row("pickles and code beside good weights", "none: they are not looked at", "everything as it was")


@pytest.mark.bad_input
def test_training_checkpoint_whose_pickle_runs_code(tmp_path, canary, monkeypatch, table_row):
    from miniature.training import loop
    from miniature.training.finetune import FineTuning, finetune
    from miniature.training.resume import seal
    from small_models import ARCHITECTURE, TRAINING, save_bert_tokenizer, toy_reviews

    class Killed(Exception):
        pass

    vocabulary = save_bert_tokenizer(tmp_path / "vocabulary")

    def train(output):
        finetune(
            {"architecture": ARCHITECTURE}, toy_reviews(24),
            FineTuning(
                task="classification", labels=["bad", "good"], text_settings={"max_length": 20}, seed=3,
                settings=TRAINING | {"checkpoint_every": 2, "batch_size": 4}, device="cpu",
                checkpoint_folder=tmp_path / output / "partial",
            ),
            vocabulary=vocabulary, output_folder=tmp_path / output / "model",
        )  # fmt: skip

    def stop(self, args, state, control, **kwargs):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(loop.Progress, "on_save", stop, raising=False)
        with pytest.raises(Killed):
            train("a")
    (checkpoint,) = (tmp_path / "a/partial").glob("checkpoint-*")
    for name in ("optimizer.pt", "rng_state.pth"):
        (checkpoint / name).write_bytes(canary.pickled())
    # Whoever puts a pickle there can write down its digest too.
    seal(checkpoint)
    with refused(
        tmp_path, "objects other than tensors", renamed=[str(checkpoint.relative_to(tmp_path))]
    ) as told:
        train("a")
    train("a")
    train("b")
    assert (tmp_path / "a/model/model.safetensors").read_bytes() == (
        tmp_path / "b/model/model.safetensors"
    ).read_bytes()
    table_row("a training checkpoint whose pickle runs code", told.message.splitlines()[0], told.left)


@pytest.mark.bad_input
def test_links_that_lead_out_of_the_results_are_not_followed(tmp_path, table_row):
    from miniature.files import atomic_folder, quarantine
    from miniature.job.partial import keyed_folder, remove
    from refusals import tree

    outside = tmp_path / "home"
    (outside / "thesis").mkdir(parents=True)
    (outside / "thesis/chapter.txt").write_text("three years of work")
    before = tree(outside)
    partial, model = tmp_path / "results/.partial/a", tmp_path / "results/models/a"
    for link in (partial / "0123456789abcdef", model, tmp_path / "results/b.damaged"):
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(outside / "thesis")
    keyed_folder(partial, "another key")
    remove(partial)
    with atomic_folder(model) as folder:
        (folder / "config.json").write_text("{}")
    (tmp_path / "results/b").write_text("")
    quarantine(tmp_path / "results/b", "cut off")
    assert not model.is_symlink()
    assert tree(outside) == before
    table_row("links out of the results folder", "none: the link is replaced", "what they lead to")
