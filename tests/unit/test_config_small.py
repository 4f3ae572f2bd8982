"""A study says what differs: the rest is recognized or a default, and stated in the resolved study."""

import json

import numpy as np
import pandas as pd
import pytest
import yaml
from safetensors.numpy import save_file

from changed_studies import SCHEMA, write_encoder
from miniature.config import plan
from miniature.config.defaults import fill_defaults, load_schema
from miniature.config.resolve import spell_out, write_resolved
from miniature.config.validate import StudyErrors, resolve_and_check
from miniature.data.build import build_split

CLASSIFIER = {
    "architectures": ["BertForSequenceClassification"],
    "id2label": {"0": "negative", "1": "positive"},
}
QUESTIONS = {"architectures": ["BertForQuestionAnswering"]}
ROWS = [{"id": f"r{i}", "text": f"text {i}", "label": i % 2} for i in range(30)]


def write_classifier(folder, classes=2, **more):
    """A checkpoint's configuration and the shape of its head: as much as is looked at here."""
    write_encoder(folder, **{**CLASSIFIER, **more})
    save_file({"classifier.weight": np.zeros((classes, 4), np.float32)}, folder / "model.safetensors")
    return folder


def write_rows(path, rows):
    if path.suffix == ".csv":
        names = list(rows[0])
        lines = [",".join(names), *(",".join(str(row[name]) for name in names) for row in rows)]
        path.write_text("\n".join(lines) + "\n")
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with two classifiers and a test file, and the smallest study of them."""
    monkeypatch.chdir(tmp_path)
    write_classifier(tmp_path / "large")
    write_classifier(tmp_path / "small")
    write_rows(tmp_path / "test.csv", ROWS)
    return {
        "reference": "large",
        "models": {"large": "large", "small": "small"},
        "datasets": {"reviews": "test.csv"},
    }


def resolve(study, tmp_path, name="shipping.yaml"):
    path = tmp_path / name
    path.write_text(yaml.safe_dump(study, sort_keys=False))
    return resolve_and_check(yaml.safe_load(path.read_text()), [path], SCHEMA)


def refusal(study, tmp_path):
    with pytest.raises(StudyErrors) as caught:
        resolve(study, tmp_path)
    return caught.value.errors


def test_the_smallest_study(here, tmp_path):
    assert len(yaml.safe_dump(here).splitlines()) <= 8
    config, sources, _ = resolve(here, tmp_path)
    assert config["study"] == "shipping"
    assert config["models"]["small"] == {"path": "small", "as_is": True}
    assert "its head is for classification" in sources["models", "small", "as_is"]
    assert config["datasets"]["reviews"] == {
        "splits": {"test": {"path": "test.csv", "examples": "all"}},
        "format": "csv",
        "task": "classification",
        "columns": {"text": "text", "label": "label", "id": "id"},
        "labels": {"negative": 0, "positive": 1},
    }
    measured = set(plan.measured(config))
    assert measured == {"errors", "representation", "calibration"} == set(config["verdict"])
    # Thirty examples have no hundred neighbors.
    assert config["characteristics"]["representation"]["k_max"] == 29
    assert config["statistics"] == {"resamples": 2000, "blocks": 20, "rsa_examples": 1000, "family": "model"}
    assert "question_answering" not in config
    assert "training" not in config


def test_the_resolved_study_says_where_values_come_from_and_is_itself(here, tmp_path):
    resolved = resolve(here, tmp_path)
    text = write_resolved(resolved.config, resolved.sources)
    assert "seed: 0   # default\n" in text
    assert "format: csv   # the name of its file\n" in text
    assert "  large:\n    path: large\n    as_is: true   # its head" in text
    again = tmp_path / "again.yaml"
    again.write_text(text)
    assert resolve_and_check(yaml.safe_load(text), [again], SCHEMA) == (resolved.config, {}, [])


def test_every_default_is_one_that_the_schema_allows_and_does_nothing_twice(here, tmp_path):
    config = resolve(here, tmp_path).config
    before = json.dumps(config)
    assert list(fill_defaults(config, load_schema(), lambda place: True)) == []
    assert json.dumps(config) == before


@pytest.mark.parametrize(
    ("values", "classes", "labels"),
    [
        (
            ["negative", "positive"],
            ["negative", "positive"],
            {"negative": "negative", "positive": "positive"},
        ),
        (
            ["Positive", "Negative"],
            ["NEGATIVE", "POSITIVE"],
            {"NEGATIVE": "Negative", "POSITIVE": "Positive"},
        ),
        ([1, 0], ["LABEL_0", "LABEL_1"], {"LABEL_0": 0, "LABEL_1": 1}),
        ([0, 2], ["bad", "so-so", "good"], {"bad": 0, "so-so": 1, "good": 2}),
        (["good", "bad"], ["bad", "so-so", "good"], {"bad": "bad", "so-so": "so-so", "good": "good"}),
    ],
)
def test_labels_are_matched_with_outputs(here, tmp_path, values, classes, labels):
    for name in ("large-n", "small-n"):
        write_classifier(tmp_path / name, len(classes), id2label=dict(enumerate(classes)))
    here["models"] = {"large": "large-n", "small": "small-n"}
    write_rows(
        tmp_path / "test.csv", [row | {"label": values[i % len(values)]} for i, row in enumerate(ROWS)]
    )
    assert resolve(here, tmp_path).config["datasets"]["reviews"]["labels"] == labels


def test_labels_that_could_be_either_output(here, tmp_path):
    for name in ("large-n", "small-n"):
        write_classifier(tmp_path / name, id2label={"0": "LABEL_0", "1": "LABEL_1"})
    here["models"] = {"large": "large-n", "small": "small-n"}
    write_rows(tmp_path / "test.csv", [row | {"label": ["neg", "pos"][i % 2]} for i, row in enumerate(ROWS)])
    (error,) = refusal(here, tmp_path)
    assert "Nothing tells which label" in error.what
    for line in error.fix.split("\nor "):
        here["datasets"]["reviews"] = {"splits": {"test": "test.csv"}, **yaml.safe_load(line)}
        assert set(resolve(here, tmp_path).config["datasets"]["reviews"]["labels"].values()) == {"neg", "pos"}


def test_numbers_that_two_checkpoints_take_for_different_classes(here, tmp_path):
    write_classifier(tmp_path / "turned", id2label={"0": "positive", "1": "negative"})
    here["models"]["small"] = "turned"
    (error,) = refusal(here, tmp_path)
    assert "'large' numbers its classes negative, positive, and 'small' positive, negative" in error.what
    found = []
    for line in error.fix.split("\nor "):
        here["datasets"]["reviews"] = {"splits": {"test": "test.csv"}, **yaml.safe_load(line)}
        found.append(resolve(here, tmp_path).config["datasets"]["reviews"]["labels"])
    assert found == [{"negative": 0, "positive": 1}, {"negative": 1, "positive": 0}]
    # Names leave nothing to guess.
    write_rows(
        tmp_path / "test.csv",
        [row | {"label": ["negative", "positive"][i % 2]} for i, row in enumerate(ROWS)],
    )
    here["datasets"]["reviews"] = "test.csv"
    assert resolve(here, tmp_path).config["datasets"]["reviews"]["labels"]["negative"] == "negative"


def test_a_head_that_names_its_classes_goes_before_one_that_counts_them(here, tmp_path):
    write_classifier(tmp_path / "counted", id2label={"0": "LABEL_0", "1": "LABEL_1"})
    here |= {"reference": "counted", "models": {"counted": "counted", "small": "small"}}
    assert resolve(here, tmp_path).config["datasets"]["reviews"]["labels"] == {"negative": 0, "positive": 1}


def test_columns_by_their_usual_names(here, tmp_path):
    rows = [{"review": row["text"], "sentiment": row["label"]} for row in ROWS]
    here["datasets"]["reviews"] = str(write_rows(tmp_path / "other.jsonl", rows))
    found = resolve(here, tmp_path).config["datasets"]["reviews"]
    assert found["columns"] == {"text": "review", "label": "sentiment"}
    assert found["format"] == "jsonl"


def test_columns_that_could_be_two_things(here, tmp_path):
    rows = [{"review": row["text"], "comment": "none", "label": row["label"]} for row in ROWS]
    write_rows(tmp_path / "test.csv", rows)
    (error,) = refusal(here, tmp_path)
    assert "could be 'review' or 'comment'" in error.what
    for line in error.fix.split("\nor "):
        here["datasets"]["reviews"] = {"splits": {"test": "test.csv"}, **yaml.safe_load(line)}
        found = resolve(here, tmp_path).config["datasets"]["reviews"]["columns"]
        assert found["text"] in ("review", "comment")
        assert found["label"] == "label"


PAIR_ROWS = [{"id": f"r{i}", "s1": f"one {i}", "s2": f"other {i}", "label": i % 2} for i in range(30)]


def paired_as(first, second, **more):
    return [{first: row["s1"], second: row["s2"], "label": row["label"], **more} for row in PAIR_ROWS]


@pytest.mark.parametrize(
    ("first", "second"),
    [("premise", "hypothesis"), ("sentence1", "sentence2"), ("question", "sentence"), ("func1", "func2")],
)
def test_two_columns_of_texts_are_a_pair(here, tmp_path, first, second):
    write_rows(tmp_path / "test.csv", paired_as(first, second))
    config = resolve(here, tmp_path).config
    found = config["datasets"]["reviews"]["columns"]
    assert found == {"text": first, "text_pair": second, "label": "label"}
    table = build_split(config["datasets"]["reviews"], "test", name="reviews", seed=0)
    assert table[["text", "text_pair"]].iloc[2].tolist() == ["one 2", "other 2"]


def test_a_text_beside_a_pair_is_asked_about(here, tmp_path):
    write_rows(tmp_path / "test.csv", paired_as("premise", "hypothesis", text="whole"))
    (error,) = refusal(here, tmp_path)
    assert "could be text or premise with hypothesis" in error.what
    columns = []
    for line in error.fix.split("\nor "):
        here["datasets"]["reviews"] = {"splits": {"test": "test.csv"}, **yaml.safe_load(line)}
        columns.append(resolve(here, tmp_path).config["datasets"]["reviews"]["columns"])
    assert [c.get("text_pair") for c in columns] == [None, "hypothesis"]


def test_attacks_and_single_texts_are_not_for_pairs(here, tmp_path):
    write_rows(tmp_path / "test.csv", paired_as("premise", "hypothesis"))
    write_rows(tmp_path / "far.csv", ROWS)
    here["datasets"]["far"] = "far.csv"
    held = {"held_out_from": "train", "examples": 5}
    splits = {"train": "test.csv", "calibration": held, "test": "test.csv"}
    here["datasets"]["reviews"] = {"splits": splits}
    here["characteristics"] = {
        "errors": {"tasks": ["reviews"]},
        "vulnerability": {"tasks": ["reviews"], "examples": 9, "recipes": {"d": {"preset": "deepwordbug"}}},
        "distribution": {"tasks": {"reviews": ["far"]}, "bank_examples": 20, "k": [1]},
    }
    told = {error.what: error.fix for error in refusal(here, tmp_path)}
    (attack,) = [what for what in told if "which of the two to change" in what]
    (far,) = [what for what in told if "'reviews' holds pairs of texts, 'far' single texts" in what]
    assert told[attack] == "tasks: [far]"
    assert told[far] == "enabled: false"


def test_a_table_of_columns(here, tmp_path):
    pd.DataFrame(ROWS).to_parquet(tmp_path / "test.parquet")
    here["datasets"]["reviews"] = "test.parquet"
    config = resolve(here, tmp_path).config
    assert config["datasets"]["reviews"]["labels"] == {"negative": 0, "positive": 1}
    table = build_split(config["datasets"]["reviews"], "test", name="reviews", seed=0)
    assert table["text"].tolist() == [row["text"] for row in ROWS]


def test_no_column_of_labels(here, tmp_path):
    write_rows(tmp_path / "test.csv", [{"id": row["id"], "text": row["text"]} for row in ROWS])
    (error,) = refusal(here, tmp_path)
    assert "no column of labels" in error.what
    assert "test.csv" in error.what


def test_a_test_file_of_one_class(here, tmp_path):
    write_rows(tmp_path / "test.csv", [row | {"label": 1} for row in ROWS])
    (error,) = refusal(here, tmp_path)
    assert "of one class, '1'" in error.what


def test_models_of_two_tasks(here, tmp_path):
    write_encoder(tmp_path / "reader", **QUESTIONS)
    here["models"]["small"] = "reader"
    (error,) = refusal(here, tmp_path)
    assert "The checkpoint is for another task" in error.what
    assert "models.small" in error.where
    assert "BertForQuestionAnswering" in error.what


def test_an_encoder_without_a_head_can_be_trained_by_the_offered_line(here, tmp_path):
    for name in ("bare", "bare-2"):
        write_encoder(tmp_path / name, architectures=["BertModel"])
    here["models"] = {"large": "bare", "small": "bare-2"}
    told = refusal(here, tmp_path)
    here |= yaml.safe_load(told[0].fix.split("or, to fine-tune the models here: ")[1])
    here["datasets"]["reviews"] = {"splits": {"train": "train.csv", "test": "test.csv"}}
    write_rows(tmp_path / "train.csv", ROWS)
    config, sources, _ = resolve(here, tmp_path)
    assert config["training"]["reviews"]["epochs"] == 3
    assert config["training"]["reviews"]["order"] == "shuffled"
    assert sources["training", "reviews", "order"] == "default"
    assert "as_is" not in config["models"]["large"]


def test_every_mistake_in_one_round(here, tmp_path):
    """Of form, of names, of files and of checkpoints."""
    here |= {"sead": 1, "reference": "larg"}
    here["models"]["small"] = "smal"
    here["datasets"]["reviews"] = "test.cvs"
    told = "\n".join(map(str, refusal(here, tmp_path)))
    for word in ("seed: 1", "reference: large", "There is no model folder smal", "path: test.csv"):
        assert word in told
    here.pop("sead")
    here |= {"reference": "large", "models": {"large": "large", "small": "small"}}
    here["datasets"]["reviews"] = "test.csv"
    resolve(here, tmp_path)


def test_predictions_in_place_of_folders(here, tmp_path):
    for name in ("large.csv", "small.csv"):
        write_rows(tmp_path / name, [{"id": row["id"], "prediction": row["label"]} for row in ROWS])
    here["models"] = {"large": "large.csv", "small": "small.csv"}
    config = resolve(here, tmp_path).config
    assert config["models"]["large"] == {"predictions": {"reviews": {"path": "large.csv"}}}
    assert list(plan.measured(config)) == ["errors"]
    assert config["datasets"]["reviews"]["labels"] == {"0": 0, "1": 1}


def test_a_graph_in_place_of_a_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPORTED", str(tmp_path))
    (tmp_path / "model.onnx").touch()
    models = {"large": "large", "small": "small/model.onnx", "other": "other.csv", "folder": "${EXPORTED}"}
    study, _ = spell_out({"reference": "large", "models": models, "datasets": {"d": "test.csv"}}, ["s.yaml"])
    assert study["models"]["small"] == {"onnx": "small/model.onnx"}
    assert study["models"]["other"] == {"predictions": {"d": {"path": "other.csv"}}}
    assert study["models"]["folder"] == {"onnx": "${EXPORTED}/model.onnx"}


def test_other_trainings_of_ones_own_are_told_apart_by_their_names(here, tmp_path):
    write_classifier(tmp_path / "again")
    here["models"]["again"] = {"path": "again", "same_as_reference": True}
    models = resolve(here, tmp_path).config["models"]
    assert (models["large"]["origin"], models["again"]["origin"]) == ("large", "again")
