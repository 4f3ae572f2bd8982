"""Answers that turn wrong, or right, when one model takes the place of another."""

from typing import NamedTuple

import numpy as np

from miniature.agreement.masks import check_masks, count


class Flips(NamedTuple):
    """Shares of all examples, in [0, 1]."""

    negative: float
    positive: float


def flips(errors_a: np.ndarray, errors_b: np.ndarray) -> Flips:
    """Share of examples that flip when the second model takes the place of the first.

    Negative flips: the first was right, the second is wrong. Positive: the first was wrong, the second is
    right. Their sum is the "flips" of Dutta et al. (NeurIPS 2024); the first alone is known as the negative
    flip rate.

    Parameters
    ----------
    errors_a, errors_b : array_like of bool, shape [examples]
        Whether each model errs.

    Returns
    -------
    Flips
        NaN where there is no example.

    Raises
    ------
    ValueError
        If the two are not masks of one shape.

    Examples
    --------
    >>> flips([True, False, False, False], [False, True, True, False])
    Flips(negative=0.5, positive=0.25)
    """
    a, b = check_masks(errors_a, errors_b)
    if len(a) == 0:
        return Flips(float("nan"), float("nan"))
    return Flips(count(~a & b) / len(a), count(a & ~b) / len(a))


def chance_flips(error_rate_a: float, error_rate_b: float) -> Flips:
    """Flips expected of independent errors at the same rates.

    Parameters
    ----------
    error_rate_a, error_rate_b : float
        In [0, 1].

    Returns
    -------
    Flips

    Examples
    --------
    >>> chance_flips(0.5, 0.25)
    Flips(negative=0.125, positive=0.375)
    """
    return Flips((1 - error_rate_a) * error_rate_b, error_rate_a * (1 - error_rate_b))


def fewest_flips(error_rate_a: float, error_rate_b: float) -> Flips:
    """Fewest flips that unequal error rates allow: one error set inside the other.

    Parameters
    ----------
    error_rate_a, error_rate_b : float
        In [0, 1].

    Returns
    -------
    Flips

    Examples
    --------
    >>> fewest_flips(0.25, 0.5)
    Flips(negative=0.25, positive=0.0)
    """
    return Flips(max(0.0, error_rate_b - error_rate_a), max(0.0, error_rate_a - error_rate_b))
