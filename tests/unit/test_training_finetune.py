import hashlib
import json
import os
import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from miniature.messages import StudyError
from miniature.models.build import build_model
from miniature.models.checkpoints import load_checkpoint
from miniature.training import loop
from miniature.training.finetune import FineTuning, finetune
from miniature.training.resume import checkpoints, last_whole_checkpoint
from small_models import (
    ARCHITECTURE,
    QA_SETTINGS,
    TRAINING,
    save_bert_tokenizer,
    save_encoder,
    toy_questions,
    toy_reviews,
)

LONG = QA_SETTINGS | {"max_length": 40}


@pytest.fixture(scope="module")
def vocabulary(tmp_path_factory):
    return save_bert_tokenizer(tmp_path_factory.mktemp("vocabulary"))


@pytest.fixture
def run(tmp_path, vocabulary):
    """Fine-tune into tmp_path/name; checkpoints in tmp_path/name.partial."""

    def finetune_into(name, *, task="question-answering", teacher=None, spec=None, partial=None, **settings):
        qa = task == "question-answering"
        spec = spec or {"architecture": ARCHITECTURE}
        finetune(
            spec,
            toy_questions(30) if qa else toy_reviews(40),
            FineTuning(
                task=task,
                labels=None if qa else ["bad", "good"],
                settings=TRAINING | settings,
                text_settings=LONG if qa else {"max_length": 20},
                seed=3,
                device="cpu",
                checkpoint_folder=tmp_path / f"{partial or name}.partial",
            ),
            vocabulary=vocabulary if "architecture" in spec else None,
            output_folder=tmp_path / name,
            teacher_folder=teacher,
        )
        return tmp_path / name

    return finetune_into


class Killed(Exception):
    pass


@pytest.fixture
def killed_at(monkeypatch):
    """Break off training when a step is done, before anything of that step is saved."""

    def arrange(step):
        class Stopping(loop.Progress):
            def on_step_end(self, args, state, control, **kwargs):
                if state.global_step == step:
                    raise Killed
                return super().on_step_end(args, state, control, **kwargs)

        monkeypatch.setattr(loop, "Progress", Stopping)

    return arrange


def digests(folder):
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(folder.iterdir())}


@pytest.mark.slow
@pytest.mark.parametrize("settings", [{"order": "table"}, {"order": "shuffled"}, {"precision": "bf16"}])
def test_resumed_is_the_same_bytes_as_uninterrupted(run, killed_at, monkeypatch, tmp_path, settings):
    whole = run("whole", **settings)
    killed_at(5)
    with pytest.raises(Killed):
        run("resumed", **settings)
    assert not (tmp_path / "resumed").exists()
    assert [step for step, _ in checkpoints(tmp_path / "resumed.partial")] == [3]
    monkeypatch.undo()
    resumed = run("resumed", **settings)
    assert digests(whole) == digests(resumed)
    assert (
        json.loads((whole / "training.json").read_text())["steps"] == 8
    )  # 30 windows, 2 epochs, batches of 8


@pytest.mark.slow
def test_a_damaged_checkpoint_is_skipped(run, killed_at, monkeypatch, tmp_path, caplog):
    whole = run("whole")
    killed_at(7)
    with pytest.raises(Killed):
        run("resumed")
    monkeypatch.undo()
    partial = tmp_path / "resumed.partial"
    assert [step for step, _ in checkpoints(partial)] == [3, 6]
    optimizer = partial / "checkpoint-6/optimizer.pt"
    os.truncate(optimizer, optimizer.stat().st_size // 2)
    # What a kill in the middle of saving leaves behind.
    shutil.copytree(partial / "checkpoint-3", partial / "unfinished-9")
    with caplog.at_level("INFO", logger="miniature.training"):
        resumed = run("resumed")
    assert "checkpoint of step 6 is damaged" in caplog.text
    assert "continuing from checkpoint-3" in caplog.text
    assert (partial / "checkpoint-6.damaged").is_dir()
    assert digests(whole) == digests(resumed)


def test_checkpoints_hold_no_pickled_arguments_and_are_sealed(run, tmp_path):
    run("out")
    folder = last_whole_checkpoint(tmp_path / "out.partial")
    assert folder.name == "checkpoint-6"  # the end needs none
    files = {file.name for file in folder.iterdir()}
    assert "training_args.bin" not in files
    for name in ("optimizer.pt", "scheduler.pt"):
        torch.load(folder / name, weights_only=True)  # raises if anything in it could run
    (folder / "model.safetensors").write_bytes(b"")
    assert last_whole_checkpoint(tmp_path / "out.partial").name == "checkpoint-3"


def test_output_is_complete_and_says_nothing_of_the_machine(run, tmp_path):
    folder = run("out")
    assert {file.name for file in folder.iterdir()} == {
        "config.json",
        "model.safetensors",
        "special_tokens_map.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "training.json",
        "vocab.txt",
    }
    for file in folder.glob("*.json"):
        assert str(tmp_path) not in file.read_text(encoding="utf-8")
        assert "/tmp" not in file.read_text(encoding="utf-8")
    training = json.loads((folder / "training.json").read_text())
    assert set(training) == {"steps", "examples", "windows", "final_loss", "learning_curve"}
    assert [entry["step"] for entry in training["learning_curve"]] == [3, 6, 8]
    model, _ = load_checkpoint(folder, head="question-answering")
    assert model.config.num_hidden_layers == 2


def test_no_two_seeds_alike_and_precision_counts(run):
    weights = [
        load_file(run(n, **s) / "model.safetensors") for n, s in (("a", {}), ("b", {"precision": "bf16"}))
    ]
    assert any(not torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    assert all(tensor.dtype == torch.float32 for tensor in weights[1].values())


def test_it_learns(run):
    folder = run(
        "out",
        task="classification",
        spec={"architecture": ARCHITECTURE | {"dropout": 0.0}},
        epochs=30,
        learning_rate=1e-2,
        checkpoint_every=1000,
    )
    curve = json.loads((folder / "training.json").read_text())["learning_curve"]
    assert curve[0]["loss"] > 5 * curve[-1]["loss"]
    model, tokenizer = load_checkpoint(folder, head="classification")
    assert model.config.id2label == {0: "bad", 1: "good"}
    inputs = tokenizer(["the red box is .", "the blue box is ."], return_tensors="pt")
    assert model(**inputs).logits.argmax(dim=1).tolist() == [1, 0]


def test_one_step_is_the_textbook_step(run, vocabulary):
    # Witness: one AdamW step written out, at the peak of the warm-up.
    folder = run(
        "out",
        task="classification",
        spec={"architecture": ARCHITECTURE | {"dropout": 0.0}},
        batch_size=40,
        epochs=1,
        order="table",
        warmup_ratio=0.0,
        weight_decay=0.1,
        max_gradient_norm=0.5,
    )
    from miniature.seeds import derive_seed

    model, tokenizer = build_model(
        {"architecture": ARCHITECTURE | {"dropout": 0.0}},
        head="classification",
        labels=["bad", "good"],
        vocabulary=vocabulary,
        seed=derive_seed(3, "weights"),
    )
    table = toy_reviews(40)
    inputs = tokenizer(
        table["text"].tolist(), truncation=True, max_length=20, padding=True, return_tensors="pt"
    )
    truth = torch.from_numpy((table["label"] == "good").to_numpy().astype(np.int64))
    model(**inputs, labels=truth).loss.backward()
    used = {name: p for name, p in model.named_parameters() if p.grad is not None}
    norm = torch.sqrt(sum((p.grad**2).sum() for p in used.values()))
    saved = load_file(folder / "model.safetensors")
    for name, parameter in used.items():
        gradient = parameter.grad * min(1.0, 0.5 / (norm.item() + 1e-6))
        decay = 0.0 if name.endswith("bias") or "LayerNorm" in name else 0.1
        # First step of Adam: both moments are the gradient itself after bias correction.
        expected = parameter * (1 - 1e-3 * decay) - 1e-3 * gradient / (gradient.abs() + 1e-8)
        sure = gradient.abs() > 1e-6  # where the sign is no matter of rounding
        assert torch.allclose(saved[name][sure], expected[sure], atol=2e-5), name


@pytest.mark.slow
def test_distillation_follows_the_teacher(run, tmp_path):
    teacher = run("teacher", task="classification", epochs=30, learning_rate=1e-2, checkpoint_every=1000)
    # The gold labels have no weight: the student can only learn from the teacher.
    student = run(
        "student",
        task="classification",
        spec={"architecture": ARCHITECTURE | {"layers": 1, "dropout": 0.0}},
        teacher=teacher,
        distillation={"temperature": 2.0, "alpha": 0.0},
        epochs=30,
        learning_rate=1e-2,
        checkpoint_every=1000,
    )
    teacher_model, tokenizer = load_checkpoint(teacher, head="classification")
    student_model, _ = load_checkpoint(student, head="classification")
    inputs = tokenizer(["the red box is .", "the blue box is ."], return_tensors="pt")
    assert torch.allclose(
        student_model(**inputs).logits.softmax(1), teacher_model(**inputs).logits.softmax(1), atol=0.05
    )


def test_distillation_for_answers_runs_and_resumes_nothing_of_the_teacher(run):
    teacher = run("teacher", epochs=1)
    before = digests(teacher)
    run("student", teacher=teacher, distillation={"temperature": 0.5, "alpha": 0.3})
    assert digests(teacher) == before


def test_a_teacher_of_another_vocabulary(run, tmp_path):
    encoder = save_encoder(tmp_path / "roberta", "roberta")
    teacher = run("teacher", spec={"path": encoder}, epochs=1)
    with pytest.raises(StudyError, match="different vocabularies"):
        run("student", teacher=teacher)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["bert", "distilbert", "roberta", "electra"])
@pytest.mark.parametrize("task", ["question-answering", "classification"])
def test_every_kind_of_encoder_is_fine_tuned(run, tmp_path, kind, task):
    folder = run("out", task=task, spec={"path": save_encoder(tmp_path / kind, kind)}, epochs=1)
    load_checkpoint(folder, head=task)


def test_divergence_is_told(run):
    with pytest.raises(StudyError, match="diverged"):
        run("out", learning_rate=1e30, warmup_ratio=0.0, max_gradient_norm=0.0, epochs=5)


def test_windows_longer_than_the_model(run):
    with pytest.raises(StudyError, match="longer than the 16"):
        run("out", spec={"architecture": ARCHITECTURE | {"max_positions": 16}})


def test_an_unknown_label(tmp_path, vocabulary):
    with pytest.raises(StudyError, match="'good' is none of bad"):
        finetune(
            {"architecture": ARCHITECTURE},
            toy_reviews(4),
            FineTuning(
                task="classification",
                labels=["bad"],
                settings=TRAINING,
                text_settings={"max_length": 20},
                seed=0,
                device="cpu",
                checkpoint_folder=tmp_path / "p",
            ),
            vocabulary=vocabulary,
            output_folder=tmp_path / "o",
        )
