"""Bootstrap over clusters, McNemar and Holm, against definitions, scipy and simulation."""

from itertools import combinations
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from miniature.measures.sets import set_counts, set_measures, set_values
from miniature.statistics.bootstrap import (
    cluster_index,
    percentile_bounds,
    resample_clusters,
)
from miniature.statistics.significance import hommel, mcnemar


@given(st.integers(0, 10_000))
def test_a_resample_measures_what_its_repeated_examples_measure(seed):
    rng = np.random.default_rng(seed)
    clusters = rng.integers(0, 6, size=25).astype(str)
    a, b = rng.random(25) < rng.random(), rng.random(25) < rng.random()
    index, n_clusters = cluster_index(clusters)
    counts = resample_clusters(n_clusters, resamples=4, seed=seed)
    values = set_values(counts @ set_counts(a, b, index, n_clusters))
    for r in range(4):
        rows = np.repeat(np.arange(25), counts[r].astype(int)[index])
        x, y = a[rows], b[rows]
        for name, found in set_measures(set_counts(x, y)[0]).items():
            if not name.endswith("_corrected"):
                np.testing.assert_allclose(values[name][r], found.value, atol=1e-12)
                if found.ceiling - found.chance > 1e-6 and f"{name}_corrected" in values:
                    corrected = (found.value - found.chance) / (found.ceiling - found.chance)
                    np.testing.assert_allclose(values[f"{name}_corrected"][r], corrected, atol=1e-9)


def test_one_seed_gives_one_set_of_resamples_and_each_is_as_large_as_the_data():
    counts = resample_clusters(40, resamples=500, seed=3)
    np.testing.assert_array_equal(counts, resample_clusters(40, resamples=500, seed=3))
    assert (counts != resample_clusters(40, resamples=500, seed=4)).any()
    np.testing.assert_array_equal(counts.sum(axis=1), 40)
    np.testing.assert_allclose(counts.mean(axis=0), 1, atol=0.2)
    with pytest.raises(ValueError, match="Nothing to resample"):
        resample_clusters(0, resamples=5, seed=0)


def test_bounds_are_numpys_percentiles_and_empty_where_one_is_undefined():
    rng = np.random.default_rng(0)
    for resamples in (2, 3, 40, 41, 999, 2000):
        values = rng.normal(size=(4, resamples))
        values[3, 1] = np.nan
        expected = np.percentile(values, [2.5, 97.5], axis=1)
        np.testing.assert_allclose(percentile_bounds(values.copy()), expected, rtol=1e-12)
        assert np.isnan(expected[:, 3]).all()


@pytest.mark.parametrize("share", [0.0, 0.6])
def test_intervals_cover_the_truth_with_and_without_shared_contexts(share):
    rng = np.random.default_rng(11)
    size, n_clusters, simulations = 5, 200, 400
    p, q, both = 0.3, 0.4, 0.2  # of each example, whatever its cluster
    truth = both / (p + q - both)
    index = np.repeat(np.arange(n_clusters), size)
    counts = resample_clusters(n_clusters, resamples=500, seed=0)
    covered = careless = 0
    for _ in range(simulations):
        u = rng.random(n_clusters * size)
        # With probability `share` an example copies its cluster: its own law stays as it was.
        u = np.where(rng.random(u.size) < share, np.repeat(rng.random(n_clusters), size), u)
        a, b = u < p, (u >= p - both) & (u < p - both + q)
        value = float(set_values(set_counts(a, b)[0])["jaccard"])
        careless += abs(value - truth) <= 1.96 * np.sqrt(value * (1 - value) / np.count_nonzero(a | b))
        resampled = set_values(counts @ set_counts(a, b, index, n_clusters))["jaccard"]
        low, high = percentile_bounds(resampled)
        covered += low <= truth <= high
    assert 0.92 <= covered / simulations <= 0.98
    # Treating examples of one context as independent is what this is for.
    assert (careless / simulations < 0.9) == (share > 0)


@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_is_the_exact_binomial_test(negative, positive):
    found = mcnemar(negative, positive)
    if negative + positive == 0:
        assert found == 1
    else:
        # Coins that fall at least as unevenly, out of all the ways in which they can fall.
        n, fewer = negative + positive, min(negative, positive)
        tail = sum(comb(n, k) for k in range(fewer + 1))
        assert found == pytest.approx(min(1.0, 2 * tail / 2**n), rel=1e-12)
    assert found == mcnemar(positive, negative)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6))
def test_hommel_is_closed_testing_with_simes(p):
    adjusted = hommel(p)
    for i in range(len(p)):
        worst = 0.0
        for size in range(1, len(p) + 1):
            for subset in combinations(range(len(p)), size):
                if i in subset:
                    ranked = sorted(p[j] for j in subset)
                    worst = max(worst, min(x * size / rank for rank, x in enumerate(ranked, 1)))
        assert adjusted[i] == pytest.approx(min(1, worst), abs=1e-12)


def test_hommel_takes_families_row_by_row_and_passes_over_tests_that_were_not_made():
    families = np.array([[0.01, np.nan, 0.04], [0.03, 0.04, 0.05], [np.nan] * 3])
    found = hommel(families)
    for row, expected in zip(families, found, strict=True):
        np.testing.assert_allclose(hommel(row), expected)
    np.testing.assert_allclose(found[0], [0.02, np.nan, 0.04])
    np.testing.assert_allclose(found[1], 0.05)  # all at most 5 %: all stand
    assert hommel([]).shape == (0,)
    with pytest.raises(ValueError, match="P-values"):
        hommel([0.5, 1.5])


def test_a_negative_count_is_refused():
    with pytest.raises(ValueError, match="negative"):
        mcnemar(-1, 2)
