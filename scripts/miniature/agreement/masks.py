"""Sets of examples as boolean masks, checked once for every measure that compares them."""

import numpy as np


def check_masks(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two sets over the same examples, as boolean arrays.

    Parameters
    ----------
    a, b : array_like of bool, shape [examples]
        ``a[i]`` says whether example i is in the first set.

    Returns
    -------
    tuple of ndarray of bool, each [examples]

    Raises
    ------
    ValueError
        If the shapes differ, an array is not one-dimensional, or a value is not true or false.

    Examples
    --------
    >>> check_masks([True, False], [0, 1])
    (array([ True, False]), array([False,  True]))
    """
    a, b = np.asarray(a), np.asarray(b)
    if a.ndim != 1 or a.shape != b.shape:
        raise ValueError(f"Masks over the same examples are needed; the shapes are {a.shape} and {b.shape}.")
    for mask in (a, b):
        # A silent cast would turn 0.3 or NaN into "in the set".
        if mask.dtype != bool and not (mask.dtype.kind in "iuf" and np.isin(mask, (0, 1)).all()):
            raise ValueError(f"A mask holds only true and false; this one is {mask.dtype} with other values.")
    return a.astype(bool), b.astype(bool)


def count(mask: np.ndarray) -> int:
    """Members of a set, as a plain whole number.

    Parameters
    ----------
    mask : ndarray of bool

    Returns
    -------
    int

    Examples
    --------
    >>> count(np.array([True, False, True]))
    2
    """
    return int(np.count_nonzero(mask))
