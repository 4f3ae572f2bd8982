"""Bounds of paired means and shares over examples that come in clusters."""

import math
from typing import NamedTuple

import numpy as np
from scipy.special import betainc, betaincinv, stdtr, stdtrit

# With fewer events than this bounds are exact: what was seen a few times has no variance to speak of.
FEW = 10
# One-sided level of every bound.
LEVEL = 0.05
# An interval from fewer clusters than this is none; from fewer than the second it is said to be too short.
FEWEST_CLUSTERS, FEW_CLUSTERS = 5, 20
EXACT = "exact bounds"
SHARE = "beta bounds, effective sample size"
MEAN = "t bounds over clusters"


class Bounds(NamedTuple):
    """An estimate with one-sided 95 % bounds.

    Attributes
    ----------
    value, low, high : float
        Bounds are NaN where there are none.
    n, clusters : int
        Examples and clusters that it rests on.
    method : str
        How the bounds are made; empty without.
    p_above : float
        P-value of the claim that the truth lies above the limit asked for; NaN without one.
    """

    value: float
    low: float = math.nan
    high: float = math.nan
    n: int = 0
    clusters: int = 0
    method: str = ""
    p_above: float = math.nan


def cluster_sums(values: np.ndarray, index: np.ndarray) -> np.ndarray:
    """Sum over each cluster, shape [clusters]; clusters without an example are left out by the caller."""
    return np.bincount(index, weights=np.asarray(values, dtype=np.float64))


def share_bounds(hit: np.ndarray, index: np.ndarray, *, limit: float = math.nan) -> Bounds:
    """Share of examples that something happened to.

    With ten events or more: Jeffreys' interval at the effective sample size, n over the design effect of
    the clusters, with Student's t in place of the normal quantile (Korn and Graubard 1998, in the form of
    Dean and Pavlou 2015). With fewer: exact bounds (Clopper and Pearson 1934). Where examples share
    clusters the exact bounds are of the share of clusters that hold an event, times how many examples one
    of them may hold: as many as were seen on average, one whole cluster more counted in; how events cluster
    cannot be learned from few.

    Parameters
    ----------
    hit : array_like of bool, shape [examples]
    index : array_like of int, shape [examples]
        Cluster of each example.
    limit : float, optional
        Share for `Bounds.p_above`.

    Returns
    -------
    Bounds
        Without bounds where there are fewer than five clusters or no example.

    Examples
    --------
    >>> found = share_bounds(np.zeros(149, dtype=bool), np.arange(149))
    >>> found.value, round(found.high, 4)
    (0.0, 0.0199)
    """
    hit, index = np.asarray(hit, dtype=np.float64), _codes(index)
    n, events = len(hit), float(np.sum(hit))
    clusters = int(index.max()) + 1 if n else 0
    value = events / n if n else math.nan
    if clusters < FEWEST_CLUSTERS:
        return Bounds(value, n=n, clusters=clusters)
    single = clusters == n
    if events < FEW:
        sums, sizes = cluster_sums(hit, index), cluster_sums(np.ones(n), index)
        struck = int((sums > 0).sum())
        size = n / clusters
        # Most events that one struck cluster may hold, and fewest.
        most = 1.0 if single else (events + sizes.max()) / (struck + 1)
        shape = (struck + 1.0, float(clusters - struck)), (float(struck), clusters - struck + 1.0)
        scales, method = (1.0 / size, most / size), EXACT
    else:
        effective = _effective(hit, index, clusters)
        struck = value * effective
        shape = ((struck + 0.5, effective - struck + 0.5),) * 2
        scales, method = (1.0, 1.0), SHARE
    upper, lower = shape
    high = min(1.0, scales[1] * float(betaincinv(*upper, 1 - LEVEL))) if upper[1] > 0 else 1.0
    low = scales[0] * float(betaincinv(*lower, LEVEL)) if struck > 0 else 0.0
    p = math.nan
    if not math.isnan(limit):
        p = float(betainc(*lower, min(1.0, limit / scales[0]))) if struck > 0 else 1.0
    return Bounds(value, low, max(high, value), n, clusters, method, p)


def _effective(hit: np.ndarray, index: np.ndarray, clusters: int) -> float:
    """Independent examples that would tell as much as these do."""
    n, value = len(hit), float(hit.mean())
    binomial = value * (1 - value) / n
    if binomial <= 0:
        return float(n)
    # Of examples that are all clusters of their own the design effect is 1, whatever the sample says.
    design = 1.0 if clusters == n else max(1.0, mean_variance(hit, index) / binomial)
    normal = stdtrit(n - 1, 1 - LEVEL) / stdtrit(clusters - 1, 1 - LEVEL)
    return n / design * float(normal) ** 2


def mean_bounds(values: np.ndarray, index: np.ndarray, *, limit: float = math.nan) -> Bounds:
    """Mean over examples, with Student's t over clusters.

    Parameters
    ----------
    values : array_like of float, shape [examples]
    index : array_like of int, shape [examples]
    limit : float, optional

    Returns
    -------
    Bounds
        Without bounds where there are fewer than five clusters, or where no example differs from another:
        what was not seen once cannot be estimated from a spread.

    Examples
    --------
    >>> found = mean_bounds([0.0, 1.0] * 50, np.arange(100))
    >>> round(found.value, 2), round(found.low, 3), round(found.high, 3)
    (0.5, 0.417, 0.583)
    """
    values, index = np.asarray(values, dtype=np.float64), _codes(index)
    n = len(values)
    clusters = int(index.max()) + 1 if n else 0
    value = float(values.mean()) if n else math.nan
    if clusters < FEWEST_CLUSTERS or np.ptp(values) == 0:
        return Bounds(value, n=n, clusters=clusters)
    error = math.sqrt(mean_variance(values, index))
    half = float(stdtrit(clusters - 1, 1 - LEVEL)) * error
    p = math.nan if math.isnan(limit) else float(stdtr(clusters - 1, (limit - value) / error))
    return Bounds(value, value - half, value + half, n, clusters, MEAN, p)


def mean_variance(values: np.ndarray, index: np.ndarray) -> float:
    """Variance of a mean over examples that come in clusters, as samples of whole clusters give it.

    Parameters
    ----------
    values : ndarray of float, shape [examples]
    index : ndarray of int, shape [examples]
        Cluster of each example, from 0 to C - 1 with C at least 2.

    Returns
    -------
    float
        C/(C - 1) times the sum of the squares of the clusters' summed deviations from the mean, over the
        number of examples squared (Cochran 1977, section 11.7: a ratio of totals over clusters).

    Examples
    --------
    >>> values = np.array([0.0, 1.0, 2.0, 3.0])
    >>> bool(np.isclose(mean_variance(values, np.arange(4)), values.var(ddof=1) / 4))
    True
    """
    sums = np.bincount(index, weights=values - values.mean())  # [clusters]
    return float(len(sums) / (len(sums) - 1) * (sums**2).sum() / len(values) ** 2)


def _codes(index: np.ndarray) -> np.ndarray:
    """Cluster numbers without gaps, so that no cluster is empty."""
    return np.unique(np.asarray(index), return_inverse=True)[1]


def examples_without_change(limit: float) -> int:
    """Examples that must show no event before the share can be said to lie within a limit.

    Examples
    --------
    >>> examples_without_change(0.02), examples_without_change(0.01 * 0.8)
    (149, 373)
    """
    if not 0 < limit < 1:
        raise ValueError(f"A share between 0 and 1: {limit}.")
    return math.ceil(math.log(LEVEL) / math.log1p(-limit))
