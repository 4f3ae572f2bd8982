"""Intervals from random halves: against searching each half anew, textbook variances, and for coverage."""

import numpy as np
import pytest

from miniature.characteristics.representation.neighbors import search_neighbors
from miniature.measures.neighbors import neighbor_jaccard
from miniature.statistics import halves as neighbor_halves
from miniature.statistics.halves import (
    half_deviations,
    half_sizes,
    halves_degrees,
    halves_interval,
    ranking_length,
    split_halves,
)


def rankings_of(embeddings, length):
    return {model: search_neighbors(x.astype(np.float32), length)[0] for model, x in embeddings.items()}


def searched_anew(x, y, members, k):
    """Neighbor Jaccard of the embeddings of some examples alone, with Python sets."""
    lists = [search_neighbors(e[members].astype(np.float32), k)[0] for e in (x, y)]
    pairs = [(set(a[:k]), set(b[:k])) for a, b in zip(*lists, strict=True)]
    return np.mean([len(a & b) / len(a | b) for a, b in pairs])


@pytest.mark.parametrize("ties", [False, True])
def test_deviations_are_those_of_halves_searched_anew(ties, monkeypatch):
    rng = np.random.default_rng(1)
    n, k_max = 42, 12
    x = rng.integers(-2, 3, size=(n, 2)) + 0.1 if ties else rng.normal(size=(n, 4))
    embeddings = {"large": x, "near": x + 0.3 * rng.normal(size=x.shape), "far": rng.normal(size=(n, 3))}
    index = np.concatenate([np.arange(21), rng.integers(0, 21, n - 21)])
    halves = split_halves(index, 21, seed=5, splits=6)
    pairs = [("large", "near"), ("large", "far"), ("near", "far")]
    rankings = rankings_of(embeddings, n - 1)
    found = half_deviations(rankings, pairs, halves, k_max=k_max)
    for p, (a, b) in enumerate(pairs):
        for split, member in enumerate(halves.member):
            for k, size in enumerate(half_sizes(k_max, n)):
                one, other = (searched_anew(embeddings[a], embeddings[b], m, size) for m in (member, ~member))
                assert found[p, split, k] == pytest.approx(halves.scale * (one - other), abs=1e-12)
    monkeypatch.setattr(neighbor_halves, "ENTRIES", 5 * (n - 1))
    np.testing.assert_allclose(half_deviations(rankings, pairs, halves, k_max=k_max), found, atol=1e-14)
    for processes in (2, 5):
        again = half_deviations(rankings, pairs, halves, k_max=k_max, processes=processes)
        np.testing.assert_array_equal(again, half_deviations(rankings, pairs, halves, k_max=k_max))
    again = split_halves(index, 21, seed=5, splits=6)
    np.testing.assert_array_equal(again.member, halves.member)


def test_rankings_of_the_usual_length_do_as_well_as_whole_ones():
    rng = np.random.default_rng(2)
    n, k_max = 600, 20
    index = np.arange(n) // 5
    shared = rng.normal(size=(n // 5, 6))[index]
    x = shared + 0.5 * rng.normal(size=(n, 6))
    embeddings = {"large": x, "tiny": x + 0.5 * rng.normal(size=x.shape)}
    halves = split_halves(index, n // 5, seed=0, splits=10)
    length = ranking_length(k_max, n)
    assert length < n // 4
    whole, short = (
        half_deviations(rankings_of(embeddings, m), [("large", "tiny")], halves, k_max=k_max)
        for m in (n - 1, length)
    )
    np.testing.assert_allclose(short, whole, atol=1e-4)
    # Too short for any row to have all it needs: as many neighbors as there are, never none.
    cut = half_deviations(rankings_of(embeddings, k_max), [("large", "tiny")], halves, k_max=k_max)
    assert np.isfinite(cut).all()
    assert 0.7 < cut[..., -1].std() / whole[..., -1].std() < 1.6


def test_other_shapes_are_refused_and_a_half_without_neighbors_has_no_value():
    halves = split_halves(np.arange(3), 3, seed=0, splits=4)
    lists = np.array([[1, 2], [0, 2], [0, 1]])
    with pytest.raises(ValueError, match="same 3 examples"):
        half_deviations({"a": lists, "b": lists[:, :1]}, [("a", "b")], halves, k_max=1)
    found = half_deviations({"a": lists, "b": lists}, [("a", "b")], halves, k_max=1)
    assert np.isnan(found).all()  # one example alone in the smaller half
    assert np.isnan(halves_interval(np.array([1.0]), found[0], clusters=3)).all()


@pytest.mark.parametrize("clusters", [40, 7, 2])
def test_variance_of_a_mean_is_the_textbook_one(clusters):
    values = np.random.default_rng(3).normal(size=clusters)
    halves = split_halves(np.arange(clusters), clusters, seed=1, splits=60_000)
    assert (halves.member.sum(axis=1) == clusters // 2).all()
    first = halves.member @ values / halves.member.sum(axis=1)
    second = ~halves.member @ values / (~halves.member).sum(axis=1)
    moved = halves.scale * (first - second)
    assert np.mean(moved**2) == pytest.approx(values.var(ddof=1) / clusters, rel=0.03)


def test_degrees_of_freedom_are_never_more_than_either_source_has():
    assert halves_degrees(50, 10**9) == pytest.approx(49)
    assert halves_degrees(10**9, 12) == pytest.approx(11)
    assert halves_degrees(50, 2) < 1


def coverage(cluster_size, *, n, width, noise, k, simulations, share=0.7):
    """How often intervals hold the mean agreement: ours, without clusters, and with the neighbors fixed."""
    rng = np.random.default_rng(4)
    index = np.arange(n) // cluster_size
    clusters = n // cluster_size
    values, bounds = [], {"halves": [], "alone": [], "fixed": []}
    for s in range(simulations):
        points = rng.normal(size=(n, width))
        if cluster_size > 1:
            own = rng.normal(size=(clusters, width))[index]
            points = np.sqrt(share) * own + np.sqrt(1 - share) * points
        embeddings = {m: points + noise * rng.normal(size=points.shape) for m in ("large", "tiny")}
        rankings = rankings_of(embeddings, ranking_length(k, n))
        a, b = (rankings[m][:, :k] for m in ("large", "tiny"))
        value = neighbor_jaccard(a, b)[-1]
        values.append(value)
        for name, of_one in (("halves", index), ("alone", np.arange(n))):
            if name == "alone" and cluster_size == 1:
                continue
            halves = split_halves(of_one, int(of_one[-1]) + 1, seed=s)
            moved = half_deviations(rankings, [("large", "tiny")], halves, k_max=k)[0, :, -1]
            bounds[name].append(halves_interval(value, moved, clusters=halves.clusters))
        shared = (a[:, :, None] == b[:, None, :]).sum(axis=(1, 2))
        each = np.bincount(index, weights=shared / (2 * k - shared)) / cluster_size
        error = 1.96 * each.std(ddof=1) / np.sqrt(clusters)  # what a bootstrap of the examples comes to
        bounds["fixed"].append((value - error, value + error))
    truth = np.mean(values)
    return {
        name: np.mean([low <= truth <= high for low, high in found])
        for name, found in bounds.items() if found
    }  # fmt: skip


@pytest.mark.slow
def test_intervals_cover_where_those_with_the_neighbors_fixed_do_not():
    """The truth is the mean over samples: embeddings are drawn, neighbors searched, intervals made."""
    held = coverage(1, n=120, width=5, noise=0.3, k=10, simulations=250)
    assert 0.91 <= held["halves"] <= 0.99  # standard error of a rate of 95 %: 1.4 points
    assert held["fixed"] < 0.85


@pytest.mark.slow
def test_intervals_count_clusters():
    held = coverage(5, n=120, width=20, noise=0.5, k=4, simulations=150)
    assert held["halves"] >= 0.9
    assert held["alone"] < 0.85
