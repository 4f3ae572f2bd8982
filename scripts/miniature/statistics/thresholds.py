"""Sets that are cut by an estimated threshold, recomputed on every resample, threshold included."""

from typing import NamedTuple

import numpy as np

# Entries of one part of the flags of all models, a few megabytes: they then stay in the processor's cache.
PART_ENTRIES = 1_500_000


class DistanceRanks(NamedTuple):
    """Distances of one model as whole numbers that compare with its possible thresholds as distances do.

    Attributes
    ----------
    calibration : ndarray of int32, shape [calibration]
        Which of the distinct calibration distances each one is; thresholds are such numbers.
    rows : ndarray of int32, shape [examples]
        Distinct calibration distances below the example's: it is flagged where this exceeds the threshold.
    """

    calibration: np.ndarray
    rows: np.ndarray


def make_levels(calibration: np.ndarray, distances: np.ndarray) -> DistanceRanks:
    """Distances in the order of the calibration distances.

    Parameters
    ----------
    calibration : array_like of float, shape [calibration]
    distances : array_like of float, shape [examples]

    Returns
    -------
    DistanceRanks

    Raises
    ------
    ValueError
        If a distance is NaN.

    Examples
    --------
    >>> make_levels([0.3, 0.1, 0.3], [0.1, 0.2, 0.4]).rows.tolist()
    [0, 1, 2]
    """
    calibration, distances = np.asarray(calibration, dtype=float), np.asarray(distances, dtype=float)
    if np.isnan(calibration).any() or np.isnan(distances).any():
        raise ValueError("A distance is NaN; no threshold orders it.")
    distinct, level = np.unique(calibration, return_inverse=True)
    below = np.searchsorted(distinct, distances, side="left")
    return DistanceRanks(level.astype(np.int32), below.astype(np.int32))


def resampled_thresholds(level: np.ndarray, weights: np.ndarray, *, percentile: float) -> np.ndarray:
    """Percentile of the calibration distances in every resample, as a level.

    The smallest level with at least `percentile` percent of the resampled calibration examples at or below
    it, as numpy's ``inverted_cdf``.

    Parameters
    ----------
    level : ndarray of int, shape [calibration]
        As in `DistanceRanks`.
    weights : ndarray of float32, shape [resamples, calibration]
        How often each calibration example is in each resample; at least one is.
    percentile : float
        In percent.

    Returns
    -------
    ndarray of int32, shape [resamples]

    Examples
    --------
    >>> resampled_thresholds(np.array([0, 1, 2]), np.ones((1, 3), dtype=np.float32), percentile=50).tolist()
    [1]
    """
    order = np.argsort(level, kind="stable")
    reached = np.cumsum(weights[:, order], axis=1)  # [resamples, calibration], whole numbers
    needed = np.maximum(np.ceil(reached[:, -1].astype(np.float64) * (percentile / 100) - 1) + 1, 1)
    first = np.count_nonzero(reached < needed[:, None], axis=1)
    return level[order][first].astype(np.int32)


def resampled_overlaps(
    rows: np.ndarray, thresholds: np.ndarray, weights: np.ndarray, index: np.ndarray
) -> np.ndarray:
    """How many examples every two models flag together, in every resample; on the diagonal, how many each.

    Examples that no threshold lets any model flag are left out, and those that every one lets all models flag
    are counted by cluster.

    Parameters
    ----------
    rows : ndarray of int, shape [models, examples]
        Ranks of the examples, as in `DistanceRanks`.
    thresholds : ndarray of int, shape [models, resamples]
        As `resampled_thresholds` gives them.
    weights : ndarray of float32, shape [resamples, clusters]
        How often each cluster is drawn.
    index : ndarray of int, shape [examples]
        Cluster of each example.

    Returns
    -------
    ndarray of float32, shape [resamples, models, models]
        Whole numbers.

    Raises
    ------
    ValueError
        If the shapes do not match.

    Examples
    --------
    >>> rows, index = np.array([[2, 0], [2, 1]]), np.array([0, 1])
    >>> resampled_overlaps(rows, np.array([[1], [0]]), np.array([[2, 1]], dtype=np.float32), index).tolist()
    [[[2.0, 2.0], [2.0, 3.0]]]
    """
    models, n = rows.shape
    resamples, clusters = weights.shape
    if thresholds.shape != (models, resamples) or index.shape != (n,):
        raise ValueError(
            f"Shapes do not match: {rows.shape}, {thresholds.shape}, {weights.shape}, {index.shape}."
        )
    always = (rows > thresholds.max(axis=1)[:, None]).all(axis=0)
    by_cluster = np.bincount(index[always], minlength=clusters).astype(np.float32)
    overlaps = np.broadcast_to((weights @ by_cluster)[:, None, None], (resamples, models, models)).copy()
    open_ones = (rows > thresholds.min(axis=1)[:, None]).any(axis=0) & ~always
    levels, cluster = np.ascontiguousarray(rows[:, open_ones]), index[open_ones]
    if not len(cluster):
        return overlaps
    part = max(1, PART_ENTRIES // levels.size)
    flagged = np.empty((part, *levels.shape), dtype=np.float32)  # [part, models, open]
    weighted = np.empty_like(flagged)
    for start in range(0, resamples, part):
        rows_of = slice(start, min(start + part, resamples))
        size = rows_of.stop - start
        now, heavy = flagged[:size], weighted[:size]
        now[:] = levels[None] > thresholds.T[rows_of, :, None]
        np.multiply(now, weights[rows_of][:, cluster][:, None, :], out=heavy)
        overlaps[rows_of] += heavy @ now.transpose(0, 2, 1)
    return overlaps
