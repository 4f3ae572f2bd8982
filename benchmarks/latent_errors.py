"""Simulated models that err together, with the true agreement of every pair known in closed form.

Model k gets example i wrong where a normal variable falls below a threshold,

    loading_k g_i + sqrt(1 - loading_k^2) e_ki < threshold,

so that all models err equally often and two of them share the more errors the higher the product of
their loadings, which is the correlation of the two variables. Trainings of one model differ in their loading.
With clusters, a part of g_i is the same for all examples of one cluster.
"""

import numpy as np
from scipy.special import ndtri, owens_t

ERROR_RATE = 0.3
THRESHOLD = float(ndtri(ERROR_RATE))
# Correlation of an average training of the reference with another one: a Jaccard index of about one half.
CORRELATION = 0.75
# With clusters: how many examples each has, and their common share of the variance of g.
CLUSTER_SIZE, COMMON = 5, 0.5
# Trainings further from the mean than this many standard deviations are drawn in to it.
REACH = 4.0

_GRID = np.linspace(0, 0.999, 100_001)


def true_jaccard(correlation: np.ndarray) -> np.ndarray:
    """Jaccard index of two models' errors in the population.

    Both err with the bivariate normal probability of two thresholds, which for equal ones is
    P - 2 T(threshold, sqrt((1 - rho) / (1 + rho))) with Owen's T (Owen 1956).

    Examples
    --------
    >>> float(true_jaccard(np.array(0.0)).round(6)) == round(0.09 / 0.51, 6)
    True
    """
    both = ERROR_RATE - 2 * owens_t(THRESHOLD, np.sqrt((1 - correlation) / (1 + correlation)))
    return both / (2 * ERROR_RATE - both)


def correlation_of(jaccard: np.ndarray) -> np.ndarray:
    """Inverse of `true_jaccard`."""
    return np.interp(jaccard, true_jaccard(_GRID), _GRID)


def loading(offset: float, spread: float, z: np.ndarray) -> np.ndarray:
    """Loading that gives the usual agreement with an average reference, plus offset, plus spread times z."""
    agreement = true_jaccard(np.array(CORRELATION)) + offset + spread * np.clip(z, -REACH, REACH)
    return correlation_of(agreement) / np.sqrt(CORRELATION)


def mean_agreement(reference: np.ndarray, offset: float, spread: float) -> np.ndarray:
    """Agreement with a given reference, as a mean over trainings (Gauss-Hermite).

    Parameters
    ----------
    reference : ndarray of float, shape [simulations]
        Loading of the reference.
    offset, spread : float
        As for `loading`.
    """
    nodes, weights = np.polynomial.hermite_e.hermegauss(40)
    others = loading(offset, spread, nodes)
    return true_jaccard(np.outer(reference, others)) @ (weights / weights.sum())


def draw_errors(
    random: np.random.Generator, loadings: np.ndarray, examples: int, *, clustered: bool
) -> np.ndarray:
    """Errors of every model.

    Parameters
    ----------
    random : Generator
    loadings : ndarray of float, shape [models]
    examples : int
    clustered : bool

    Returns
    -------
    ndarray of bool, shape [models, examples]
        Examples of one cluster are neighbours.
    """
    g = random.standard_normal(examples, dtype=np.float32)
    if clustered:
        shared = random.standard_normal(examples // CLUSTER_SIZE, dtype=np.float32)
        g = np.sqrt(COMMON) * np.repeat(shared, CLUSTER_SIZE) + np.sqrt(1 - COMMON) * g
    own = random.standard_normal((len(loadings), examples), dtype=np.float32)
    a = loadings.astype(np.float32)[:, None]
    return a * g + np.sqrt(1 - a**2) * own < THRESHOLD
