"""Blocks of whole clusters, and the jackknife that leaves one out at a time."""

import numpy as np
from scipy.special import stdtrit

from miniature.seeds import generator


def jackknife_variance(values: np.ndarray) -> float:
    """Variance of an estimate from its leave-one-block-out values."""
    values = np.asarray(values, dtype=np.float64)
    if len(values) < 2:
        return float("nan")
    return float((len(values) - 1) / len(values) * np.square(values - values.mean()).sum())


def block_examples(index: np.ndarray, clusters: int, *, blocks: int, seed: int) -> tuple[np.ndarray, int]:
    """Divide examples into blocks of whole clusters of about equal size.

    Clusters in a random order, the largest first, go to the block that is smallest so far.

    Parameters
    ----------
    index : ndarray of int, shape [examples]
        Cluster of each example, from 0.
    clusters : int
        Distinct clusters.
    blocks : int
        Blocks wanted; where there are fewer clusters, each is a block.
    seed : int
        The study's seed.

    Returns
    -------
    tuple of ndarray of int64, shape [examples], and int
        Block of each example, and how many blocks there are.

    Raises
    ------
    ValueError
        If no block is wanted.

    Examples
    --------
    >>> block, count = block_examples(np.array([0, 0, 1, 2]), 3, blocks=2, seed=0)
    >>> count, np.bincount(block).tolist()
    (2, [2, 2])
    """
    if blocks < 1:
        raise ValueError(f"At least one block is needed, not {blocks}.")
    count = min(blocks, clusters)
    sizes = np.bincount(index, minlength=clusters)
    shuffled = generator(seed, "blocks", clusters).permutation(clusters)
    by_size = shuffled[np.argsort(-sizes[shuffled], kind="stable")]
    filled, block_of = np.zeros(count, dtype=np.int64), np.empty(clusters, dtype=np.int64)
    for cluster in by_size:
        smallest = int(filled.argmin())
        block_of[cluster] = smallest
        filled[smallest] += sizes[cluster]
    return block_of[index], count


def jackknife_interval(
    value: float, left_out: np.ndarray, *, low: float, high: float, level: float = 0.95
) -> tuple[float, float]:
    """Interval of an estimate from its leave-one-block-out values.

    The estimate plus and minus Student's t with one degree of freedom less than there are blocks, times the
    jackknife's standard error (Efron and Tibshirani 1993, sections 11.5 and 12.4), cut at the range of the
    measure.

    Parameters
    ----------
    value : float
        The estimate on all examples.
    left_out : array_like of float, shape [blocks]
        The estimate without each block.
    low, high : float
        Range of the measure.
    level : float
        Nominal coverage.

    Returns
    -------
    tuple of float
        NaN with fewer than two blocks, where a value is not defined, and where the estimate does not depend
        on the block left out (identical models): an interval of no width would claim certainty.

    Examples
    --------
    >>> [round(bound, 3) for bound in jackknife_interval(0.5, [0.4, 0.5, 0.6], low=0, high=1)]
    [0.003, 0.997]
    """
    left_out = np.asarray(left_out, dtype=np.float64)
    error = np.sqrt(jackknife_variance(left_out))
    # Identical models differ from 1 by rounding, and so do the values without a block.
    if not error > 1e-12 or np.isnan(value):
        return float("nan"), float("nan")
    half = float(stdtrit(len(left_out) - 1, (1 + level) / 2)) * error
    return max(low, float(value - half)), min(high, float(value + half))
