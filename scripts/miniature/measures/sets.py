"""Agreement of two sets of examples, from four counts: examples, members of the first, the second and both.

Each measure is one formula in the four counts. Its chance is the formula at the overlap that independent sets
have on average, its ceiling the formula at the largest overlap that the two sizes allow.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

COUNTS = 4  # n, a, b, both

# Top and bottom of a ratio.
Formula = Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]

# Whole numbers up to the one division, so that an undefined case (bottom 0) is found exactly.
FORMULAS: dict[str, Formula] = {
    # Share of the examples in either set that are in both: the paper's measure (Rai, Pal, Awekar, CIKM 2024).
    "jaccard": lambda n, a, b, both: (both, a + b - both),
    # Agreement beyond chance (Cohen 1960); on right and wrong answers the error consistency of two models.
    "kappa": lambda n, a, b, both: (2 * (n * both - a * b), a * (n - b) + b * (n - a)),
    # Of error sets: accuracy of the second model minus that of the first.
    "accuracy_difference": lambda n, a, b, both: (a - b, n),
    # The first model right and the second wrong, and the reverse; their sum is the "flips" of Dutta et al.
    # (NeurIPS 2024).
    "negative_flips": lambda n, a, b, both: (b - both, n),
    "positive_flips": lambda n, a, b, both: (a - both, n),
}
# Those that also have a corrected form. That of flips would be that of kappa: all are linear in the overlap.
CORRECTED = ("jaccard", "kappa")
# The measures of agreement proper: they ask only whether the two sets are alike, not which one is larger.
AGREEMENT = ("jaccard", "jaccard_corrected", "kappa", "kappa_corrected")
# Fixed by the sizes of the sets, so that chance and ceiling mean nothing.
OF_SIZES = ("accuracy_difference",)


# At or below this distance from chance to ceiling the ratio says more about rounding than about the models.
LEAST_ROOM = 0.05
# The same for a resample: only where the two are one number is there nothing to divide by.
ROUNDING = 1e-9


class Measured(NamedTuple):
    """A measure, its chance and its ceiling: arrays of one shape, NaN where not defined."""

    value: np.ndarray
    chance: np.ndarray
    ceiling: np.ndarray


def set_counts(
    a: np.ndarray, b: np.ndarray, index: np.ndarray | None = None, clusters: int = 1
) -> np.ndarray:
    """The four counts of two sets, in each cluster of examples.

    Parameters
    ----------
    a, b : array_like of bool, shape [examples]
        Membership of each example in the two sets.
    index : ndarray of int, shape [examples], optional
        Cluster of each example; one cluster by default.
    clusters : int
        Number of clusters.

    Returns
    -------
    ndarray of float64, shape [clusters, 4]
        Examples, members of the first set, of the second, of both. Counts of several clusters or tables add
        up to those of all.

    Raises
    ------
    ValueError
        If `a` and `b` are not two masks of one shape.

    Examples
    --------
    >>> set_counts([True, True, False], [True, False, False]).tolist()
    [[3.0, 2.0, 1.0, 1.0]]
    """
    a, b = check_masks(a, b)
    index = np.zeros(len(a), dtype=np.int64) if index is None else index
    columns = (np.ones(len(a), dtype=bool), a, b, a & b)
    return np.stack([np.bincount(index, weights=c, minlength=clusters) for c in columns], axis=1)


def set_measures(counts: np.ndarray, *, least_room: float = LEAST_ROOM) -> dict[str, Measured]:
    """Every measure of two sets, with its chance and its ceiling, for many pairs or resamples at once.

    Parameters
    ----------
    counts : array_like of float, shape [..., 4]
        As `set_counts`, added up over clusters.
    least_room : float
        As for `correct_for_chance`.

    Returns
    -------
    dict of str to Measured, each shape [...]
        For each of `FORMULAS`, and with ``_corrected`` for those in `CORRECTED`: their chance is 0 and their
        ceiling 1. The Jaccard index is undefined where both sets are empty (neither 0 nor 1 would be true of
        it), kappa where both judgements are the same of every example, the others without examples.

    Examples
    --------
    >>> found = set_measures([4, 2, 1, 1])
    >>> [tuple(map(float, found[name])) for name in ("jaccard", "kappa", "negative_flips")]
    [(0.5, 0.2, 0.5), (0.5, 0.0, 0.5), (0.0, 0.125, 0.0)]
    """
    counts = np.asarray(counts, dtype=np.float64)[..., None, :]
    measures = {}
    for name in FORMULAS:
        measures[name] = _evaluate(name, counts)
        if name in CORRECTED:
            measures[f"{name}_corrected"] = _correct(measures[name], least_room)
    return measures


def set_values(counts: np.ndarray) -> dict[str, np.ndarray]:
    """The values of `set_measures` in resamples, whose chance and ceiling may lie as near as they like.

    Parameters
    ----------
    counts : array_like of float, shape [..., 4]
        As for `set_measures`.

    Returns
    -------
    dict of str to ndarray of float64, shape [...]

    Examples
    --------
    >>> float(set_values([4, 2, 1, 1])["jaccard"])
    0.5
    """
    return {name: found.value for name, found in set_measures(counts, least_room=ROUNDING).items()}


def pooled_jaccard(counts: np.ndarray) -> tuple[Measured, Measured]:
    """Jaccard index over the union of several datasets, and its corrected form.

    Independence holds within each dataset, and so do the sizes that set the ceiling: pooled rates would call
    it agreement that both models flag one of the datasets more often.

    Parameters
    ----------
    counts : array_like of float, shape [..., datasets, 4]
        As `set_counts`, of each dataset.

    Returns
    -------
    tuple of Measured, each shape [...]
        NaN where both sets are empty; the corrected form as `correct_for_chance`.

    Examples
    --------
    >>> value, corrected = pooled_jaccard([[10.0, 5.0, 5.0, 4.0]])
    >>> [round(float(x), 4) for x in (*value, corrected.value)]
    [0.6667, 0.3333, 1.0, 0.5]
    >>> float(pooled_jaccard([[10, 0, 0, 0], [10, 10, 10, 10]])[0].chance)
    1.0
    """
    found = _evaluate("jaccard", np.asarray(counts, dtype=np.float64))
    return found, _correct(found, LEAST_ROOM)


def _evaluate(name: str, counts: np.ndarray) -> Measured:
    """One formula at the overlap observed, by chance and at most, of [..., datasets, 4]."""
    n, a, b, both = np.moveaxis(counts, -1, 0)
    by_chance = np.divide(a * b, n, out=np.zeros(n.shape), where=n > 0)
    value, chance, ceiling = (
        _ratio(*(part.sum(axis=-1) for part in FORMULAS[name](n, a, b, overlap)))
        for overlap in (both, by_chance, np.minimum(a, b))
    )
    if name in OF_SIZES:
        return Measured(value, _where_defined(value, np.nan), _where_defined(value, np.nan))
    # Kappa is 0 by chance wherever it is defined; rounding of the expected overlap would leave a trace.
    return Measured(value, _where_defined(value, 0.0) if name == "kappa" else chance, ceiling)


def _correct(measured: Measured, least_room: float) -> Measured:
    corrected = np.asarray(correct_for_chance(*measured, least_room=least_room))
    return Measured(corrected, _where_defined(corrected, 0.0), _where_defined(corrected, 1.0))


def _where_defined(value: np.ndarray, constant: float) -> np.ndarray:
    return np.where(np.isnan(value), np.nan, constant)


def _ratio(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    return np.divide(top, bottom, out=np.full(np.shape(top), np.nan), where=bottom > 0)


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
    if not (possible_a | possible_b).any():
        return float("nan"), float("nan")
    # Apart: an unknown joins the set that the example is not in already, of two unknowns only the first.
    # Together: an unknown joins where the other set has the example or may have it.
    apart = a | (unknown_a & ~b), b | (unknown_b & ~possible_a)
    shared = possible_a & possible_b
    low, high = (
        float(set_measures(set_counts(*sets)[0])["jaccard"].value)
        for sets in (apart, (a | shared, b | shared))
    )
    # Unknowns on one side only, and no known member: whichever is settled as one, nothing is shared.
    return low, 0.0 if np.isnan(high) else high


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
