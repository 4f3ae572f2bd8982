"""Where a difference may truly lie, when it varies with the examples and with the trainings."""

from functools import cache
from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

# Nodes for the spread over trainings, of which there are few, and for that over examples, of which there are
# many. With the first, the bounds without any noise from examples are those of the t distribution to 1e-8.
TRAINING_NODES, EXAMPLE_NODES = 96, 24
# A chi variable lies so near to the root of its degrees of freedom but for a probability below 1e-11.
REACH = 6.0


class Uncertainty(NamedTuple):
    """What is known about the spread of an estimate.

    Attributes
    ----------
    example_variance : float or ndarray
        Variance of the estimate over samples of examples, with the trainings held fixed.
    example_df : int
        Its degrees of freedom: clusters minus 1, or blocks minus 1.
    training_variance : float or ndarray
        Observed variance of an agreement over trainings (`training_spread.spread_form`).
    training_noise : float or ndarray
        The part of `training_variance` that is due to the sample of examples.
    training_df : int
        Degrees of freedom of `training_variance`.
    factor : float
        How many times the variance over trainings the estimate has: 1 + 1/r for one training against the mean
        of r, 1/r for that mean.
    """

    example_variance: float | np.ndarray
    example_df: int
    training_variance: float | np.ndarray
    training_noise: float | np.ndarray
    training_df: int
    factor: float


def probability_within(distance: float | np.ndarray, uncertainty: Uncertainty) -> np.ndarray:
    """Probability that the truth lies at most `distance` above the estimate.

    Generalised inference (Weerahandi 1993): each variance, known only by an estimate, is replaced by
    estimate x df / Q with Q chi-square, the part of the training variance that examples explain is taken
    away, and the normal probability is averaged over both Q. Not to take it away would count it twice;
    to take the estimates for the truth would ignore that they come from few trainings. Without noise
    from examples the result is Student's t distribution, as in a prediction interval (Higgins, Thompson and
    Spiegelhalter 2009); with variance from examples alone and many of them it is the normal one.

    Parameters
    ----------
    distance : float or ndarray, shape [...]
        In the estimate's units; negative for below the estimate.
    uncertainty : Uncertainty
        Its variances are numbers or arrays of the shape of `distance`.

    Returns
    -------
    ndarray of float64, shape [...]
        A distribution function, symmetric about 0; a step from 0 to 1 at 0 where there is no variance at all.

    Raises
    ------
    ValueError
        If a variance is negative or missing, or there are no degrees of freedom.

    Examples
    --------
    >>> from scipy.stats import t
    >>> exact = Uncertainty(0.0, 100, 0.01, 0.0, 3, 1 + 1 / 3)
    >>> expected = t.cdf(0.2 / np.sqrt(0.01 * (1 + 1 / 3)), 3)
    >>> bool(abs(probability_within(0.2, exact) - expected) < 1e-8)
    True
    """
    return _mixture(distance, *_scales(uncertainty))


def _mixture(distance: float | np.ndarray, scales: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Average of normal distribution functions of several standard deviations."""
    distance = np.asarray(distance, dtype=np.float64)[..., None, None]
    # No variance at all: everything lies at the estimate itself.
    standard = np.divide(
        distance, scales, out=np.where(distance < 0, -np.inf, np.inf) + 0 * scales, where=scales > 0
    )
    return (ndtr(standard) * weights).sum(axis=(-2, -1))


def half_width(probability: float, uncertainty: Uncertainty) -> float:
    """How far above the estimate the truth lies at most, with a given probability.

    Parameters
    ----------
    probability : float
        In [0.5, 1): 0.95 for a one-sided 95 % bound, 0.975 for a two-sided 95 % interval.
    uncertainty : Uncertainty
        Of numbers.

    Returns
    -------
    float
        The inverse of `probability_within`; as it is symmetric, also how far below.

    Raises
    ------
    ValueError
        As for `probability_within`, or for a probability outside its range.

    Examples
    --------
    >>> round(half_width(0.975, Uncertainty(1.0, 10**6, 0.0, 0.0, 3, 1.0)), 3)
    1.96
    """
    if not 0.5 <= probability < 1:
        raise ValueError(f"A probability from 0.5 to below 1: {probability}.")
    scales, weights = _scales(uncertainty)
    quantile = float(ndtri(probability))
    low, high = quantile * float(scales.min()), quantile * float(scales.max())
    if not high > low:  # one scale, be it 0
        return high
    return float(brentq(lambda x: _mixture(x, scales, weights) - probability, low, high, xtol=1e-12))


def _scales(u: Uncertainty) -> tuple[np.ndarray, np.ndarray]:
    """Standard deviations that the estimate may have, and their weights."""
    known = (u.example_variance, u.training_variance, u.training_noise)
    # Written so that NaN is refused as well.
    if not all(np.all(np.asarray(v) >= 0) for v in known) or not (u.example_df > 0 and u.training_df > 0):
        raise ValueError(f"Variances of at least 0 with at least one degree of freedom each: {u}.")
    example, observed, noise = (np.asarray(v, dtype=np.float64)[..., None, None] for v in known)
    by_training, training_weights = _chi_nodes(u.training_df, TRAINING_NODES)
    by_example, example_weights = _chi_nodes(u.example_df, EXAMPLE_NODES)
    training = np.maximum(0, observed / by_training[:, None] - noise)
    scales = np.sqrt(example / by_example + u.factor * training)
    return scales, training_weights[:, None] * example_weights


@cache
def _chi_nodes(df: int, nodes: int) -> tuple[np.ndarray, np.ndarray]:
    """Values of chi-square / df and their weights, for averages over it (Gauss-Legendre in chi)."""
    middle = np.sqrt(df)
    low, high = max(0.0, middle - REACH), middle + REACH
    x, w = np.polynomial.legendre.leggauss(nodes)
    chi = low + (high - low) * (x + 1) / 2
    log_density = (df - 1) * np.log(chi) - chi**2 / 2
    weights = w * np.exp(log_density - log_density.max())
    return chi**2 / df, weights / weights.sum()
