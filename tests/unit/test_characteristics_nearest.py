"""The search by faiss is exact: the same as float64 throughout, whatever float32 makes of the order."""

import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from miniature.characteristics import nearest
from miniature.characteristics.distribution.detect import kth_distances
from miniature.characteristics.embeddings import unit_rows
from miniature.characteristics.representation import neighbors
from miniature.characteristics.representation.neighbors import TIE, search_neighbors


@pytest.fixture(autouse=True)
def always_by_candidates(monkeypatch):
    monkeypatch.setattr(neighbors, "DENSE", 2.0)


SCRIPTS = Path(__file__).parents[2] / "scripts"


def by_sorting(embeddings, k):
    """Neighbors and runs of ties from whole rows of float64 cosines, sorted."""
    unit = unit_rows(embeddings)
    cosine = unit @ unit.T
    found, ties, sure = [], [], []
    for i, row in enumerate(cosine):
        order = [j for j in np.argsort(-row, kind="stable") if j != i]
        runs = [[order[0]]]
        for before, j in pairwise(order):
            if row[before] - row[j] <= TIE:
                runs[-1].append(j)
            else:
                runs.append([j])
        found.append([j for run in runs for j in sorted(run)][:k])
        first = 1
        for run in runs:
            if len(run) > 1 and first <= k:
                ties.append((i, first, first + len(run) - 1))
            first += len(run)
        # Elsewhere the order of adding up decides whether two cosines are one.
        sure.append((np.abs(-np.diff(row[order]) - TIE) > 2e-15).all())
    return np.array(found), ties, np.array(sure)


def by_partition(queries, bank, ks):
    """Distances to the K-th nearest row, from all squared distances in float64, not rounded."""
    queries, bank = unit_rows(queries), unit_rows(bank)
    length, own = (bank != 0).any(axis=1) * 1.0, (queries != 0).any(axis=1) * 1.0
    squared = np.sort(length - 2 * (queries @ bank.T), axis=1)[:, np.asarray(ks) - 1] + own[:, None]
    return np.sqrt(np.where(squared < 1e-13, 0, squared))


def random_rows(rng, n, hidden):
    return rng.normal(size=(n, hidden))


def duplicated(rng, n, hidden):
    return rng.normal(size=(max(2, n // 3), hidden))[rng.integers(0, max(2, n // 3), n)]


def collapsed(rng, n, hidden):
    return rng.normal(size=hidden) + 10.0 ** -rng.integers(1, 7) * rng.normal(size=(n, hidden))


def two_classes(rng, n, hidden):
    return rng.normal(size=hidden) * rng.choice([-1, 1], size=(n, 1)) + 0.01 * rng.normal(size=(n, hidden))


def near_ties(rng, n, hidden):
    """More rows at almost one distance than faiss is asked for: float32 cannot tell them apart."""
    rows = rng.normal(size=(4, hidden))[rng.integers(0, 4, n)]
    return rows + 10.0 ** -rng.integers(5, 13) * rng.normal(size=(n, hidden))


def with_zeros(rng, n, hidden):
    rows = collapsed(rng, n, hidden)
    rows[:: rng.integers(2, 9)] = 0
    return rows


def whole_numbers(rng, n, hidden):
    return rng.integers(-2, 3, size=(n, hidden))


KINDS = (random_rows, duplicated, collapsed, two_classes, near_ties, with_zeros, whole_numbers)


@settings(max_examples=15)
@given(seed=st.integers(0, 100_000), wide=st.booleans())
@pytest.mark.parametrize("kind", KINDS)
def test_neighbors_ties_and_distances_are_those_of_float64(kind, seed, wide):
    rng = np.random.default_rng(seed)
    n, hidden = int(rng.integers(60, 200)), 96 if wide else int(rng.integers(2, 12))
    rows = kind(rng, n, hidden).astype(np.float32)
    k = int(rng.integers(1, 40))
    found, ties = search_neighbors(rows, k)
    expected, runs, sure = by_sorting(rows, k)
    np.testing.assert_array_equal(found[sure], expected[sure])
    assert [t for t in ties.itertuples(index=False, name=None) if sure[t[0]]] == [
        t for t in runs if sure[t[0]]
    ]
    bank, queries = rows[: n // 2], rows[n // 2 :]
    ks = [1, min(k, len(bank))]
    distances, wanted = kth_distances(queries, bank, ks, what="x"), by_partition(queries, bank, ks)
    # Ten decimals are kept; where 1e-14 of the square decides on the last, either is right.
    clear = np.abs(wanted * 1e10 % 1 - 0.5) * wanted > 1e-4
    np.testing.assert_array_equal(distances[clear], np.round(wanted, 10)[clear])
    assert (np.abs(distances**2 - wanted**2) < 1e-13 + 2.1e-10 * wanted).all()


def opened(monkeypatch, rows, k):
    """Neighbors, and how many rows were compared with all others."""
    count = [0]
    original = neighbors._nearest

    def counting(cosine, k_max):
        count[0] += len(cosine)
        return original(cosine, k_max)

    monkeypatch.setattr(neighbors, "_nearest", counting)
    found = search_neighbors(rows, k)[0]
    return found, count[0]


@pytest.mark.parametrize(
    ("kind", "share"), [(random_rows, (0, 0)), (near_ties, (0.2, 1)), (duplicated, (0, 0.05))]
)
def test_rows_are_searched_anew_only_where_the_bound_cannot_tell(kind, share, monkeypatch):
    rows = kind(np.random.default_rng(1), 600, 32)
    _, anew = opened(monkeypatch, rows, 20)
    assert share[0] <= anew / len(rows) <= share[1]


@pytest.mark.parametrize("noise", [0.9, 3.0])
def test_any_error_within_the_bound_changes_nothing_and_one_beyond_is_noticed(noise, monkeypatch):
    rng = np.random.default_rng(2)
    rows = random_rows(rng, 400, 48)
    expected = search_neighbors(rows, 30)[0]
    size = noise * nearest.rounding_bound(48, 0.5)

    def rough(bank):
        def search(queries, count):
            score = queries.astype(float) @ bank.T.astype(float)
            score += rng.uniform(-size, size, score.shape)
            index = np.argsort(-score, axis=1)[:, :count]
            return np.take_along_axis(score, index, axis=1), index

        return search

    monkeypatch.setattr(nearest, "_search", rough)
    found, anew = opened(monkeypatch, rows, 30)
    np.testing.assert_array_equal(found, expected)
    assert (anew > 0) == (noise > 1)


def test_the_bound_holds_for_faiss_itself():
    rng = np.random.default_rng(3)
    for hidden in (2, 96, 768):
        bank = unit_rows(rng.normal(size=(300, hidden)) + rng.normal(size=hidden))
        for found in nearest.nearest_candidates(bank, bank, 300):
            assert np.isfinite(found.score).all()
            assert (found.limit == -np.inf).all()  # nothing was left out, and no error beyond the bound
        [found] = nearest.nearest_candidates(bank[:50], bank, 10)
        score = bank[:50] @ bank.T
        np.put_along_axis(score, found.index, -np.inf, axis=1)
        assert (score.max(axis=1) <= found.limit).all()


def test_distances_with_a_wrong_search_are_measured_anew(monkeypatch):
    rng = np.random.default_rng(4)
    bank, queries = rng.normal(size=(200, 16)), rng.normal(size=(40, 16))
    expected = np.round(by_partition(queries, bank, [1, 7]), 10)

    def first_rows(queries, count):
        return np.zeros((len(queries), count)), np.tile(np.arange(count), (len(queries), 1))

    monkeypatch.setattr(nearest, "_search", lambda rows: first_rows)
    np.testing.assert_array_equal(kth_distances(queries, bank, [1, 7], what="x"), expected)


def test_faiss_keeps_to_the_threads_of_the_study_and_torch_stays_out():
    program = (
        f"import sys; sys.path.insert(0, {str(SCRIPTS)!r})\n"
        "import numpy\n"
        "from miniature.job.compute import set_threads\n"
        "set_threads(1)\n"
        "from miniature.characteristics.representation.neighbors import search_neighbors\n"
        "search_neighbors(numpy.eye(9), 2)\n"
        "import faiss\n"
        "print(faiss.omp_get_max_threads(), 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1", "False"]
