"""Intervals of measures over clusters: BCa against scipy, corrected forms, coverage of known truths."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import bootstrap
from sklearn.metrics import adjusted_rand_score, cohen_kappa_score

from miniature.agreement.comparison import Resampling
from miniature.measures.sets import correct_for_chance, set_counts, set_measures, set_values
from miniature.statistics.bootstrap import bca_interval, cluster_index
from miniature.statistics.pairs import draw_counts, resample_measures


@pytest.mark.parametrize("seed", range(5))
def test_bca_is_scipys(seed):
    rng = np.random.default_rng(seed)
    x, y = rng.exponential(size=30), rng.exponential(size=30) + 0.5

    def ratio(x, y, axis=-1):
        return x.mean(axis=axis) / y.mean(axis=axis)

    theirs = bootstrap(
        (x, y),
        ratio,
        paired=True,
        vectorized=True,
        n_resamples=999,
        method="BCa",
        rng=np.random.default_rng(seed),
    )
    jackknife = np.array([ratio(np.delete(x, i), np.delete(y, i)) for i in range(30)])
    ours = bca_interval(theirs.bootstrap_distribution, ratio(x, y), jackknife)
    np.testing.assert_allclose(ours, theirs.confidence_interval, atol=1e-10)


def test_no_interval_without_spread_or_where_anything_is_undefined():
    jackknife = np.array([0.4, 0.5, 0.6])
    assert np.isnan(bca_interval(np.full(50, 0.5), 0.5, jackknife)).all()
    assert np.isnan(bca_interval(np.array([0.1, np.nan, 0.3]), 0.2, jackknife)).all()
    assert np.isnan(bca_interval(np.array([0.1, 0.2, 0.3]), np.nan, jackknife)).all()
    assert np.isnan(bca_interval(np.array([0.1, 0.2, 0.3]), 0.2, np.array([0.1, np.nan]))).all()
    assert np.isnan(bca_interval(np.array([0.1, 0.2, 0.3]), 0.2, np.array([0.2]))).all()


def test_correction_is_the_form_of_kappa_and_of_the_adjusted_rand_index():
    rng = np.random.default_rng(0)
    a, b = rng.random(100) < 0.4, rng.random(100) < 0.6
    observed, p, q = np.mean(a == b), a.mean(), b.mean()
    by_chance = p * q + (1 - p) * (1 - q)
    assert correct_for_chance(observed, by_chance, 1.0) == pytest.approx(cohen_kappa_score(a, b), abs=1e-12)
    # Pairs of examples that both partitions put together, by chance and at most (Hubert and Arabie 1985).
    x, y = rng.integers(0, 3, 40), rng.integers(0, 4, 40)

    def together(*labels):
        counts = np.unique(np.stack(labels), axis=1, return_counts=True)[1]
        return (counts * (counts - 1) / 2).sum()

    expected = together(x) * together(y) / (40 * 39 / 2)
    found = correct_for_chance(together(x, y), expected, (together(x) + together(y)) / 2)
    assert found == pytest.approx(adjusted_rand_score(x, y), abs=1e-12)


def test_correction_needs_room_and_one_shape():
    assert np.isnan(correct_for_chance(0.5, 0.45, 0.5))
    assert np.isnan(correct_for_chance(0.5, np.nan, 1.0))
    np.testing.assert_allclose(correct_for_chance([0.3, 0.3], [0.4, 0.3], [0.2, 0.3]), [0.5, np.nan])
    with pytest.raises(ValueError, match="pair up"):
        correct_for_chance([0.1], [0.1, 0.2], [0.3])


@given(st.integers(2, 60), st.floats(0, 1), st.floats(0, 1), st.integers(0, 1000))
def test_kappa_and_both_kinds_of_flips_have_one_corrected_form(n, p, q, seed):
    rng = np.random.default_rng(seed)
    a, b = rng.random(n) < p, rng.random(n) < q
    corrected = set_measures(set_counts(a, b)[0])["kappa_corrected"].value
    if np.isnan(corrected):
        return
    p, q = a.mean(), b.mean()
    for flips, chance, fewest in (
        (np.mean(~a & b), (1 - p) * q, max(0, q - p)),
        (np.mean(a & ~b), p * (1 - q), max(0, p - q)),
    ):
        assert (flips - chance) / (fewest - chance) == pytest.approx(corrected, abs=1e-9)


@pytest.mark.slow
@given(st.integers(0, 10_000))
def test_all_pairs_at_once_are_each_pair_by_itself(seed):
    rng = np.random.default_rng(seed)
    index, n_clusters = cluster_index(rng.integers(0, 5, size=30))
    masks = rng.random((40, 30)) < rng.random((40, 1))
    sums = np.array([set_counts(a, b, index, n_clusters) for a, b in zip(masks, masks[::-1], strict=True)])
    counts = draw_counts(n_clusters, Resampling(resamples=300, seed=seed))  # more than one block of each
    for pair, found in zip(sums, resample_measures(sums, counts, set_values), strict=True):
        expected = set_values(counts.astype(float) @ pair)
        for name, resampled in found.items():
            np.testing.assert_array_equal(resampled.values, expected[name])


def test_clusters_and_counts_must_fit():
    with pytest.raises(ValueError, match="same clusters"):
        list(resample_measures(np.zeros((1, 3, 4)), np.ones((5, 2), dtype=np.float32), set_values))


def simulate(rng, size, n_clusters, share, p, q, both):
    """Two error sets with given rates, clusters of a given size, and a share of examples that copy theirs."""
    u = rng.random(n_clusters * size)
    u = np.where(rng.random(u.size) < share, np.repeat(rng.random(n_clusters), size), u)
    return u < p, (u >= p - both) & (u < p - both + q)


# Examples a cluster, clusters, share that copies its cluster, error rates, Jaccard index.
CELLS = [
    (1, 200, 0.0, 0.3, 0.4, 0.5),
    (1, 200, 0.0, 0.1, 0.15, 0.3),
    (4, 125, 0.5, 0.2, 0.35, 0.4),
    (1, 2000, 0.0, 0.23, 0.52, 0.22),
    (5, 400, 0.5, 0.1, 0.2, 0.3),
]


@pytest.mark.slow
@pytest.mark.parametrize("cell", CELLS)
def test_intervals_cover_the_truth(cell):
    size, n_clusters, share, p, q, jaccard = cell
    both = jaccard * (p + q) / (1 + jaccard)
    truth = set_values(np.array([1, p, q, both]))
    index = np.repeat(np.arange(n_clusters), size)
    rng = np.random.default_rng(7)
    sets = [simulate(rng, size, n_clusters, share, p, q, both) for _ in range(1000)]
    sums = np.array([set_counts(a, b, index, n_clusters) for a, b in sets])
    counts = draw_counts(n_clusters, Resampling(resamples=500, seed=0))
    covered = dict.fromkeys(truth, 0)
    for found in resample_measures(sums, counts, set_values):
        for name, resampled in found.items():
            covered[name] += resampled.low <= truth[name] <= resampled.high
    # 95 % asked for, and 1,000 simulations: two standard errors are 1.4 %.
    shares = {name: count / len(sets) for name, count in covered.items()}
    assert all(0.92 <= share <= 0.98 for share in shares.values()), shares
