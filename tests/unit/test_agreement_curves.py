"""Intervals of neighbour curves: coverage of the mean of a known population."""

import numpy as np
import pytest

from miniature.agreement import curves
from miniature.agreement.curves import curve_intervals, draw_clusters


def test_parts_change_nothing(monkeypatch):
    rng = np.random.default_rng(1)
    index = np.repeat(np.arange(20), 3)
    draws = draw_clusters(index, 20, resamples=50, seed=3)
    sums = rng.random((20, 33))
    whole = curve_intervals(sums, draws, keep=(0, 32))
    monkeypatch.setattr(curves, "PART_BYTES", 4 * 50 * 7)
    parts = curve_intervals(sums, draws, keep=(0, 32))
    for a, b in zip(whole[:3], parts[:3], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)
    assert list(whole.kept) == list(parts.kept) == [0, 32]
    expected = draws.weights.astype(float) @ sums / (3 * 20)
    np.testing.assert_allclose(whole.kept[32], expected[:, 32], rtol=1e-6)
    np.testing.assert_allclose(whole.area, expected.mean(axis=1), rtol=1e-6)


def test_sums_of_other_clusters_are_refused():
    draws = draw_clusters(np.arange(3), 3, resamples=5, seed=0)
    with pytest.raises(ValueError, match="3 clusters"):
        curve_intervals(np.ones((4, 2)), draws)


@pytest.mark.parametrize("clustered", [False, True])
def test_intervals_cover_the_population_mean(clustered):
    """Examples drawn from a population whose mean Jaccard is known, each with its own neighbour lists.

    For each example the intersection of its two lists is binomial about a rate that its cluster shares, so
    that the population mean of I / (2K - I) is a sum over the beta-binomial law.
    """
    rng = np.random.default_rng(2)
    clusters, simulations, k = 250, 1200, 10
    sizes = rng.integers(1, 15, clusters) if clustered else np.ones(clusters, dtype=int)
    index = np.repeat(np.arange(clusters), sizes)
    draws = draw_clusters(index, clusters, resamples=800, seed=4)
    shared = rng.binomial(k, rng.beta(2, 3, size=400_000))
    truth = np.mean(shared / (2 * k - shared))
    rates = rng.beta(2, 3, size=(simulations, clusters))
    shared = rng.binomial(k, rates[:, index])  # [simulations, examples]
    jaccard = shared / (2 * k - shared)
    sums = np.add.reduceat(jaccard, np.flatnonzero(np.diff(index, prepend=-1)), axis=1).T  # [clusters, sims]
    found = curve_intervals(np.ascontiguousarray(sums), draws)
    coverage = np.mean((found.low <= truth) & (truth <= found.high))
    assert 0.93 <= coverage <= 0.97
    if clustered:
        # Resampled as if they were independent, examples of one cluster make intervals that are too narrow.
        alone = draw_clusters(np.arange(len(index)), len(index), resamples=400, seed=4)
        naive = curve_intervals(np.ascontiguousarray(jaccard.T), alone)
        assert np.mean((naive.low <= truth) & (truth <= naive.high)) < 0.9
