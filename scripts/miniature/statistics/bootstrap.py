"""Resampling whole clusters of examples, the same resamples for every model and measure."""

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri

from miniature.seeds import generator


def bca_interval(
    resampled: np.ndarray, estimate: float, jackknife: np.ndarray, *, level: float = 0.95
) -> tuple[float, float]:
    """BCa interval of a resampled measure (Efron 1987; Davison and Hinkley 1997, section 5.3.2).

    The percentile interval with its percentiles moved: by how far the estimate lies from the median of its
    resamples, and by how its spread grows with its value (the skewness of the jackknife). Plain percentiles
    are too short where few examples decide: of 200 examples with 5 % errors each, half of them shared, the
    95 % percentile interval of the Jaccard index holds the truth in 87 to 88 of 100 simulations, this one in
    95, counting as misses the 3 in which it is empty; of flips with three to be expected, in 83 to 85 and 94.
    Where there are few clusters it is too short: docs/assumptions.md.

    Parameters
    ----------
    resampled : array_like of float, shape [resamples]
        The measure in each resample, NaN where it is not defined.
    estimate : float
        The measure on the data.
    jackknife : array_like of float, shape [clusters]
        The measure with each cluster left out.
    level : float
        Nominal coverage.

    Returns
    -------
    tuple of float
        NaN where the measure is not defined on the data, in a resample or with a cluster left out: leaving
        those out would make the interval too narrow in silence. NaN too where no resample differs from the
        estimate (two models that never differ, no flip at all): what was not seen once cannot be resampled,
        and an interval without width would claim certainty.

    Examples
    --------
    >>> values = np.arange(101)
    >>> bca_interval(values, 50.0, np.array([49.0, 50.0, 51.0]), level=0.5)
    (25.0, 75.0)
    """
    resampled, jackknife = (np.asarray(x, dtype=np.float64) for x in (resampled, jackknife))
    nothing = float("nan"), float("nan")
    if np.isnan(estimate) or np.isnan(resampled).any() or np.isnan(jackknife).any() or len(jackknife) < 2:
        return nothing
    # Resamples of the data itself come out a rounding error away from the estimate.
    tolerance = 1e-12 * max(1.0, abs(estimate))
    below = np.count_nonzero(resampled < estimate - tolerance)
    ties = np.count_nonzero(np.abs(resampled - estimate) <= tolerance)
    if ties == len(resampled):
        return nothing
    # Ties count one half; no share is 0 or 1, which would move a percentile to infinity.
    share = np.clip((below + ties / 2) / len(resampled), 0.5 / len(resampled), 1 - 0.5 / len(resampled))
    bias = ndtri(share)
    deviation = jackknife.mean() - jackknife
    spread = np.square(deviation).sum() ** 1.5
    acceleration = np.power(deviation, 3).sum() / (6 * spread) if spread > 0 else 0.0
    z = bias + ndtri([(1 - level) / 2, (1 + level) / 2])
    moved = ndtr(bias + z / (1 - acceleration * z))
    low, high = np.percentile(resampled, 100 * moved)
    return float(low), float(high)


# Resamples drawn at once: the generator gives 64-bit numbers, of which four bytes are kept.
DRAWN_AT_ONCE = 250


def resample_clusters(clusters: int, *, resamples: int, seed: int) -> np.ndarray:
    """How often each cluster is drawn in each resample.

    Clusters are drawn with replacement, as many as there are (Davison and Hinkley 1997: resample
    the highest level, keep the lower levels whole). One matrix serves all models and all measures, so that
    differences between them are paired.

    Parameters
    ----------
    clusters : int
        Distinct clusters, at least one.
    resamples : int
    seed : int
        The study's seed.

    Returns
    -------
    ndarray of float32, shape [resamples, clusters]
        Whole numbers; each row sums to `clusters`. float32 holds them exactly and multiplies fast.

    Raises
    ------
    ValueError
        If there is no cluster or no resample.

    Examples
    --------
    >>> resample_clusters(5, resamples=3, seed=0).sum(axis=1).tolist()
    [5.0, 5.0, 5.0]
    """
    if clusters < 1 or resamples < 1:
        raise ValueError(f"Nothing to resample: {clusters} clusters, {resamples} resamples.")
    random = generator(seed, "bootstrap", clusters)
    share = np.full(clusters, 1 / clusters)
    counts = np.empty((resamples, clusters), dtype=np.float32)
    for start in range(0, resamples, DRAWN_AT_ONCE):
        block = counts[start : start + DRAWN_AT_ONCE]
        block[:] = random.multinomial(clusters, share, len(block))
    return counts


def cluster_index(clusters: np.ndarray) -> tuple[np.ndarray, int]:
    """Clusters as whole numbers in order of first appearance, and how many there are.

    Parameters
    ----------
    clusters : array_like of str, shape [examples]

    Returns
    -------
    tuple of ndarray of int64, shape [examples], and int

    Examples
    --------
    >>> cluster_index(["b", "a", "b"])
    (array([0, 1, 0]), 2)
    """
    codes, names = pd.factorize(np.asarray(clusters, dtype=object))
    return codes.astype(np.int64), len(names)


def percentile_bounds(values: np.ndarray, *, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Percentile intervals, of many measures at once; `values` is put into another order.

    Parameters
    ----------
    values : ndarray of float, shape [..., resamples]
        Resampled values, NaN where a measure is not defined in a resample. Changed in place.
    level : float
        Nominal coverage.

    Returns
    -------
    tuple of ndarray of float64, each [...]
        NaN where any resample is: leaving those out would make the interval too narrow in silence.

    Examples
    --------
    >>> [float(bound) for bound in percentile_bounds(np.arange(101.0), level=0.5)]
    [25.0, 75.0]
    """
    resamples = values.shape[-1]
    undefined = np.isnan(values).any(axis=-1)
    places = np.array([(1 - level) / 2, (1 + level) / 2]) * (resamples - 1)
    below = np.floor(places + 1e-9).astype(int)
    above = np.minimum(below + 1, resamples - 1)
    values.partition(np.unique([below, above]), axis=-1)
    bounds = []
    for place, left, right in zip(places, below, above, strict=True):
        a, b = (values[..., i].astype(np.float64) for i in (left, right))
        bounds.append(np.where(undefined, np.nan, a + (b - a) * max(place - left, 0.0)))
    return bounds[0], bounds[1]
