"""Intervals of out-of-distribution sets: resamples written out row by row; known populations are covered."""

import numpy as np
import pytest
from scipy.stats import norm, spearmanr
from sklearn.metrics import jaccard_score, roc_auc_score

from miniature.agreement.comparison import Resampling
from miniature.characteristics.distribution.distances import order_distances, order_findings
from miniature.characteristics.distribution.intervals import (
    DATASETS,
    flagged_shares,
    jaccard_measures,
    set_findings,
)
from miniature.characteristics.distribution.resampling import (
    draw_table,
    left_out_counts,
    observed_counts,
    resampled_counts,
)
from miniature.measures.ranks import centered_ranks, chance_correlation, correlate_ranks, rank_values
from miniature.statistics import thresholds as flags
from miniature.statistics.jackknife import block_examples
from miniature.statistics.thresholds import make_levels, resampled_overlaps, resampled_thresholds

PAIRS = np.array([[0, 1], [0, 2], [1, 2]])
NAMES = ("id", "ood", "calibration")


def draw_distances(rng, index, shift, *, own=0.5, clustered=True):
    """Distances of three models: a part that all share, half of it the cluster's, and a part of their own."""
    shared = rng.normal(size=len(index))
    if clustered:
        shared = np.sqrt(0.5) * (shared + rng.normal(size=index.max() + 1)[index])
    return shift + shared + own * rng.normal(size=(3, len(index)))


def cut_all(distances):
    """Levels and sets of three models from distances of test, other and calibration rows."""
    levels = [make_levels(c, np.concatenate([a, b])) for a, b, c in zip(*distances, strict=True)]
    flagged = [
        np.stack(
            [d > np.percentile(c, 95, method="inverted_cdf") for d, c in zip(part, distances[2], strict=True)]
        )
        for part in distances[:2]
    ]
    return levels, flagged


def small_study(seed, *, decimals=1):
    rng = np.random.default_rng(seed)
    indices = [
        np.concatenate([np.arange(c), rng.integers(0, c, n - c)]) for n, c in ((60, 14), (50, 9), (40, 11))
    ]
    tables = [draw_table(i, i.max() + 1, Resampling(resamples=30, seed=seed), name)
              for i, name in zip(indices, ("", "ood", "calibration"), strict=True)]  # fmt: skip
    # Rounded, so that distances tie with each other and with thresholds.
    distances = [
        draw_distances(rng, i, shift).round(decimals) for i, shift in zip(indices, (0, 1.2, 0), strict=True)
    ]
    return indices, tables, distances


def counted(distances, rows):
    """Sets and measures from rows written out, a row that is drawn twice twice."""
    test, ood, calibration = [d[:, r] for d, r in zip(distances, rows, strict=True)]
    thresholds = [np.percentile(c, 95, method="inverted_cdf") for c in calibration]
    sets = [np.stack([d > t for d, t in zip(part, thresholds, strict=True)]) for part in (test, ood)]
    return sets, np.concatenate(sets, axis=1)


@pytest.mark.parametrize("seed", range(4))
def test_resamples_are_those_of_rows_written_out(seed):
    indices, tables, distances = small_study(seed)
    levels, _ = cut_all(distances)
    counts = resampled_counts(levels, tables[2], tables[:2], PAIRS, percentile=95)
    shares = flagged_shares(counts)
    for r in range(30):
        rows = [
            np.repeat(np.arange(len(i)), t.weights[r].astype(int)[i])
            for i, t in zip(indices, tables, strict=True)
        ]
        sets, joined = counted(distances, rows)
        np.testing.assert_allclose(shares["flagged_id"][r], sets[0].mean(axis=1))
        np.testing.assert_allclose(shares["flagged_ood"][r], sets[1].mean(axis=1))
        for name, over in (("jaccard_id", sets[0]), ("jaccard_ood", sets[1]), ("jaccard_all", joined)):
            found, _ = jaccard_measures(counts, PAIRS, name)
            for p, (a, b) in enumerate(PAIRS):
                value = jaccard_score(over[a], over[b]) if (over[a] | over[b]).any() else np.nan
                assert found.value[r, p] == pytest.approx(value, nan_ok=True)


@pytest.mark.parametrize("seed", range(4))
def test_values_without_a_cluster_are_those_of_the_rest(seed):
    indices, tables, distances = small_study(seed)
    levels, _ = cut_all(distances)
    left_out = left_out_counts(levels, tables[2], tables[:2], PAIRS, percentile=95)
    for which, found in enumerate(left_out):
        for cluster in range(tables[which].count):
            rows = [
                np.flatnonzero(i != cluster) if j == which else np.arange(len(i))
                for j, i in enumerate(indices)
            ]
            sets, _ = counted(distances, rows)
            expected = observed_counts(sets, PAIRS)
            for part, of_rest in zip(found, expected, strict=True):
                np.testing.assert_array_equal(part[cluster], of_rest[0])


def test_thresholds_are_numpys_percentiles_of_the_rows_drawn():
    rng = np.random.default_rng(5)
    for n in (1, 7, 20, 100, 200):
        values = rng.normal(size=n).round(1)
        weights = rng.multinomial(n, np.full(n, 1 / n), 40).astype(np.float32)
        level = make_levels(values, []).calibration
        for percentile in (5, 50, 90, 95, 100):
            found = np.unique(values)[resampled_thresholds(level, weights, percentile=percentile)]
            expected = [
                np.percentile(np.repeat(values, w.astype(int)), percentile, method="inverted_cdf")
                for w in weights
            ]
            np.testing.assert_array_equal(found, expected)


def test_parts_change_nothing(monkeypatch):
    rng = np.random.default_rng(6)
    rows, thresholds = rng.integers(0, 9, (4, 50)), rng.integers(2, 7, (4, 33))
    weights = rng.integers(0, 4, (33, 8)).astype(np.float32)
    index = rng.integers(0, 8, 50)
    whole = resampled_overlaps(rows, thresholds, weights, index)
    monkeypatch.setattr(flags, "PART_ENTRIES", 500)
    np.testing.assert_array_equal(resampled_overlaps(rows, thresholds, weights, index), whole)
    drawn = weights[:, index]
    flagged = rows[None] > thresholds.T[:, :, None]
    np.testing.assert_array_equal(whole, np.einsum("ran,rbn,rn->rab", flagged, flagged, drawn))


def test_order_of_distances_against_scipy_and_scikit_learn_also_without_a_block():
    _, tables, distances = small_study(7)
    joined = {m: np.concatenate([distances[0][m], distances[1][m]]) for m in range(3)}
    whole, without = order_distances(joined, *tables[:2], blocks=5, seed=3)
    outside = np.arange(110) >= 60
    of_rows = [block_examples(t.index, t.count, blocks=5, seed=3)[0] for t in tables[:2]]
    kept = [np.concatenate(of_rows) != i for i in range(5)]
    for found, rows in zip((whole, *without), (np.ones(110, dtype=bool), *kept), strict=True):
        value = spearmanr(joined[0][rows], joined[1][rows]).statistic
        assert found.correlation[0, 1] == pytest.approx(value, abs=1e-10)
        assert found.auroc[2] == pytest.approx(roc_auc_score(outside[rows], joined[2][rows]), abs=1e-10)


def test_chance_correlation_is_the_mean_over_permutations_within_each_set():
    rng = np.random.default_rng(8)
    outside = np.arange(40) >= 25
    values = rng.normal(size=(2, 40)) + 2 * outside
    ranks = centered_ranks([rank_values(v) for v in values])
    chance = chance_correlation(ranks, [outside, ~outside])[0, 1]
    permuted = []
    for _ in range(4000):
        order = np.concatenate([rng.permutation(25), 25 + rng.permutation(15)])
        permuted.append(correlate_ranks(np.stack([ranks[0], ranks[1][order]]))[0, 1])
    assert chance == pytest.approx(np.mean(permuted), abs=4 * np.std(permuted) / np.sqrt(4000))
    assert chance > 0.3


def findings_of(distances, tables):
    levels, flagged = cut_all(distances)
    versions = (
        observed_counts(flagged, PAIRS),
        resampled_counts(levels, tables[2], tables[:2], PAIRS, percentile=95),
        left_out_counts(levels, tables[2], tables[:2], PAIRS, percentile=95),
    )
    counts = {name: table.count for name, table in zip(NAMES, tables, strict=True)}
    joined = {m: np.concatenate([distances[0][i], distances[1][i]]) for i, m in enumerate("abc")}
    orders = order_distances(joined, *tables[:2], blocks=20, seed=0)
    return [*set_findings(list("abc"), PAIRS, versions, counts), *order_findings(list("abc"), PAIRS, *orders)]


def population_truth(rng, shift, own):
    """Measures of a very large sample with the population's thresholds."""
    size = 1_000_000
    inside, outside = (rng.normal(size=size) + own * rng.normal(size=(2, size)) for _ in range(2))
    threshold = norm.ppf(0.95) * np.sqrt(1 + own**2)
    sets = {"id": inside > threshold, "ood": outside + shift > threshold}
    truth = {f"jaccard_{n}": (s[0] & s[1]).sum() / (s[0] | s[1]).sum() for n, s in sets.items()}
    truth |= {f"flagged_{n}": s.mean() for n, s in sets.items()}
    return truth | {"auroc": norm.cdf(shift / np.sqrt(2 * (1 + own**2)))}


@pytest.mark.slow
@pytest.mark.parametrize("clustered", [False, True])
def test_intervals_cover_the_population(clustered):
    rng = np.random.default_rng(9)
    shift, own = 1.5, 0.5
    truth = population_truth(rng, shift, own)
    clusters = (400, 250, 250) if clustered else (1000, 600, 600)
    sizes = [rng.integers(1, 6, c) if clustered else np.ones(c, dtype=int) for c in clusters]
    resampling = Resampling(resamples=400)
    tables = [
        draw_table(np.repeat(np.arange(c), s), c, resampling, name)
        for c, s, name in zip(clusters, sizes, ("", "ood", "calibration"), strict=True)
    ]
    covered = {name: [] for name in truth}
    for _ in range(250):
        distances = [
            draw_distances(rng, t.index, s, own=own, clustered=clustered)
            for t, s in zip(tables, (0, shift, 0), strict=True)
        ]
        for found in findings_of(distances, tables):
            if found.measure in truth:
                covered[found.measure].append(found.low <= truth[found.measure] <= found.high)
    for name, hits in covered.items():
        # Three pairs or models a simulation, which hang together: a standard error of about one percent.
        assert 0.92 <= np.mean(hits) <= 0.98, name


def test_one_cluster_or_nothing_flagged_has_no_interval():
    _, tables, distances = small_study(10, decimals=6)
    one = draw_table(np.zeros(50, dtype=int), 1, Resampling(resamples=30), "ood")
    for found in findings_of(distances, [tables[0], one, tables[2]]):
        needs_ood = "_id" not in found.measure
        assert np.isnan(found.low) or not needs_ood
        assert not needs_ood or not len(found.draws)
    low = [distances[0] - 50, distances[1] - 50, distances[2]]
    for found in findings_of(low, tables):
        if found.measure.startswith("jaccard"):
            assert np.isnan([found.value, found.chance, found.ceiling, found.low, found.high]).all()
    assert set(DATASETS) == {"jaccard_ood", "jaccard_id", "jaccard_all"}
