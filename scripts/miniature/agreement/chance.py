"""Jaccard index that two independent sets of the same sizes would have."""

import numpy as np


def chance_jaccard(
    rate_a: float | np.ndarray, rate_b: float | np.ndarray, *, sizes: int | np.ndarray = 1
) -> float:
    """Jaccard index expected of independent sets: ``pq / (p + q - pq)``.

    It is the ratio of the expected intersection to the expected union. Over several datasets independence
    holds within each dataset: ``sum n_d p_d q_d / sum n_d (p_d + q_d - p_d q_d)``. Pooling the rates first
    would call it agreement that both models flag the out-of-distribution dataset more often.

    Parameters
    ----------
    rate_a, rate_b : float or array_like, shape [datasets]
        Share of each dataset's examples that are in the first and in the second set, in [0, 1].
    sizes : int or array_like, shape [datasets]
        Examples of each dataset.

    Returns
    -------
    float
        In [0, 1]; NaN where both sets are empty.

    Raises
    ------
    ValueError
        If the shapes differ or a rate lies outside [0, 1].

    Examples
    --------
    >>> round(chance_jaccard(0.5, 0.5), 4)
    0.3333
    >>> round(chance_jaccard([0.0, 1.0], [0.0, 1.0], sizes=[10, 10]), 4)
    1.0
    """
    p, q, n = (np.atleast_1d(np.asarray(x, dtype=np.float64)) for x in (rate_a, rate_b, sizes))
    if not p.shape == q.shape == n.shape or p.ndim != 1:
        raise ValueError(f"Rates and sizes must pair up; the shapes are {p.shape}, {q.shape}, {n.shape}.")
    # A dataset without examples has no rate and adds nothing.
    p, q, n = p[n > 0], q[n > 0], n[n > 0]
    if not ((p >= 0) & (p <= 1) & (q >= 0) & (q <= 1)).all():
        raise ValueError(f"Rates lie in [0, 1]; these are {p} and {q}.")
    shared, union = float(np.sum(n * p * q)), float(np.sum(n * (p + q - p * q)))
    return shared / union if union > 0 else float("nan")
