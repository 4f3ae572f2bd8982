"""Agreement of two sets of examples: Jaccard and kappa, with chance, ceiling and corrected form."""

from typing import NamedTuple

import numpy as np


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


def cohen_kappa(a: np.ndarray, b: np.ndarray) -> float:
    """Agreement beyond chance: ``(observed - expected) / (1 - expected)`` (Cohen 1960).

    On right and wrong answers this is the error consistency of two models.

    Parameters
    ----------
    a, b : array_like of bool, shape [examples]
        The two judgements.

    Returns
    -------
    float
        In [-1, 1]; 0 is chance. NaN where there is no example, or where both say the same of every example:
        expected agreement is then complete and nothing lies beyond it.

    Raises
    ------
    ValueError
        If `a` and `b` are not two masks of one shape.

    Examples
    --------
    >>> cohen_kappa([True, True, False, False], [True, False, False, False])
    0.5
    """
    a, b = check_masks(a, b)
    observed = count(a == b)
    return _beyond_chance(observed, count(a), count(b), len(a))


def ceiling_kappa(size_a: int, size_b: int, n: int) -> float:
    """Largest kappa that two set sizes allow: the smaller set inside the larger.

    Parameters
    ----------
    size_a, size_b : int
        Examples of which the first and the second judgement say yes.
    n : int
        Examples.

    Returns
    -------
    float
        In [0, 1]; NaN where kappa itself is not defined.

    Examples
    --------
    >>> ceiling_kappa(2, 1, 4)
    0.5
    """
    return _beyond_chance(n - abs(size_a - size_b), size_a, size_b, n)


def _beyond_chance(observed: int, size_a: int, size_b: int, n: int) -> float:
    # Whole numbers up to the last division: the degenerate case is then found exactly.
    expected = size_a * size_b + (n - size_a) * (n - size_b)
    return (n * observed - expected) / (n * n - expected) if n * n > expected else float("nan")


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


# At or below this distance from chance to ceiling the ratio says more about rounding than about the models.
LEAST_ROOM = 0.05


def correct_for_chance(
    value: float | np.ndarray,
    chance: float | np.ndarray,
    ceiling: float | np.ndarray,
    *,
    least_room: float = LEAST_ROOM,
) -> float | np.ndarray:
    """Chance-corrected agreement ``(A - c) / (u - c)``: 0 at chance level, 1 at the ceiling.

    The form of Cohen's kappa and of the adjusted Rand index (Hubert and Arabie 1985), with the largest value
    that the two set sizes allow in the place of 1. Negative below chance.

    Parameters
    ----------
    value, chance, ceiling : float or array_like of float, one shape
        Agreement, its chance level, and its best value; where lower is closer the ceiling lies below chance.
    least_room : float
        Distance from chance to ceiling that has to be exceeded.

    Returns
    -------
    float or ndarray of float64
        NaN where the distance from chance to ceiling is at most `least_room`, or where a part is NaN.

    Raises
    ------
    ValueError
        If the shapes differ.

    Examples
    --------
    >>> round(correct_for_chance(0.5, 0.25, 0.75), 4)
    0.5
    >>> correct_for_chance(0.5, 0.48, 0.52)
    nan
    """
    a, c, u = (np.asarray(x, dtype=np.float64) for x in (value, chance, ceiling))
    if not a.shape == c.shape == u.shape:
        raise ValueError(f"Values pair up with chance and ceiling: {a.shape}, {c.shape}, {u.shape}.")
    room = u - c
    enough = np.abs(room) > least_room  # false for NaN
    corrected = np.divide(a - c, room, out=np.full(a.shape, np.nan), where=enough)
    return corrected if corrected.ndim else float(corrected)


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


def jaccard_of_counts(
    sizes: np.ndarray, a: np.ndarray, b: np.ndarray, both: np.ndarray
) -> dict[str, np.ndarray]:
    """Jaccard index over the union of some datasets, with chance and ceiling within each of them.

    Parameters
    ----------
    sizes : array_like of float, shape [..., datasets]
        Examples of each dataset.
    a, b, both : array_like of float, shape [..., datasets]
        Members of the first set, of the second, and of both, in each dataset.

    Returns
    -------
    dict of str to ndarray of float64, shape [...]
        ``value``, ``chance`` (as `chance_jaccard`), ``ceiling`` (as `ceiling_jaccard`), ``corrected`` (as
        `correct_for_chance`); NaN where both sets are empty.

    Examples
    --------
    >>> found = jaccard_of_counts([10.0], [5.0], [5.0], [4.0])
    >>> {name: round(float(value), 4) for name, value in found.items()}
    {'value': 0.6667, 'chance': 0.3333, 'ceiling': 1.0, 'corrected': 0.5}
    """
    sizes, a, b, both = np.broadcast_arrays(*(np.asarray(x, dtype=np.float64) for x in (sizes, a, b, both)))
    by_chance = np.divide(a * b, sizes, out=np.zeros(sizes.shape), where=sizes > 0)
    union = (a + b - both).sum(axis=-1)
    value = _ratio(both.sum(axis=-1), union)
    chance = _ratio(by_chance.sum(axis=-1), (a + b - by_chance).sum(axis=-1))
    ceiling = _ratio(np.minimum(a, b).sum(axis=-1), np.maximum(a, b).sum(axis=-1))
    corrected = np.asarray(correct_for_chance(value, chance, ceiling))
    return {"value": value, "chance": chance, "ceiling": ceiling, "corrected": corrected}


def _ratio(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    return np.divide(top, bottom, out=np.full(np.shape(top), np.nan), where=bottom > 0)


def set_agreement(a: np.ndarray, b: np.ndarray) -> list[tuple[str, float, float, float]]:
    """All measures of agreement of two sets of examples.

    Parameters
    ----------
    a, b : ndarray of bool, shape [examples]
        Membership of each example in the two sets.

    Returns
    -------
    list of tuple
        Measure, value, chance (independent sets of the same sizes) and ceiling (the smaller inside the
        larger); NaN where not applicable. The corrected measures have chance 0 and ceiling 1 and are NaN
        where chance and ceiling of the measure itself are less than 0.05 apart. Kappa is 0 by chance; that
        the two sizes may not allow a kappa of 1 is what its corrected form takes away.

    Examples
    --------
    >>> for row in set_agreement(np.array([1, 1, 0, 0], dtype=bool), np.array([1, 0, 0, 0], dtype=bool)):
    ...     print(*row)
    jaccard 0.5 0.2 0.5
    jaccard_corrected 1.0 0.0 1.0
    kappa 0.5 0.0 0.5
    kappa_corrected 1.0 0.0 1.0
    """
    n, size_a, size_b = len(a), int(a.sum()), int(b.sum())
    chance = chance_jaccard(size_a / n, size_b / n) if n else float("nan")
    by_measure = {
        "jaccard": (jaccard(a, b), chance, ceiling_jaccard(size_a, size_b)),
        # Kappa is 0 by chance wherever it is defined at all.
        "kappa": (cohen_kappa(a, b), 0.0, ceiling_kappa(size_a, size_b, n)),
    }
    rows = []
    for name, (value, by_chance, ceiling) in by_measure.items():
        if np.isnan(value):
            by_chance = ceiling = float("nan")
        corrected = correct_for_chance(value, by_chance, ceiling)
        empty = corrected * 0.0
        rows += [(name, value, by_chance, ceiling), (f"{name}_corrected", corrected, empty, empty + 1.0)]
    return rows
