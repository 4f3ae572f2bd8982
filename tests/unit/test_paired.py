"""Bounds of what changed against the original."""

import numpy as np
import pytest
from scipy.stats import binomtest, ttest_1samp

from miniature.statistics.paired import examples_without_change, mean_bounds, share_bounds


def hits(n, events):
    return np.arange(n) < events


@pytest.mark.parametrize("events", [0, 1, 9])
def test_few_events_have_clopper_and_pearson_s_bounds(events):
    exact = binomtest(events, 300).proportion_ci(0.90, method="exact")
    found = share_bounds(hits(300, events), np.arange(300))
    np.testing.assert_allclose((found.low, found.high), (exact.low, exact.high), atol=1e-9)


def test_many_events_have_the_same_but_for_half_an_event():
    exact = binomtest(60, 1000).proportion_ci(0.90, method="exact")
    found = share_bounds(hits(1000, 60), np.arange(1000))
    np.testing.assert_allclose((found.low, found.high), (exact.low, exact.high), atol=1e-3)
    assert exact.low < found.low < 0.06 < found.high < exact.high


def test_p_value_and_lower_bound_are_one_calculation():
    for events in (4, 40):
        low = share_bounds(hits(500, events), np.arange(500)).low
        assert share_bounds(hits(500, events), np.arange(500), limit=low).p_above == pytest.approx(0.05)


def test_examples_of_one_cluster_count_less():
    hit = np.repeat(hits(100, 8), 5)
    alone, together = share_bounds(hit, np.arange(500)), share_bounds(hit, np.repeat(np.arange(100), 5))
    assert together.high > alone.high
    assert together.low < alone.low
    assert share_bounds(np.zeros(500, bool), np.repeat(np.arange(100), 5)).high == pytest.approx(
        1 - 0.05**0.01
    )


def test_fewer_than_five_clusters_bound_nothing():
    found = share_bounds(hits(400, 40), np.arange(400) % 4)
    assert found.value == 0.1
    assert np.isnan([found.low, found.high]).all()
    assert np.isnan(mean_bounds(np.arange(40.0), np.arange(40) % 4).low)


def test_the_mean_of_independent_examples_is_student_s():
    values = np.random.default_rng(0).normal(0.02, 0.1, 80)
    exact = ttest_1samp(values, 0.0).confidence_interval(0.90)
    found = mean_bounds(values, np.arange(80), limit=0.0)
    np.testing.assert_allclose((found.low, found.high), (exact.low, exact.high))
    assert found.p_above == pytest.approx(ttest_1samp(values, 0.0, alternative="greater").pvalue)


def test_examples_without_change_is_where_the_exact_bound_passes():
    for limit in (0.02, 0.008, 0.05):
        n = examples_without_change(limit)
        assert binomtest(0, n).proportion_ci(0.90, method="exact").high <= limit
        assert binomtest(0, n - 1).proportion_ci(0.90, method="exact").high > limit
    with pytest.raises(ValueError):
        examples_without_change(0.0)


@pytest.mark.parametrize(("clusters", "size", "share"), [(200, 1, 0.002), (1000, 1, 0.02), (100, 5, 0.03)])
def test_bounds_hold_the_truth(clusters, size, share):
    """A plain bootstrap holds a share of .002 of 200 examples in a third of the cases."""
    random = np.random.default_rng(clusters + size)
    index = np.repeat(np.arange(clusters), size)
    held = []
    for _ in range(400):
        chance = random.beta(3 * share, 3 * (1 - share), clusters) if size > 1 else np.full(clusters, share)
        found = share_bounds(random.random(len(index)) < chance[index], index)
        held.append((found.low <= share, share <= found.high))
    assert (np.mean(held, axis=0) > 0.92).all()
