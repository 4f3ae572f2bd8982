"""Agreement of two models' nearest neighbors, for every number of neighbors at once."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy.special import gammaln


def chance_neighbor_jaccard(n: int, k_max: int) -> np.ndarray:
    """Jaccard index expected of two independent random lists of K neighbors, for every K.

    Two sets of K drawn from the n - 1 other examples share I of them, I hypergeometric with mean K^2 / (n -
    1); the value is the exact expectation of ``I / (2K - I)``. The ratio of expectations, ``K / (2 (n - 1) -
    K)``, is close to it and always below (``I / (2K - I)`` is convex in I).

    Parameters
    ----------
    n : int
        Examples.
    k_max : int
        Largest K, at most n - 1.

    Returns
    -------
    ndarray of float64, shape [k_max]

    Raises
    ------
    ValueError
        Unless 1 <= k_max <= n - 1.

    Examples
    --------
    >>> chance_neighbor_jaccard(3, 2).tolist()
    [0.5, 1.0]
    """
    if not 1 <= k_max <= n - 1:
        raise ValueError(f"K runs from 1 to at most {n - 1} for {n} examples, not to {k_max}.")
    others = n - 1
    log_factorial = gammaln(np.arange(others + 1) + 1.0)

    def log_choose(of: int, take: np.ndarray) -> np.ndarray:
        return log_factorial[of] - log_factorial[take] - log_factorial[of - take]

    chance = np.empty(k_max)
    for k in range(1, k_max + 1):
        shared = np.arange(max(0, 2 * k - others), k + 1)
        log_weight = log_choose(k, shared) + log_choose(others - k, k - shared)
        # Divided by their sum instead of by choose(n - 1, k): the rounding of the logarithms cancels.
        weight = np.exp(log_weight - log_weight.max())
        chance[k - 1] = np.sum(weight * shared / (2 * k - shared)) / weight.sum()
    return chance


def same_cluster(neighbors: np.ndarray, clusters: np.ndarray) -> np.ndarray:
    """Share of the K nearest neighbors that come from the example's own cluster, for every K.

    Questions about one paragraph lie near each other because most of their text is the same: where this share
    is high, two models agree on neighbors by reading the paragraph, whatever they make of the question.

    Parameters
    ----------
    neighbors : ndarray of int, shape [examples, k_max]
        Nearest first.
    clusters : array_like, shape [examples]
        Cluster of each example.

    Returns
    -------
    ndarray of float, shape [k_max]
        Mean over examples; entry K - 1 is for K neighbors.

    Examples
    --------
    >>> same_cluster(np.array([[1, 2], [0, 2], [0, 1]]), np.array(["a", "a", "b"])).round(3).tolist()
    [0.667, 0.333]
    """
    codes = pd.factorize(np.asarray(clusters, dtype=object))[0]
    same = codes[neighbors] == codes[:, None]
    return (np.cumsum(same, axis=1) / np.arange(1, same.shape[1] + 1)).mean(axis=0)


def chance_same_cluster(clusters: np.ndarray) -> float:
    """Share of an example's own cluster among the other examples, averaged: what random neighbors give.

    Examples
    --------
    >>> round(chance_same_cluster(np.array(["a", "a", "b"])), 3)
    0.333
    """
    counts = pd.Series(np.asarray(clusters, dtype=object)).value_counts().to_numpy()
    n = counts.sum()
    return float((counts * (counts - 1)).sum() / (n * (n - 1))) if n > 1 else float("nan")


# Entries of the rank table kept at once, a few megabytes: it then stays in the processor's cache.
RANK_ENTRIES = 2_000_000


def neighbor_jaccard(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Mean over examples of the Jaccard index of their K nearest neighbors, for every K.

    Row by row, an example j that is at rank r of one list and s of the other enters the intersection at
    K = max(r, s), so the intersection sizes for all K are a cumulative count; ``J = I / (2K - I)``.
    The measure is the paper's (Rai, Pal, Awekar, CIKM 2024), known as k-NN Jaccard similarity (Klabunde et
    al. 2025).

    Parameters
    ----------
    a, b : ndarray of int, shape [examples, k_max]
        Indices of each example's neighbors, nearest first, none twice in a row and none the example itself.

    Returns
    -------
    ndarray of float64, shape [k_max]
        Entry K - 1 is the agreement at K, in [0, 1].

    Raises
    ------
    ValueError
        If the shapes differ, there is no example, or an index is no example's or the row's own.

    Examples
    --------
    >>> neighbor_jaccard([[1, 2], [0, 2], [0, 1]], [[1, 2], [0, 2], [1, 0]]).round(4).tolist()
    [0.6667, 1.0]
    """
    a, b = check_neighbors(a), check_neighbors(b)
    total = np.zeros(a.shape[1])
    for _, shared in shared_neighbors(a, b):
        total += jaccard_from_shared(shared).sum(axis=0)
    return total / len(a)


def neighbor_jaccard_bounds(
    a: np.ndarray, b: np.ndarray, free_a: np.ndarray, free_b: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Bounds of `neighbor_jaccard` over every way to break ties of distance.

    Where K cuts a tie, up to ``free[i, K - 1]`` neighbors of example i could be exchanged for equally near
    ones; each exchange moves the intersection by at most one. The bounds hold; they need not be reached.

    Parameters
    ----------
    a, b : ndarray of int, shape [examples, k_max]
        As for `neighbor_jaccard`.
    free_a, free_b : ndarray of int, shape [examples, k_max]
        Exchangeable neighbors at each K, 0 where K cuts no tie.

    Returns
    -------
    tuple of ndarray of float64, each [k_max]
        Lower and upper bound for each K.

    Raises
    ------
    ValueError
        If the four shapes differ, or as for `neighbor_jaccard`.

    Examples
    --------
    >>> a = [[1, 2], [0, 2], [0, 1]]
    >>> [bound.tolist() for bound in neighbor_jaccard_bounds(a, a, [[1, 0], [0, 0], [0, 0]], [[0, 0]] * 3)]
    [[0.6666666666666666, 1.0], [1.0, 1.0]]
    """
    a, b = check_neighbors(a), check_neighbors(b)
    free = np.asarray(free_a) + np.asarray(free_b)
    if free.shape != a.shape:
        raise ValueError(f"One count per neighbor is needed: {free.shape} against {a.shape}.")
    sizes = np.arange(1, a.shape[1] + 1)
    low, high = np.zeros(a.shape[1]), np.zeros(a.shape[1])
    for rows, shared in shared_neighbors(a, b):
        low += jaccard_from_shared(np.maximum(shared - free[rows], 0)).sum(axis=0)
        high += jaccard_from_shared(np.minimum(shared + free[rows], sizes)).sum(axis=0)
    return low / len(a), high / len(a)


def jaccard_from_shared(shared: np.ndarray) -> np.ndarray:
    """Jaccard index of two sets of K members that share `shared`, column K - 1 for each K.

    Parameters
    ----------
    shared : ndarray of int, shape [rows, k_max]

    Returns
    -------
    ndarray of float64, shape [rows, k_max]

    Examples
    --------
    >>> jaccard_from_shared(np.array([[1, 1]])).round(4).tolist()
    [[1.0, 0.3333]]
    """
    return shared / (2 * np.arange(1, shared.shape[1] + 1) - shared)


def shared_neighbors(a: np.ndarray, b: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    """Sizes of the intersections of K nearest neighbors, for every K, in blocks of examples.

    Parameters
    ----------
    a, b : ndarray of int, shape [examples, k_max]
        As `check_neighbors` returns them.

    Yields
    ------
    tuple of slice and ndarray of int64, shape [rows, k_max]
        Which examples, and their intersection sizes at K = 1, ..., k_max.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    if a.shape != b.shape:
        raise ValueError(f"Neighbors of the same examples are needed; shapes: {a.shape}, {b.shape}.")
    n, k_max = a.shape
    kind = np.int16 if k_max < 2**15 else np.int32
    ranks = np.arange(k_max, dtype=kind)
    block = max(1, RANK_ENTRIES // n)
    for start in range(0, n, block):
        rows = slice(start, min(start + block, n))
        # The rank of every example among the row's neighbors, k_max where it is none.
        rank = np.full((rows.stop - start, n), k_max, dtype=kind)
        np.put_along_axis(rank, a[rows].astype(np.intp), ranks[None, :], axis=1)
        yield rows, _shared(rank, b[rows])


def _shared(rank: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Sizes of the intersections for K = 1, ..., k_max: [rows, k_max] from a rank table and its partner."""
    m, n = rank.shape
    k_max = b.shape[1]
    place = b + (n * np.arange(m, dtype=np.intp))[:, None]
    # An example enters the intersection at the larger of its two ranks.
    enters = np.maximum(rank.ravel()[place], np.arange(k_max, dtype=rank.dtype)).astype(np.intp)
    enters += ((k_max + 1) * np.arange(m, dtype=np.intp))[:, None]
    counts = np.bincount(enters.ravel(), minlength=m * (k_max + 1)).reshape(m, k_max + 1)
    return counts[:, :k_max].cumsum(axis=1)


def check_neighbors(neighbors: np.ndarray) -> np.ndarray:
    """Neighbor lists with every index an example's and none the row's own.

    Parameters
    ----------
    neighbors : array_like of int, shape [examples, k_max]

    Returns
    -------
    ndarray of int64, shape [examples, k_max]

    Raises
    ------
    ValueError
        If the shape is not two-dimensional, empty, or an index is out of range or the row's own.

    Examples
    --------
    >>> check_neighbors([[1], [0]]).tolist()
    [[1], [0]]
    """
    neighbors = np.asarray(neighbors)
    if neighbors.ndim != 2 or not neighbors.size or neighbors.dtype.kind not in "iu":
        raise ValueError(f"Not whole numbers [examples, k_max]: {neighbors.dtype} {neighbors.shape}.")
    neighbors = neighbors.astype(np.int64)
    n = len(neighbors)
    wrong = (neighbors < 0) | (neighbors >= n) | (neighbors == np.arange(n)[:, None])
    if wrong.any():
        row = int(np.flatnonzero(wrong.any(axis=1))[0])
        raise ValueError(f"Row {row} names a neighbor outside 0 to {n - 1}, or itself.")
    return neighbors
