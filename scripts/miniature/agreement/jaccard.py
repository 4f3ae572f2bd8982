"""Jaccard index of two sets of examples."""

import numpy as np

from miniature.agreement.masks import check_masks, count


def jaccard(a: np.ndarray, b: np.ndarray) -> float:
    """Share of the examples in either set that are in both: ``|A and B| / |A or B|``.

    The paper's measure of agreement (Rai, Pal, Awekar, CIKM 2024).

    Parameters
    ----------
    a, b : array_like of bool, shape [examples]
        Membership of each example in the two sets.

    Returns
    -------
    float
        In [0, 1]. NaN where both sets are empty: there is nothing to agree about, and neither 0 nor 1 would
        be true of it. Where one set is empty, 0.

    Raises
    ------
    ValueError
        If `a` and `b` are not two masks of one shape.

    Examples
    --------
    >>> jaccard([True, True, False], [True, False, False])
    0.5
    >>> jaccard([False, False], [False, False])
    nan
    """
    a, b = check_masks(a, b)
    union = count(a | b)
    return count(a & b) / union if union else float("nan")


def jaccard_bounds(
    a: np.ndarray, b: np.ndarray, unknown_a: np.ndarray, unknown_b: np.ndarray
) -> tuple[float, float]:
    """Smallest and largest Jaccard index over every way to settle memberships that are not known.

    The smallest counts an unknown member wherever that makes a disagreement, the largest wherever that makes
    an agreement; both are reached, so no narrower bounds hold.

    Parameters
    ----------
    a, b : array_like of bool, shape [examples]
        Known members of the two sets.
    unknown_a, unknown_b : array_like of bool, shape [examples]
        Examples that may or may not be members. Where an example is a known member too, it counts as known.

    Returns
    -------
    tuple of float
        Lower and upper bound over the settlements that put an example into either set; NaN where none does.

    Raises
    ------
    ValueError
        If the four are not masks of one shape.

    Examples
    --------
    >>> jaccard_bounds([1, 1, 0], [1, 0, 0], [0, 0, 0], [0, 1, 0])
    (0.5, 1.0)
    """
    a, b = check_masks(a, b)
    unknown_a, unknown_b = check_masks(unknown_a, unknown_b)
    check_masks(a, unknown_a)
    possible_a, possible_b = a | unknown_a, b | unknown_b
    most = count(possible_a | possible_b)
    if not most:
        return float("nan"), float("nan")
    # An unknown against a known member is settled as a member; two unknowns as two members.
    shared = count(possible_a & possible_b)
    union = count(a | b | (possible_a & possible_b))
    return count(a & b) / most, shared / union if union else 0.0
