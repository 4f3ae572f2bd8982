"""The list of decisions that a model changed."""

import numpy as np
import pandas as pd
import pytest

from miniature.tables.changed import CHANGES, changed_examples, shorten
from miniature.tables.write import markdown_table

LABELS = ["bad", "good"]


def predictions(table, said, sure):
    rows = [[1 - p, p] if word == "good" else [p, 1 - p] for word, p in zip(said, sure, strict=True)]
    return table[["id", "label"]].assign(prediction=said, probabilities=rows)


@pytest.fixture
def table():
    return pd.DataFrame(
        {"id": list("abcdef"), "label": ["good", "good", "bad", "bad", "good", "bad"], "text": "text"}
    )


def test_every_changed_decision_stands_there_once_and_worst_first(table):
    reference = predictions(
        table, ["good", "good", "bad", "good", "good", "bad"], [0.9, 0.6, 0.7, 0.8, 0.9, 0.9]
    )
    model = predictions(table, ["bad", "bad", "bad", "bad", "good", "good"], [0.6, 0.9, 0.7, 0.8, 0.9, 0.5])
    found = changed_examples(table, reference, model, task="t", labels=LABELS)
    differ = table["id"][(reference["prediction"] != model["prediction"]).to_numpy()]
    assert sorted(found["id"]) == sorted(differ)
    assert found["change"].tolist() == ["newly wrong"] * 3 + ["newly right"]
    # The fall of the right class's probability by hand: a .9-.4, b .6-.1, f .9-.5; ties as in the data.
    assert found["id"].tolist() == ["a", "b", "f", "d"]
    np.testing.assert_allclose(found["by"], [0.5, 0.5, 0.4, -0.6])


def test_the_counts_are_those_of_flips(table):
    rng = np.random.default_rng(0)
    table = pd.concat([table] * 50, ignore_index=True).assign(id=lambda t: [str(i) for i in range(len(t))])
    said = [rng.choice(LABELS, len(table)) for _ in range(2)]
    sides = [predictions(table, words, np.full(len(table), 0.7)) for words in said]
    found = changed_examples(table, *sides, task="t", labels=LABELS)
    right = [words == table["label"].to_numpy() for words in said]
    counts = found["change"].value_counts()
    assert counts["newly wrong"] == int((right[0] & ~right[1]).sum())
    assert counts["newly right"] == int((~right[0] & right[1]).sum())
    assert changed_examples(table, sides[0], sides[0], task="t", labels=LABELS).empty


def test_questions(table):
    table = pd.DataFrame({"id": ["q1", "q2"], "answers": [["Rome"], []], "question": ["Where?", "Who?"]})
    reference = pd.DataFrame(
        {"id": ["q1", "q2"], "prediction": ["Rome", "me"], "exact": [1.0, 0.0], "f1": [1.0, 0.0]}
    )
    model = pd.DataFrame(
        {"id": ["q1", "q2"], "prediction": ["in Rome", "you"], "exact": [0.0, 0.0], "f1": [0.67, 0.0]}
    )
    found = changed_examples(table, reference, model, task="t", labels=None)
    assert found["change"].tolist() == ["newly wrong", "otherwise wrong"]
    hidden = changed_examples(table, reference, model, task="t", labels=None, texts=False)
    shown = hidden.to_csv()
    assert not any(word in shown for word in ("Rome", "Where", "Who", "you", "me,"))


def test_hostile_text_is_shortened_and_escaped(table):
    text = "=cmd|' /C calc'!A0 <script>alert(1)</script> | cell\n| another\x1b[31m " + "x" * 500
    table = table.assign(text=text)
    sides = [predictions(table, [word] * 6, [0.9] * 6) for word in LABELS]
    found = changed_examples(table, *sides, task="t", labels=LABELS)
    assert found["text"].str.len().max() <= 161
    assert found["text"].str.startswith("'=").all()
    shown = markdown_table(found, "Changed")
    assert "<script>" not in shown
    assert "\x1b" not in shown
    # One line for each row, each with as many cells as there are columns.
    rows = [line for line in shown.splitlines() if line.startswith("| t ")]
    assert len(rows) == len(found) == 6
    assert all(line.replace("\\|", "").count("|") == len(found.columns) + 1 for line in rows)
    hidden = changed_examples(table, *sides, task="t", labels=LABELS, texts=False)
    assert (hidden["text"] == "").all()


def test_predictions_without_probabilities_come_in_the_order_of_the_data(table):
    sides = [table[["id", "label"]].assign(prediction=word, probabilities=None) for word in LABELS]
    found = changed_examples(table, *sides, task="t", labels=LABELS)
    assert found["by"].isna().all()
    assert found["id"].tolist() == ["c", "d", "f", "a", "b", "e"]
    assert set(found["change"]) <= set(CHANGES)
    assert shorten("a b") == "a b"
