"""Holm's correction for testing several hypotheses."""

import numpy as np


def holm(p: np.ndarray) -> np.ndarray:
    """P-values adjusted for the number of tests (Holm 1979).

    Rejecting those at most alpha errs anywhere with probability at most alpha, however the tests depend on
    each other. The smallest is multiplied by the number of tests, the next by one less, and so on; no
    adjusted p-value is below one that came before it.

    Parameters
    ----------
    p : array_like of float, shape [tests]
        In [0, 1], or NaN for a test that was not made: it stays NaN and does not count.

    Returns
    -------
    ndarray of float64, shape [tests]

    Raises
    ------
    ValueError
        If a p-value lies outside [0, 1].

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03]).round(4).tolist()
    [0.03, 0.06, 0.06]
    """
    p = np.asarray(p, dtype=np.float64)
    made = np.flatnonzero(~np.isnan(p))
    if p.ndim != 1 or ((p[made] < 0) | (p[made] > 1)).any():
        raise ValueError(f"P-values lie in [0, 1]; these are {p}.")
    order = made[np.argsort(p[made], kind="stable")]
    adjusted = np.full(p.shape, np.nan)
    steps = np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(1, np.maximum.accumulate(p[order] * steps))
    return adjusted
