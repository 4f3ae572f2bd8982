"""Logs of evaluation harnesses in place of checkpoints: what they hold, and the studies made of them."""

import os
from pathlib import Path

import pytest
import yaml
from test_predictions_formats import (
    EVERY,
    INSPECT_HEADER,
    INSPECT_SAMPLE,
    filters,
    lm_eval_folder,
    sample,
    write_lines,
    zipped,
)

from miniature.cli.main import main
from miniature.config.validate import resolve_and_check
from miniature.predictions.logs import Reading, is_log, readings_of

REAL = os.environ.get("MINIATURE_REAL_DATA")
GENERATED = {"em": [("a", 1.0), ("b", 0.0)]}
FILTERED = GENERATED | {"loose": [("a", 1.0), ("b", 1.0)]}
FIGURES = {"gsm8k": {"em,em": 0.5, "em_stderr,em": 0.1, "em,loose": 1.0}}


def test_tasks_of_a_folder(tmp_path):
    folder = lm_eval_folder(tmp_path / "run", [sample(0), sample(1)], task="arc")
    lm_eval_folder(folder, filters(FILTERED), task="gsm8k", results=FIGURES)
    assert is_log(folder)
    assert readings_of(str(folder)) == [
        Reading("arc", "multiple-choice", True, "arc"),
        Reading("gsm8k-em", "generation", False, "gsm8k", "em"),
        Reading("gsm8k-loose", "generation", False, "gsm8k", "loose"),
    ]


def test_a_group_is_one_benchmark_where_its_tasks_are_of_one_kind(tmp_path):
    groups = {"board": ["mmlu", "ifeval"], "mmlu": ["mmlu_stem"], "mmlu_stem": ["mmlu_a", "mmlu_b"]}
    folder = tmp_path / "run"
    for task in ("mmlu_a", "mmlu_b"):
        lm_eval_folder(folder, [sample(0)], task=task, group_subtasks=groups)
    lm_eval_folder(folder, filters(GENERATED), task="ifeval", group_subtasks=groups)
    assert [(one.name, one.kind) for one in readings_of(str(folder))] == [
        ("mmlu", "multiple-choice"), ("ifeval", "generation"),
    ]  # fmt: skip


def test_logs_of_other_harnesses(tmp_path):
    header = INSPECT_HEADER | {"eval": INSPECT_HEADER["eval"] | {"task": "owner/gpqa"}}
    inspect = zipped(tmp_path / "l.eval", {"samples/a_epoch_1.json": INSPECT_SAMPLE}, header)
    assert readings_of(str(inspect)) == [Reading("gpqa", "multiple-choice", False)]
    every = write_lines(tmp_path / "x_samples.jsonl", [EVERY, EVERY | {"evaluation_name": "u"}])
    assert [(one.name, one.benchmark) for one in readings_of(str(every))] == [("t", "t"), ("u", "u")]


@pytest.mark.parametrize("content", ['{"id": "a", "text": "x", "label": 1}\n', "", "{"])
def test_what_is_no_log(tmp_path, content):
    (tmp_path / "test.jsonl").write_text(content)
    assert not is_log(tmp_path / "test.jsonl")
    assert not is_log(tmp_path)
    assert not is_log(tmp_path / "nothing")


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Two folders of lm-eval with two tasks each, of which one is common."""
    monkeypatch.chdir(tmp_path)
    for name, other, chosen in (("large", "boolq", 1), ("small", "piqa", 0)):
        folder = lm_eval_folder(tmp_path / name, [sample(i, chosen=chosen) for i in range(3)], task="arc")
        lm_eval_folder(folder, [sample(0)], task=other)
    return tmp_path


def test_two_folders_are_a_study_of_the_tasks_that_both_have(here, capsys):
    assert main(["new", "large", "small", "--study", "s"]) == 0
    assert "left out: boolq, which small does not have" in capsys.readouterr().err
    study = yaml.safe_load((here / "s.yaml").read_text())
    assert study["models"] == {"large": "large", "small": "small"}
    assert study["datasets"] == {
        "arc": {"task": "multiple-choice", "format": "predictions", "splits": {"test": "large"}}
    }
    assert study["characteristics"] == {"errors": {}, "calibration": {"tasks": ["arc"]}}
    assert main(["check", "s.yaml"]) == 0
    assert main(["new", "large", "small", "--study", "s", "--data", "large"]) == 0
    # By hand it may be shorter still, and means the same.
    study["datasets"]["arc"] = "large"
    resolved = resolve_and_check(study, [here / "s.yaml"]).config
    assert resolved["models"]["small"] == {"predictions": {"arc": {"path": "small"}}}
    assert resolved["datasets"]["arc"]["task"] == "multiple-choice"


def test_filters_and_other_trainings_are_written_out(here):
    for name in ("large", "small", "again"):
        lm_eval_folder(here / name, filters(FILTERED), task="gsm8k", results=FIGURES)
    words = ["new", "large", "small", "--again", "again", "--data", "gsm8k", "--study", "s"]
    assert main(words) == 0
    study = yaml.safe_load((here / "s.yaml").read_text())
    assert list(study["datasets"]) == ["gsm8k-em", "gsm8k-loose"]
    assert study["models"]["again"] == {
        "predictions": {
            "gsm8k-em": {"path": "again", "benchmark": "gsm8k", "filter": "em"},
            "gsm8k-loose": {"path": "again", "benchmark": "gsm8k", "filter": "loose"},
        },
        "floor": "retrained",
    }
    assert main(["check", "s.yaml"]) == 0


@pytest.mark.parametrize(
    ("own", "floor"), [({"model_sha": "b"}, "retrained"), ({"model_sha": "a"}, "rerun"), ({}, "retrained")]
)
def test_the_same_weights_run_again_are_no_other_training(here, capsys, own, floor):
    for name, config in (("large", {"model_sha": "a"} if own else {}), ("again", own)):
        config = {"model_args": f"pretrained=o/m,batch_size={len(name)}"} | config if own else {}
        lm_eval_folder(here / name, [sample(i) for i in range(3)], task="arc", config=config)
    assert main(["new", "large", "small", "--again", "again", "--study", "s"]) == 0
    assert ("the same model run again" in capsys.readouterr().err) == (floor == "rerun")
    assert yaml.safe_load((here / "s.yaml").read_text())["models"]["again"]["floor"] == floor
    assert main(["check", "s.yaml"]) == 0


def test_what_no_log_has_is_told_with_what_they_have(here, capsys):
    assert main(["new", "large", "small", "--data", "boolq"]) == 3
    told = capsys.readouterr().err
    assert "small: arc, piqa" in told
    assert "--data arc" in told
    (here / "small" / "samples_arc_2026-01-01T00-00-00.000001.jsonl").unlink()
    assert main(["new", "large", "small"]) == 3
    assert "log the same tasks for every model" in capsys.readouterr().err
    assert main(["new", "large"]) == 3
    assert "miniature audit large logs/small" in capsys.readouterr().err


@pytest.mark.skipif(not REAL, reason="MINIATURE_REAL_DATA names no folder with real files")
def test_real_folders_of_lm_eval(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folders = [str(Path(REAL) / "lm-eval" / f"smollm2-135m-{name}") for name in ("fp32", "rtn-w8", "rtn-w4")]
    assert main(["new", *folders, "--study", "s"]) == 0
    assert main(["check", "s.yaml"]) == 0
    study = yaml.safe_load(Path("s.yaml").read_text())
    assert list(study["datasets"]) == ["imdb_local", "squad_local-strict-match", "squad_local-first-words"]
