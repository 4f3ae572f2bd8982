"""Tests of single figures, and corrections for testing several hypotheses."""

import numpy as np


def mcnemar(negative: int, positive: int) -> float:
    """Two-sided p-value of McNemar's exact test (McNemar 1947).

    Under equal accuracy every example on which exactly one model errs is as likely to be one model's as the
    other's, so the smaller count is binomial with probability one half. Examples are taken as independent:
    where several share a context, the p-value is too small.

    Parameters
    ----------
    negative, positive : int
        Examples that only the second, and only the first model gets wrong.

    Returns
    -------
    float
        In (0, 1]; 1 where the models never differ.

    Raises
    ------
    ValueError
        If a count is negative.

    Examples
    --------
    >>> mcnemar(0, 3)
    0.25
    """
    if negative < 0 or positive < 0:
        raise ValueError(f"Counts cannot be negative: {negative}, {positive}.")
    # It takes half a second to import, and most jobs that import this module test nothing.
    from scipy.stats import binomtest

    differing = negative + positive
    return float(binomtest(negative, differing).pvalue) if differing else 1.0


METHOD = "wilson"


def wilson_interval(part: int, whole: int, *, level: float = 0.95) -> tuple[float, float]:
    """Score interval of a binomial rate (Wilson 1927).

    The examples count as independent of one another.

    Parameters
    ----------
    part, whole : int
        How many of how many.
    level : float
        Confidence, two-sided.

    Returns
    -------
    low, high : float
        Within [0, 1]; NaN where `whole` is 0.

    Raises
    ------
    ValueError
        `part` is not between 0 and `whole`, or the level not between 0 and 1.

    Examples
    --------
    >>> [round(x, 4) for x in wilson_interval(0, 10)]
    [0.0, 0.2775]
    """
    if not 0 <= part <= whole or not 0 < level < 1:
        raise ValueError(f"{part} of {whole} at the level {level}")
    if whole == 0:
        return float("nan"), float("nan")
    from scipy.stats import binomtest

    low, high = binomtest(part, whole).proportion_ci(level, method=METHOD)
    return float(low), float(high)


def hommel(p: np.ndarray) -> np.ndarray:
    """P-values adjusted for the number of tests (Hommel 1988).

    The closed test of Simes' inequality: rejecting those at most alpha errs anywhere with probability at most
    alpha, for independent tests and for those that depend on each other positively (Sarkar 1998). Never above
    Holm's. Where every p-value is at most alpha, every one stays so: to claim all of them at once needs no
    correction.

    Parameters
    ----------
    p : array_like of float, shape [..., tests]
        Families along the last axis. In [0, 1], or NaN for a test that was not made: it stays NaN and does
        not count.

    Returns
    -------
    ndarray of float64, shape [..., tests]

    Raises
    ------
    ValueError
        If a p-value lies outside [0, 1].

    Examples
    --------
    >>> hommel([0.01, 0.04, 0.03]).round(4).tolist()
    [0.03, 0.04, 0.04]
    """
    p = np.asarray(p, dtype=np.float64)
    made = ~np.isnan(p)
    if p.ndim < 1 or ((p[made] < 0) | (p[made] > 1)).any():
        raise ValueError(f"P-values lie in [0, 1]; these are {p}.")
    if not p.size:
        return p.copy()
    families = p.reshape(-1, p.shape[-1])
    adjusted = np.full(families.shape, np.nan)
    # Families that lack the same tests are adjusted together.
    for pattern in np.unique(made.reshape(families.shape), axis=0):
        rows = (made.reshape(families.shape) == pattern).all(axis=1)
        if pattern.any():
            adjusted[np.ix_(rows, pattern)] = _adjust(families[np.ix_(rows, pattern)])
    return adjusted.reshape(p.shape)


def _adjust(p: np.ndarray) -> np.ndarray:
    """For every test, the largest Simes p-value over all sets of tests that hold it; shape [families, tests].

    Of the sets of m tests the worst holds the test itself and the m - 1 largest others.
    """
    tests = p.shape[1]
    order = np.argsort(p, axis=1, kind="stable")
    ranked = np.take_along_axis(p, order, axis=1)
    found = np.zeros_like(p)
    for i in range(tests):
        others = np.delete(ranked, i, axis=1)
        for m in range(1, tests + 1):
            members = np.sort(np.column_stack([others[:, tests - m :], ranked[:, i]]), axis=1)
            simes = np.min(members * m / np.arange(1, m + 1), axis=1)
            found[:, i] = np.maximum(found[:, i], simes)
    adjusted = np.empty_like(p)
    np.put_along_axis(adjusted, order, found, axis=1)
    return np.minimum(1.0, adjusted)
