"""The real files: as many rows as they are known to have, and no complaint about any."""

import logging
import os

import pytest

from miniature.data.build import build_split

REAL = os.environ.get("MINIATURE_REAL_DATA")
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not REAL, reason="MINIATURE_REAL_DATA is not set to the folder of the real data"),
]


def build(task, kind, path, split, **options):
    splits = {split: {"path": f"{REAL}/{path}", "examples": "all"}}
    dataset = {"task": task, "format": kind, "splits": splits, **options}
    return build_split(dataset, split, name="real", seed=0)


@pytest.mark.parametrize(
    ("path", "split", "questions", "unanswerable", "contexts"),
    [
        ("squad2/train.json", "train", 8301, None, 836),
        ("squad2/test.json", "test", 3572, None, 368),
        ("squad2/dev-v2.0.json", "test", 11873, 5945, 1204),
    ],
)
def test_squad(path, split, questions, unanswerable, contexts, caplog):
    with caplog.at_level(logging.WARNING):
        table = build("question-answering", "squad", path, split)
    assert len(table) == questions
    assert table["cluster"].nunique() == contexts
    assert unanswerable in (None, int((~table["answerable"]).sum()))
    assert caplog.text == ""


def test_duorc_has_its_answers_withheld(caplog):
    with caplog.at_level(logging.WARNING):
        table = build("question-answering", "squad", "duorc/test.json", "test")
    assert len(table) == 1248
    assert table["answerable"].isna().all()
    assert "1248 of 1248 questions are withheld" in caplog.text


@pytest.mark.parametrize(("split", "rows"), [("train", 4000), ("test", 1000)])
def test_imdb_is_balanced(split, rows):
    options = {"labels": {"negative": 0, "positive": 1}, "columns": {"id": "id"}}
    table = build("classification", "jsonl", f"imdb/{split}.jsonl.gz", split, **options)
    assert table["label"].value_counts().to_dict() == {"negative": rows // 2, "positive": rows // 2}
    assert table["id"].str.startswith(f"{split}/").all()
