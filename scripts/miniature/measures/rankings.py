"""Agreement of two rankings of each example's words: top-K overlap, rank correlation, signs.

Examples have different numbers of words. Scores stand one after the other, ``owner`` says whose they are.
"""

from functools import lru_cache

import numpy as np

from miniature.measures.neighbors import chance_neighbor_jaccard


def top_k_jaccard(a: np.ndarray, b: np.ndarray, owner: np.ndarray, examples: int, k_max: int) -> np.ndarray:
    """Jaccard index of the K words with the largest absolute scores, of each example, for every K.

    Words of equal score are taken in the order in which they stand, which is the same for both models: see
    `top_k_bounds` for how much that could matter.

    Parameters
    ----------
    a, b : array_like of float, shape [words]
        Scores of two models.
    owner : array_like of int, shape [words]
        Example of each word, not decreasing.
    examples : int
    k_max : int

    Returns
    -------
    ndarray of float64, shape [examples, k_max]
        NaN where an example has no more than K words: any two models would agree.

    Raises
    ------
    ValueError
        If the three arrays differ in shape.

    Examples
    --------
    >>> top_k_jaccard([3.0, -2.0, 0.0], [1.0, 5.0, 0.0], [0, 0, 0], 1, 3).tolist()
    [[0.0, 1.0, nan]]
    """
    a, b, owner = _checked(a, b, owner)
    # A word is among the first K of both models from the larger of its two ranks on.
    later = np.maximum(_ranks(a, owner), _ranks(b, owner))
    inside = later < k_max
    entered = np.bincount(owner[inside] * k_max + later[inside], minlength=examples * k_max)
    shared = np.cumsum(entered.reshape(examples, k_max), axis=1)  # [examples, k_max]
    k = np.arange(1, k_max + 1)
    return np.where(_has_more_than(owner, examples, k_max), shared / (2 * k - shared), np.nan)


def top_k_bounds(
    a: np.ndarray, b: np.ndarray, owner: np.ndarray, examples: int, k_max: int
) -> tuple[np.ndarray, np.ndarray]:
    """Smallest and largest Jaccard index over every way to order words of equal score; as `top_k_jaccard`.

    Examples
    --------
    >>> low, high = top_k_bounds([1.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0, 0, 0], 1, 1)
    >>> low.tolist(), high.tolist()
    ([[0.0]], [[1.0]])
    """
    a, b, owner = _checked(a, b, owner)
    certain_a, tied_a, free_a = _settled(a, owner, examples, k_max)
    certain_b, tied_b, free_b = _settled(b, owner, examples, k_max)

    def count(members: np.ndarray) -> np.ndarray:
        total = np.zeros((examples, k_max))
        np.add.at(total, owner, members)
        return total

    both = count(certain_a & certain_b)
    a_into_b, b_into_a = count(tied_a & certain_b), count(tied_b & certain_a)
    open_both = count(tied_a & tied_b)
    # Most: each side fills its free places first with members that the other is sure of, then both with the
    # same open ones.
    used_a, used_b = np.minimum(free_a, a_into_b), np.minimum(free_b, b_into_a)
    most = both + used_a + used_b + np.minimum(np.minimum(free_a - used_a, free_b - used_b), open_both)
    # Least: each side avoids them as long as it has others to take.
    alone_a = count(tied_a & ~certain_b & ~tied_b)
    alone_b = count(tied_b & ~certain_a & ~tied_a)
    need_a, need_b = np.maximum(0, free_a - alone_a), np.maximum(0, free_b - alone_b)
    open_a, open_b = np.minimum(need_a, open_both), np.minimum(need_b, open_both)
    least = both + (need_a - open_a) + (need_b - open_b) + np.maximum(0, open_a + open_b - open_both)
    k = np.arange(1, k_max + 1)
    defined = _has_more_than(owner, examples, k_max)
    return tuple(
        np.divide(shared, 2 * k - shared, out=np.full(defined.shape, np.nan), where=defined)
        for shared in (least, most)
    )


def chance_top_k(owner: np.ndarray, examples: int, k_max: int) -> np.ndarray:
    """Jaccard index expected of two independent random sets of K words, float64 [examples, k_max]."""
    words = np.bincount(owner, minlength=examples)
    return np.stack([_chance_of(int(n), k_max) for n in words]) if examples else np.zeros((0, k_max))


@lru_cache(maxsize=4096)
def _chance_of(words: int, k_max: int) -> np.ndarray:
    """Chance of one example for every K; NaN from K = words on."""
    chance = np.full(k_max, np.nan)
    top = min(k_max, words - 1)
    if top >= 1:
        chance[:top] = chance_neighbor_jaccard(words + 1, top)
    return chance


def rank_correlations(
    a: np.ndarray, b: np.ndarray, owner: np.ndarray, examples: int
) -> tuple[np.ndarray, np.ndarray]:
    """Spearman's rho and Kendall's tau-b of the words' signed scores, of each example.

    Parameters
    ----------
    a, b, owner, examples
        As for `top_k_jaccard`.

    Returns
    -------
    spearman, kendall : ndarray of float64, shape [examples]
        NaN with fewer than two words, or where a model gives all words the same score.

    Examples
    --------
    >>> rho, tau = rank_correlations([1.0, 2.0, 3.0], [1.0, 3.0, 2.0], [0, 0, 0], 1)
    >>> round(float(rho[0]), 3), round(float(tau[0]), 3)
    (0.5, 0.333)
    """
    a, b, owner = _checked(a, b, owner)
    spearman, kendall = np.full((2, examples), np.nan)
    borders = np.searchsorted(owner, np.arange(examples + 1))
    for example in range(examples):
        own = slice(borders[example], borders[example + 1])
        if own.stop - own.start < 2:
            continue
        above = [np.sign(side[own][:, None] - side[own]) for side in (a, b)]  # [words, words]
        size = [float((part * part).sum()) for part in above]
        if not all(size):
            continue
        kendall[example] = float((above[0] * above[1]).sum()) / np.sqrt(size[0] * size[1])
        # A word's rank is how many it is above less how many it is below, ties counting nothing.
        rank = [part.sum(axis=1) for part in above]
        spearman[example] = float(rank[0] @ rank[1]) / np.sqrt(
            float(rank[0] @ rank[0]) * float(rank[1] @ rank[1])
        )
    return spearman, kendall


def sign_agreement(
    a: np.ndarray, b: np.ndarray, owner: np.ndarray, examples: int
) -> tuple[np.ndarray, np.ndarray]:
    """Share of words whose scores have the same sign, and the share expected of independent signs.

    Parameters
    ----------
    a, b, owner, examples
        As for `top_k_jaccard`.

    Returns
    -------
    value, chance : ndarray of float64, shape [examples]
        Over the words that both models give a score other than 0; NaN where there is none.

    Examples
    --------
    >>> [part.tolist() for part in sign_agreement([1.0, -1.0], [2.0, 3.0], [0, 0], 1)]
    [[0.5], [0.5]]
    """
    a, b, owner = _checked(a, b, owner)
    told = (a != 0) & (b != 0)
    n = np.bincount(owner[told], minlength=examples).astype(float)
    n[n == 0] = np.nan
    same, p, q = (
        np.bincount(owner[told], weights=part[told].astype(float), minlength=examples) / n
        for part in ((a > 0) == (b > 0), a > 0, b > 0)
    )
    return same, p * q + (1 - p) * (1 - q)


def _checked(a: np.ndarray, b: np.ndarray, owner: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    a, b, owner = np.asarray(a, dtype=float), np.asarray(b, dtype=float), np.asarray(owner)
    if not a.shape == b.shape == owner.shape or a.ndim != 1:
        raise ValueError(f"Scores of the same words are needed: {a.shape}, {b.shape}, {owner.shape}.")
    return a, b, owner


def _ranks(scores: np.ndarray, owner: np.ndarray) -> np.ndarray:
    """Place of each word among those of its example by absolute score, 0 for the largest."""
    order = np.lexsort((-np.abs(scores), owner))
    first = np.searchsorted(owner, owner)  # where the example's words begin
    ranks = np.empty(len(scores), dtype=np.int64)
    ranks[order] = np.arange(len(scores)) - first[order]
    return ranks


def _settled(scores: np.ndarray, owner: np.ndarray, examples: int, k_max: int) -> tuple[np.ndarray, ...]:
    """Members of the first K whatever the order of ties, words tied for the last places, and free places."""
    size = np.abs(scores)
    ranks = _ranks(scores, owner)
    ordered = np.full((examples, k_max), np.nan)
    top = ranks < k_max
    ordered[owner[top], ranks[top]] = size[top]
    last = ordered[owner]  # [words, k_max], the K-th largest score of the word's example
    certain, tied = size[:, None] > last, size[:, None] == last
    members = np.zeros((examples, k_max))
    np.add.at(members, owner, certain)
    return certain, tied, np.arange(1, k_max + 1) - members


def _has_more_than(owner: np.ndarray, examples: int, k_max: int) -> np.ndarray:
    return np.bincount(owner, minlength=examples)[:, None] > np.arange(1, k_max + 1)
