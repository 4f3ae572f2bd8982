"""CKA, Procrustes and RSA against scipy, Gram matrices written out, closed forms and known populations."""

import numpy as np
import pytest
from scipy.linalg import orthogonal_procrustes
from scipy.spatial.distance import pdist
from scipy.stats import spearmanr
from scipy.stats import t as student

from miniature.measures.cka import alignment, chance_cka, hsic_values, linear_cka
from miniature.measures.cross_products import add_blocks, block_moments, center_features
from miniature.measures.procrustes import permuted_similarity, procrustes_jackknife, procrustes_similarity
from miniature.measures.ranks import centered_ranks, correlate_ranks
from miniature.measures.rsa import choose_examples, rank_dissimilarities, rsa
from miniature.statistics.jackknife import block_examples, jackknife_interval

SHAPES = [(5, 3, 4), (30, 8, 2), (40, 60, 50), (120, 5, 5)]


def make_pair(seed, n, wide, narrow):
    """Two representations of the same examples, in a narrow cone far from the origin."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, wide))
    y = x[:, : min(wide, narrow)] @ rng.normal(size=(min(wide, narrow), narrow)) + rng.normal(
        size=(n, narrow)
    )
    return x + 30, 5 * y - 80


def gram(x):
    return (x - x.mean(axis=0)) @ (x - x.mean(axis=0)).T


def song(k, other):
    """Equation 5 of Song et al. 2012 with Gram matrices written out."""
    n = len(k)
    k, other = k - np.diag(np.diag(k)), other - np.diag(np.diag(other))
    one = np.ones(n)
    middle = (one @ k @ one) * (one @ other @ one) / ((n - 1) * (n - 2))
    return (np.trace(k @ other) + middle - 2 / (n - 2) * (one @ k @ other @ one)) / (n * (n - 3))


@pytest.mark.parametrize("shape", SHAPES)
def test_cka_is_that_of_gram_matrices(shape):
    x, y = make_pair(0, *shape)
    k, other = gram(x), gram(y)
    biased = np.sum(k * other) / np.sqrt(np.sum(k * k) * np.sum(other * other))
    assert linear_cka(x, y) == pytest.approx(biased, rel=1e-8)
    k, other = x @ x.T, y @ y.T  # without centring, which the estimator does not need
    debiased = song(k, other) / np.sqrt(song(k, k) * song(other, other))
    assert linear_cka(x, y, debiased=True) == pytest.approx(debiased, rel=1e-8)
    assert linear_cka(y, x, debiased=True) == pytest.approx(linear_cka(x, y, debiased=True), rel=1e-12)


@pytest.mark.parametrize("shape", SHAPES)
def test_procrustes_is_the_scale_that_scipy_finds(shape):
    x, y = make_pair(1, *shape)
    sides = [(s - s.mean(axis=0)) / np.linalg.norm(s - s.mean(axis=0)) for s in (x, y)]
    width = max(s.shape[1] for s in sides)
    sides = [np.pad(s, ((0, 0), (0, width - s.shape[1]))) for s in sides]
    _, scale = orthogonal_procrustes(*sides)
    assert procrustes_similarity(x, y) == pytest.approx(scale, rel=1e-8)
    assert procrustes_similarity(y, x) == pytest.approx(procrustes_similarity(x, y), rel=1e-12)


@pytest.mark.parametrize("shape", SHAPES)
def test_rsa_is_scipys_rank_correlation_of_its_distances(shape):
    x, y = make_pair(2, *shape)
    x, y = x - 30, y + 80  # at a distance where cosines differ by more than their rounding
    x[3:5] = x[1:3]  # ties
    expected = spearmanr(np.round(pdist(x, "cosine"), 13), np.round(pdist(y, "cosine"), 13)).statistic
    assert rsa(x, y) == pytest.approx(expected, abs=1e-8)
    assert rsa(y, x) == pytest.approx(rsa(x, y), abs=1e-12)


@pytest.mark.parametrize("measure", [linear_cka, lambda a, b: linear_cka(a, b, debiased=True),
                                     procrustes_similarity, rsa])  # fmt: skip
def test_rotation_and_scale_do_not_matter_and_linear_maps_do(measure):
    rng = np.random.default_rng(3)
    x = rng.normal(size=(60, 7))
    rotation, _ = np.linalg.qr(rng.normal(size=(7, 7)))
    assert measure(x, x) == pytest.approx(1, abs=1e-12)
    assert measure(x, 0.01 * x @ rotation) == pytest.approx(1, abs=1e-12)
    stretched = x @ np.diag([30.0, 1, 1, 1, 1, 1, 0.01])
    assert measure(x, stretched) < 0.9
    y = rng.normal(size=(60, 5))
    assert measure(x @ rotation, y) == pytest.approx(measure(x, y), abs=1e-12)
    order = rng.permutation(60)
    assert measure(x[order], y[order]) == pytest.approx(measure(x, y), abs=1e-12)


def test_debiased_cka_of_independent_representations_is_about_zero_where_the_biased_is_not():
    rng = np.random.default_rng(4)
    pairs = [(rng.normal(size=(40, 60)), rng.normal(size=(40, 60))) for _ in range(60)]
    debiased = [linear_cka(x, y, debiased=True) for x, y in pairs]
    assert abs(np.mean(debiased)) < 3 * np.std(debiased) / np.sqrt(len(debiased))
    assert np.mean([linear_cka(x, y) for x, y in pairs]) > 0.5


@pytest.mark.slow
def test_chance_is_the_mean_over_permutations():
    rng = np.random.default_rng(5)
    x, y = make_pair(5, 25, 6, 4)
    block = np.zeros(25, dtype=int)
    a, b = center_features(x, block, 1), center_features(y, block, 1)
    own = [add_blocks(block_moments(side, side)) for side in (a, b)]
    permuted = [linear_cka(x, y[rng.permutation(25)]) for _ in range(2000)]
    error = np.std(permuted) / np.sqrt(2000)
    assert chance_cka(*own) == pytest.approx(np.mean(permuted), abs=4 * error)
    permuted = [procrustes_similarity(x, y[rng.permutation(25)]) for _ in range(200)]
    found = [permuted_similarity(a, b, seed=seed) for seed in range(200)]
    error = np.hypot(np.std(permuted), np.std(found)) / np.sqrt(200)
    assert np.mean(found) == pytest.approx(np.mean(permuted), abs=4 * error)


def blocks_of(n, count, seed=6):
    return np.random.default_rng(seed).permutation(np.arange(n) % count)


def test_values_without_a_block_are_those_of_the_rest():
    x, y = make_pair(6, 90, 6, 9)
    block = blocks_of(90, 7)
    a, b = center_features(x, block, 7), center_features(y, block, 7)
    found = alignment(*(hsic_values(block_moments(*sides))[1] for sides in ((a, b), (a, a), (b, b))))
    for values, debiased in zip(found, (False, True), strict=True):
        expected = [linear_cka(x[block != i], y[block != i], debiased=debiased) for i in range(7)]
        np.testing.assert_allclose(values, [linear_cka(x, y, debiased=debiased), *expected], rtol=1e-9)
    first, second = np.triu_indices(90, k=1)
    ranked = [rank_dissimilarities(side) for side in (x, y)]
    for i in range(7):
        keep = (block[first] != i) & (block[second] != i)
        expected = rsa(x[block != i], y[block != i])
        assert correlate_ranks(centered_ranks(ranked, keep))[0, 1] == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize(("n", "width", "tolerance"), [(600, 8, 0.05), (600, 40, 0.05), (2000, 100, 0.05)])
def test_first_order_jackknife_of_procrustes_is_the_exact_one_to_a_few_percent(n, width, tolerance):
    x, y = make_pair(7, n, width, width)
    block = blocks_of(n, 20)
    moments = block_moments(center_features(x, block, 20), center_features(y, block, 20))
    value, left_out = procrustes_jackknife(add_blocks(moments), moments)
    assert value == pytest.approx(procrustes_similarity(x, y), rel=1e-12)
    exact = [procrustes_similarity(x[block != i], y[block != i]) for i in range(20)]
    assert np.std(left_out) == pytest.approx(np.std(exact), rel=tolerance)
    assert np.corrcoef(left_out, exact)[0, 1] > 0.95


def draw_clustered(rng, index, clusters, mixing, noise):
    """Two representations of shared features; half of the variance belongs to the cluster, or none."""
    hidden = len(mixing)
    own = rng.normal(size=(len(index), hidden))
    if clusters < len(index):
        own = (rng.normal(size=(clusters, hidden))[index] + own) / np.sqrt(2)
    x = own * np.linspace(1, 2, hidden)
    return x, x @ mixing + noise * rng.normal(size=(len(index), hidden))


@pytest.mark.slow
@pytest.mark.parametrize("clustered", [False, True])
def test_jackknife_covers_the_cka_of_the_population(clustered):
    rng = np.random.default_rng(8)
    hidden, count, noise, simulations = 5, 300, 1.5, 1500
    mixing = rng.normal(size=(hidden, hidden))
    # What is seen of the population: variances of x are known, and so are those of y and between the two.
    of_x = np.diag(np.linspace(1, 2, hidden) ** 2)
    between, of_y = of_x @ mixing, mixing.T @ of_x @ mixing + noise**2 * np.eye(hidden)
    truth = np.sum(between**2) / np.sqrt(np.sum(of_x**2) * np.sum(of_y**2))
    sizes = rng.integers(1, 6, count) if clustered else np.ones(count, dtype=int)
    index = np.repeat(np.arange(count), sizes)
    block, blocks = block_examples(index, count, blocks=20, seed=0)
    covered = []
    for _ in range(simulations):
        x, y = draw_clustered(rng, index, count, mixing, noise)
        a, b = center_features(x, block, blocks), center_features(y, block, blocks)
        sides = ((a, b), (a, a), (b, b))
        value, *left_out = alignment(*(hsic_values(block_moments(*pair))[1][1] for pair in sides))
        low, high = jackknife_interval(float(value), left_out, low=-1, high=1)
        covered.append(low <= truth <= high)
    assert 0.93 <= np.mean(covered) <= 0.97


def test_interval_is_students_and_cut_at_the_range():
    left_out = np.array([0.4, 0.5, 0.6, 0.5])
    error = np.sqrt(3 / 4 * np.sum((left_out - left_out.mean()) ** 2))
    half = student.ppf(0.975, 3) * error
    low, high = jackknife_interval(0.5, left_out, low=-9, high=9)
    assert (low, high) == (pytest.approx(0.5 - half), pytest.approx(0.5 + half))
    assert jackknife_interval(0.5, left_out, low=0.4, high=0.6) == (0.4, 0.6)
    for bad in ([0.5], [0.5, 0.5], [0.5, np.nan]):
        assert np.isnan(jackknife_interval(0.5, bad, low=0, high=1)).all()


def test_blocks_hold_whole_clusters_of_about_equal_size():
    rng = np.random.default_rng(9)
    sizes = rng.integers(1, 20, 300)
    index = rng.permutation(np.repeat(np.arange(300), sizes))
    block, count = block_examples(index, 300, blocks=20, seed=1)
    assert count == 20
    assert all(len(set(block[index == cluster])) == 1 for cluster in range(300))
    filled = np.bincount(block)
    assert filled.max() - filled.min() <= 20
    again, _ = block_examples(index, 300, blocks=20, seed=1)
    np.testing.assert_array_equal(again, block)
    # More blocks than clusters: each cluster is one.
    block, count = block_examples(np.array([0, 1, 1, 2]), 3, blocks=20, seed=0)
    assert count == 3
    assert block[1] == block[2]
    with pytest.raises(ValueError, match="At least one block"):
        block_examples(index, 300, blocks=0, seed=0)


def test_sample_of_whole_clusters_stays_within_its_size():
    rng = np.random.default_rng(10)
    index = rng.integers(0, 50, 400)
    chosen = choose_examples(index, 50, examples=100, seed=2)
    assert 80 < len(chosen) <= 100
    assert set(np.flatnonzero(np.isin(index, index[chosen]))) == set(chosen)
    assert len(choose_examples(index, 50, examples=400, seed=2)) == 400
    assert len(choose_examples(np.zeros(9, dtype=int), 1, examples=4, seed=0)) == 9  # never none


def test_constant_and_too_few_embeddings_have_no_similarity():
    x = np.random.default_rng(11).normal(size=(12, 3))
    constant = np.full((12, 3), 0.7, dtype=np.float32)
    for measure in (linear_cka, lambda a, b: linear_cka(a, b, debiased=True), procrustes_similarity, rsa):
        assert np.isnan(measure(x, constant))
        assert np.isnan(measure(constant, constant))
        assert np.isnan(measure(x[:1], x[:1]))
    assert np.isnan(linear_cka(x[:3], x[:3], debiased=True))


def test_equal_dissimilarities_tie_however_a_product_rounds_them():
    """Every example stands in twice: four pairs of copies have one dissimilarity, the same to a rounding."""
    rng = np.random.default_rng(5)
    x = rng.normal(size=(60, 7))
    turn = np.linalg.qr(rng.normal(size=(7, 7)))[0]
    twice = np.concatenate([x, x @ turn @ turn.T])
    groups = rank_dissimilarities(twice).group
    assert groups[-1] + 1 == 1 + 60 * 59 / 2  # the copies themselves, and each pair of examples
    sizes = np.bincount(groups)
    assert sizes[0] == 60
    assert set(sizes[1:]) == {4}


@pytest.mark.parametrize("measure", [linear_cka, procrustes_similarity, rsa])
def test_nan_and_other_examples_are_refused(measure):
    x = np.ones((6, 2))
    with pytest.raises(ValueError):
        measure(x, np.where(np.eye(6, 2) > 0, np.nan, 1))
    with pytest.raises(ValueError):
        measure(x, np.ones((5, 2)))
