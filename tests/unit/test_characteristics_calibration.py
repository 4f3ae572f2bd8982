"""Calibration of models and its differences, against closed forms and scikit-learn."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss

from miniature.agreement.comparison import BCA, BOOTSTRAP, Comparing, Resampling
from miniature.characteristics.calibration.compare import (
    DIFFERENCES,
    MODEL_MEASURES,
    compare_calibration,
    measure_calibration,
)
from miniature.measures.calibration import (
    bin_gaps,
    equal_mass_bins,
    equal_width_bins,
    expected_calibration_error,
    maximum_calibration_error,
    squared_errors,
)
from miniature.messages import StudyError
from miniature.statistics.bootstrap import cluster_index, resample_clusters

CLASSES = ["bad", "good"]


def predictions(probabilities, label):
    probabilities = np.asarray(probabilities, dtype=np.float32)
    return pd.DataFrame(
        {
            "id": [f"r{i}" for i in range(len(label))],
            "label": label,
            "prediction": [CLASSES[i] for i in probabilities.argmax(axis=1)],
            "probabilities": list(probabilities),
        }
    )


def draw(rng, n, *, sharper=1.0):
    """Calibrated probabilities of two classes, or ones sharpened beyond what they know, and the labels."""
    good = rng.beta(2, 2, n)
    label = [CLASSES[i] for i in (rng.random(n) < good).astype(int)]
    odds = (good / (1 - good)) ** sharper
    return np.stack([1 / (1 + odds), odds / (1 + odds)], axis=1), label


def compare(tables, *, clusters=None, bins=10, verdict=None, resamples=200):
    if clusters is None:
        clusters = np.arange(len(next(iter(tables.values())))).astype(str)
    return compare_calibration(
        tables,
        Comparing("reviews", "reviews", "test", "large", Resampling(resamples=resamples, seed=2), verdict),
        clusters,
        bins=bins,
    )  # fmt: skip


@pytest.mark.parametrize(("strategy", "cut"), [("uniform", equal_width_bins), ("quantile", equal_mass_bins)])
@given(st.integers(0, 10_000), st.integers(1, 20), st.integers(1, 200))
def test_bins_are_scikit_learns(strategy, cut, seed, bins, n):
    rng = np.random.default_rng(seed)
    confidence = np.round(rng.random(n), 2)  # rounded, so that some lie on an edge and some are equal
    correct = rng.random(n) < confidence
    accuracy, mean_confidence = calibration_curve(
        correct, confidence, n_bins=bins, strategy=strategy, pos_label=True
    )
    gaps, sizes = bin_gaps(confidence, correct, cut(confidence, bins=bins))
    filled = sizes > 0
    # Quantiles of equal numbers, and those that fall on a number, can differ in their last digit, which moves
    # an example across an edge.
    between = all((n - 1) * i % bins for i in range(1, bins)) and len(set(confidence)) == n
    if strategy == "uniform" or between:
        np.testing.assert_allclose(gaps[filled] / sizes[filled], accuracy - mean_confidence, atol=1e-8)


def test_calibration_errors_by_hand():
    # Two bins: (0, 0.5] holds 0.5 right and 0.4 wrong, (0.5, 1] holds 0.9 right, 0.8 wrong and 1.0 right.
    confidence = np.array([0.5, 0.4, 0.9, 0.8, 1.0])
    correct = np.array([True, False, True, False, True])
    index = equal_width_bins(confidence, bins=2)
    low, high = abs(1 - 0.9) / 2, abs(2 - 2.7) / 3
    assert expected_calibration_error(confidence, correct, index) == pytest.approx(2 / 5 * low + 3 / 5 * high)
    assert maximum_calibration_error(confidence, correct, index) == pytest.approx(high)
    # Always sure and always right, always sure and always wrong.
    for right, expected in ((True, 0.0), (False, 1.0)):
        sure, was = np.ones(7), np.full(7, right)
        for measure in (expected_calibration_error, maximum_calibration_error):
            assert measure(sure, was, equal_width_bins(sure, bins=15)) == expected


def test_adaptive_bins_hold_equally_many_and_never_part_equals():
    confidence = np.random.default_rng(0).permutation(np.linspace(0.5, 1, 150))
    assert np.bincount(equal_mass_bins(confidence, bins=15)).tolist() == [10] * 15
    assert len(set(equal_mass_bins(np.full(20, 0.7), bins=5))) == 1
    order = np.random.default_rng(1).permutation(150)
    np.testing.assert_array_equal(
        equal_mass_bins(confidence, bins=15)[order], equal_mass_bins(confidence[order], bins=15)
    )


def test_expected_error_of_a_calibrated_model_falls_with_its_examples():
    # 15 bins of sqrt(2 p (1 - p) / (pi n)) each: chance alone, which is the bias upwards.
    rng = np.random.default_rng(3)
    found = []
    for n in (150, 15_000):
        confidence = np.full(n, 0.8)
        correct = rng.random((200, n)) < 0.8
        index = np.arange(n) % 15
        found.append(np.mean([expected_calibration_error(confidence, c, index) for c in correct]))
        assert found[-1] == pytest.approx(np.sqrt(2 * 0.8 * 0.2 / (np.pi * n / 15)), rel=0.1)
    assert found[0] > 5 * found[1]


@given(st.integers(0, 10_000), st.integers(2, 5))
def test_brier_is_scikit_learns(seed, classes):
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.ones(classes), 30)
    label = rng.integers(0, classes, 30)
    theirs = brier_score_loss(label, probabilities, labels=np.arange(classes), scale_by_half=False)
    assert squared_errors(probabilities, label).mean() == pytest.approx(theirs, abs=1e-8)


def test_what_one_model_gives():
    table = measure_calibration(predictions([[0.7, 0.3], [0.4, 0.6]], ["bad", "bad"]), CLASSES)
    assert table["id"].tolist() == ["r0", "r1"]
    assert table["correct"].tolist() == [True, False]
    np.testing.assert_allclose(table["confidence"], [0.7, 0.6], atol=1e-7)
    np.testing.assert_allclose(table["squared_error"], [2 * 0.3**2, 2 * 0.6**2], atol=1e-7)
    withheld = measure_calibration(predictions([[0.7, 0.3], [0.4, 0.6]], ["bad", None]), CLASSES)
    assert withheld["correct"].isna().tolist() == [False, True]
    assert withheld["squared_error"].isna().tolist() == [False, True]


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ([np.nan, np.nan], "no distribution"),
        ([0.7, 0.7], "no distribution"),
        ([1.2, -0.2], "no distribution"),
        ([0.2, 0.3, 0.5], "has 3 probabilities for 2 classes"),
        (None, "has 0 probabilities for 2 classes"),
    ],
)
def test_what_is_no_distribution_names_the_example(row, what):
    table = predictions([[0.7, 0.3], [0.4, 0.6]], ["bad", "bad"])
    table["probabilities"] = pd.Series([[0.7, 0.3], row], dtype=object)
    with pytest.raises(StudyError, match=what) as error:
        measure_calibration(table, CLASSES)
    assert "r1" in error.value.what
    assert "row 2" in error.value.where


def test_a_label_that_is_no_class_is_named():
    with pytest.raises(StudyError, match="label fine is none of the classes bad, good"):
        measure_calibration(predictions([[0.7, 0.3]], ["fine"]), CLASSES)


def test_models_and_pairs_have_the_values_of_the_measures():
    rng = np.random.default_rng(0)
    probabilities, label = draw(rng, 300)
    sharp = probabilities**3 / (probabilities**3).sum(axis=1, keepdims=True)
    flat = np.sqrt(probabilities) / np.sqrt(probabilities).sum(axis=1, keepdims=True)
    tables = {
        name: measure_calibration(predictions(p, label), CLASSES)
        for name, p in (("small", sharp), ("large", probabilities), ("tiny", flat))
    }
    clusters = np.array([f"p{i // 3}" for i in range(300)])
    verdict = {"task": "reviews", "measure": "brier_difference", "margin": 0.02}
    rows, resamples = compare(tables, clusters=clusters, verdict=verdict)
    own = rows[rows["model_a"] == rows["model_b"]]
    assert own["measure"].tolist() == list(MODEL_MEASURES) * 3
    values = own.pivot(index="model_a", columns="measure", values="value")
    for name, table in tables.items():
        confidence, correct = table["confidence"].to_numpy(), table["correct"].to_numpy(dtype=bool)
        index = equal_width_bins(confidence, bins=10)
        assert values.loc[name, "ece"] == expected_calibration_error(confidence, correct, index)
        assert values.loc[name, "mce"] == maximum_calibration_error(confidence, correct, index)
        index = equal_mass_bins(confidence, bins=10)
        assert values.loc[name, "adaptive_ece"] == expected_calibration_error(confidence, correct, index)
        assert values.loc[name, "brier"] == table["squared_error"].mean()
        assert values.loc[name, "accuracy"] == correct.mean()
        assert values.loc[name, "mean_confidence"] == confidence.mean()
    pairs = rows[rows["model_a"] != rows["model_b"]]
    assert list(dict.fromkeys(zip(pairs["model_a"], pairs["model_b"], strict=True))) == [
        ("large", "small"), ("large", "tiny"), ("small", "tiny"),
    ]  # fmt: skip
    for row in pairs.itertuples():
        of = {difference: name for name, difference in DIFFERENCES.items()}[row.measure]
        assert row.value == pytest.approx(values.loc[row.model_b, of] - values.loc[row.model_a, of])
        assert row.ci_low < row.ci_high
    assert set(rows["ci_method"]) == {BCA}
    assert (rows["n"] == 300).all()
    assert (rows["n_clusters"] == 100).all()
    # The sharpened model is the overconfident one.
    assert values.loc["small", "ece"] > values.loc["large", "ece"]
    kept = resamples.groupby(["model_a", "model_b"])["value"]
    assert (kept.count() == 200).all()
    assert set(resamples["method"]) == {BOOTSTRAP}
    brier = pairs[pairs["measure"] == "brier_difference"].set_index(["model_a", "model_b"])["value"]
    assert (kept.mean() - brier).abs().max() < 0.01


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_a_resample_measures_what_its_repeated_examples_measure(seed):
    rng = np.random.default_rng(seed)
    n = 24
    index = rng.integers(0, 5, n)
    index[:5] = np.arange(5)
    probabilities, label = draw(rng, n)
    table = measure_calibration(predictions(probabilities, label), CLASSES)
    other = table.assign(confidence=0.5 + table["confidence"] / 2)
    verdict = {"task": "reviews", "measure": "mce_difference", "margin": 0.02}
    clusters = index.astype(str)
    resamples = compare(
        {"large": table, "b": other}, clusters=clusters, verdict=verdict, bins=4, resamples=3
    ).resamples
    places, n_clusters = cluster_index(clusters)
    counts = resample_clusters(n_clusters, resamples=3, seed=2)
    for r in range(3):
        rows = np.repeat(np.arange(n), counts[r].astype(int)[places])
        worst = []
        for one in (table, other):
            confidence, correct = (
                one["confidence"].to_numpy()[rows],
                one["correct"].to_numpy(dtype=bool)[rows],
            )
            worst.append(maximum_calibration_error(confidence, correct, equal_width_bins(confidence, bins=4)))
        assert resamples["value"][r] == pytest.approx(worst[1] - worst[0], abs=1e-9)


@pytest.mark.slow
def test_intervals_of_the_brier_difference_cover_its_truth():
    rng = np.random.default_rng(8)
    covered, simulations = 0, 100
    whole, labels = draw(rng, 400_000)
    sharp = whole**2 / (whole**2).sum(axis=1, keepdims=True)
    place = (np.array(labels) == "good").astype(int)
    truth = (squared_errors(sharp, place) - squared_errors(whole, place)).mean()
    for _ in range(simulations):
        rows = rng.integers(0, len(whole), 200)
        tables = {
            name: measure_calibration(predictions(p[rows], [labels[i] for i in rows]), CLASSES)
            for name, p in (("large", whole), ("small", sharp))
        }
        found = compare(tables, resamples=300).rows.set_index("measure").loc["brier_difference"]
        covered += found["ci_low"] <= truth <= found["ci_high"]
    assert covered / simulations >= 0.89  # two standard errors below 95 % are 91 %


def test_identical_models_one_example_and_none():
    rng = np.random.default_rng(1)
    table = measure_calibration(predictions(*draw(rng, 50)), CLASSES)
    rows = compare({"large": table, "copy": table}).rows
    differences = rows[rows["model_a"] != rows["model_b"]]
    assert (differences["value"] == 0).all()
    assert differences[["ci_low", "ci_high"]].isna().all(axis=None)
    rows, resamples = compare({"large": table[:1], "copy": table[:1]})
    assert rows["value"].notna().all()
    assert rows[["ci_low", "ci_high"]].isna().all(axis=None)
    assert len(resamples) == 0
    withheld = table[:3].assign(correct=pd.array([None] * 3, dtype="boolean"), squared_error=np.nan)
    rows = compare({"large": withheld, "copy": withheld}).rows
    assert rows["value"].isna().all()
    assert (rows["n"] == 0).all()
    assert len(compare({"large": table[:0]}).rows) == len(MODEL_MEASURES)


def test_a_model_that_is_always_right_and_sure_has_no_error():
    sure = measure_calibration(predictions([[1.0, 0.0]] * 20, ["bad"] * 20), CLASSES)
    values = compare({"large": sure}).rows.set_index("measure")["value"]
    assert values[["ece", "adaptive_ece", "mce", "brier"]].eq(0).all()
    assert values["accuracy"] == 1


def test_different_examples_are_refused():
    rng = np.random.default_rng(1)
    table = measure_calibration(predictions(*draw(rng, 3)), CLASSES)
    with pytest.raises(StudyError, match="row 1 is r0 and x"):
        compare({"large": table, "small": table.replace({"id": {"r0": "x"}})})
