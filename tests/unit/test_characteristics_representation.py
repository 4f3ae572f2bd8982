"""Nearest neighbors against exact arithmetic, faiss and scikit-learn; ties, duplicates, bad embeddings."""

import logging
from fractions import Fraction
from unittest.mock import patch

import faiss
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t as student_t
from sklearn.neighbors import NearestNeighbors

from miniature.agreement.comparison import HALVES, JACKKNIFE, Comparing, Resampling
from miniature.characteristics import embeddings as embeddings_module
from miniature.characteristics.representation import neighbors as neighbors_module
from miniature.characteristics.representation.compare import compare_representation
from miniature.characteristics.representation.neighbors import free_neighbors, search_neighbors
from miniature.measures.neighbors import chance_same_cluster, same_cluster
from miniature.messages import StudyError
from miniature.statistics.halves import SPLITS, ranking_length, split_halves

FEW = Resampling(resamples=200)
# No list is as long as all examples and more, and every one longer than none.
BY_CANDIDATES, BY_ALL_PAIRS = 2.0, 0.0
COMPARING = Comparing("squad", "squad", "test", "large", FEW, feature="cls")


def only_neighbors(x, k):
    return search_neighbors(x, k)[0]


def exact_order(x):
    """Neighbors of every row of whole numbers, and the exact keys they were sorted by."""
    x = [[int(v) for v in row] for row in x]
    orders, keys = [], []
    for i, row in enumerate(x):
        ranked = []
        for j, other in enumerate(x):
            if j == i:
                continue
            dot = sum(a * b for a, b in zip(row, other, strict=True))
            norms = sum(a * a for a in row) * sum(b * b for b in other)
            # The sign times the square of the cosine orders as the cosine does, and is a fraction.
            key = Fraction(abs(dot) * dot, norms) if norms else Fraction(0)
            ranked.append((-key, j))
        ranked.sort()
        orders.append([j for _, j in ranked])
        keys.append([k for k, _ in ranked])
    return np.array(orders), keys


@settings(max_examples=60)
@given(st.integers(0, 10_000), st.integers(2, 16), st.integers(1, 3))
def test_neighbors_and_ties_are_those_of_exact_arithmetic(seed, n, width):
    rng = np.random.default_rng(seed)
    x = rng.integers(-2, 3, size=(n, width))  # many duplicates, multiples, opposites and zero rows
    k = int(rng.integers(1, n))
    ways = []
    for share in (BY_CANDIDATES, BY_ALL_PAIRS):
        with patch.object(neighbors_module, "DENSE", share):
            ways.append(search_neighbors(x.astype(np.float32), k))
    (neighbors, ties), others = ways
    np.testing.assert_array_equal(neighbors, others[0])
    pd.testing.assert_frame_equal(ties, others[1])
    longer, same_ties = search_neighbors(x.astype(np.float32), k, length=n - 1)
    np.testing.assert_array_equal(neighbors, longer[:, :k])
    pd.testing.assert_frame_equal(ties, same_ties)
    order, keys = exact_order(x)
    np.testing.assert_array_equal(neighbors, order[:, :k])
    assert neighbors.dtype == np.int32
    free = free_neighbors(ties, n, k)
    for i in range(n):
        for at in range(1, k + 1):
            cut = at < n - 1 and keys[i][at - 1] == keys[i][at]
            same = [r for r, key in enumerate(keys[i], start=1) if key == keys[i][at - 1]]
            assert free[i, at - 1] == (min(at - same[0] + 1, same[-1] - at) if cut else 0)


def test_neighbors_are_those_of_faiss_and_scikit_learn():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(300, 16)).astype(np.float32)
    ours = only_neighbors(x, 299)
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    index = faiss.IndexFlatIP(16)
    index.add(unit)
    _, found = index.search(unit, 30)
    for i in range(300):
        assert set(ours[i, :29]) == set(found[i]) - {i}
    cosine = NearestNeighbors(n_neighbors=300, metric="cosine", algorithm="brute").fit(x.astype(np.float64))
    everything = cosine.kneighbors(x.astype(np.float64), return_distance=False)
    np.testing.assert_array_equal(ours, everything[:, 1:])


def test_duplicated_rows_never_keep_themselves():
    rng = np.random.default_rng(2)
    x = rng.normal(size=(250, 24)).astype(np.float32)
    x[200:] = x[150:200]
    neighbors = only_neighbors(x, 10)
    rows = np.arange(250)
    assert not (neighbors == rows[:, None]).any()
    np.testing.assert_array_equal(neighbors[150:200, 0], rows[200:])
    np.testing.assert_array_equal(neighbors[200:, 0], rows[150:200])
    # Wherever both copies are near, the earlier comes first and directly before the later.
    for i in range(150):
        for j in range(150, 200):
            places = [np.flatnonzero(neighbors[i] == c) for c in (j, j + 50)]
            if len(places[1]):
                assert places[1] == places[0] + 1


def test_neighbors_in_a_narrow_cone_are_exact_where_float32_is_not():
    rng = np.random.default_rng(3)
    x = (5000 + 3 * rng.normal(size=(80, 8))).astype(np.float32)
    assert (x.astype(np.float64) * 2**20 % 1 == 0).all()  # so that whole numbers say the same
    order, _ = exact_order(x.astype(np.float64) * 2**20)
    np.testing.assert_array_equal(only_neighbors(x, 20), order[:, :20])
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    rough = unit @ unit.T
    np.fill_diagonal(rough, -1)
    rough = np.argsort(-rough, axis=1, kind="stable")[:, :20]
    assert np.mean(rough == order[:, :20]) < 0.9


def test_rotation_scale_and_order_of_examples_do_not_matter():
    rng = np.random.default_rng(4)
    x = rng.normal(size=(120, 12))
    neighbors = only_neighbors(x, 30)
    rotation, _ = np.linalg.qr(rng.normal(size=(12, 12)))
    np.testing.assert_array_equal(only_neighbors(x @ rotation, 30), neighbors)
    np.testing.assert_array_equal(only_neighbors(x * rng.uniform(0.1, 9, size=(120, 1)), 30), neighbors)
    order = rng.permutation(120)
    place = np.argsort(order)
    np.testing.assert_array_equal(only_neighbors(x[order], 30), place[neighbors][order])


def test_blocks_change_nothing(monkeypatch):
    rng = np.random.default_rng(5)
    x = rng.integers(-2, 3, size=(90, 4)).astype(np.float32)
    neighbors, ties = search_neighbors(x, 20)
    monkeypatch.setattr(embeddings_module, "BLOCK_BYTES", 8 * 90 * 7)
    again, ties_again = search_neighbors(x, 20)
    np.testing.assert_array_equal(again, neighbors)
    order = ["example", "first"]
    pd.testing.assert_frame_equal(
        ties_again.sort_values(order, ignore_index=True), ties.sort_values(order, ignore_index=True)
    )


def test_nan_names_the_first_row():
    x = np.ones((6, 3), dtype=np.float32)
    x[4, 1] = np.nan
    x[5, 1] = np.inf
    with pytest.raises(StudyError, match="2 rows, first in row 4") as error:
        only_neighbors(x, 2)
    assert error.value.fix


@pytest.mark.parametrize("shape", [(5,), (5, 0)])
def test_embeddings_have_two_dimensions(shape):
    with pytest.raises(StudyError, match="shape"):
        only_neighbors(np.ones(shape, dtype=np.float32), 2)


@pytest.mark.parametrize(("n", "fix"), [(5, "k_max: 4"), (1, "at least two")])
def test_too_few_examples_say_the_line_to_paste(n, fix):
    with pytest.raises(StudyError, match="others") as error:
        only_neighbors(np.ones((n, 2), dtype=np.float32), 5)
    assert fix in error.value.fix


def test_constant_embeddings_are_settled_by_index_and_reported_as_ties():
    neighbors, ties = search_neighbors(np.full((6, 3), 0.7, dtype=np.float32), 3)
    assert neighbors.tolist() == [[j for j in range(6) if j != i][:3] for i in range(6)]
    assert ties[["first", "last"]].values.tolist() == [[1, 5]] * 6
    np.testing.assert_array_equal(free_neighbors(ties, 6, 3), [[1, 2, 2]] * 6)


def compare(embeddings, k, reference="large", clusters=(), verdict=None):
    n = len(next(iter(embeddings.values())))
    found = {m: search_neighbors(x, k, length=ranking_length(k, n)) for m, x in embeddings.items()}
    return compare_representation(
        {m: f[0][:, :k] for m, f in found.items()},
        {m: f[0] for m, f in found.items()},
        {m: f[1] for m, f in found.items()},
        embeddings,
        COMPARING._replace(reference=reference, verdict=verdict),
        clusters if len(clusters) else [f"p{i // 2}" for i in range(n)],
    )


def test_the_same_geometry_agrees_fully_and_unrelated_ones_by_chance():
    rng = np.random.default_rng(6)
    x = rng.normal(size=(240, 12))
    rotation, _ = np.linalg.qr(rng.normal(size=(12, 12)))
    table = compare({"base": x @ rotation, "large": x, "tiny": rng.normal(size=(240, 12))}, 60).rows
    rows = table[table["measure"] == "jaccard"].set_index(["model_a", "model_b", "k"])
    assert list(dict.fromkeys(zip(*[rows.index.get_level_values(i) for i in (0, 1)], strict=True))) == [
        ("large", "base"), ("large", "tiny"), ("base", "tiny"),
    ]  # fmt: skip
    rows = rows.sort_index()
    assert (rows.loc[("large", "base"), "value"] == 1).all()
    unrelated = rows.loc[("large", "tiny")]
    assert unrelated.index.tolist() == list(range(1, 61))
    np.testing.assert_allclose(unrelated["value"][9:], unrelated["chance"][9:], rtol=0.25)
    assert (rows["ceiling"] == 1).all()
    assert (rows["n"] == 240).all()
    assert (rows["n_clusters"] == 120).all()
    own = table[table["measure"] == "tied_rows"]
    assert (own["model_a"] == own["model_b"]).all()
    assert (own["value"] == 0).all()
    assert len(own) == 3 * 60
    assert not table["measure"].isin(["jaccard_low", "jaccard_high"]).any()


def test_collapsed_rows_are_reported_bounded_and_warned_about(caplog):
    rng = np.random.default_rng(7)
    x = rng.normal(size=(40, 6))
    y = x.copy()
    y[20:] = y[20]
    with caplog.at_level(logging.WARNING):
        table = compare({"large": x, "tiny": y}, 10).rows.set_index(["measure", "model_a", "k"]).sort_index()
    assert "Model tiny" in caplog.text
    assert "Model large" not in caplog.text
    assert (table.loc[("tied_rows", "tiny"), "value"] >= 0.5).all()
    assert (table.loc[("tied_rows", "large"), "value"] == 0).all()
    value, low, high = (table.loc[(m, "large"), "value"] for m in ("jaccard", "jaccard_low", "jaccard_high"))
    assert (low < value).all()
    assert (value <= high).all()
    # Agreement out of nothing: two collapsed models agree fully, and the bounds say what that is worth.
    nothing = compare({"large": np.ones((40, 2)), "tiny": np.ones((40, 2))}, 10).rows.set_index(
        ["measure", "k"]
    )
    assert nothing.loc[("jaccard", 5), "value"] == 1
    assert nothing.loc[("jaccard_low", 5), "value"] == 0


def test_neighbors_of_another_size_name_the_model():
    rng = np.random.default_rng(8)
    found = {m: search_neighbors(rng.normal(size=(20, 3)), k) for m, k in (("large", 5), ("tiny", 4))}
    with pytest.raises(StudyError, match="neighbors of tiny"):
        compare_representation(
            *({m: f[i] for m, f in found.items()} for i in (0, 0, 1)), {}, COMPARING, ["p"] * 20,
        )  # fmt: skip


def test_no_model_gives_an_empty_table():
    nothing = compare_representation({}, {}, {}, {}, COMPARING, ["p"])
    assert [len(table) for table in nothing] == [0, 0]


def test_share_of_own_cluster_against_a_count_by_hand():
    rng = np.random.default_rng(5)
    clusters = rng.integers(0, 4, 30).astype(str)
    neighbors = only_neighbors(rng.normal(size=(30, 5)), 7)
    expected = [
        np.mean([np.mean([clusters[j] == clusters[i] for j in neighbors[i, :k]]) for i in range(30)])
        for k in range(1, 8)
    ]
    np.testing.assert_allclose(same_cluster(neighbors, clusters), expected)


def test_random_neighbors_share_a_cluster_at_the_chance_level():
    rng = np.random.default_rng(6)
    clusters = np.repeat(np.arange(100), rng.integers(1, 12, 100)).astype(str)
    n = len(clusters)
    neighbors = np.stack([rng.permutation(np.delete(np.arange(n), i))[:50] for i in range(n)])
    assert same_cluster(neighbors, clusters)[-1] == pytest.approx(chance_same_cluster(clusters), abs=2e-3)


def test_intervals_and_resampled_values_are_those_of_halves_searched_anew():
    rng = np.random.default_rng(9)
    x = rng.normal(size=(60, 4))
    embeddings = {"large": x, "tiny": x + 0.5 * rng.normal(size=x.shape)}
    clusters = rng.integers(0, 12, 60).astype(str)
    settings = {"task": "squad", "measure": "jaccard", "k": 5, "keep": 0.8}
    found = compare(embeddings, 8, clusters=clusters, verdict=settings)
    index = pd.factorize(clusters)[0]
    halves = split_halves(index, 12, seed=0)
    by_hand = np.empty((SPLITS, 8))
    for s, member in enumerate(halves.member):
        for k, size in enumerate([1, 2, 3, 3, 4, 5, 5, 6]):  # K (1 - 2K / 60)
            half = [
                np.mean([len(set(a) & set(b)) / len(set(a) | set(b)) for a, b in zip(*lists, strict=True)])
                for lists in (
                    [only_neighbors(e[m], size) for e in embeddings.values()] for m in (member, ~member)
                )
            ]
            by_hand[s, k] = (half[0] - half[1]) / 2
    rows = found.rows[found.rows["model_a"] != found.rows["model_b"]].set_index("measure")
    t = student_t.ppf(0.975, 1 / (1 / (SPLITS - 1) + 1 / 11))
    value, chance = (rows.loc["jaccard", name].to_numpy() for name in ("value", "chance"))
    for bound, sign in (("ci_low", -1), ("ci_high", 1)):
        expected = np.clip(value + sign * t * by_hand.std(axis=0, ddof=1), 0, 1)
        np.testing.assert_allclose(rows.loc["jaccard", bound], expected, atol=1e-9)
        corrected = rows.loc["jaccard_corrected", bound]
        np.testing.assert_allclose(corrected, (expected - chance) / (1 - chance), atol=1e-9)
        area = value.mean() + sign * t * by_hand.mean(axis=1).std(ddof=1)
        assert rows.loc["jaccard_area", bound] == pytest.approx(area, abs=1e-9)
    assert rows.loc["jaccard_area", "value"] == pytest.approx(rows.loc["jaccard", "value"].mean())
    curve = ["jaccard", "jaccard_corrected", "jaccard_area"]
    assert set(rows.loc[curve, "ci_method"]) == {HALVES}
    assert set(rows.drop(curve)["ci_method"]) == {JACKKNIFE}
    assert (found.resamples[["model_a", "model_b", "method"]] == ["large", "tiny", HALVES]).all(axis=None)
    np.testing.assert_allclose(found.resamples["value"], value[4] + by_hand[:, 4], atol=1e-9)
    area = compare(embeddings, 8, clusters=clusters, verdict={"task": "squad", "measure": "jaccard_area"})
    np.testing.assert_allclose(area.resamples["value"], (value + by_hand).mean(axis=1), atol=1e-9)
    corrected = compare(embeddings, 8, clusters=clusters, verdict=settings | {"measure": "jaccard_corrected"})
    expected = (value[4] + by_hand[:, 4] - chance[4]) / (1 - chance[4])
    np.testing.assert_allclose(corrected.resamples["value"], expected, atol=1e-9)
    other = compare(embeddings, 8, clusters=clusters, verdict=settings | {"task": "news"})
    assert len(other.resamples) == 0


def test_one_cluster_and_identical_models_have_no_interval():
    rng = np.random.default_rng(10)
    x, y = rng.normal(size=(2, 30, 4))
    bounds = ["ci_low", "ci_high"]
    verdict = {"task": "squad", "measure": "jaccard", "k": 2}
    found = compare({"large": x, "tiny": y}, 3, clusters=["p"] * 30, verdict=verdict)
    assert found.rows[bounds].isna().all(axis=None)
    assert (found.rows["ci_method"] == "").all()
    assert len(found.resamples) == 0
    same = compare({"large": x, "copy": x}, 3, verdict=verdict)
    assert same.rows[bounds].isna().all(axis=None)
    assert (same.resamples["value"] == 1).all()
    assert len(same.resamples) == SPLITS
