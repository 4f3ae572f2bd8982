"""Neighbor agreement for every K, against Python sets, enumeration and simulation."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import hypergeom

from miniature.measures import neighbors as module
from miniature.measures.neighbors import chance_neighbor_jaccard, neighbor_jaccard, neighbor_jaccard_bounds


def random_lists(rng, n, k):
    others = np.array([[j for j in range(n) if j != i] for i in range(n)])
    return np.array([rng.permutation(row)[:k] for row in others], dtype=np.int32)


def by_sets(a, b):
    n, k_max = a.shape
    return [
        np.mean([len(set(a[i, :k]) & set(b[i, :k])) / len(set(a[i, :k]) | set(b[i, :k])) for i in range(n)])
        for k in range(1, k_max + 1)
    ]


@given(st.integers(0, 10_000), st.integers(2, 25))
def test_curve_is_that_of_sets(seed, n):
    rng = np.random.default_rng(seed)
    k = int(rng.integers(1, n))
    a, b = random_lists(rng, n, k), random_lists(rng, n, k)
    curve = neighbor_jaccard(a, b)
    np.testing.assert_allclose(curve, by_sets(a, b), atol=1e-12)
    np.testing.assert_allclose(curve, neighbor_jaccard(b, a), atol=1e-12)
    np.testing.assert_array_equal(neighbor_jaccard(a, a), np.ones(k))


def test_blocks_change_nothing(monkeypatch):
    rng = np.random.default_rng(3)
    a, b = random_lists(rng, 50, 20), random_lists(rng, 50, 20)
    whole = neighbor_jaccard(a, b)
    monkeypatch.setattr(module, "RANK_ENTRIES", 150)
    np.testing.assert_allclose(neighbor_jaccard(a, b), whole, atol=1e-14)


def test_disjoint_lists_give_zero_until_they_must_meet():
    n, k = 9, 4
    a = np.array([[(i + 1 + r) % n for r in range(k)] for i in range(n)])
    b = np.array([[(i - 1 - r) % n for r in range(k)] for i in range(n)])
    np.testing.assert_array_equal(neighbor_jaccard(a, b), np.zeros(k))


def test_permuting_the_examples_changes_nothing():
    rng = np.random.default_rng(4)
    a, b = random_lists(rng, 30, 12), random_lists(rng, 30, 12)
    order = rng.permutation(30)  # example i becomes order[i]
    moved = [np.empty_like(x) for x in (a, b)]
    for x, y in zip((a, b), moved, strict=True):
        y[order] = order[x]
    np.testing.assert_allclose(neighbor_jaccard(*moved), neighbor_jaccard(a, b), atol=1e-14)


def test_bounds_hold_every_way_to_break_ties_and_close_without_any():
    rng = np.random.default_rng(5)
    n, k, last = 8, 5, 6  # ranks 3 to 6 of each row tie; rank 6 lies beyond k
    a, b = random_lists(rng, n, last), random_lists(rng, n, last)
    free = np.array([[0, 0, 1, 2, 1]] * n)
    low, high = neighbor_jaccard_bounds(a[:, :k], b[:, :k], free, free)
    assert (low < high)[2:].all()
    for _ in range(300):
        settled = []
        for x in (a, b):
            y = x.copy()
            y[:, 2:] = rng.permuted(y[:, 2:], axis=1)
            settled.append(y[:, :k])
        curve = neighbor_jaccard(*settled)
        assert (low <= curve + 1e-12).all()
        assert (curve <= high + 1e-12).all()
    none = np.zeros_like(free)
    for bound in neighbor_jaccard_bounds(a[:, :k], b[:, :k], none, none):
        np.testing.assert_allclose(bound, neighbor_jaccard(a[:, :k], b[:, :k]), atol=1e-14)


def test_chance_is_the_mean_over_all_pairs_of_sets():
    n = 7
    chance = chance_neighbor_jaccard(n, n - 1)
    for k in range(1, n):
        sets = [set(s) for s in combinations(range(n - 1), k)]
        values = [len(a & b) / len(a | b) for a in sets for b in sets]
        assert chance[k - 1] == pytest.approx(np.mean(values), abs=1e-12)


def test_chance_is_scipys_hypergeometric_mean_and_above_the_ratio_of_means():
    n, k_max = 1200, 400
    chance = chance_neighbor_jaccard(n, k_max)
    for k in (1, 2, 50, 400):
        shared = np.arange(k + 1)
        mean = np.sum(hypergeom.pmf(shared, n - 1, k, k) * shared / (2 * k - shared))
        assert chance[k - 1] == pytest.approx(mean, rel=1e-9)
    ks = np.arange(1, k_max + 1)
    ratio = ks / (2 * (n - 1) - ks)
    assert (chance > ratio).all()
    assert chance[0] == pytest.approx(1 / (n - 1))
    assert chance[-1] == pytest.approx(ratio[-1], rel=0.005)


def test_random_lists_agree_by_chance():
    rng = np.random.default_rng(6)
    n, k = 120, 40
    curves = [neighbor_jaccard(random_lists(rng, n, k), random_lists(rng, n, k)) for _ in range(30)]
    np.testing.assert_allclose(np.mean(curves, axis=0)[4:], chance_neighbor_jaccard(n, k)[4:], rtol=0.06)


@pytest.mark.parametrize(
    "bad", [[[0], [0]], [[1], [2]], [[-1], [0]], [[1.0], [0.0]], [1, 0], np.zeros((0, 1), dtype=int)]
)
def test_what_are_no_neighbors_is_refused(bad):
    with pytest.raises(ValueError, match=r"Row|whole numbers"):
        neighbor_jaccard(bad, bad)


def test_different_shapes_are_refused():
    with pytest.raises(ValueError, match="same examples"):
        neighbor_jaccard([[1, 2], [0, 2], [0, 1]], [[1], [0], [0]])


@pytest.mark.parametrize(("n", "k"), [(5, 5), (5, 0), (1, 1)])
def test_chance_needs_k_below_n(n, k):
    with pytest.raises(ValueError, match="K runs from 1"):
        chance_neighbor_jaccard(n, k)
