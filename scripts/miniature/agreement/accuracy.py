"""Difference in accuracy of two models on the same examples."""

import numpy as np

from miniature.agreement.masks import check_masks, count


def accuracy_difference(errors_a: np.ndarray, errors_b: np.ndarray) -> float:
    """Accuracy of the second model minus accuracy of the first: negative where the second is worse.

    Parameters
    ----------
    errors_a, errors_b : array_like of bool, shape [examples]
        Whether each model errs.

    Returns
    -------
    float
        In [-1, 1]; NaN where there is no example.

    Raises
    ------
    ValueError
        If the two are not masks of one shape.

    Examples
    --------
    >>> accuracy_difference([False, False], [True, False])
    -0.5
    """
    a, b = check_masks(errors_a, errors_b)
    if len(a) == 0:
        return float("nan")
    return (count(a) - count(b)) / len(a)
