"""SQuAD 2.0 scores: published figures of real systems, a set scored by hand, and laws of EM and F1."""

import json
import os
import string
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from miniature.data.build import build_split
from miniature.messages import StudyError
from miniature.predictions.score_squad import exact_match, f1, normalize_answer, score_table, summarize

REAL = os.environ.get("MINIATURE_REAL_DATA")
TEXT = st.text("ab ,.-'theAn\u00e9", max_size=20)


@pytest.mark.real
@pytest.mark.skipif(not REAL, reason="MINIATURE_REAL_DATA is not set to the folder of the real data")
@pytest.mark.parametrize(
    ("system", "exact", "overlap"),
    [
        ("bert-large-google", 78.742, 81.775),
        ("nlnet", 75.828, 78.778),
        ("bidaf-elmo", 65.704, 67.876),
    ],
)
def test_real_systems_score_what_the_official_evaluator_gives_them(system, exact, overlap):
    path = Path(REAL) / "squad2" / "dev-v2.0.json"
    splits = {"test": {"path": str(path), "examples": "all"}}
    dataset = {"task": "question-answering", "format": "squad", "splits": splits}
    table = build_split(dataset, "test", name="squad", seed=0)
    predictions = json.loads((Path(REAL) / "predictions" / f"{system}.json").read_text(encoding="utf-8"))
    start = time.process_time()
    scores = score_table(table, predictions)
    assert time.process_time() - start < 2
    summary = summarize(scores, table["answerable"])
    assert (round(summary["exact"], 3), round(summary["f1"], 3)) == (exact, overlap)
    assert (summary["total"], summary["HasAns_total"], summary["NoAns_total"]) == (11873, 5928, 5945)
    assert round(summary["baseline_exact"], 3) == round(100 * 5945 / 11873, 3)


def table_of(*rows):
    return pd.DataFrame(
        {
            "id": [row[0] for row in rows],
            "answers": [row[1] for row in rows],
            "answerable": pd.array([row[2] for row in rows], dtype="boolean"),
        }
    )


# Gold answers, prediction, exact match and F1, worked out by hand from the evaluator's definition.
BY_HAND = [
    (["Denver Broncos"], "The Denver Broncos!", 1, 1),
    (["Denver Broncos"], "Broncos", 0, 2 / 3),  # precision 1, recall 1/2
    (["a b c d", "x"], "b c e", 0, 4 / 6),  # 'a' is an article: 2 of 3 and 2 of 3
    (["gold gold", "coin"], "gold coin coin", 0, 1 / 2),  # best is 'coin': 1 of 3 and 1 of 1
    (["Nile"], "", 0, 0),
    ([], "", 1, 1),
    ([], "Nile", 0, 0),
    ([], "the", 1, 1),  # empty once normalized
    (["the", "..."], "", 1, 1),  # gold answers that are empty once normalized do not count
    (["the", "Nile"], "", 0, 0),  # unless another one is left
    (["twenty-one"], "twenty one", 0, 0),  # the hyphen goes without leaving a space
]


def test_a_set_scored_by_hand():
    rows = [(str(i), gold, bool(gold)) for i, (gold, *_) in enumerate(BY_HAND)]
    predictions = {str(i): prediction for i, (_, prediction, *_) in enumerate(BY_HAND)}
    table = table_of(*rows, ("withheld", [], None))
    scores = score_table(table, {**predictions, "withheld": "x", "of another set": "y"})
    assert list(scores["id"]) == list(table["id"])
    assert scores["exact"].tolist()[:-1] == [exact for *_, exact, _ in BY_HAND]
    np.testing.assert_allclose(scores["f1"][:-1], [overlap for *_, overlap in BY_HAND], rtol=1e-6)
    assert scores[["exact", "f1"]].iloc[-1].isna().all()
    assert scores["f1"].dtype == np.float32
    summary = summarize(scores, table["answerable"])
    assert (summary["total"], summary["HasAns_total"], summary["NoAns_total"]) == (11, 8, 3)
    assert summary["exact"] == pytest.approx(100 * 4 / 11)
    assert summary["HasAns_exact"] == pytest.approx(100 * 2 / 8)
    assert summary["HasAns_f1"] == pytest.approx(100 * (1 + 2 / 3 + 4 / 6 + 1 / 2 + 1) / 8)
    assert summary["NoAns_exact"] == summary["NoAns_f1"] == pytest.approx(100 * 2 / 3)
    assert summary["baseline_exact"] == pytest.approx(100 * 3 / 11)
    for (_, gold, _), score in zip(rows, scores.itertuples(), strict=False):
        assert (exact_match(predictions[score.id], gold), np.float32(f1(predictions[score.id], gold))) == (
            score.exact,
            score.f1,
        )


def test_answering_nothing_scores_the_baseline():
    table = table_of(("a", ["x"], True), ("b", [], False), ("c", [], False))
    summary = summarize(score_table(table, dict.fromkeys("abc", "")), table["answerable"])
    assert summary["exact"] == pytest.approx(200 / 3)
    assert summary["baseline_exact"] == pytest.approx(200 / 3)
    assert summary["HasAns_f1"] == 0


def test_nothing_to_average_is_empty_not_zero():
    table = table_of(("a", [], None))
    summary = summarize(score_table(table, {"a": "x"}), table["answerable"])
    assert summary["exact"] is None
    assert summary["baseline_exact"] is None
    assert summary["total"] == 0
    only = table_of(("a", ["x"], True))
    assert summarize(score_table(only, {"a": "x"}), [True])["NoAns_exact"] is None


def test_missing_predictions_and_lengths_that_differ_are_told():
    table = table_of(("a", ["x"], True), ("b", [], False))
    with pytest.raises(StudyError, match="1 of 2 questions have no prediction: b"):
        score_table(table, {"a": "x"})
    with pytest.raises(ValueError, match="2 scores and 1 marks"):
        summarize(score_table(table, {"a": "", "b": ""}), [True])


@given(TEXT)
def test_normalising_leaves_no_articles_punctuation_or_double_spaces(text):
    normal = normalize_answer(text)
    assert not {"a", "an", "the"} & set(normal.split())
    assert not set(normal) & set(string.punctuation)
    assert normal == " ".join(normal.split()).lower()
    assert normalize_answer(normal) == normal


@given(TEXT, TEXT)
def test_f1_is_symmetric_bounded_and_at_least_exact_match(one, other):
    score = f1(one, [other])
    assert 0 <= exact_match(one, [other]) <= score <= 1
    assert score == pytest.approx(f1(other, [one]))
    assert f1(one, [one]) == exact_match(one, [one]) == 1
    assert (score == 1) == (sorted(normalize_answer(one).split()) == sorted(normalize_answer(other).split()))


@given(TEXT, st.lists(TEXT, min_size=1, max_size=4))
def test_more_gold_answers_never_lower_a_score_but_for_emptiness(prediction, answers):
    kept = [answer for answer in answers if normalize_answer(answer)]
    best = max((f1(prediction, [answer]) for answer in kept), default=f1(prediction, []))
    assert f1(prediction, answers) == best
    assert exact_match(prediction, answers) == exact_match(prediction, list(reversed(answers)))


def test_data_without_unanswerable_questions_are_scored_as_squad_1_1_does():
    # The official evaluators by hand: gold "the" has no word once normalized.
    answers = {"a": ["the", "Nile"], "b": ["the"], "c": ["the Nile"]}
    given = {"a": "an", "b": "the", "c": "Nile"}
    table = pd.DataFrame({"id": list(answers), "answers": list(answers.values()), "answerable": [True] * 3})
    first = score_table(table, given)
    assert first["exact"].tolist() == [1, 1, 1]
    assert first["f1"].tolist() == [0, 0, 1]
    last = pd.DataFrame({"id": ["d"], "answers": [[]], "answerable": [False]})
    second = score_table(pd.concat([table, last]), {**given, "d": ""})
    assert second["exact"].tolist() == [0, 1, 1, 1]
    assert second["f1"].tolist() == [0, 1, 1, 1]
