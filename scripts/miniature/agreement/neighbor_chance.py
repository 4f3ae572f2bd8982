"""Neighbour agreement of two models whose neighbours have nothing to do with each other."""

import numpy as np
from scipy.special import gammaln


def chance_neighbor_jaccard(n: int, k_max: int) -> np.ndarray:
    """Jaccard index expected of two independent random lists of K neighbours, for every K.

    Two sets of K drawn from the n - 1 other examples share I of them, I hypergeometric with mean K^2 / (n -
    1); the value is the exact expectation of ``I / (2K - I)``. The ratio of expectations, ``K / (2 (n - 1) -
    K)``, is close to it and always below (``I / (2K - I)`` is convex in I).

    Parameters
    ----------
    n : int
        Examples.
    k_max : int
        Largest K, at most n - 1.

    Returns
    -------
    ndarray of float64, shape [k_max]

    Raises
    ------
    ValueError
        Unless 1 <= k_max <= n - 1.

    Examples
    --------
    >>> chance_neighbor_jaccard(3, 2).tolist()
    [0.5, 1.0]
    """
    if not 1 <= k_max <= n - 1:
        raise ValueError(f"K runs from 1 to at most {n - 1} for {n} examples, not to {k_max}.")
    others = n - 1
    log_factorial = gammaln(np.arange(others + 1) + 1.0)

    def log_choose(of: int, take: np.ndarray) -> np.ndarray:
        return log_factorial[of] - log_factorial[take] - log_factorial[of - take]

    chance = np.empty(k_max)
    for k in range(1, k_max + 1):
        shared = np.arange(max(0, 2 * k - others), k + 1)
        log_weight = log_choose(k, shared) + log_choose(others - k, k - shared)
        # Divided by their sum instead of by choose(n - 1, k): the rounding of the logarithms cancels.
        weight = np.exp(log_weight - log_weight.max())
        chance[k - 1] = np.sum(weight * shared / (2 * k - shared)) / weight.sum()
    return chance
