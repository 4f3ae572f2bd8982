"""Counts of what models call out of distribution: observed, resampled, and with one cluster left out."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from miniature.agreement.comparison import Resampling
from miniature.seeds import derive_seed
from miniature.statistics.bootstrap import resample_clusters
from miniature.statistics.thresholds import DistanceRanks, resampled_overlaps, resampled_thresholds


class Clustered(NamedTuple):
    """Clusters of one table of examples, and how often each is drawn in each resample.

    Attributes
    ----------
    index : ndarray of int, shape [examples]
        Cluster of each example, from 0.
    count : int
        Distinct clusters.
    weights : ndarray of float32, shape [resamples, clusters]
        Ones where there is one cluster only.
    """

    index: np.ndarray
    count: int
    weights: np.ndarray


class Counts(NamedTuple):
    """Counts in some versions of the data: one, or resamples, or without one cluster each.

    Attributes
    ----------
    sizes : ndarray of float64, shape [versions, datasets]
        Examples: of the test split, of the out-of-distribution dataset.
    members : ndarray of float64, shape [versions, models, datasets]
        Examples that each model calls out of distribution.
    both : ndarray of float64, shape [versions, pairs, datasets]
        Those that both models of a pair do.
    """

    sizes: np.ndarray
    members: np.ndarray
    both: np.ndarray


def draw_table(index: np.ndarray, count: int, resampling: Resampling, name: str) -> Clustered:
    """Resamples of one table; those of two tables are independent, also where they have as many clusters."""
    seed = derive_seed(resampling.seed, "distribution", name) if name else resampling.seed
    if count < 2:
        return Clustered(index, count, np.ones((resampling.resamples, count), dtype=np.float32))
    return Clustered(index, count, resample_clusters(count, resamples=resampling.resamples, seed=seed))


def observed_counts(flagged: Sequence[np.ndarray], pairs: np.ndarray) -> Counts:
    """Counts on the data themselves."""
    first, second = pairs.T
    return Counts(
        np.array([[f.shape[1] for f in flagged]], dtype=np.float64),
        np.stack([f.sum(axis=1) for f in flagged], axis=-1)[None].astype(np.float64),
        np.stack([(f[first] & f[second]).sum(axis=1) for f in flagged], axis=-1)[None].astype(np.float64),
    )


def resampled_counts(
    levels: Sequence[DistanceRanks],
    calibration: Clustered,
    datasets: Sequence[Clustered],
    pairs: np.ndarray,
    *,
    percentile: float,
) -> Counts:
    """Counts in every resample of calibration, test and out-of-distribution clusters, drawn independently."""
    drawn = calibration.weights[:, calibration.index]  # [resamples, calibration]
    thresholds = np.stack([resampled_thresholds(x.calibration, drawn, percentile=percentile) for x in levels])
    rows = np.stack([x.rows for x in levels])
    return _count(rows, thresholds, datasets, [d.weights for d in datasets], pairs)


def left_out_counts(
    levels: Sequence[DistanceRanks],
    calibration: Clustered,
    datasets: Sequence[Clustered],
    pairs: np.ndarray,
    *,
    percentile: float,
) -> list[Counts]:
    """Counts without each cluster in turn: of the test split, the other dataset, the calibration split."""
    rows = np.stack([x.rows for x in levels])
    everyone = np.ones((1, len(calibration.index)), dtype=np.float32)
    whole = np.stack([resampled_thresholds(x.calibration, everyone, percentile=percentile) for x in levels])
    start, flagged = 0, []
    for dataset in datasets:
        flagged.append(rows[:, start : start + len(dataset.index)] > whole)
        start += len(dataset.index)
    found = []
    observed = observed_counts(flagged, pairs)
    for i, dataset in enumerate(datasets):
        if dataset.count > 1:
            left = Counts(*(np.repeat(part, dataset.count, axis=0) for part in observed))
            first, second = pairs.T
            for part, masks in (
                (left.members, flagged[i]),
                (left.both, flagged[i][first] & flagged[i][second]),
            ):
                for column, mask in enumerate(masks):
                    part[:, column, i] -= np.bincount(dataset.index[mask], minlength=dataset.count)
            left.sizes[:, i] -= np.bincount(dataset.index, minlength=dataset.count)
            found.append(left)
    if calibration.count > 1:
        # Few clusters move a threshold, so that few combinations of thresholds have to be counted.
        without = 1 - (np.arange(calibration.count)[:, None] == calibration.index).astype(np.float32)
        thresholds = np.stack(
            [resampled_thresholds(x.calibration, without, percentile=percentile) for x in levels]
        )
        distinct, back = np.unique(thresholds, axis=1, return_inverse=True)
        ones = [np.ones((distinct.shape[1], d.count), dtype=np.float32) for d in datasets]
        counted = _count(rows, distinct, datasets, ones, pairs)
        found.append(Counts(*(part[back.ravel()] for part in counted)))
    return found


def _count(
    rows: np.ndarray,
    thresholds: np.ndarray,
    datasets: Sequence[Clustered],
    weights: Sequence[np.ndarray],
    pairs: np.ndarray,
) -> Counts:
    first, second = pairs.T
    start, sizes, members, both = 0, [], [], []
    for dataset, drawn in zip(datasets, weights, strict=True):
        own = rows[:, start : start + len(dataset.index)]
        start += len(dataset.index)
        overlaps = resampled_overlaps(own, thresholds, drawn, dataset.index).astype(np.float64)
        sizes.append(drawn @ np.bincount(dataset.index, minlength=dataset.count).astype(np.float32))
        members.append(np.diagonal(overlaps, axis1=1, axis2=2))
        both.append(overlaps[:, first, second])
    return Counts(
        np.stack(sizes, axis=-1).astype(np.float64), np.stack(members, axis=-1), np.stack(both, axis=-1)
    )
