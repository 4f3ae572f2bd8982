"""How far the agreement of two trainings of one model varies from training to training."""

from itertools import combinations

import numpy as np


def spread_form(trainings: int) -> np.ndarray:
    """Matrix of the quadratic form that estimates the variance of an agreement over trainings.

    Two pairs that share a training are not independent, so the variance of all pairs' values is no estimate.
    An agreement of exchangeable trainings i and j splits into A_ij = mean + e_i + e_j + e_ij with
    uncorrelated parts. What is wanted is the variance over j with i held fixed, var(e) + var(e_ij): how much
    the agreement with one reference varies over other trainings. The analysis of variance of the pairs gives
    it without bias,

        MS_e / (g - 2) + MS_res (1 - 1 / (g - 2)),

    from E[MS_e] = var(e_ij) + (g - 2) var(e) and E[MS_res] = var(e_ij). For three trainings this is the
    sample variance of the three pairs.

    Parameters
    ----------
    trainings : int
        g, the trainings that were compared with each other, at least 3.

    Returns
    -------
    ndarray of float64, shape [pairs, pairs]
        M, so that ``v @ M @ v`` is the variance for the pairs' values ``v`` in the order of
        ``itertools.combinations``.

    Raises
    ------
    ValueError
        With fewer than three trainings: one pair has no spread.

    Notes
    -----
    The two-way random effects model of a symmetric array without diagonal, as in diallel crosses (Griffing
    1956, method 4, model II); any exchangeable array splits so (Hoeffding 1948), with parts that are
    uncorrelated though not always independent.

    Examples
    --------
    >>> values = np.array([0.50, 0.60, 0.70])
    >>> round(float(values @ spread_form(3) @ values), 10), round(float(values.var(ddof=1)), 10)
    (0.01, 0.01)
    """
    g = trainings
    if g < 3:
        raise ValueError(f"The spread over trainings needs three of them; here are {g}.")
    pairs = list(combinations(range(g), 2))
    member = np.zeros((len(pairs), g))
    for row, pair in enumerate(pairs):
        member[row, list(pair)] = 1
    effect = (member.T - 2 / g) / (g - 2)  # [g, pairs]: the least squares estimate of every e_i
    residual = np.eye(len(pairs)) - 1 / len(pairs) - member @ effect  # [pairs, pairs]
    return effect.T @ effect / (g - 1) + 2 / (g * (g - 2)) * residual.T @ residual
