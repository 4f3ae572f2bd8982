"""Measures on sets, against scikit-learn, enumeration, closed forms and the authors' own error lists."""

from fractions import Fraction
from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score, jaccard_score, roc_auc_score

from miniature.agreement.comparison import Comparing, Resampling
from miniature.characteristics.errors.compare import compare_errors
from miniature.measures.detection import auroc, fpr_at_95
from miniature.measures.sets import (
    check_masks,
    jaccard_bounds,
    pooled_jaccard,
    set_counts,
    set_measures,
    set_values,
)

pairs_of_masks = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=40).map(
    lambda rows: tuple(np.array(rows).T)
)


def equal(x, y):
    return x == pytest.approx(y, abs=1e-12, nan_ok=True)


def measure(name, a, b):
    """One measure of two masks."""
    return float(set_measures(set_counts(a, b)[0])[name].value)


def jaccard(a, b):
    return measure("jaccard", a, b)


def kappa(a, b):
    return measure("kappa", a, b)


@given(pairs_of_masks)
def test_jaccard_and_kappa_are_those_of_scikit_learn(masks):
    a, b = masks
    if (a | b).any():
        assert equal(jaccard(a, b), jaccard_score(a, b))
    else:
        assert np.isnan(jaccard(a, b))  # scikit-learn would say 0
    if len(np.unique(np.concatenate([a, b]))) == 1:
        assert np.isnan(kappa(a, b))  # scikit-learn warns and returns NaN as well
    else:
        assert equal(kappa(a, b), cohen_kappa_score(a, b))


def test_three_thousand_pairs_at_once_are_the_definitions_in_exact_fractions():
    rng = np.random.default_rng(0)
    pairs = []
    for _ in range(3000):
        n = rng.integers(1, 60)
        pairs.append((rng.random(n) < rng.choice([0, 0.05, 0.5, 0.95, 1]), rng.random(n) < rng.random()))
    found = set_measures(np.concatenate([set_counts(a, b) for a, b in pairs]))
    resampled = set_values(np.concatenate([set_counts(a, b) for a, b in pairs]))
    for i, (a, b) in enumerate(pairs):
        n = len(a)
        p, q, least, most = (Fraction(int(x), n) for x in (a.sum(), b.sum(), *sorted([a.sum(), b.sum()])))
        same, expected = Fraction(int((a == b).sum()), n), p * q + (1 - p) * (1 - q)
        wanted = {
            "accuracy_difference": (p - q, np.nan, np.nan),
            "negative_flips": (Fraction(int((~a & b).sum()), n), (1 - p) * q, max(0, q - p)),
            "positive_flips": (Fraction(int((a & ~b).sum()), n), p * (1 - q), max(0, p - q)),
            "jaccard": (np.nan,) * 3,
            "kappa": (np.nan,) * 3,
        }
        if most:
            union = int((a | b).sum())
            wanted["jaccard"] = Fraction(int((a & b).sum()), union), p * q / (p + q - p * q), least / most
        if expected < 1:
            best = 1 - (most - least)  # the smaller set inside the larger
            wanted["kappa"] = (same - expected) / (1 - expected), 0, (best - expected) / (1 - expected)
        for name in ("jaccard", "kappa"):
            value, chance, ceiling = wanted[name]
            room = ceiling - chance
            if room == Fraction(1, 20):
                continue  # rounding decides
            corrected = ((value - chance) / room, 0, 1) if room > Fraction(1, 20) else (np.nan,) * 3
            wanted[f"{name}_corrected"] = corrected
            if room > 0:
                assert equal(resampled[f"{name}_corrected"][i], float((value - chance) / room))
        for name, numbers in wanted.items():
            assert equal([part[i] for part in found[name]], [float(x) for x in numbers]), name


@given(pairs_of_masks, st.randoms(use_true_random=False))
def test_symmetric_measures_forget_order_of_models_and_of_examples(masks, random):
    a, b = masks
    order = list(range(len(a)))
    random.shuffle(order)
    for name in ("jaccard", "kappa"):
        assert equal(measure(name, a, b), measure(name, b, a))
        assert equal(measure(name, a, b), measure(name, a[order], b[order]))
    assert equal(measure("accuracy_difference", a, b), -measure("accuracy_difference", b, a))
    assert measure("negative_flips", a, b) == measure("positive_flips", b, a)


@given(pairs_of_masks)
def test_identity_is_one_and_disjoint_is_zero(masks):
    a, _ = masks
    if a.any():
        assert jaccard(a, a) == 1
        assert kappa(a, a) == 1 or a.all()
        assert jaccard(a, np.zeros_like(a)) == 0
    if a.any() and not a.all():
        assert jaccard(a, ~a) == 0
        assert kappa(a, ~a) < 0
    assert measure("negative_flips", a, a) == measure("positive_flips", a, a) == 0
    assert measure("accuracy_difference", a, a) == 0


@given(pairs_of_masks)
def test_flips_account_for_the_accuracy_difference(masks):
    a, b = masks
    negative, positive = measure("negative_flips", a, b), measure("positive_flips", a, b)
    assert equal(positive - negative, measure("accuracy_difference", a, b))
    assert equal(negative + positive, np.mean(a != b))


@given(st.integers(1, 7), st.data())
def test_ceilings_are_the_best_over_all_overlaps(n, data):
    size_a, size_b = data.draw(st.integers(0, n)), data.draw(st.integers(0, n))
    a = np.arange(n) < size_a
    masks = [np.array(bits) for bits in product([False, True], repeat=n) if sum(bits) == size_b]
    found = set_measures(set_counts(a, masks[0])[0])
    for name, best in (("jaccard", max), ("kappa", max), ("negative_flips", min), ("positive_flips", min)):
        assert equal(found[name].ceiling, best(measure(name, a, b) for b in masks))


def test_ceiling_over_two_datasets_is_reached_and_never_passed():
    rng = np.random.default_rng(0)
    inside = np.arange(12) < 7
    a = np.array([1, 1, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0], dtype=bool)  # 3 of 7 and 1 of 5
    found = []
    for _ in range(3000):
        b = np.zeros(12, dtype=bool)
        b[rng.choice(7, 2, replace=False)] = True
        b[7 + rng.choice(5, 3, replace=False)] = True
        found.append(jaccard(a, b))
        value, _ = pooled_jaccard([set_counts(a[d], b[d])[0] for d in (inside, ~inside)])
        assert equal(value.value, found[-1])
    assert equal(value.ceiling, max(found))


def test_chance_is_what_independent_sets_show():
    rng = np.random.default_rng(1)
    n = 200_000
    p, q = 0.3, 0.6
    a, b = rng.random(n) < p, rng.random(n) < q
    chance = {name: found.chance for name, found in set_measures([1, p, q, 0]).items()}
    for name in ("jaccard", "negative_flips", "positive_flips"):
        assert measure(name, a, b) == pytest.approx(chance[name], abs=0.005)
    assert kappa(a, b) == pytest.approx(0, abs=0.01)
    # Two datasets of which one is flagged far more often: pooling the rates would understate chance.
    rates_a, rates_b, sizes = np.array([0.05, 0.9]), np.array([0.1, 0.8]), np.array([50_000, 150_000])
    a = np.concatenate([rng.random(s) < r for s, r in zip(sizes, rates_a, strict=True)])
    b = np.concatenate([rng.random(s) < r for s, r in zip(sizes, rates_b, strict=True)])
    within, _ = pooled_jaccard(np.stack([sizes, sizes * rates_a, sizes * rates_b, 0 * sizes], axis=1))
    assert jaccard(a, b) == pytest.approx(within.chance, abs=0.005)
    assert within.chance > set_measures([1, a.mean(), b.mean(), 0])["jaccard"].chance + 0.05


def test_chance_of_one_dataset_is_the_closed_form_and_size_does_not_matter():
    for datasets in ([[1, 0.2, 0.5, 0]], [[999, 0.2 * 999, 0.5 * 999, 0]], [[10, 2, 5, 0], [0, 0, 0, 0]]):
        assert equal(pooled_jaccard(datasets)[0].chance, 0.1 / 0.6)
    assert equal(pooled_jaccard([[1, 1, 1, 1]])[0].chance, 1)


def test_empty_cases_are_not_numbers():
    none, empty = np.zeros(3, dtype=bool), np.zeros(0, dtype=bool)
    assert np.isnan(set_measures(set_counts(none, none)[0])["jaccard"]).all()
    assert np.isnan(pooled_jaccard([[0, 0, 0, 0], [3, 0, 0, 0]])).all()
    for found in set_measures(set_counts(empty, empty)[0]).values():
        assert np.isnan(found).all()
    assert set_measures([3, 0, 3, 0])["jaccard"].ceiling == 0


@pytest.mark.parametrize("bad", [[0.3, 1.0], [np.nan, 1.0], [2, 1], ["a", "b"], [[True, False]], [True]])
def test_what_is_no_mask_is_refused(bad):
    with pytest.raises(ValueError, match=r"[Mm]ask"):
        check_masks(bad, [True, False])


states = st.sampled_from(["in", "out", "unknown"])


@given(st.lists(st.tuples(states, states), min_size=1, max_size=5))
def test_bounds_are_the_extremes_over_all_settlements(rows):
    a, b = (np.array(column) for column in zip(*rows, strict=True))
    settled = []
    choices = [["in", "out"] if s == "unknown" else [s] for s in (*a, *b)]
    for choice in product(*choices):
        value = jaccard(np.array(choice[: len(a)]) == "in", np.array(choice[len(a) :]) == "in")
        if not np.isnan(value):
            settled.append(value)
    low, high = jaccard_bounds(a == "in", b == "in", a == "unknown", b == "unknown")
    if settled:
        assert equal(low, min(settled))
        assert equal(high, max(settled))
    else:
        assert np.isnan([low, high]).all()


scores = st.lists(st.integers(-3, 3), min_size=1, max_size=20)


@given(scores, scores)
def test_auroc_is_that_of_scikit_learn_also_with_ties(negative, positive):
    truth = [0] * len(negative) + [1] * len(positive)
    assert equal(auroc(negative, positive), roc_auc_score(truth, negative + positive))


@given(scores, scores)
def test_fpr95_by_its_definition(negative, positive):
    keeps = [t for t in sorted(set(negative)) if np.mean(np.array(negative) <= t) >= 0.95]
    assert equal(fpr_at_95(negative, positive), np.mean(np.array(positive) <= keeps[0]))


def test_auroc_of_nothing_and_of_nan():
    assert np.isnan(auroc([], [1.0]))
    assert np.isnan(fpr_at_95([1.0], []))
    with pytest.raises(ValueError, match="NaN"):
        auroc([1.0, np.nan], [2.0])


# The authors' published error lists on SQuAD 2.0's 11,873 development questions (github.com/rohitrai11/
# Compressed-Models-are-NOT-Miniature-Versions-of-Large-Models): sizes, overlaps as Jaccard index, and what
# was computed from the ids themselves with other code.
QUESTIONS = 11_873
SIZES = {"large": 2701, "base": 3236, "distil": 4294, "medium": 4026, "mini": 5423, "tiny": 6206}
JACCARD = {
    ("large", "base"): 0.528, ("large", "distil"): 0.410,
    ("large", "medium"): 0.421, ("large", "mini"): 0.317,
    ("large", "tiny"): 0.220, ("base", "distil"): 0.487, ("base", "medium"): 0.502, ("base", "mini"): 0.370,
    ("base", "tiny"): 0.244, ("distil", "medium"): 0.566,
    ("distil", "mini"): 0.477, ("distil", "tiny"): 0.297,
    ("medium", "mini"): 0.470, ("medium", "tiny"): 0.292, ("mini", "tiny"): 0.487,
}  # fmt: skip
KAPPA = {
    ("large", "base"): 0.589, ("large", "distil"): 0.419,
    ("large", "medium"): 0.440, ("large", "mini"): 0.255,
    ("large", "tiny"): 0.064, ("base", "distil"): 0.499, ("base", "medium"): 0.525, ("base", "mini"): 0.302,
    ("base", "tiny"): 0.054, ("distil", "medium"): 0.573,
    ("distil", "mini"): 0.405, ("distil", "tiny"): 0.053,
    ("medium", "mini"): 0.410, ("medium", "tiny"): 0.069, ("mini", "tiny"): 0.326,
}  # fmt: skip
# Per cent of questions that large has right and the other wrong; chance; ceiling; the reverse flips; all
# flips.
LARGE_ROW = {
    "base": (9.97, 0.142, 0.835, 5.47, 15.44),
    "distil": (19.03, 0.162, 0.629, 5.62, 24.65),
    "medium": (17.11, 0.158, 0.671, 5.95, 23.07),
    "mini": (29.21, 0.179, 0.498, 6.28, 35.49),
    "tiny": (38.75, 0.188, 0.435, 9.23, 47.98),
}


def overlapping(size_a, size_b, shared):
    a, b = np.zeros(QUESTIONS, dtype=bool), np.zeros(QUESTIONS, dtype=bool)
    a[:size_a] = True
    b[size_a - shared : size_a - shared + size_b] = True
    return a, b


@pytest.mark.parametrize("pair", JACCARD)
def test_the_authors_overlaps_give_their_kappa(pair):
    size_a, size_b = (SIZES[m] for m in pair)
    shared = round(JACCARD[pair] * (size_a + size_b) / (1 + JACCARD[pair]))
    a, b = overlapping(size_a, size_b, shared)
    assert round(jaccard(a, b), 3) == JACCARD[pair]
    # The overlap is known to about three examples from a Jaccard index of three decimals: so is kappa.
    assert kappa(a, b) == pytest.approx(KAPPA[pair], abs=0.0015)


@pytest.mark.parametrize("other", LARGE_ROW)
def test_the_authors_reference_row(other):
    negative, chance, ceiling, positive, every = LARGE_ROW[other]
    # The three shares of flips fix the overlap to one or two examples; one overlap must then give everything
    # else.
    wanted = (negative, positive, every)
    overlaps = []
    for shared in range(SIZES["large"] + 1):
        lost, won = SIZES[other] - shared, SIZES["large"] - shared
        if tuple(round(100 * x / QUESTIONS, 2) for x in (lost, won, lost + won)) == wanted:
            overlaps.append(overlapping(SIZES["large"], SIZES[other], shared))
    assert 1 <= len(overlaps) <= 2
    tabled = (JACCARD["large", other], KAPPA["large", other])
    fitting = [o for o in overlaps if (round(jaccard(*o), 3), round(kappa(*o), 3)) == tabled]
    assert len(fitting) == 1
    a, b = fitting[0]
    found = set_measures(set_counts(a, b)[0])
    assert round(float(found["jaccard"].chance), 3) == chance
    assert round(float(found["jaccard"].ceiling), 3) == ceiling
    flips = [float(found[f"{kind}_flips"].value) for kind in ("negative", "positive")]
    assert [round(100 * x, 2) for x in (*flips, sum(flips))] == [negative, positive, every]
    assert found["accuracy_difference"].value == pytest.approx((SIZES["large"] - SIZES[other]) / QUESTIONS)
    # And as the study's own comparison gives them.
    ids = [f"q{i}" for i in range(QUESTIONS)]
    lists = {m: pd.DataFrame({"id": ids, "error": e}) for m, e in (("large", a), (other, b))}
    rows = compare_errors(
        lists, Comparing("squad", "squad", "test", "large", Resampling(resamples=100)),
        np.arange(QUESTIONS) // 10,
    ).rows.set_index("measure")  # fmt: skip
    assert rows.loc["jaccard", ["value", "chance", "ceiling"]].round(3).tolist() == [
        tabled[0],
        chance,
        ceiling,
    ]
    assert round(rows.loc["kappa", "value"], 3) == tabled[1]
    shares = [round(100 * rows.loc[f"{kind}_flips", "value"], 2) for kind in ("negative", "positive")]
    assert shares == [negative, positive]
    assert rows.loc["jaccard_corrected", "value"] == pytest.approx(
        (tabled[0] - chance) / (ceiling - chance), abs=0.003
    )
