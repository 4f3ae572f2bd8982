"""Best value that two set sizes allow."""

import numpy as np


def ceiling_jaccard(size_a: int | np.ndarray, size_b: int | np.ndarray) -> float:
    """Largest Jaccard index of two sets of given sizes: the smaller inside the larger, ``min / max``.

    Over several datasets the sizes hold within each dataset: ``sum min / sum max``.

    Parameters
    ----------
    size_a, size_b : int or array_like of int, shape [datasets]
        Members of the first and of the second set, per dataset.

    Returns
    -------
    float
        In [0, 1]; NaN where both sets are empty.

    Raises
    ------
    ValueError
        If the shapes differ or a size is negative.

    Examples
    --------
    >>> ceiling_jaccard(2, 4)
    0.5
    >>> ceiling_jaccard([2, 4], [4, 2])
    0.5
    """
    a, b = np.atleast_1d(np.asarray(size_a)), np.atleast_1d(np.asarray(size_b))
    if a.shape != b.shape or a.ndim != 1:
        raise ValueError(f"Sizes must pair up; their shapes are {a.shape} and {b.shape}.")
    if (a < 0).any() or (b < 0).any():
        raise ValueError(f"A set has no negative size: {a}, {b}.")
    largest = int(np.maximum(a, b).sum())
    return int(np.minimum(a, b).sum()) / largest if largest else float("nan")
