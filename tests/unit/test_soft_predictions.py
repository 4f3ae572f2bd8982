"""Jensen-Shannon divergence and loyalties, against scipy, closed forms and brute force."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon
from scipy.special import softmax

from miniature.agreement.comparison import BCA, Comparing, Resampling
from miniature.characteristics.calibration.probabilities import answer_distributions, stack_probabilities
from miniature.characteristics.errors.compare import compare_errors, find_errors
from miniature.measures.probabilities import (
    ceiling_same_answer,
    chance_same_answer,
    js_divergence,
    probability_loyalty,
)
from miniature.messages import StudyError

CLASSES = ["bad", "good", "mixed"]
SOFT = [
    "label_loyalty", "label_loyalty_corrected",
    "js_divergence", "probability_loyalty", "probability_loyalty_corrected",
]  # fmt: skip


def classified(probabilities, label=None):
    probabilities = np.asarray(probabilities, dtype=np.float32)
    n = len(probabilities)
    return pd.DataFrame(
        {
            "id": [f"r{i}" for i in range(n)],
            "label": label or ["bad"] * n,
            "prediction": [CLASSES[i] for i in probabilities.argmax(axis=1)],
            "probabilities": list(probabilities),
        }
    )


def answered(texts, score=None, null=None):
    n = len(texts)
    return pd.DataFrame(
        {
            "id": [f"q{i}" for i in range(n)],
            "prediction": texts,
            "score": np.array(score if score is not None else [np.nan] * n, dtype=np.float32),
            "null_score": np.array(null if null is not None else [np.nan] * n, dtype=np.float32),
            "exact": np.zeros(n),
        }
    )


def compare(predictions, labels=CLASSES, clusters=None, errors=None, verdict=None):
    kind = "question-answering" if labels is None else "classification"
    errors = errors or {m: find_errors(p, kind) for m, p in predictions.items()}
    n = len(next(iter(errors.values())))
    return compare_errors(
        errors, Comparing("reviews", "reviews", "test", "large", Resampling(resamples=200, seed=1), verdict),
        [f"p{i}" for i in range(n)] if clusters is None else clusters, predictions=predictions, labels=labels,
    )  # fmt: skip


def of_pair(rows, a="large", b="tiny"):
    pair = rows[(rows["model_a"] == a) & (rows["model_b"] == b)].set_index("measure")
    return pair.loc[SOFT]


@given(st.integers(0, 10_000), st.integers(2, 6), st.floats(0.02, 5))
def test_divergence_is_the_square_of_scipys_distance(seed, classes, spread):
    rng = np.random.default_rng(seed)
    p, q = rng.dirichlet(np.full(classes, spread), 20), rng.dirichlet(np.full(classes, spread), 20)
    found = js_divergence(p, q)
    with np.errstate(invalid="ignore"):  # scipy takes the root of what rounding left below zero
        theirs = np.nan_to_num(jensenshannon(p, q, base=2, axis=1))
    np.testing.assert_allclose(found, theirs**2, atol=1e-8)
    np.testing.assert_allclose(probability_loyalty(found), 1 - theirs, atol=1e-8)
    np.testing.assert_allclose(js_divergence(q, p), found, atol=1e-12)
    order = rng.permutation(classes)
    np.testing.assert_allclose(js_divergence(p[:, order], q[:, order]), found, atol=1e-12)


def test_divergence_of_equal_and_of_disjoint_distributions():
    assert js_divergence([[0.2, 0.8, 0.0]], [[0.2, 0.8, 0.0]]).tolist() == [0]
    assert js_divergence([[0.2, 0.8, 0.0]], [[0.0, 0.0, 1.0]]).tolist() == [1]
    assert js_divergence(np.zeros((0, 2)), np.zeros((0, 2))).shape == (0,)


@pytest.mark.parametrize("row", [[np.nan, 0.5], [-0.5, 1.5], [0.0, 0.0], [np.inf, 1.0]])
def test_what_is_no_distribution_is_refused(row):
    with pytest.raises(ValueError, match="no distribution"):
        js_divergence([[0.5, 0.5], row], [[0.5, 0.5], [0.5, 0.5]])


def test_distributions_over_other_classes_are_refused():
    with pytest.raises(ValueError, match="same classes"):
        js_divergence([[0.5, 0.5]], [[0.2, 0.3, 0.5]])


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=6))
def test_chance_and_ceiling_of_equal_answers_are_those_of_all_orders(pairs):
    from itertools import permutations

    a, b = (np.array(x) for x in zip(*pairs, strict=True))
    shares = [np.mean(a == np.array(order)) for order in permutations(b)]
    assert chance_same_answer(a, b) == pytest.approx(np.mean(shares))
    assert ceiling_same_answer(a, b) == pytest.approx(max(shares))


def test_classifiers_are_compared_by_their_probabilities():
    rng = np.random.default_rng(0)
    n = 300
    logits = rng.normal(size=(n, 3)) * 2
    p, q = softmax(logits, axis=1), softmax(logits + rng.normal(size=(n, 3)), axis=1)
    predictions = {"tiny": classified(q), "large": classified(p)}
    p, q = (np.stack(predictions[m]["probabilities"]).astype(float) for m in ("large", "tiny"))
    rows = of_pair(compare(predictions).rows)
    distance = jensenshannon(p, q, base=2, axis=1)
    same = p.argmax(axis=1) == q.argmax(axis=1)
    assert rows.loc["js_divergence", "value"] == pytest.approx(np.mean(distance**2), abs=1e-8)
    assert rows.loc["probability_loyalty", "value"] == pytest.approx(np.mean(1 - distance), abs=1e-8)
    assert rows.loc["label_loyalty", "value"] == np.mean(same)
    # Every pairing of the two models' distributions, where 20 of them are drawn.
    every = jensenshannon(p[:, None], q[None], base=2, axis=2)
    assert rows.loc["js_divergence", "chance"] == pytest.approx(np.mean(every**2), abs=0.02)
    assert rows.loc["probability_loyalty", "chance"] == pytest.approx(np.mean(1 - every), abs=0.02)
    label = rows.loc["label_loyalty"]
    expected = sum(np.mean(p.argmax(axis=1) == c) * np.mean(q.argmax(axis=1) == c) for c in range(3))
    assert label["chance"] == pytest.approx(expected)
    corrected = (label["value"] - label["chance"]) / (label["ceiling"] - label["chance"])
    assert rows.loc["label_loyalty_corrected", "value"] == pytest.approx(corrected)
    measured = rows.loc[["label_loyalty", "js_divergence", "probability_loyalty"]]
    assert (measured["ci_low"] < measured["value"]).all()
    assert (measured["value"] < measured["ci_high"]).all()
    assert set(measured["ci_method"]) == {BCA}
    assert (rows["n"] == n).all()


def test_questions_are_compared_by_answers_and_by_the_odds_of_answering():
    large = answered(["The Nile", "", "Rhine"], score=[3, 1, 2], null=[1, 4, 2])
    tiny = answered(["nile.", "Po", "the Rhone"], score=[1, 1, 2], null=[1, 0, 5])
    rows = of_pair(compare({"large": large, "tiny": tiny}, labels=None).rows)
    odds = [softmax(np.stack([t["score"], t["null_score"]]).astype(float), axis=0).T for t in (large, tiny)]
    distance = jensenshannon(*odds, base=2, axis=1)
    assert rows.loc["label_loyalty", "value"] == pytest.approx(1 / 3)
    assert rows.loc["label_loyalty", ["chance", "ceiling"]].tolist() == pytest.approx([1 / 9, 1 / 3])
    assert rows.loc["js_divergence", "value"] == pytest.approx(np.mean(distance**2), abs=1e-8)


def test_no_span_to_answer_with_is_no_answer():
    table = answered(["", ""], score=[np.nan, 1], null=[2, 1])
    np.testing.assert_allclose(answer_distributions(table), [[0, 1], [0.5, 0.5]])


def test_models_without_predictions_or_probabilities_are_not_measured():
    n = 4
    p = np.full((n, 3), 1 / 3)
    bare = classified(p).assign(probabilities=pd.Series([None] * n, dtype=object))
    predictions = {"large": classified(p), "bare": bare}
    errors = {m: find_errors(t, "classification") for m, t in predictions.items()} | {
        "listed": find_errors(classified(p), "classification")
    }
    rows = compare(predictions, errors=errors).rows
    with_bare = of_pair(rows, "large", "bare")
    assert with_bare.loc["label_loyalty", "value"] == 1
    assert with_bare.loc[SOFT[2:], ["value", "chance", "ceiling", "ci_low"]].isna().all(axis=None)
    for a, b in (("large", "listed"), ("bare", "listed")):
        unknown = of_pair(rows, a, b)
        assert unknown[["value", "chance", "ceiling", "ci_low"]].isna().all(axis=None)
        assert (unknown["n"] == 0).all()
        assert (rows[(rows["model_a"] == a) & (rows["model_b"] == b)]["measure"] == "jaccard").sum() == 1


def test_identical_models_are_loyal_and_claim_no_interval():
    rng = np.random.default_rng(2)
    p = rng.dirichlet(np.ones(3), 50)
    rows = of_pair(compare({"large": classified(p), "tiny": classified(p)}).rows)
    loyal = [m for m in SOFT if m != "js_divergence"]
    assert rows.loc[loyal, "value"].tolist() == pytest.approx([1] * 4)
    assert rows.loc["js_divergence", "value"] == 0
    assert rows["ci_low"].isna().all()


def test_one_example_and_an_answer_that_is_always_the_same():
    one = {"large": classified([[0.7, 0.2, 0.1]]), "tiny": classified([[0.6, 0.3, 0.1]])}
    rows = of_pair(compare(one).rows)
    assert rows.loc["label_loyalty", "value"] == 1
    assert rows["ci_low"].isna().all()
    # Both always say the same: chance is 1 too, and nothing lies beyond it.
    assert rows.loc["label_loyalty", "chance"] == 1
    assert np.isnan(rows.loc["label_loyalty_corrected", "value"])


def test_a_verdict_can_rest_on_loyalty():
    rng = np.random.default_rng(3)
    predictions = {m: classified(rng.dirichlet(np.ones(3), 40)) for m in ("large", "tiny", "base")}
    verdict = {"task": "reviews", "measure": "probability_loyalty", "keep": 0.8}
    rows, resamples = compare(predictions, verdict=verdict)
    means = resamples.groupby(["model_a", "model_b"])["value"].mean()
    loyalty = rows[rows["measure"] == "probability_loyalty"].set_index(["model_a", "model_b"])["value"]
    assert (means - loyalty).abs().max() < 0.01
    assert len(resamples) == 3 * 200


def test_fewer_classes_and_nan_name_the_example():
    good = classified([[0.7, 0.2, 0.1]] * 2)
    for row, what in (
        ([0.5, 0.5], "r1 has 2 probabilities for 3 classes"),
        ([np.nan] * 3, "r1 has .* no distribution"),
    ):
        bad = good.assign(probabilities=pd.Series([[0.7, 0.2, 0.1], row], dtype=object))
        with pytest.raises(StudyError, match=what):
            compare({"large": good, "tiny": bad})
    assert stack_probabilities(good[:0], classes=3).shape == (0, 3)


def test_predictions_of_other_examples_are_refused():
    table = classified([[0.7, 0.2, 0.1]] * 2)
    errors = {m: find_errors(table, "classification") for m in ("large", "tiny")}
    with pytest.raises(StudyError, match="predictions of large and tiny list different examples"):
        compare({"large": table, "tiny": table.replace({"id": {"r0": "x"}})}, errors=errors)
