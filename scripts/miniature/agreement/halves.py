"""Random halves of the clusters, whose difference shows how far a measure of the whole sample varies.

Two halves share no example, so that they are two independent samples, and nothing in them is repeated: what
an example is to the others (a neighbour) is sampled anew along with what it is itself.
"""

import math
from typing import NamedTuple

import numpy as np
from scipy.special import stdtrit

from miniature.seeds import generator

# Divisions into halves. Their number costs time and decides how well the standard error itself is known: to
# 1 / sqrt(2 SPLITS), a tenth, which Student's t takes into account.
SPLITS = 50


class Halves(NamedTuple):
    """Divisions of one table of examples into halves.

    Attributes
    ----------
    member : ndarray of bool, shape [splits, examples]
        Whether an example is in the first half; a cluster is whole in one of them.
    scale : float
        Times the difference of the halves' values it gives a deviation of the value of the whole sample.
    clusters : int
        Distinct clusters.
    """

    member: np.ndarray
    scale: float
    clusters: int


def split_halves(index: np.ndarray, clusters: int, *, seed: int, splits: int = SPLITS) -> Halves | None:
    """Divide the clusters into halves at random, many times.

    The squared difference of the means of n1 and n2 units drawn from n without replacement is
    s^2 (1/n1 + 1/n2) on average, and a mean of all n varies by s^2 / n: hence the scale sqrt(n1 n2) / n,
    one half where n is even. (The delete-d jackknife with d = n / 2: Shao and Wu 1989.)

    Parameters
    ----------
    index : ndarray of int, shape [examples]
        Cluster of each example, from 0.
    clusters : int
        Distinct clusters.
    seed : int
        The study's seed.
    splits : int

    Returns
    -------
    Halves or None
        None with fewer than two clusters, which cannot be divided.

    Examples
    --------
    >>> halves = split_halves(np.array([0, 0, 1]), 2, seed=0, splits=4)
    >>> halves.member.shape, halves.scale, bool((halves.member[:, 0] == halves.member[:, 1]).all())
    ((4, 3), 0.5, True)
    >>> split_halves(np.array([0, 0]), 1, seed=0) is None
    True
    """
    if clusters < 2:
        return None
    random = generator(seed, "halves", clusters)
    first = clusters // 2
    chosen = random.permuted(np.tile(np.arange(clusters) < first, (splits, 1)), axis=1)
    return Halves(chosen[:, index], math.sqrt(first * (clusters - first)) / clusters, clusters)


def halves_degrees(splits: int, clusters: int) -> float:
    """Degrees of freedom of a variance from random halves.

    The variance over the clusters at hand is known to a relative variance of 2 / (clusters - 1), and from few
    divisions to 2 / (splits - 1) more.

    Examples
    --------
    >>> halves_degrees(51, 51)
    25.0
    """
    return 1 / (1 / (splits - 1) + 1 / (clusters - 1))


def halves_interval(
    value: np.ndarray, deviations: np.ndarray, *, clusters: int, level: float = 0.95
) -> tuple[np.ndarray, np.ndarray]:
    """Intervals of measures between 0 and 1 from their deviations over random halves.

    The value plus and minus Student's t times the standard deviation of the deviations, cut at 0 and 1.

    Parameters
    ----------
    value : ndarray of float, shape [...]
    deviations : ndarray of float, shape [splits, ...]
    clusters : int
        Distinct clusters, at least 2.
    level : float
        Nominal coverage.

    Returns
    -------
    tuple of ndarray of float64, each [...]
        NaN where the value or a deviation is not defined, and where no half deviates (identical models): an
        interval of no width would claim certainty.

    Examples
    --------
    >>> low, high = halves_interval(np.array(0.5), np.array([-0.1, 0.1, 0.0]), clusters=100)
    >>> round(float(low), 3), round(float(high), 3)
    (0.061, 0.939)
    """
    error = deviations.std(axis=0, ddof=1)
    half = stdtrit(halves_degrees(len(deviations), clusters), (1 + level) / 2) * error
    # Identical models differ from each other by rounding.
    half = np.where(error > 1e-12, half, np.nan)
    return np.maximum(0.0, value - half), np.minimum(1.0, value + half)
