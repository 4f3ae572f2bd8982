"""Agreement of rankings beside scipy, plain sets, and every order of ties."""

import itertools

import numpy as np
import pytest
from scipy import stats

from miniature.measures.rankings import (
    chance_top_k,
    rank_correlations,
    sign_agreement,
    top_k_bounds,
    top_k_jaccard,
)


def drawn(seed, sizes=(1, 2, 3, 5, 8, 13, 40), levels=None):
    rng = np.random.default_rng(seed)
    owner = np.repeat(np.arange(len(sizes)), sizes)
    a, b = rng.normal(size=(2, len(owner)))
    if levels:
        a, b = np.round(a * levels) / levels, np.round(b * levels) / levels
    return a, b, owner, len(sizes)


def top(scores, k):
    return set(np.argsort(-np.abs(scores), kind="stable")[:k])


@pytest.mark.parametrize("levels", [None, 2])
def test_top_k_is_that_of_plain_sets(levels):
    a, b, owner, examples = drawn(1, levels=levels)
    found = top_k_jaccard(a, b, owner, examples, 10)
    for example in range(examples):
        x, y = a[owner == example], b[owner == example]
        for k in range(1, 11):
            if k >= len(x):
                assert np.isnan(found[example, k - 1])
            else:
                assert found[example, k - 1] == len(top(x, k) & top(y, k)) / len(top(x, k) | top(y, k))


def test_bounds_are_reached_by_some_order_of_ties():
    rng = np.random.default_rng(2)
    for _ in range(150):
        a, b = rng.integers(0, 3, size=(2, 5)).astype(float)
        low, high = top_k_bounds(a, b, np.zeros(5, dtype=int), 1, 4)
        for k in range(1, 5):
            values = [len(x & y) / len(x | y) for x, y in itertools.product(choices(a, k), choices(b, k))]
            assert low[0, k - 1] == pytest.approx(min(values))
            assert high[0, k - 1] == pytest.approx(max(values))


def choices(scores, k):
    """Every set of K words of the largest absolute scores."""
    last = np.sort(np.abs(scores))[::-1][k - 1]
    certain = set(np.flatnonzero(np.abs(scores) > last))
    tied = np.flatnonzero(np.abs(scores) == last)
    return [certain | set(more) for more in itertools.combinations(tied, k - len(certain))]


def test_chance_is_what_random_scores_give():
    rng = np.random.default_rng(3)
    owner = np.repeat(np.arange(4000), 7)
    a, b = rng.normal(size=(2, len(owner)))
    found = top_k_jaccard(a, b, owner, 4000, 5).mean(axis=0)
    assert found == pytest.approx(chance_top_k(owner, 4000, 5)[0], abs=0.012)


@pytest.mark.parametrize("levels", [None, 2])
def test_correlations_are_scipys(levels):
    a, b, owner, examples = drawn(4, levels=levels)
    rho, tau = rank_correlations(a, b, owner, examples)
    for example in range(1, examples):
        x, y = a[owner == example], b[owner == example]
        if len(set(x)) > 1 and len(set(y)) > 1:
            assert rho[example] == pytest.approx(stats.spearmanr(x, y).statistic)
            assert tau[example] == pytest.approx(stats.kendalltau(x, y).statistic)
        else:
            assert np.isnan(rho[example])
            assert np.isnan(tau[example])
    assert np.isnan(rho[0])


def test_identity_and_opposites():
    a, _, owner, examples = drawn(5)
    assert np.nanmin(top_k_jaccard(a, a, owner, examples, 6)) == 1
    assert np.nanmin(np.array(rank_correlations(a, a, owner, examples))) == pytest.approx(1)
    assert np.nanmax(np.array(rank_correlations(a, -a, owner, examples))) == pytest.approx(-1)
    assert set(sign_agreement(a, -a, owner, examples)[0]) == {0.0}


def test_signs():
    value, chance = sign_agreement([1, -1, 2, 0], [1, 1, -3, 5], [0, 0, 0, 1], 2)
    assert value[0] == pytest.approx(1 / 3)
    assert chance[0] == pytest.approx(2 / 3 * 2 / 3 + 1 / 3 * 1 / 3)
    assert np.isnan(value[1])
    with pytest.raises(ValueError, match="same words"):
        sign_agreement([1.0], [1.0, 2.0], [0], 1)
