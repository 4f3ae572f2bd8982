"""Representational similarity analysis: rank correlation of two models' dissimilarities."""

import numpy as np

from miniature.measures.ranks import Ranked, centered_ranks, correlate_ranks, rank_values
from miniature.seeds import generator

# Dissimilarities nearer than this are one: a matrix product rounds equal ones by different amounts.
NEARER = 1e-13


def rsa(a: np.ndarray, b: np.ndarray) -> float:
    """Spearman correlation of the cosine dissimilarities of all pairs of examples (Kriegeskorte et al. 2008).

    Invariant to rotation and scale of either side; not to shifts, and not to linear maps in general.

    Parameters
    ----------
    a, b : array_like of float, shape [examples, hidden_a], [examples, hidden_b]

    Returns
    -------
    float
        In [-1, 1], 0 by chance. NaN where a side's dissimilarities do not vary, as below three examples.

    Raises
    ------
    ValueError
        If the numbers of examples differ or a value is NaN.

    Examples
    --------
    >>> x = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 5.0], [4.0, 3.0]])
    >>> round(rsa(x, 3 * x[:, ::-1]), 12)
    1.0
    """
    ranked = [rank_dissimilarities(side) for side in (a, b)]
    if len(ranked[0].order) != len(ranked[1].order):
        raise ValueError("The two sides are of different numbers of examples.")
    return float(correlate_ranks(centered_ranks(ranked))[0, 1])


def rank_dissimilarities(embeddings: np.ndarray) -> Ranked:
    """Order all pairs of examples by 1 minus their cosine.

    A row of zeros has cosine 0 with every other.

    Parameters
    ----------
    embeddings : array_like of float, shape [examples, hidden]

    Returns
    -------
    Ranked
        Pairs are numbered as `numpy.triu_indices` numbers them.

    Raises
    ------
    ValueError
        If a value is NaN or infinite, or the shape is not two-dimensional.
    """
    x = np.asarray(embeddings, dtype=np.float64)
    if x.ndim != 2 or not np.isfinite(x).all():
        raise ValueError(f"Finite numbers [examples, hidden] are needed; the shape is {x.shape}.")
    length = np.linalg.norm(x, axis=1, keepdims=True)
    unit = np.divide(x, length, out=np.zeros_like(x), where=length > 0)
    return rank_values(1 - (unit @ unit.T)[np.triu_indices(len(x), k=1)], nearer=NEARER)


def choose_examples(index: np.ndarray, clusters: int, *, examples: int, seed: int) -> np.ndarray:
    """Sample of whole clusters, so that the number of pairs of examples stays bounded.

    Parameters
    ----------
    index : ndarray of int, shape [examples]
        Cluster of each example.
    clusters : int
        Distinct clusters.
    examples : int
        Clusters are taken in a random order as long as no more examples than this come together; the first
        is always taken.
    seed : int
        The study's seed.

    Returns
    -------
    ndarray of int, shape [chosen]
        Examples, in their order.

    Examples
    --------
    >>> len(choose_examples(np.repeat(np.arange(10), 3), 10, examples=10, seed=0))
    9
    """
    sizes = np.bincount(index, minlength=clusters)
    order = generator(seed, "rsa", clusters).permutation(clusters)
    taken = order[: max(1, np.searchsorted(np.cumsum(sizes[order]), examples, side="right"))]
    return np.flatnonzero(np.isin(index, taken))
