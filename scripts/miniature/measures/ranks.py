"""Spearman correlation of many models at once, on all items or on those that are kept."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Ranked(NamedTuple):
    """One model's values in order of size, so that ranks among some of them need no further sorting.

    Attributes
    ----------
    order : ndarray of int, shape [items]
        Items from the smallest value to the largest.
    group : ndarray of int, shape [items]
        For each place in that order, which run of equal values it is in.
    """

    order: np.ndarray
    group: np.ndarray


def rank_values(values: np.ndarray, *, nearer: float = 0.0) -> Ranked:
    """Order values by size.

    Parameters
    ----------
    values : array_like of float, shape [items]
    nearer : float
        Values that differ by no more than this from the next smaller one are equal to it. The order within a
        run of such values means nothing.

    Returns
    -------
    Ranked

    Raises
    ------
    ValueError
        If a value is NaN.

    Examples
    --------
    >>> rank_values([3.0, 1.0, 3.0]).group.tolist()
    [0, 1, 1]
    >>> rank_values([3.0, 1.0, 3.0 + 1e-15], nearer=1e-13).group.tolist()
    [0, 1, 1]
    """
    values = np.asarray(values, dtype=np.float64)
    if np.isnan(values).any():
        raise ValueError("A value is NaN; ranks of NaN mean nothing.")
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    return Ranked(order, np.cumsum(np.diff(ordered, prepend=ordered[:1]) > nearer))


def centered_ranks(ranked: Sequence[Ranked], keep: np.ndarray | None = None) -> np.ndarray:
    """Ranks among the items kept, ties at their mean, less the mean rank.

    Parameters
    ----------
    ranked : sequence of Ranked
        One for each model, of the same items.
    keep : ndarray of bool, shape [items], optional
        Items that count; all by default.

    Returns
    -------
    ndarray of float64, shape [models, items]
        0 for items that are not kept.

    Examples
    --------
    >>> centered_ranks([rank_values([3.0, 1.0, 3.0, 9.0])]).tolist()
    [[0.0, -1.5, 0.0, 1.5]]
    """
    items = len(ranked[0].order) if ranked else 0
    ranks = np.zeros((len(ranked), items))
    for row, one in zip(ranks, ranked, strict=True):
        kept = np.ones(items, dtype=bool) if keep is None else keep[one.order]
        if not kept.any():
            continue
        places, group = one.order[kept], one.group[kept]
        sizes = np.bincount(group)
        middle = np.cumsum(sizes) - (sizes - 1) / 2  # mean rank of each run
        row[places] = middle[group] - (len(places) + 1) / 2
    return ranks


def correlate_ranks(ranks: np.ndarray) -> np.ndarray:
    """Correlation of every two models' centered ranks.

    Parameters
    ----------
    ranks : ndarray of float64, shape [models, items]
        As `centered_ranks` gives them.

    Returns
    -------
    ndarray of float64, shape [models, models]
        NaN where a model's values are all equal.

    Examples
    --------
    >>> correlate_ranks(np.array([[-1.0, 0.0, 1.0], [1.0, 0.0, -1.0]])).round(6).tolist()
    [[1.0, -1.0], [-1.0, 1.0]]
    """
    products = ranks @ ranks.T
    length = np.sqrt(np.diag(products))
    scale = np.outer(length, length)
    found = np.divide(products, scale, out=np.full(products.shape, np.nan), where=scale > 0)
    return np.clip(found, -1, 1)  # rounding


def chance_correlation(ranks: np.ndarray, groups: Sequence[np.ndarray]) -> np.ndarray:
    """Mean correlation over all ways to pair the items of one model with the other's within each group.

    What two models agree on that tell the groups apart and have nothing else in common; 0 for one group.

    Parameters
    ----------
    ranks : ndarray of float64, shape [models, items]
        As `centered_ranks` gives them.
    groups : sequence of ndarray of bool, each [items]
        Items of each group; those that are not kept are in none.

    Returns
    -------
    ndarray of float64, shape [models, models]

    Examples
    --------
    >>> outside = np.array([False, False, True, True])
    >>> ranks = np.array([[-1.5, -0.5, 0.5, 1.5], [-0.5, -1.5, 0.5, 1.5]])
    >>> chance_correlation(ranks, [outside, ~outside])[0, 1].round(3)
    np.float64(0.8)
    """
    length = np.sqrt(np.square(ranks).sum(axis=1))
    products = np.zeros((len(ranks), len(ranks)))
    for group in groups:
        sums = ranks[:, group].sum(axis=1)
        products += np.outer(sums, sums) / max(1, np.count_nonzero(group))
    scale = np.outer(length, length)
    return np.divide(products, scale, out=np.full(products.shape, np.nan), where=scale > 0)
