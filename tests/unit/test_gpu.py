"""What runs a model gives on a GPU what it gives on the CPU, and the same bytes every time."""

import hashlib
import json

import numpy as np
import pytest
import torch

from attacks import LABELS as SIDES
from miniature.attack.run import attack_table
from miniature.attribution.explain import explain_table
from miniature.inference import classification, question_answering
from miniature.inference.costs import measure_costs
from miniature.job.compute import prepare_device
from miniature.job.machine import describe_machine_error
from miniature.models.build import build_model
from miniature.training import loop
from miniature.training.derive import derive_model
from miniature.training.finetune import FineTuning, finetune
from miniature.training.masked_lm import train_masked_lm
from small_models import (
    ARCHITECTURE,
    QA_SETTINGS,
    TRAINING,
    save_bert_tokenizer,
    save_classifier,
    save_encoder,
    toy_questions,
    toy_reviews,
)

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.slow,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no GPU"),
]

GPU = "cuda"
LABELS = ["bad", "good"]
TEXT = {"max_length": 20}
LONG = QA_SETTINGS | {"max_length": 40}
EXPLAINED = {
    "integrated-gradients": {"method": "integrated-gradients", "steps": 16},
    "gradient-x-input": {"method": "gradient-x-input"},
    "occlusion": {"method": "occlusion"},
    "lime": {"method": "lime", "samples": 60},
    "kernel-shap": {"method": "kernel-shap", "samples": 60},
}


def widen(model):
    """Larger weights, so that words matter and answers differ."""
    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(4) if weight.ndim == 2 else None
    return model


@pytest.fixture(scope="module", params=["bert", "distilbert", "roberta", "electra"])
def classifier(request, tmp_path_factory):
    return _classifier(tmp_path_factory.mktemp(request.param) / "model", request.param)


@pytest.fixture(scope="module")
def bert(tmp_path_factory):
    return _classifier(tmp_path_factory.mktemp("bert") / "model", "bert")


def _classifier(folder, kind):
    save_classifier(folder, LABELS, kind)
    encoder = folder.with_name(f"{folder.name}-encoder")
    model, tokenizer = build_model({"path": encoder}, head="classification", labels=LABELS, seed=3)
    widen(model).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    """A random model that answers questions."""
    folder = tmp_path_factory.mktemp("reader")
    encoder = save_encoder(folder / "encoder")
    model, tokenizer = build_model({"path": encoder}, head="question-answering", seed=3)
    widen(model).save_pretrained(folder / "model")
    tokenizer.save_pretrained(folder / "model")
    return folder / "model"


@pytest.fixture(scope="module")
def vocabulary(tmp_path_factory):
    return save_bert_tokenizer(tmp_path_factory.mktemp("vocabulary"))


def digests(folder):
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(folder.iterdir())}


def classify(folder, device, feature="cls"):
    table, embeddings = classification.predict(
        folder, toy_reviews(40), labels=LABELS, text_settings=TEXT, feature=feature, batch_tokens=64,
        device=device,
    )  # fmt: skip
    return np.stack(table["probabilities"]), embeddings


@pytest.mark.parametrize("feature", ["cls", "mean"])
def test_classes_and_embeddings(classifier, feature):
    here, there, again = (classify(classifier, device, feature) for device in ("cpu", GPU, GPU))
    for ours, its, second in zip(here, there, again, strict=True):
        np.testing.assert_allclose(its, ours, rtol=1e-4, atol=1e-5)
        assert its.tobytes() == second.tobytes()


def test_answers_and_embeddings(reader):
    options = {"text_settings": LONG, "feature": "cls", "batch_tokens": 200}
    here, there, again = (
        question_answering.predict(reader, toy_questions(40), device=device, **options)
        for device in ("cpu", GPU, GPU)
    )
    assert there[0]["prediction"].tolist() == here[0]["prediction"].tolist()
    assert len(set(there[0]["prediction"])) > 3
    np.testing.assert_allclose(there[0]["score"], here[0]["score"], rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(there[1], here[1], rtol=1e-4, atol=1e-5)
    assert there[0].equals(again[0])
    assert there[1].tobytes() == again[1].tobytes()


def explained(folder, table, tmp_path, method, **settings):
    """Attributions on the CPU and twice on the GPU."""
    return [
        explain_table(
            folder, table, settings=EXPLAINED[method], batch_tokens=512, journal=tmp_path / f"{number}.jsonl",
            device=device, seed=5, **settings,
        )[0]
        for number, device in enumerate(("cpu", GPU, GPU))
    ]  # fmt: skip


@pytest.mark.parametrize("method", EXPLAINED)
def test_attributions_of_classes(classifier, tmp_path, method):
    settings = {"task": "classification", "labels": LABELS, "text_settings": TEXT}
    _same_scores(explained(classifier, toy_reviews(30), tmp_path, method, **settings))


@pytest.mark.parametrize("method", ["integrated-gradients", "gradient-x-input", "occlusion"])
def test_attributions_of_answers(reader, tmp_path, method):
    settings = {"task": "question-answering", "labels": None, "text_settings": LONG}
    _same_scores(explained(reader, toy_questions(20), tmp_path, method, **settings))


def _same_scores(found):
    here, there, again = found
    assert there["target"].tolist() == here["target"].tolist()
    for ours, its in zip(here["score"], there["score"], strict=True):
        np.testing.assert_allclose(its, ours, rtol=1e-3, atol=1e-4 * np.nanmax(np.abs(ours)))
    assert there.equals(again)


@pytest.mark.parametrize("settings", [{}, {"precision": "bf16"}, {"dropout": 0.1}])
@pytest.mark.parametrize("task", ["question-answering", "classification"])
def test_training(vocabulary, tmp_path, task, settings):
    """The losses of the CPU, but where dropout draws from another generator; and the same bytes twice."""
    settings = dict(settings)
    dropout = settings.pop("dropout", 0.0)
    made = [
        _finetune(tmp_path / str(number), vocabulary, task, device, dropout, **settings)
        for number, device in enumerate(("cpu", GPU, GPU))
    ]
    losses = [
        [entry["loss"] for entry in json.loads((folder / "training.json").read_text())["learning_curve"]]
        for folder in made
    ]
    if not dropout:
        np.testing.assert_allclose(losses[1], losses[0], rtol=2e-2 if settings else 1e-3)
    assert digests(made[1]) == digests(made[2])


def test_a_training_that_was_killed_goes_on_to_the_same_bytes(vocabulary, tmp_path, monkeypatch):
    class Stopping(loop.Progress):
        def on_step_end(self, args, state, control, **kwargs):
            if state.global_step == 5:
                raise KeyboardInterrupt
            return super().on_step_end(args, state, control, **kwargs)

    whole = _finetune(tmp_path / "whole", vocabulary, "classification", GPU, 0.1)
    with monkeypatch.context() as patch:
        patch.setattr(loop, "Progress", Stopping)
        with pytest.raises(KeyboardInterrupt):
            _finetune(tmp_path / "again", vocabulary, "classification", GPU, 0.1)
    assert digests(_finetune(tmp_path / "again", vocabulary, "classification", GPU, 0.1)) == digests(whole)


def _finetune(folder, vocabulary, task, device, dropout, teacher=None, **settings):
    qa = task == "question-answering"
    finetune(
        {"architecture": ARCHITECTURE | {"dropout": dropout}}, toy_questions(30) if qa else toy_reviews(40),
        FineTuning(
            task=task, labels=None if qa else LABELS, settings=TRAINING | settings,
            text_settings=LONG if qa else TEXT, seed=3, device=device,
            checkpoint_folder=folder.with_name(f"{folder.name}.partial"),
        ),
        vocabulary=vocabulary, output_folder=folder, teacher_folder=teacher,
    )  # fmt: skip
    return folder


@pytest.mark.parametrize(
    "how",
    [
        {"prune": {"sparsity": 0.5, "scope": "global"}, "recover": True},
        {"distill": {"layers": [0]}},
        {"distill": {"layers": [0], "hidden_layers": 0.5}},
        {"cast": "bf16"},
        {"cast": "fp16"},
        {"quantize": "int8"},
    ],
    ids=lambda how: next(iter(how)),
)
def test_models_made_from_others(bert, tmp_path, how):
    made = []
    for number in range(2):
        target = tmp_path / str(number)
        derive_model(
            {"from": "origin", **how}, bert, target,
            FineTuning(
                task="classification", labels=LABELS, settings=TRAINING, text_settings=TEXT, seed=5,
                device=GPU, checkpoint_folder=tmp_path / f"{number}.partial",
            ),
            toy_reviews(64),
        )  # fmt: skip
        made.append(target)
    assert digests(made[0]) == digests(made[1])
    half = "cast" in how
    for ours, its in zip(classify(made[0], "cpu"), classify(made[0], GPU), strict=True):
        np.testing.assert_allclose(its, ours, rtol=0.1 if half else 1e-4, atol=0.05 if half else 1e-5)
    explained = explain_table(
        made[0], toy_reviews(8), task="classification", labels=LABELS, text_settings=TEXT,
        settings=EXPLAINED["occlusion"], batch_tokens=512, journal=tmp_path / "j.jsonl", device=GPU, seed=5,
    )[0]  # fmt: skip
    assert explained["message"].isna().all()
    costs = _costs(made[0])
    assert (costs["machine"] == torch.cuda.get_device_name()) == ("quantize" not in how)


def _costs(folder):
    return measure_costs(
        folder, toy_reviews(30), task="classification", text_settings=TEXT, examples=6, batch_size=4,
        repeats=2, device=GPU,
    )  # fmt: skip


def test_costs_are_those_of_the_gpu(bert):
    found = _costs(bert)
    assert found["machine"] == torch.cuda.get_device_name()
    assert 0 < found["memory_mb"] < 2000
    assert found["latency_ms"] > 0


def test_a_masked_lm(vocabulary, tmp_path):
    for number in range(2):
        train_masked_lm(
            {"architecture": ARCHITECTURE}, toy_questions(24)["context"].tolist(),
            settings=TRAINING | {"max_length": 32}, vocabulary=vocabulary, seed=1, device=GPU,
            checkpoint_folder=tmp_path / f"{number}.partial", output_folder=tmp_path / str(number),
        )  # fmt: skip
    assert digests(tmp_path / "0") == digests(tmp_path / "1")


@pytest.mark.parametrize("screening", ["none", "bf16"])
def test_attacks(attack_models, attack_examples, tmp_path, screening):
    import pandas as pd

    table = pd.DataFrame(attack_examples, columns=["id", "text", "label"])
    recipe = {
        "preset": "textattack-8", "masked_lm": "words", "max_candidates": 6, "max_masked_lm_length": 64,
        "query_budget": 200, "screening": screening,
    }  # fmt: skip
    here, there, again = (
        attack_table(
            attack_models / "victim", attack_models / "lm", table, recipe, labels=SIDES,
            text_settings={"max_length": 64}, journal=tmp_path / f"{number}.jsonl", device=device,
        )
        for number, device in enumerate(("cpu", GPU, GPU))
    )  # fmt: skip
    assert {"success", "failure"} <= set(there["outcome"])
    assert there.equals(again)
    for column in ("outcome", "perturbed_text", "queries"):
        assert there[column].fillna("").tolist() == here[column].fillna("").tolist()


def test_a_gpu_that_is_too_small_says_what_to_change(reader):
    prepare_device(GPU)
    total = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(64 * 2**20 / total)
    try:
        with pytest.raises(torch.OutOfMemoryError) as error:
            question_answering.predict(
                reader,
                toy_questions(20000),
                text_settings=LONG,
                feature="cls",
                batch_tokens=10**6,
                device=GPU,
            )
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    told = describe_machine_error(error.value)
    assert told.what == "The GPU does not have enough memory."
    assert "batch_tokens" in told.fix
