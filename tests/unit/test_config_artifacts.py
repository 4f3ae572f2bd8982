"""Studies of models given by what they put out: what may be left out, and mistakes told with a fix."""

import copy
from pathlib import Path

import numpy as np
import pytest
import yaml

from changed_studies import question_dataset, untrained_study
from miniature.config import plan
from miniature.config.validate import StudyErrors, validate_study
from miniature.retrieval import references as sources

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "config" / "schema.yaml"
COMMIT, DIGEST = "0" * 40, "f" * 64


@pytest.fixture
def study(tmp_path):
    """The least study there is: two models by their errors, one dataset, one characteristic."""
    (tmp_path / "dev.json").write_text('{"version": "v2.0", "data": []}')
    (tmp_path / "e.json").write_text("[]")
    np.save(tmp_path / "e.npy", np.zeros((1, 1)))
    models = {
        "large": {"errors": {"squad": {"path": str(tmp_path / "e.json")}}, "origin": "us"},
        "small": {"predictions": {"squad": {"path": str(tmp_path / "e.json")}}},
    }
    return untrained_study(
        "artifacts",
        models,
        {"squad": question_dataset(tmp_path / "dev.json")},
        {"errors": {"tasks": ["squad"]}},
        verdict={"errors": {"task": "squad", "measure": "jaccard", "keep": 0.8}},
    )


def validate(config, tmp_path):
    path = tmp_path / "study.yaml"
    path.write_text(yaml.safe_dump(config, sort_keys=False))
    return validate_study(config, [path], SCHEMA)


def test_no_training_vocabulary_inference_or_figure_is_needed(study, tmp_path):
    checked = validate(study, tmp_path)
    assert not {"training", "vocabulary", "inference", "classification", "figure1"} & checked.keys()
    assert plan.trained_models(study) == []
    assert plan.all_tasks(study) == ["squad"]
    assert plan.models_with(study, "errors", "squad") == ["large", "small"]
    assert plan.predicting_models(study, "squad") == ["small"]
    assert plan.origins(study) == {}
    assert plan.pairs_of(study, "distribution") == plan.pairs_of(study, "vulnerability") == []


def test_the_published_study_is_valid_with_and_without_copies(tmp_path, monkeypatch):
    path = ROOT / "config" / "published.yaml"
    config = yaml.safe_load(path.read_text())
    monkeypatch.delenv("MINIATURE_REAL_DATA", raising=False)
    away = validate_study(copy.deepcopy(config), [path], SCHEMA)
    pinned = sources.pinned_sources(away)
    assert len(pinned) == 15
    assert all("local" not in source for source in sources.all_sources(away))
    assert all(sources.source_url(source).startswith("https://") for source in pinned.values())
    assert all(source["licence"] for source in pinned.values())
    # A folder that holds none of the copies is the same as no folder.
    monkeypatch.setenv("MINIATURE_REAL_DATA", str(tmp_path))
    empty = validate_study(copy.deepcopy(config), [path], SCHEMA)
    assert set(sources.pinned_sources(empty)) == set(pinned)
    assert plan.origins(empty) == {
        "bert-large": "rai-2024", "google-bert-large": "google",
        "berkeley-bert-large-4": "berkeley-266", "berkeley-bert-large-5": "berkeley-266",
    }  # fmt: skip


def test_who_takes_part_in_what():
    source = {"path": "x"}
    splits = dict.fromkeys(("bank", "calibration", "test"), source)
    config = {
        "reference": "large",
        "models": {
            "large": {"path": "x"},
            "list": {"errors": {"squad": source}},
            "near": {"embeddings": {"squad": {"test": source}}},
            "far": {"embeddings": {"squad": splits, "news": {"test": source}}},
            "half": {"embeddings": {"squad": splits}, "predictions": {"other": source}},
        },
    }
    assert plan.trained_models(config) == ["large"]
    assert plan.models_with(config, "errors", "squad") == ["large", "list"]
    assert plan.models_with(config, "errors", "other") == ["large", "half"]
    assert plan.models_with(config, "representation", "squad") == ["large", "near", "far", "half"]
    assert plan.models_with(config, "distribution", "squad", "news") == ["large", "far"]
    assert plan.models_with(config, "vulnerability", "squad") == ["large"]


def source(**keys):
    return lambda c: c["models"]["small"].update(predictions={"squad": keys})


def small(**keys):
    return lambda c: c["models"]["small"].update(keys)


def remove_large_errors(config):
    config["models"]["large"] = {"embeddings": {"squad": {"test": {"path": "e.npy"}}}}


CASES = {
    "two ways": (source(path="e.json", url="https://a/b.json"), ["exactly one of path, url and repository"]),
    "no way": (source(sha256=DIGEST), ["exactly one of path, url and repository"]),
    "url without digest": (source(url="https://a/b.json"), ["needs 'sha256'", "same file tomorrow"]),
    "repository without commit": (
        source(repository="a/b", file="c.json", sha256=DIGEST),
        ["needs 'commit'"],
    ),
    "short commit": (
        source(repository="a/b", file="c.json", commit="0123", sha256=DIGEST),
        ["must look like eee5fdbf"],
    ),
    "http": (source(url="http://a/b.json", sha256=DIGEST), ["must look like https://"]),
    "commit beside url": (
        source(url="https://a/b.json", sha256=DIGEST, commit=COMMIT),
        ["'commit' means nothing beside 'url'"],
    ),
    "local beside path": (source(path="e.json", local="f.json"), ["'local' means nothing beside 'path'"]),
    "missing file": (source(path="/nowhere/p.json"), ["There is no file /nowhere/p.json"]),
    "wrong suffix": (
        source(url="https://a/b.bin", sha256=DIGEST),
        ["predictions ends in .csv or .tsv", "b.bin"],
    ),
    "unknown dataset": (
        lambda c: c["models"]["small"].update(predictions={"squat": {"path": "e.json"}}),
        ["no dataset 'squat'", "squad: ..."],
    ),
    "weights as well": (small(path="models/x"), ["'path' beside 'predictions'", "not both"]),
    "training as well": (small(training={}), ["'training' beside 'predictions'"]),
    "errors and predictions": (
        small(errors={"squad": {"path": "e.json"}}),
        ["has predictions and error lists"],
    ),
    "unknown split": (
        small(embeddings={"squad": {"train": {"path": "e.npy"}}}),
        ["'train'", "models.small.embeddings.squad"],
    ),
    "no origin": (small(same_as_reference=True), ["nothing says by whom", "origin: "]),
    "origin of the reference": (
        small(same_as_reference=True, origin="us"),
        ["have one origin, 'us'", "origin: another-group"],
    ),
    "reference without origin": (
        lambda c: (c["models"]["small"].update(same_as_reference=True, origin="x"),
                   c["models"]["large"].pop("origin")),
        ["the reference names none"],
    ),
    "reference the same as itself": (
        lambda c: c["models"]["large"].update(same_as_reference=True),
        ["The reference is itself"],
    ),
    "one model alone": (remove_large_errors, ["'errors' on 'squad'", "small alone has", "enabled: false"]),
    "weights without training": (
        lambda c: c["models"].update(
            third={"architecture": {"layers": 1, "hidden": 4, "heads": 1, "intermediate": 4}}
        ),
        ["The key 'training' is missing; 'third' is fine-tuned here", "no model is fine-tuned on it"],
    ),
    "teacher without weights": (
        lambda c: c["models"].update(
            third={
                "architecture": {"layers": 1, "hidden": 4, "heads": 1, "intermediate": 4},
                "teacher": "large",
            }
        ),
        ["'large' is given without weights and cannot teach"],
    ),
    "verdict on probabilities that nobody has": (
        lambda c: c["verdict"]["errors"].update(measure="js_divergence"),
        ["'js_divergence' compares probabilities, and the reference 'large'", "measure: jaccard"],
    ),
    "verdict on probabilities of error lists": (
        lambda c: c["verdict"]["errors"].update(measure="probability_loyalty"),
        ["'probability_loyalty' compares", "neither weights nor predictions", "measure: jaccard"],
    ),
    "unknown format of predictions": (
        source(path="e.json", format="lm-evl"),
        ["no format of predictions 'lm-evl'", "format: lm-eval"],
    ),
    "unknown role of a column": (
        source(path="e.json", columns={"predicton": "answer"}),
        ["'predicton' is nothing that predictions have", "columns: {prediction: answer}"],
    ),
    "classes of a file where the data have none": (
        source(path="e.json", labels={"yes": 1, "no": 0}),
        ["gives the value in that file for each class of the data", "remove labels"],
    ),
    "split with two files": (
        lambda c: c["datasets"]["squad"]["splits"]["test"].update(
            source={"url": "https://a/b.json", "sha256": DIGEST}
        ),
        ["'source' beside 'path' says two things"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_mistake_is_told_with_place_and_fix(case, study, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    change, parts = CASES[case]
    change(study)
    with pytest.raises(StudyErrors) as caught:
        validate(study, tmp_path)
    message = str(caught.value)
    assert all(part in message for part in parts), message
    assert "study.yaml" in message
