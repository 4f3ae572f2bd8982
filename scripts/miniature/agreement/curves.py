"""Intervals of a mean over examples at many K at once, whole clusters resampled."""

from typing import NamedTuple

import numpy as np

from miniature.agreement.bootstrap import percentile_bounds, resample_clusters

# Bytes of one part of the resampled curves, so that memory does not grow with the number of K.
PART_BYTES = 64_000_000


class CurveIntervals(NamedTuple):
    """What resampling says of a curve.

    Attributes
    ----------
    low, high : ndarray of float64, shape [k_max]
        95 % percentile interval at each K.
    area : ndarray of float64, shape [resamples]
        Mean over all K in each resample.
    kept : dict of int to ndarray of float64, shape [resamples]
        Values in each resample at the columns asked for.
    """

    low: np.ndarray
    high: np.ndarray
    area: np.ndarray
    kept: dict[int, np.ndarray]


class ClusterDraws(NamedTuple):
    """Resamples of the clusters of one table of examples, ready to average over its examples.

    Attributes
    ----------
    weights : ndarray of float32, shape [resamples, clusters]
        As `resample_clusters` gives them.
    examples : ndarray of float32, shape [resamples]
        Examples in each resample.
    """

    weights: np.ndarray
    examples: np.ndarray


def draw_clusters(index: np.ndarray, clusters: int, *, resamples: int, seed: int) -> ClusterDraws | None:
    """Resamples of the clusters of a table of examples.

    Parameters
    ----------
    index : ndarray of int, shape [examples]
        Cluster of each example.
    clusters : int
        Distinct clusters.
    resamples, seed : int
        As for `resample_clusters`.

    Returns
    -------
    ClusterDraws or None
        None with fewer than two clusters: every resample would be the sample itself, and an interval of no
        width would claim certainty.

    Examples
    --------
    >>> draw_clusters(np.array([0, 0, 1]), 2, resamples=4, seed=0).examples.shape
    (4,)
    >>> draw_clusters(np.array([0, 0]), 1, resamples=4, seed=0) is None
    True
    """
    if clusters < 2:
        return None
    weights = resample_clusters(clusters, resamples=resamples, seed=seed)
    sizes = np.bincount(index, minlength=clusters).astype(np.float32)
    return ClusterDraws(weights, weights @ sizes)


def curve_intervals(
    sums: np.ndarray, draws: ClusterDraws, *, keep: tuple[int, ...] = (), level: float = 0.95
) -> CurveIntervals:
    """Interval of ``sum_c w_c sums_c / sum_c w_c n_c`` for every column.

    In float32: the weights are whole numbers and exact, and seven digits of an interval's end are more than
    its resamples determine.

    Parameters
    ----------
    sums : ndarray of float, shape [clusters, k_max]
        For each cluster, the values of its examples added up.
    draws : ClusterDraws
        Of the same clusters.
    keep : tuple of int
        Columns whose resampled values are wanted.
    level : float
        Nominal coverage.

    Returns
    -------
    CurveIntervals

    Raises
    ------
    ValueError
        If the clusters do not match.

    Examples
    --------
    >>> draws = draw_clusters(np.array([0, 1]), 2, resamples=50, seed=0)
    >>> found = curve_intervals(np.array([[1.0, 0.0], [1.0, 1.0]]), draws)
    >>> found.low.tolist(), found.high.tolist()
    ([1.0, 0.0], [1.0, 1.0])
    """
    resamples, clusters = draws.weights.shape
    if sums.ndim != 2 or len(sums) != clusters:
        raise ValueError(f"Sums of {clusters} clusters are needed; their shape is {sums.shape}.")
    k_max = sums.shape[1]
    low, high = np.empty(k_max), np.empty(k_max)
    area, kept = np.zeros(resamples), {}
    part = max(1, PART_BYTES // (4 * resamples))
    for start in range(0, k_max, part):
        stop = min(start + part, k_max)
        columns = np.ascontiguousarray(sums[:, start:stop].T, dtype=np.float32)  # [part, clusters]
        values = columns @ draws.weights.T  # [part, resamples]
        values /= draws.examples
        area += values.sum(axis=0, dtype=np.float64)
        kept |= {k: values[k - start].astype(np.float64) for k in keep if start <= k < stop}
        low[start:stop], high[start:stop] = percentile_bounds(values, level=level)
    return CurveIntervals(low, high, area / k_max, kept)


def empty_without_width(low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Bounds, NaN where they coincide.

    Two models that agree on every example agree in every resample too. What was not seen once cannot be
    resampled, and an interval of no width would claim certainty.

    Parameters
    ----------
    low, high : float or array_like of float, one shape

    Returns
    -------
    tuple of ndarray of float64

    Examples
    --------
    >>> [bound.tolist() for bound in empty_without_width([0.1, 1.0], [0.2, 1.0])]
    [[0.1, nan], [0.2, nan]]
    """
    low, high = np.asarray(low, dtype=np.float64), np.asarray(high, dtype=np.float64)
    flat = low == high
    return np.where(flat, np.nan, low), np.where(flat, np.nan, high)
