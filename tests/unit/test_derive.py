"""Models made from others: what is counted, stored and answered is what the study asked for."""

# ruff: noqa: E501 - a case is a line

import json
import math

import numpy as np
import onnx
import pytest
import torch
import yaml
from safetensors.torch import load_file

from miniature.config import plan
from miniature.config.replicates import expand_replicates
from miniature.config.validate import validate_study
from miniature.inference import classification, question_answering
from miniature.messages import StudyError
from miniature.models.build import build_model
from miniature.models.checkpoints import load_checkpoint
from miniature.models.results import check_result_folder
from miniature.tables.sizes import model_size
from miniature.training.derive import derive_model, layers_of
from miniature.training.finetune import FineTuning
from miniature.training.losses import distillation_loss, hidden_loss
from small_models import (
    ARCHITECTURE,
    QA_SETTINGS,
    TRAINING,
    WORDS,
    save_classifier,
    toy_questions,
    toy_reviews,
)

LABELS = ["bad", "good"]
TEXT = {"max_length": 32}
OPTIONS = {"feature": "cls", "batch_tokens": 64, "device": "cpu"}


@pytest.fixture(scope="module", params=["bert", "distilbert", "roberta", "electra"])
def origin(request, tmp_path_factory):
    return spread(save_classifier(tmp_path_factory.mktemp(request.param) / "model", LABELS, request.param))


@pytest.fixture(scope="module")
def bert(tmp_path_factory):
    return spread(save_classifier(tmp_path_factory.mktemp("bert") / "model", LABELS))


def spread(folder):
    """Larger weights, so that models of different weights give different answers."""
    model, tokenizer = load_checkpoint(folder, head="classification")
    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(4) if weight.ndim == 2 else None
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def derive(origin, target, task="classification", seed=5, table=None, **how):
    training = FineTuning(
        task=task, labels=LABELS if task == "classification" else None, settings=TRAINING,
        text_settings=TEXT if task == "classification" else QA_SETTINGS, seed=seed, device="cpu",
        checkpoint_folder=target.with_name(f"{target.name}.partial"),
    )  # fmt: skip
    if table is None:
        table = toy_reviews(64) if task == "classification" else toy_questions(32)
    derive_model({"from": "origin", **how}, origin, target, training, table)
    check_result_folder(target)
    return target


def read(folder):
    return json.loads((folder / "derived.json").read_text())


def probabilities(folder):
    table, embeddings = classification.predict(
        folder, toy_reviews(20), labels=LABELS, text_settings=TEXT, **OPTIONS
    )
    return np.stack(table["probabilities"]), embeddings


def matrices(folder):
    """Matrices of the layers by name, as they lie in the file."""
    stored = load_file(folder / "model.safetensors")
    return {name: w for name, w in stored.items() if ".layer." in name and w.ndim == 2}


@pytest.mark.parametrize("scope", ["global", "layer"])
def test_so_many_weights_are_zero_and_they_are_the_smallest(origin, tmp_path, scope):
    pruned = derive(origin, tmp_path / "m", prune={"sparsity": 0.9, "scope": scope})
    before, after = matrices(origin), matrices(pruned)
    zeros = {name: int((w == 0).sum()) for name, w in after.items()}
    total = sum(w.numel() for w in after.values())
    assert abs(sum(zeros.values()) - 0.9 * total) <= (1 if scope == "global" else len(after))
    shares = [zeros[name] / w.numel() for name, w in after.items()]
    # Each matrix to its own share, or some more than others.
    assert (max(shares) - min(shares) < 0.02) == (scope == "layer")
    whole = {"all": torch.cat([w.flatten() for w in before.values()])} if scope == "global" else before
    kept = {"all": torch.cat([w.flatten() for w in after.values()])} if scope == "global" else after
    for name, w in whole.items():
        assert w[kept[name] == 0].abs().max() <= w[kept[name] != 0].abs().min()
        assert torch.equal(w[kept[name] != 0], kept[name][kept[name] != 0])
    record = read(pruned)
    stored = load_file(pruned / "model.safetensors")
    assert record["touched"] == {"matrices": len(after), "weights": total}
    assert record["parameters"] == sum(w.numel() for w in stored.values())
    assert record["nonzero"] == sum(int((w != 0).sum()) for w in stored.values())


def test_pruned_weights_stay_zero_while_the_others_are_trained(bert, tmp_path):
    bare = derive(bert, tmp_path / "bare", prune={"sparsity": 0.5, "scope": "global"})
    recovered = derive(bert, tmp_path / "again", prune={"sparsity": 0.5, "scope": "global"}, recover=True)
    moved = 0
    for name, weight in matrices(bare).items():
        trained = matrices(recovered)[name]
        assert torch.equal(trained == 0, weight == 0)
        moved += int((trained != weight).sum())
    assert moved > 100
    assert json.loads((recovered / "training.json").read_text())["steps"] == 16
    assert not (bare / "training.json").exists()


def test_a_trained_model_is_the_same_bytes_every_time(bert, tmp_path):
    folders = [
        derive(bert, tmp_path / n, distill={"layers": [1], "temperature": 2, "alpha": 0}) for n in "ab"
    ]
    first, second = [(folder / "model.safetensors").read_bytes() for folder in folders]
    assert first == second


@pytest.mark.parametrize(("dropped", "kept"), [([0], [1, 2]), ([0, 2], [1])])
def test_layers_that_stay_are_those_of_the_origin(origin, tmp_path, dropped, kept):
    folder = derive(origin, tmp_path / "m", drop_layers=dropped)
    before, _ = load_checkpoint(origin, head="classification")
    after, _ = load_checkpoint(folder, head="classification")
    pairs = zip(layers_of(after), [layers_of(before)[n] for n in kept], strict=True)
    for layer, old in pairs:
        for (name, w), (other, v) in zip(layer.named_parameters(), old.named_parameters(), strict=True):
            assert name == other
            assert torch.equal(w, v)
    assert model_size(folder)["layers"] == len(kept)
    assert read(folder)["touched"] == {"layers": len(dropped)}


def test_heads_taken_out_are_heads_that_give_nothing(origin, tmp_path):
    """A head whose part of the output matrix is zero answers as one that is not there."""
    folder = derive(origin, tmp_path / "m", prune_heads=[[1, 0]])
    model, tokenizer = load_checkpoint(origin, head="classification")
    layer = layers_of(model)[1].attention
    output = layer.out_lin if hasattr(layer, "out_lin") else layer.output.dense
    with torch.no_grad():
        output.weight[:, :8] = 0  # two heads of 8 of 16
    model.save_pretrained(tmp_path / "zeroed")
    tokenizer.save_pretrained(tmp_path / "zeroed")
    np.testing.assert_allclose(probabilities(folder)[0], probabilities(tmp_path / "zeroed")[0], atol=1e-6)
    assert abs(probabilities(folder)[0] - probabilities(origin)[0]).max() > 1e-5
    # Three matrices of 8 rows with their biases, and one of 8 columns.
    lost = 3 * (8 * 16 + 8) + 8 * 16
    assert read(folder)["parameters"] == model_size(origin)["parameters"] - lost
    # A chain knows what is gone already: nothing more to take, or nothing that would be left.
    again = derive(folder, tmp_path / "again", prune_heads=[[1, 0], [0, 1]])
    assert read(again)["touched"] == {"heads": 1}
    with pytest.raises(StudyError, match="Layer 1 would keep no head"):
        derive(folder, tmp_path / "none", prune_heads=[[1, 1]])


@pytest.mark.parametrize(("to", "dtype"), [("bf16", torch.bfloat16), ("fp16", torch.float16)])
def test_a_cast_model_is_stored_and_computed_in_its_type(bert, tmp_path, to, dtype):
    folder = derive(bert, tmp_path / "m", cast=to)
    stored = load_file(folder / "model.safetensors")
    assert {w.dtype for w in stored.values()} == {dtype}
    assert model_size(folder)["bytes"] < 0.6 * model_size(bert)["bytes"]
    model, _ = load_checkpoint(folder, head="classification")
    assert {w.dtype for w in model.parameters()} == {dtype}
    for name, weight in load_file(bert / "model.safetensors").items():
        assert torch.equal(stored[name], weight.to(dtype))
    difference = abs(probabilities(folder)[0] - probabilities(bert)[0]).max()
    assert 0 < difference < 0.1
    # What comes from it is computed in float32 again.
    pruned = derive(folder, tmp_path / "p", prune={"sparsity": 0.5, "scope": "layer"})
    assert {w.dtype for w in load_checkpoint(pruned, head="classification")[0].parameters()} == {
        torch.float32
    }


@pytest.mark.parametrize("to", ["int8", "int8-static", "int8-weights", "int4-weights"])
def test_a_quantized_model_has_so_many_bits_and_answers_almost_the_same(origin, tmp_path, to):
    folder = derive(origin, tmp_path / "m", quantize=to)
    stored = onnx.load(folder / "model.onnx").graph
    kinds = {node.op_type for node in stored.node}
    assert set(read(folder)["touched"]) <= kinds
    # Matrices of float32 are gone but for those of embeddings that int8-weights scales as a whole.
    floats = sum(
        math.prod(t.dims)
        for t in stored.initializer
        if t.data_type == onnx.TensorProto.FLOAT and len(t.dims) == 2
    )
    assert floats < 0.25 * read(folder)["parameters"]
    ours, embeddings = probabilities(folder)
    theirs, its = probabilities(origin)
    assert 0 < abs(ours - theirs).max() < (0.35 if to == "int4-weights" else 0.15)
    assert embeddings.shape == its.shape
    assert np.corrcoef(embeddings.ravel(), its.ravel())[0, 1] > 0.9


def test_scales_from_other_texts_make_another_model_and_from_the_same_the_same_bytes(bert, tmp_path):
    words = np.random.default_rng(0).choice(WORDS, (300, 6))
    table = toy_reviews(300).assign(text=[" ".join(row) for row in words])
    folders = [
        derive(bert, tmp_path / name, quantize="int8-static", seed=seed, table=table)
        for name, seed in (("a", 1), ("again", 1), ("b", 2))
    ]
    a, again, b = [(folder / "model.onnx").read_bytes() for folder in folders]
    assert a == again
    assert a != b


def test_a_quantized_reader_answers_questions(tmp_path):
    model, tokenizer = build_model(
        {"path": save_classifier(tmp_path / "x", LABELS).with_name("x-encoder")},
        head="question-answering",
        seed=1,
    )
    model.save_pretrained(tmp_path / "reader")
    tokenizer.save_pretrained(tmp_path / "reader")
    folder = derive(tmp_path / "reader", tmp_path / "m", task="question-answering", quantize="int8")
    found = [
        question_answering.predict(f, toy_questions(6), text_settings=QA_SETTINGS, **OPTIONS)[0]["score"]
        for f in (folder, tmp_path / "reader")
    ]
    assert 0 < abs(found[0] - found[1]).max() < 0.2


@pytest.mark.slow
def test_a_student_learns_what_its_teacher_says_and_not_what_labels_say(bert, tmp_path):
    """Against labels that contradict the teacher, alpha decides whom the student follows."""
    table = toy_reviews(64)
    derive(bert, tmp_path / "t", prune={"sparsity": 0.1, "scope": "layer"}, recover=True)
    said = classification.predict(tmp_path / "t", table, labels=LABELS, text_settings=TEXT, **OPTIONS)[0]
    wrong = table.assign(label=[LABELS[name == LABELS[0]] for name in said["prediction"]])
    shares = {}
    for alpha in (0.0, 1.0):
        folder = tmp_path / f"s{alpha}"
        derive_model(
            {"from": "t", "distill": {"architecture": ARCHITECTURE | {"dropout": 0.0}}}, tmp_path / "t", folder,
            FineTuning(
                task="classification", labels=LABELS, text_settings=TEXT, seed=1, device="cpu",
                checkpoint_folder=tmp_path / f"partial{alpha}",
                settings=TRAINING | {"epochs": 20, "learning_rate": 5e-3, "distillation": {"temperature": 1.0, "alpha": alpha}},
            ),
            wrong,
        )  # fmt: skip
        mine = classification.predict(folder, table, labels=LABELS, text_settings=TEXT, **OPTIONS)[0]
        shares[alpha] = (mine["prediction"] == said["prediction"]).mean()
    assert shares[0.0] > 0.9
    assert shares[1.0] < 0.1


def test_soft_loss_against_its_closed_form():
    """Two classes: KL of two Bernoulli distributions at logits over T, times T squared."""
    student, teacher, t = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 2.0]]), 2.0
    p = 1 / (1 + math.exp(2.0 / t))  # the teacher's first class
    q = 1 / (1 + math.exp(-1.0 / t))
    expected = t * t * (p * math.log(p / q) + (1 - p) * math.log((1 - p) / (1 - q)))
    assert distillation_loss(student, teacher, temperature=t).item() == pytest.approx(expected, rel=1e-5)


def test_hidden_layers_are_held_against_every_other_one_of_the_teacher():
    mask = torch.tensor([[1, 1, 0]])
    teacher = [torch.full((1, 3, 4), float(n)) for n in range(5)]  # embeddings and four layers
    student = [torch.zeros(1, 3, 4), torch.full((1, 3, 4), 1.0), torch.full((1, 3, 4), 7.0)]
    # Layer 1 with the teacher's 2 and layer 2 with its 4: ((1 - 2)^2 + (7 - 4)^2) / 2.
    assert hidden_loss(student, teacher, mask).item() == pytest.approx(5.0)
    student[1][:, 2] = 1e6  # padding
    assert hidden_loss(student, teacher, mask).item() == pytest.approx(5.0)


def test_hidden_layers_of_the_student_come_nearer_to_the_teacher_s(bert, tmp_path):
    plain = {"layers": [0], "temperature": 2.0, "alpha": 0.5}
    near = derive(bert, tmp_path / "near", distill=plain | {"hidden_layers": 10.0})
    far = derive(bert, tmp_path / "far", distill=plain)
    target = probabilities(bert)[1]
    distances = [np.square(probabilities(folder)[1] - target).mean() for folder in (near, far)]
    assert distances[0] < distances[1]


def test_a_graph_gives_nothing_to_derive_from(bert, tmp_path):
    graph = derive(bert, tmp_path / "q", quantize="int8")
    with pytest.raises(StudyError, match=r"no weights that could be changed"):
        derive(graph, tmp_path / "m", cast="bf16")


def test_what_does_not_fit_into_fp16_is_told(bert, tmp_path):
    model, tokenizer = load_checkpoint(bert, head="classification")
    with torch.no_grad():
        model.classifier.weight.fill_(1e6)
    model.save_pretrained(tmp_path / "large")
    tokenizer.save_pretrained(tmp_path / "large")
    with pytest.raises(StudyError, match="NaN or infinity"):
        derive(tmp_path / "large", tmp_path / "m", cast="fp16")


STUDY = """
study: s
reference: large
models:
  large: {{architecture: {{layers: 3, hidden: 16, heads: 2, intermediate: 16}}}}
  given: {{predictions: {{reviews: {{path: p.csv}}}}}}
  int8: {{derive: {{from: large, quantize: int8}}}}
  {more}
vocabulary: {{size: 300, datasets: [reviews]}}
datasets:
  reviews:
    {{task: classification, format: world, domain: reviews, labels: {{negative: negative, positive: positive}},
     splits: {{train: {{examples: 100}}, test: {{examples: 50}}}}}}
training: {{reviews: {{epochs: 1}}}}
characteristics: {{errors: {{}}}}
verdict: {{}}
"""


@pytest.mark.parametrize(
    ("more", "what", "fix"),
    [
        ("m: {derive: {from: m, cast: bf16}}", "circle: m <- m", "from: large"),
        ("a: {derive: {from: b, cast: bf16}}\n  b: {derive: {from: a, cast: fp16}}", "circle: a <- b <- a", "from: large"),
        ("m: {derive: {from: larg, cast: bf16}}", "no model 'larg'", "from: large"),
        ("m: {derive: {from: given, cast: bf16}}", "given by its predictions", "from: large"),
        ("m: {derive: {from: int8, distill: {layers: [0]}}}", "no gradients to train with", "from: large"),
        ("m: {derive: {from: int8, cast: bf16}}", "graph of ONNX", "quantize last"),
        ("m: {derive: {from: large}}", "it has none", "quantize: int8"),
        ("m: {derive: {from: large, cast: bf16, quantize: int8}}", "exactly one", "from: m, quantize"),
        ("m: {derive: {from: large, prune: {sparsity: 1.5}}}", "1.5", "sparsity: 0.9"),
        ("m: {derive: {from: large, prune: {sparsity: 0}}}", "0", "sparsity: 0.9"),
        ("m: {derive: {from: large, quantize: int2}}", "int2", "quantize: int8"),
        ("m: {derive: {from: large, drop_layers: [3]}}", "no layer 3", "drop_layers: [2]"),
        ("m: {derive: {from: large, drop_layers: [0, 1, 2]}}", "No layer of 'large'", "drop_layers: [1, 2]"),
        ("m: {derive: {from: large, prune_heads: [[0, 2]]}}", "no head 2 in layer 0", "[[0, 1]]"),
        ("m: {derive: {from: large, prune_heads: [[7, 0]]}}", "no head 0 in layer 7", "[[2, 0]]"),
        ("m: {derive: {from: large, distill: {layers: [5]}}}", "no layer 5", "layers: [2]"),
        ("m: {derive: {from: large, distill: {}}}", "architecture of its own or layers", "layers: [0]"),
        (
            "m: {derive: {from: large, distill: {architecture: {layers: 1, hidden: 8, heads: 2, intermediate: 8}, hidden_layers: 1}}}",
            "width 8", "hidden: 16",
        ),
        ("m: {derive: {from: large, cast: bf16, recover: true}}", "nothing to recover", "remove recover"),
        ("m: {derive: {from: large, cast: bf16}, replicates: 2}", "same model every time", "remove replicates"),
        ("m: {derive: {from: large, prune: {sparsity: 0.5}}, training: {reviews: {epochs: 1}}}", "trains nothing", "recover: true"),
        ("m: {derive: {from: large, quantize: int8}, replicates: 2}", "same model every time", "remove replicates"),
        ("m: {derive: {from: large, cast: bf16}, layers: 1}", "'layers' beside 'derive'", "drop_layers: [1]"),
        ("m: {derive: {from: large, cast: bf16}, path: x}", "exactly one of", "path"),
        ("a: {derive: {from: large, drop_layers: [0]}}\n  b: {derive: {from: a, drop_layers: [2]}}", "no layer 2", "drop_layers: [1]"),
    ],
)  # fmt: skip
def test_what_cannot_be_derived_is_told_with_the_line_to_paste(tmp_path, more, what, fix):
    file = tmp_path / "study.yaml"
    file.write_text(STUDY.format(more=more))
    with pytest.raises(StudyError) as caught:
        validate_study(yaml.safe_load(file.read_text()), [file])
    told = [e for e in caught.value.errors if what in e.what]
    assert told, str(caught.value)
    assert fix in told[0].fix
    assert str(file) in told[0].where


def test_replicates_of_a_quantized_model_are_a_floor_of_their_own_kind(tmp_path):
    file = tmp_path / "study.yaml"
    more = "static: {derive: {from: large, quantize: int8-static}, replicates: 2}"
    lines = STUDY.format(more=more).splitlines()
    file.write_text("\n".join(line for line in lines if "given:" not in line))
    config = expand_replicates(validate_study(yaml.safe_load(file.read_text()), [file]))
    found = [(row["model"], row["kind"], row["of"]) for row in plan.floor_models(config)]
    assert found == [(f"static.seed{n}", "requantized", "static") for n in (1, 2)]
    assert plan.derived_models(config) == ["int8", "static", "static.seed1", "static.seed2"]


def test_a_package_that_is_not_there_is_told_with_the_command(monkeypatch):
    from miniature.models import derived

    monkeypatch.setattr(derived, "find_spec", lambda name: None if name == "onnx_ir" else object())
    with pytest.raises(StudyError) as caught:
        derived.check_installed({"from": "a", "quantize": "int4-weights"})
    assert caught.value.fix == "pip install onnx_ir"
    derived.check_installed({"from": "a", "quantize": "int8"})
