"""A study with a mistake is refused before any job, with the place and the line to paste."""

import copy
import gzip
import re

import pytest
import yaml

from changed_studies import REMOVED, ROOT, SCHEMA, TINY, changed, validate, write_encoder
from miniature.config.defaults import load_schema
from miniature.config.resolve import write_resolved
from miniature.config.validate import StudyErrors, resolve_and_check, validate_study
from miniature.messages import StudyError
from miniature.names import CONFIG_NAME, NAME, REVISION

SHIPPED = ["config.yaml", "config/paper.yaml", "tests/config/hub.yaml", "tests/config/tiny.yaml"]


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_studies_are_valid(name, tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    path = ROOT / name
    config = yaml.safe_load(path.read_text())
    resolved = resolve_and_check(config, [path], SCHEMA)
    assert lay(config, copy.deepcopy(resolved.config)) == resolved.config
    # Read back, the resolved study is itself, and leaves nothing to fill in.
    again = yaml.safe_load(write_resolved(resolved.config, resolved.sources))
    written = tmp_path / "study.yaml"
    written.write_text(yaml.safe_dump(again))
    assert resolve_and_check(again, [written], SCHEMA) == (resolved.config, {}, [])


def lay(over, under):
    """A mapping laid over another, as Snakemake does it."""
    for key, value in over.items():
        if isinstance(value, dict) and isinstance(under.get(key), dict):
            lay(value, under[key])
        else:
            under[key] = value
    return under


def merged(*names):
    """Files laid over each other."""
    config = {}
    for name in names:
        lay(yaml.safe_load((ROOT / name).read_text()), config)
    return config


@pytest.mark.parametrize(
    "names",
    [
        ["config/published.yaml"],
        ["config/paper.yaml", "config/overlays/authors-segments.yaml"],
        ["tests/config/real.yaml"],
        ["tests/config/real.yaml", "tests/config/real-trimmed.yaml"],
        ["tests/config/real-techniques.yaml"],
        ["config/techniques.yaml"],
    ],
    ids=lambda names: names[-1],
)
def test_shipped_studies_of_files_elsewhere_are_valid(names, tmp_path, monkeypatch):
    data, encoder = tmp_path / "data", tmp_path / "encoder"
    for file in ("squad2/train.json", "squad2/test.json", "duorc/test.json"):
        (data / file).parent.mkdir(parents=True, exist_ok=True)
        (data / file).write_text('{"version": "v2.0", "data": []}')
    for split in ("train", "test"):
        (data / "imdb").mkdir(exist_ok=True)
        (data / f"imdb/{split}.jsonl.gz").write_bytes(gzip.compress(b"{}"))
    write_encoder(encoder)
    monkeypatch.setenv("MINIATURE_REAL_DATA", str(data))
    monkeypatch.setenv("MINIATURE_REAL_ENCODER", str(encoder))
    validate_study(merged(*names), [ROOT / name for name in names], SCHEMA)


def test_schema_and_wildcards_share_one_pattern():
    schema = load_schema(SCHEMA)
    assert schema["$defs"]["name"]["pattern"] == f"^{NAME}$"
    assert schema["$defs"]["revision"]["pattern"] == f"^{REVISION}$"
    config_name = schema["$defs"]["dataset"]["properties"]["config_name"]
    assert config_name["pattern"] == f"^{CONFIG_NAME}$"


CASES = {
    "unknown key": ([(("sead",), 3)], ["Unknown key 'sead'", "remove it; 'seed' is there already"]),
    "missing key": ([(("models",), REMOVED)], ["'models' is missing", "models: {large: "]),
    "number written as text": (
        [(("training", "reviews", "learning_rate"), "3e-5")],
        ["must be a number", "learning_rate: 3.0e-5"],
    ),
    "wrong choice": ([(("compute", "device"), "gpu")], ["must be one of cpu, cuda", "device: "]),
    "too small": ([(("compute", "threads"), 0)], ["must be at least 1", "threads: 1"]),
    "no replicates asked for": (
        [(("models", "large", "replicates"), 0)],
        ["must be at least 1", "models.large.replicates", "replicates: 3"],
    ),
    "too many replicates": (
        [(("models", "small", "replicates"), 21)],
        ["must be at most 20", "replicates: 3"],
    ),
    "replicate by hand": (
        [(("models", "large.seed1"), {"path": "x"})],
        ["'large.seed1'", "large-seed1: ..."],
    ),
    "control that is none": (
        [(("control",), {"batch_tokens": 2048, "threads": 1})],
        ["same batch_tokens", "batch_tokens: 512", "same threads", "threads: 2"],
    ),
    "too few resamples": (
        [(("statistics", "resamples"), 20)],
        ["must be at least 100", "statistics.resamples", "resamples: 2000"],
    ),
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
        ["k = 200 needs bank_examples to be at least 200", "bank_examples: 200"],
    ),
    "attack on questions": (
        [(("characteristics", "vulnerability", "tasks"), ["encyclopedia"])],
        ["'vulnerability' is defined for classification; 'encyclopedia'"],
    ),
    "calibration of questions": (
        [(("characteristics", "calibration", "tasks"), ["encyclopedia"])],
        ["'calibration' is defined for classification and multiple-choice", "tasks: [reviews]"],
    ),
    "more attacks than examples": (
        [(("characteristics", "vulnerability", "examples"), 100)],
        ["needs at least that many test examples; 'reviews' has 60", "examples: 60"],
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
    "verdict at a k that the measure has not": (
        [(("verdict", "representation", "measure"), "cka")],
        ["'k' means nothing for 'cka', which is not measured against K", "remove k"],
    ),
    "panel of a measure without k": (
        [(("figure1", "panels", "a", "measure"), "rsa")],
        ["'rsa' is not measured against K, which panel a shows", "measure: jaccard"],
    ),
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


@pytest.mark.parametrize("measure", ["jaccard_area", "cka", "cka_debiased", "procrustes", "rsa"])
def test_verdict_on_embeddings_as_a_whole_has_no_k(measure, tmp_path):
    block = {"task": "encyclopedia", "measure": measure, "keep": 0.8}
    assert (
        validate(changed((("verdict", "representation"), block)), tmp_path)["verdict"]["representation"]
        == block
    )


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
