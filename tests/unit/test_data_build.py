"""Splits: seeded, in source order, disjoint in clusters, the same whichever is built first."""

import json
import logging

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from miniature.data.build import build_split, hold_out
from miniature.data.tables import CLASSIFICATION_SCHEMA, QA_SCHEMA, check_table
from miniature.messages import StudyError


@pytest.fixture
def dataset(tmp_path):
    paragraphs = []
    for p in range(30):
        context = f"Town {p} is old."
        qas = [
            {
                "id": f"{p}-{q}",
                "question": "Which?",
                "is_impossible": False,
                "answers": [{"text": f"Town {p}", "answer_start": 0}],
            }
            for q in range(1 + p % 4)
        ]
        paragraphs.append({"context": context, "qas": qas})
    path = tmp_path / "train.json"
    path.write_text(json.dumps({"data": [{"title": "T", "paragraphs": paragraphs}]}))
    return {
        "task": "question-answering",
        "format": "squad",
        "splits": {
            "train": {"path": str(path), "examples": 40},
            "calibration": {"held_out_from": "train", "examples": 10},
            "test": {"path": str(path), "examples": "all"},
        },
    }


def build(dataset, split, seed=0, **options):
    return build_split(dataset, split, name="mine", seed=seed, **options)


def test_splits_have_the_rows_asked_for_in_source_order_and_share_no_cluster(dataset):
    everything = build(dataset, "test")
    position = {identifier: row for row, identifier in enumerate(everything["id"])}
    tables = {split: build(dataset, split) for split in ("calibration", "train")}
    assert {split: len(table) for split, table in tables.items()} == {"calibration": 10, "train": 40}
    for table in tables.values():
        rows = [position[identifier] for identifier in table["id"]]
        assert rows == sorted(rows)
        assert list(table.index) == list(range(len(table)))
    assert not set(tables["train"]["cluster"]) & set(tables["calibration"]["cluster"])


def test_bank_is_a_part_of_train_in_its_order(dataset):
    train, bank = build(dataset, "train"), build(dataset, "bank", bank_examples=15)
    assert len(bank) == 15
    assert list(bank["id"]) == [identifier for identifier in train["id"] if identifier in set(bank["id"])]
    with pytest.raises(StudyError, match=r"a sample of 41 training examples, and .* has 40") as error:
        build(dataset, "bank", bank_examples=41)
    assert error.value.where == "characteristics: distribution: bank_examples"
    assert error.value.fix == "bank_examples: 40"


def test_seed_and_nothing_else_decides(dataset):
    assert build(dataset, "train").equals(build(dataset, "train"))
    assert not build(dataset, "train").equals(build(dataset, "train", seed=1))
    reordered = {**dataset, "splits": dict(reversed(dataset["splits"].items()))}
    assert build(reordered, "train").equals(build(dataset, "train"))


def test_sampling_train_otherwise_leaves_calibration_as_it_is(dataset):
    before = build(dataset, "calibration")
    dataset["splits"]["train"]["examples"] = 20
    assert build(dataset, "calibration").equals(before)


def test_more_than_there_is_is_refused_with_what_there_is(dataset):
    dataset["splits"]["test"]["examples"] = 100
    with pytest.raises(StudyError, match="100 examples are asked for, and there are 73") as caught:
        build(dataset, "test")
    assert "datasets: mine: splits: test" in caught.value.where
    assert caught.value.fix.startswith("examples: 73")
    dataset["splits"]["calibration"]["examples"] = 73
    with pytest.raises(StudyError, match="cannot be held out"):
        build(dataset, "train")
    with pytest.raises(StudyError, match="no split 'dev'"):
        build(dataset, "dev")


def test_calibration_follows_the_strict_rules_of_the_train_file(dataset, tmp_path):
    path = tmp_path / "train.json"
    path.write_text(path.read_text().replace('"Town 3"', '"Oslo"', 1))
    assert len(build(dataset, "test")) == 73
    for split in ("train", "calibration"):
        with pytest.raises(StudyError, match="Oslo"):
            build(dataset, split)


def test_unanswerable_questions_that_are_asked_for_must_be_there(dataset, caplog):
    with caplog.at_level(logging.WARNING):
        build(dataset, "train")
    assert "never taught to give no answer" in caplog.text
    with pytest.raises(StudyError, match="asked for, and there are none"):
        build({**dataset, "unanswerable": True}, "test")


@given(
    st.lists(st.integers(0, 12), min_size=4, max_size=60),
    st.integers(1, 10),
    st.integers(1, 5),
    st.integers(0, 9),
)
def test_hold_out_deals_every_cluster_at_most_once(clusters, first, second, seed):
    clusters = pd.Series([f"c{c}" for c in clusters])
    held = {"calibration": first, "test": second}
    try:
        parts = hold_out(clusters, held, "train", name="d", seed=seed)
    except StudyError:
        # Only refused when it may truly not be possible: with whole clusters taken and one left over.
        largest = clusters.value_counts().iloc[0]
        assert len(clusters) < first + second + 3 * largest
        return
    rows = np.concatenate(list(parts.values()))
    assert sorted(rows) == list(range(len(clusters)))
    owners = [set(clusters.iloc[part]) for part in parts.values()]
    assert sum(map(len, owners)) == clusters.nunique()
    assert len(parts["calibration"]) >= first
    assert len(parts["test"]) >= second
    assert len(parts["train"]) >= 1


@given(st.integers(1, 60), st.integers(0, 5))
def test_nothing_held_out_is_everything(n, seed):
    parts = hold_out(pd.Series([str(i % 7) for i in range(n)]), {}, "train", name="d", seed=seed)
    assert list(parts["train"]) == list(range(n))


def test_table_survives_arrow_with_its_nulls(dataset):
    table = build(dataset, "test")
    table.loc[0, "answerable"] = pd.NA
    table.at[0, "answers"], table.at[0, "answer_starts"] = [], []
    back = pa.Table.from_pandas(table, schema=QA_SCHEMA, preserve_index=False).to_pandas()
    check_table(back, "question-answering", "round trip")
    assert back["answerable"].isna().tolist()[:2] == [True, False]
    assert list(back["answers"][1]) == ["Town 1"]


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("id", "0-0", "repeated, the first is '0-0'"),
        ("context", None, "has no context"),
        ("answer_starts", [3], "not at its start"),
        ("answer_starts", [], "1 answers and 0 starts"),
        ("answerable", False, "not answerable and has 1 answers"),
        ("answerable", pd.NA, "answerable is missing"),
    ],
)
def test_check_table_finds_contradictions(dataset, column, value, words):
    table = build(dataset, "test")
    check_table(table, "question-answering", "x.parquet")
    table.at[1, column] = value
    with pytest.raises(StudyError, match=words):
        check_table(table, "question-answering", "x.parquet")


def test_check_table_names_missing_columns():
    with pytest.raises(StudyError, match="lacks the column"):
        check_table(pd.DataFrame({"id": ["a"]}), "classification", "x.parquet")
    check_table(
        pd.DataFrame({name: ["a"] for name in CLASSIFICATION_SCHEMA.names}), "classification", "x.parquet"
    )


def test_generated_text_has_the_rows_asked_for_and_holds_out_clusters_too():
    world = {
        "task": "question-answering",
        "format": "world",
        "domain": "encyclopedia",
        "splits": {
            "train": {"examples": 120},
            "calibration": {"held_out_from": "train", "examples": 30},
            "test": {"examples": 25},
        },
    }
    tables = {split: build(world, split) for split in world["splits"]}
    assert {split: len(table) for split, table in tables.items()} == {
        "train": 120,
        "calibration": 30,
        "test": 25,
    }
    clusters = [set(table["cluster"]) for table in tables.values()]
    assert len(set.union(*clusters)) == sum(map(len, clusters))
    world["splits"]["test"]["examples"] = "all"
    with pytest.raises(StudyError, match="no end"):
        build(world, "test")


def test_labels_of_generated_reviews_must_be_named():
    reviews = {
        "task": "classification",
        "format": "world",
        "domain": "reviews",
        "splits": {"test": {"examples": 20}},
    }
    assert len(build(reviews, "test")) == 20
    named = {**reviews, "labels": {"negative": "negative", "positive": "positive"}}
    assert build(named, "test").equals(build(reviews, "test"))
    with pytest.raises(StudyError, match="labels of this generated text are negative, positive"):
        build({**reviews, "labels": {"bad": 0, "good": 1}}, "test")
