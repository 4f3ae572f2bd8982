"""Cheap checks before the workflow starts: each mistake is told once, with a line to paste."""

import gzip
import json

import pytest

from miniature.config.checks.datasets import check_source


@pytest.fixture
def good(tmp_path):
    (tmp_path / "train.json").write_text(json.dumps({"data": []}))
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "t.jsonl.gz").write_bytes(gzip.compress(b"{}"))
    return {
        "task": "question-answering",
        "format": "squad",
        "splits": {
            "train": {"path": str(tmp_path / "train.json"), "examples": "all"},
            "calibration": {"held_out_from": "train", "examples": 5},
        },
    }


def messages(dataset):
    return [str(error) for error in check_source(dataset, "mine")]


def test_nothing_wrong(good, tmp_path):
    assert messages(good) == []
    world = {
        "task": "question-answering",
        "format": "world",
        "domain": "news",
        "splits": {"test": {"examples": 3}},
    }
    assert messages(world) == []
    texts = {
        "task": "classification",
        "format": "jsonl",
        "labels": {"a": 0, "b": 1},
        "splits": {"test": {"path": str(tmp_path / "t.jsonl.gz"), "examples": 1}},
    }
    assert messages(texts) == []


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"path": "{folder}/trian.json"}, "path: {folder}/train.json"),
        ({"path": "{folder}"}, "is not a file"),
        ({"path": "${{NOWHERE_SET}}/x.json"}, "export NOWHERE_SET="),
        ({"path": "{folder}/notes.txt"}, "a file that ends in .csv or .tsv"),
        ({"examples": "all"}, "names no file"),
        ({"path": "{folder}/train.json", "examples": 0}, "0 is no number of examples"),
        ({"path": "{folder}/train.json", "size": 3}, "no key 'size'"),
        ({"held_out_from": "dev", "examples": 3}, "Nothing can be held out of 'dev'"),
        ({"held_out_from": "train", "examples": "all"}, "needs a number of examples"),
    ],
)
def test_one_mistake_in_a_split(good, tmp_path, entry, words):
    good["splits"]["test"] = {k: v.format(folder=tmp_path) if k == "path" else v for k, v in entry.items()}
    (message,) = messages(good)
    assert words.format(folder=tmp_path) in message
    assert "datasets: mine: splits: test" in message
    assert "fix:" in message


def test_first_bytes_are_looked_at(good, tmp_path):
    (tmp_path / "train.json").write_bytes(b"")
    assert "is empty" in messages(good)[0]
    (tmp_path / "train.json").write_bytes(gzip.compress(b"{}"))
    assert "gzip file without the suffix" in messages(good)[0]
    (tmp_path / "train.json.gz").write_text("{}")
    good["splits"]["train"]["path"] += ".gz"
    assert "not a gzip file" in messages(good)[0]


def test_all_mistakes_are_given_at_once():
    dataset = {
        "task": "classification",
        "format": "aclimdb",
        "labels": {"a": 0, "b": "0"},
        "columns": {"body": "x"},
        "splits": {"train": {"path": "/nowhere/at/all"}, "test": {"examples": 1}},
    }
    found = messages(dataset)
    assert len(found) == 4
    assert any("same value" in message for message in found)
    assert any("no role of a column" in message for message in found)


def test_aclimdb_root_instead_of_its_train_folder(tmp_path):
    for folder in ("train/neg", "train/pos"):
        (tmp_path / folder).mkdir(parents=True)
    dataset = {
        "task": "classification",
        "format": "aclimdb",
        "labels": {"negative": "neg", "positive": "pos"},
        "splits": {"train": {"path": str(tmp_path), "examples": "all"}},
    }
    (message,) = messages(dataset)
    assert f"path: {tmp_path}/train" in message
    dataset["splits"]["train"]["path"] += "/train"
    assert messages(dataset) == []


def test_format_and_task_must_fit(good):
    assert "does not hold data for question-answering" in messages({**good, "format": "csv"})[0]
    assert "no task 'qa'" in messages({**good, "task": "qa"})[0]
