"""A study with a mistake is refused before any job, with the place and the line to paste."""

import copy
import re
from pathlib import Path

import pytest
import yaml

from miniature.config.names import NAME
from miniature.config.schema import load_schema
from miniature.config.validate import StudyErrors, validate_study
from miniature.messages import StudyError

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "config" / "schema.yaml"
TINY = ROOT / "tests" / "config" / "tiny.yaml"


def validate(text, tmp_path):
    path = tmp_path / "study.yaml"
    path.write_text(text)
    return validate_study(yaml.safe_load(text), [path], SCHEMA)


def changed(*edits):
    config = yaml.safe_load(TINY.read_text())
    for place, value in edits:
        node = config
        *parents, last = place
        for key in parents:
            node = node[key]
        if value is REMOVED:
            del node[last]
        else:
            node[last] = value
    return yaml.safe_dump(config, sort_keys=False)


REMOVED = object()


@pytest.mark.parametrize("name", ["config.yaml", "config/paper.yaml", "tests/config/tiny.yaml"])
def test_shipped_studies_are_valid(name):
    path = ROOT / name
    config = yaml.safe_load(path.read_text())
    assert validate_study(config, [path], SCHEMA) == config


def test_schema_and_wildcards_share_one_pattern():
    schema = load_schema(SCHEMA)
    assert schema["$defs"]["name"]["pattern"] == f"^{NAME}$"


CASES = {
    "unknown key": ([(("sead",), 3)], ["Unknown key 'sead'", "seed: ..."]),
    "missing key": ([(("seed",), REMOVED)], ["'seed' is missing", "seed: 0"]),
    "missing training key": (
        [(("training", "reviews", "epochs"), REMOVED)],
        ["'epochs' is missing", "training.reviews", "epochs: 3"],
    ),
    "number written as text": (
        [(("training", "reviews", "learning_rate"), "3e-5")],
        ["must be a number", "learning_rate: 3.0e-5"],
    ),
    "wrong choice": ([(("compute", "device"), "gpu")], ["must be one of cpu, cuda", "device: "]),
    "too small": ([(("compute", "threads"), 0)], ["must be at least 1", "threads: 1"]),
    "model name with a slash": (
        [
            (
                ("models", "google/bert"),
                {"architecture": {"layers": 1, "hidden": 4, "heads": 1, "intermediate": 4}},
            )
        ],
        ["'google/bert'", "google-bert: ..."],
    ),
    "study name with a path": ([(("study",), "../elsewhere")], ["'../elsewhere'", "study: elsewhere"]),
    "study name with a newline": ([(("study",), "tiny\n")], ["study: tiny"]),
    "unknown reference": ([(("reference",), "larg")], ["no model 'larg'", "reference: large"]),
    "two sources": ([(("models", "small", "path"), "x")], ["exactly one of", "'small'"]),
    "no source": ([(("models", "small"), {})], ["exactly one of", "none"]),
    "missing folder": ([(("models", "small"), {"path": "/nowhere"})], ["/nowhere"]),
    "heads do not divide": (
        [(("models", "small", "architecture", "heads"), 3)],
        ["not a multiple of heads", "heads: 2"],
    ),
    "hub without revision": ([(("models", "small"), {"hub": "a/b"})], ["needs a revision", "revision: main"]),
    "teacher of itself": ([(("models", "pupil", "teacher"), "pupil")], ["circle"]),
    "unknown teacher": ([(("models", "pupil", "teacher"), "lage")], ["no model 'lage'", "teacher: large"]),
    "teacher without distillation": (
        [(("training", "reviews", "distillation"), REMOVED)],
        ["how to distil on 'reviews'"],
    ),
    "no vocabulary": ([(("vocabulary",), REMOVED)], ["needs a vocabulary", "vocabulary: {size"]),
    "dataset without train": (
        [(("datasets", "reviews", "splits", "train"), REMOVED)],
        ["has no train split", "train: {path"],
    ),
    "no calibration": (
        [(("datasets", "encyclopedia", "splits", "calibration"), REMOVED)],
        ["no calibration split", "held_out_from: train"],
    ),
    "file format without a path": (
        [
            (
                ("datasets", "news"),
                {"task": "question-answering", "format": "squad", "splits": {"test": {"examples": 5}}},
            )
        ],
        ["'test' needs a path"],
    ),
    "missing file": (
        [
            (
                ("datasets", "news"),
                {
                    "task": "question-answering",
                    "format": "squad",
                    "splits": {"test": {"path": "/nowhere/dev.json", "examples": 5}},
                },
            )
        ],
        ["/nowhere/dev.json"],
    ),
    "unset variable": (
        [
            (
                ("datasets", "news"),
                {
                    "task": "question-answering",
                    "format": "squad",
                    "splits": {"test": {"path": "${NOT_SET_ANYWHERE}/dev.json", "examples": 5}},
                },
            )
        ],
        ["NOT_SET_ANYWHERE is not set", "export NOT_SET_ANYWHERE="],
    ),
    "format of another task": (
        [(("datasets", "reviews", "format"), "squad"), (("datasets", "reviews", "domain"), REMOVED)],
        ["does not hold classification data"],
    ),
    "k_max above the test set": (
        [(("characteristics", "representation", "k_max"), 60)],
        ["needs more than that many test examples", "k_max: 59"],
    ),
    "k above the bank": (
        [(("characteristics", "distribution", "k"), [1, 200])],
        ["needs at least 200 bank examples", "bank_examples: 200"],
    ),
    "attack on questions": (
        [(("characteristics", "vulnerability", "tasks"), ["encyclopedia"])],
        ["Attacks are defined for classification"],
    ),
    "more attacks than examples": (
        [(("characteristics", "vulnerability", "examples"), 100)],
        ["has 60 test examples", "examples: 60"],
    ),
    "unknown recipe key": (
        [(("characteristics", "vulnerability", "recipes", "bert-attack", "max_candidate"), 4)],
        ["max_candidate", "max_candidates"],
    ),
    "unknown masked lm": (
        [(("characteristics", "vulnerability", "recipes", "bert-attack", "masked_lm"), "word")],
        ["no masked language model 'word'", "masked_lm: words"],
    ),
    "out of distribution of itself": (
        [(("characteristics", "distribution", "tasks"), {"encyclopedia": ["encyclopedia"]})],
        ["cannot be out of distribution of itself"],
    ),
    "out of distribution of another kind": (
        [(("characteristics", "distribution", "tasks"), {"encyclopedia": ["reviews"]})],
        ["a model cannot read both"],
    ),
    "verdict at an unmeasured k": (
        [(("verdict", "distribution", "k"), 7)],
        ["not among those measured", "k: 1"],
    ),
    "verdict on a switched-off task": ([(("verdict", "errors", "task"), "news")], ["not a task of 'errors'"]),
    "panel of nothing": (
        [(("characteristics", "distribution", "enabled"), False)],
        ["Panel c shows 'distribution', which is not enabled"],
    ),
    "stride too long": ([(("question_answering", "stride"), 90)], ["stride of 90 does not fit", "stride: "]),
}


@pytest.mark.parametrize("case", CASES)
def test_mistake_is_told_with_place_and_fix(case, tmp_path):
    edits, expected = CASES[case]
    with pytest.raises(StudyErrors) as caught:
        validate(changed(*edits), tmp_path)
    message = str(caught.value)
    for part in expected:
        assert part in message, message
    assert "study.yaml" in message or "/nowhere" in message


def test_all_mistakes_at_once_in_the_order_of_the_file(tmp_path):
    with pytest.raises(StudyErrors) as caught:
        validate(changed((("sead",), 3), (("seed",), -1), (("compute", "threads"), "two")), tmp_path)
    assert len(caught.value.errors) == 3
    lines = [int(re.search(r"study.yaml:(\d+)", str(error)).group(1)) for error in caught.value.errors]
    assert lines == sorted(lines)


def test_key_written_twice(tmp_path):
    with pytest.raises(StudyErrors, match="'seed' is written twice"):
        validate(TINY.read_text().replace("seed: 1\n", "seed: 1\nseed: 2\n"), tmp_path)


def test_line_number_points_at_the_key(tmp_path):
    text = TINY.read_text().replace("device: cpu", "device: gpu")
    line = next(i for i, t in enumerate(text.splitlines(), 1) if "device: gpu" in t)
    with pytest.raises(StudyErrors, match=rf"study.yaml:{line}: compute.device"):
        validate(text, tmp_path)


def test_not_yaml(tmp_path):
    path = tmp_path / "study.yaml"
    path.write_text("study: [tiny\nseed: 1\n")
    with pytest.raises(StudyError, match="not YAML"):
        validate_study({}, [path], SCHEMA)


def test_yaml_that_builds_objects_builds_none(tmp_path):
    path = tmp_path / "study.yaml"
    marker = tmp_path / "ran"
    path.write_text(f"study: !!python/object/apply:os.mkdir ['{marker}']\n")
    with pytest.raises(StudyError):
        validate_study({"study": "x"}, [path], SCHEMA)
    assert not marker.exists()


def test_paths_are_expanded_in_a_copy(tmp_path, monkeypatch):
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "dev.json").write_text('{"version": "v2.0", "data": []}')
    monkeypatch.setenv("SOME_FOLDER", str(folder))
    config = yaml.safe_load(TINY.read_text())
    config["datasets"]["news"] = {
        "task": "question-answering", "format": "squad",
        "splits": {"test": {"path": "${SOME_FOLDER}/dev.json", "examples": 5}},
    }  # fmt: skip
    before = copy.deepcopy(config)
    path = tmp_path / "study.yaml"
    path.write_text(yaml.safe_dump(config))
    expanded = validate_study(config, [path], SCHEMA)
    assert expanded["datasets"]["news"]["splits"]["test"]["path"] == f"{folder}/dev.json"
    assert config == before
