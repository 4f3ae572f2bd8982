"""The share kept: how much of what another training shares with the reference a model still shares with it.

Agreement alone means little. Above chance it does: with e(a, b) the agreement of two models minus that of
two unrelated models of their kind,

    kept = e(reference, model) / mean over other trainings R of e(reference, R).

1 is as near as one more training of the reference, 0 is a stranger. A claim about kept and a bar b is one
about the sign of the contrast L(b) = e(reference, model) - b * mean e(reference, R), which needs no
division (Fieller 1954).
"""

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq

from miniature.statistics.trainings import Pair, group_form, reference_form, training_pairs
from miniature.statistics.uncertainty import Uncertainty, probability_within

# One-sided level of every claim and bound.
LEVEL = 0.05
# A bound further out than this is none.
FURTHEST = 1e6
# From so many other trainings on, the spread is read off the agreements with the reference alone.
ALONE = 4


class Kept(NamedTuple):
    """What is known about the share that a model keeps; every array has one shape.

    Attributes
    ----------
    model, floor : float or ndarray
        e(reference, model), and the mean of e(reference, R) over the other trainings.
    model_variance, floor_variance, covariance : float or ndarray
        Of these two, over samples of examples.
    example_df : int
        Degrees of freedom of those.
    training_variance : float or ndarray
        Observed variance of e(reference, R) over trainings R.
    training_noise : float or ndarray
        The part of it that is due to the sample of examples.
    training_df : int
        Its degrees of freedom.
    trainings : int
        Trainings (or origins) R that the floor is a mean of.
    """

    model: float | np.ndarray
    floor: float | np.ndarray
    model_variance: float | np.ndarray
    floor_variance: float | np.ndarray
    covariance: float | np.ndarray
    example_df: int
    training_variance: float | np.ndarray
    training_noise: float | np.ndarray
    training_df: int
    trainings: int

    @property
    def share(self) -> float | np.ndarray:
        """Kept itself; NaN where the floor is no better than chance."""
        floor = np.asarray(self.floor, dtype=float)
        kept = np.divide(self.model, floor, out=np.full(floor.shape, np.nan), where=floor > 0)
        return kept if kept.ndim else float(kept)

    def contrast(self, bar: float, *, another: bool = False) -> tuple[float | np.ndarray, Uncertainty]:
        """L(bar) and its uncertainty.

        Of this checkpoint, the model's own agreement is a fact, so that only the floor varies over
        trainings; with `another`, the question is whether one more training of the reference would fall as
        low.
        """
        variance = self.model_variance - 2 * bar * self.covariance + bar**2 * self.floor_variance
        of_floor = bar**2 / self.trainings
        uncertainty = Uncertainty(
            np.maximum(0.0, variance), self.example_df, self.training_variance, self.training_noise,
            self.training_df, 1 + of_floor if another else of_floor,
        )  # fmt: skip
        return self.model - bar * self.floor, uncertainty


def pairs_needed(groups: Mapping[str, list[str]], reference: str) -> list[Pair]:
    """Pairs of trainings whose agreement `estimate_kept` needs, the reference's first.

    Parameters
    ----------
    groups : mapping of str to list of str
        For each other origin, its trainings.
    reference : str

    Examples
    --------
    >>> pairs_needed({"a": ["a"], "b": ["b"]}, "large")
    [('large', 'a'), ('large', 'b'), ('a', 'b')]
    >>> len(pairs_needed({name: [name] for name in "abcd"}, "large"))
    4
    """
    if len(groups) < ALONE:
        return training_pairs(groups, reference)
    return [(reference, name) for group in groups.values() for name in group]


def estimate_kept(
    excess: np.ndarray, covariance: np.ndarray, df: int, groups: Mapping[str, list[str]], reference: str
) -> Kept:
    """What is known about the share that a model keeps, from agreements above chance.

    The variance over trainings is that of e(reference, R): from four other trainings on, as seen from the
    reference; of two or three, where that would have one or two degrees of freedom, from all pairs of
    trainings, which takes the reference for a typical one (`trainings.spread_form`). Each origin has one
    weight.

    Parameters
    ----------
    excess : array_like of float, shape [..., pairs + 1]
        Agreement above chance of `pairs_needed`, then of the reference with the model.
    covariance : array_like of float, shape [..., pairs + 1, pairs + 1]
        Of the same, over samples of examples.
    df : int
        Its degrees of freedom.
    groups : mapping of str to list of str
        For each other origin, its trainings; at least one. With one there is no spread over trainings to
        know, and it is given as 0.
    reference : str

    Returns
    -------
    Kept

    Examples
    --------
    >>> excess = [0.40, 0.42, 0.41, 0.2]
    >>> found = estimate_kept(excess, np.eye(4) * 1e-4, 999, {"a": ["a"], "b": ["b"]}, "large")
    >>> round(found.share, 3), found.training_df, round(float(found.training_variance), 6)
    (0.488, 2, 0.0001)
    """
    excess, covariance = np.asarray(excess, dtype=np.float64), np.asarray(covariance, dtype=np.float64)
    pairs, r = pairs_needed(groups, reference), len(groups)
    weight = {name: 1 / r / len(group) for group in groups.values() for name in group}
    to_floor = np.array([weight[b] if a == reference else 0.0 for a, b in pairs] + [0.0])
    form = np.zeros((len(pairs) + 1,) * 2)
    if r > 1:
        form[:-1, :-1] = group_form(groups, reference) if r < ALONE else reference_form(groups)
    # The form takes no notice of a common level; without it, equal agreements have no spread to the last
    # digit.
    centered = excess - excess[..., :1]
    spread = np.einsum("...i,ij,...j->...", centered, form, centered)
    return Kept(
        model=excess[..., -1],
        floor=excess @ to_floor,
        model_variance=covariance[..., -1, -1],
        floor_variance=np.maximum(0.0, np.einsum("i,...ij,j->...", to_floor, covariance, to_floor)),
        covariance=covariance[..., -1, :] @ to_floor,
        example_df=df,
        training_variance=np.maximum(0.0, spread),
        training_noise=np.maximum(0.0, np.einsum("ij,...ij->...", form, covariance)),
        training_df=max(1, r if r < ALONE else r - 1),
        trainings=r,
    )


def p_miniature(kept: Kept, bar: float) -> float | np.ndarray:
    """P-value of the claim that the model keeps more than the bar.

    Parameters
    ----------
    kept : Kept
    bar : float
        At least 0.

    Returns
    -------
    float or ndarray, shape of the estimates

    Examples
    --------
    >>> same = Kept(0.4, 0.4, 1e-4, 1e-4, 0.5e-4, 1999, 4e-4, 0.0, 3, 3)
    >>> bool(p_miniature(same, 0.8) < 0.05), bool(p_not_miniature(same, 0.8) > 0.5)
    (True, True)
    """
    value, uncertainty = kept.contrast(bar)
    return probability_within(-np.asarray(value), uncertainty)


def p_not_miniature(kept: Kept, bar: float) -> float | np.ndarray:
    """P-value of the claim that the model keeps less than the bar, and less than one more training would.

    Two keys: the larger of both p-values. Either of them may err, but the claim is false only where one of
    its parts is, so that no correction is due (intersection-union test, Berger 1982). The second key keeps
    the rate at which a true replicate of the reference is called `not-miniature` near 5 %, however much
    trainings vary.

    Parameters and shape as for `p_miniature`.
    """
    value, uncertainty = kept.contrast(bar)
    below_bar = probability_within(np.asarray(value), uncertainty)
    return np.maximum(below_bar, p_below_training(kept))


def p_below_training(kept: Kept) -> float | np.ndarray:
    """P-value of the claim that the model agrees less than one more training of the reference would."""
    value, uncertainty = kept.contrast(1.0, another=True)
    return probability_within(np.asarray(value), uncertainty)


def p_informative(kept: Kept) -> float | np.ndarray:
    """P-value of the claim that other trainings agree with the reference better than chance.

    It depends on the trainings of the reference alone, so that to ask it first costs the other claims
    nothing.

    Examples
    --------
    >>> bool(p_informative(Kept(0.0, 0.01, 1e-4, 1e-4, 0.0, 99, 1e-4, 0.0, 3, 3)) > 0.05)
    True
    """
    value, uncertainty = kept._replace(model=0.0, model_variance=0.0, covariance=0.0).contrast(1.0)
    return probability_within(np.asarray(value), uncertainty)


def kept_bounds(kept: Kept, level: float = LEVEL) -> tuple[float, float]:
    """One-sided bounds of the share kept: bars below the first are passed, bars above the second missed.

    Parameters
    ----------
    kept : Kept
        Of numbers.
    level : float
        Of each bound.

    Returns
    -------
    low, high : float
        Where `p_miniature` and its counterpart equal the level (Fieller's interval, with variances that are
        themselves estimated). NaN where the floor is not shown to lie above chance: any share would do then.

    Examples
    --------
    >>> low, high = kept_bounds(Kept(0.2, 0.4, 1e-4, 1e-4, 0.0, 10**6, 0.0, 0.0, 3, 3))
    >>> round(low, 3), round(high, 3)
    (0.455, 0.547)
    """
    if not float(p_informative(kept)) <= level:
        return math.nan, math.nan

    def passed(bar: float) -> float:
        return float(p_miniature(kept, bar)) - level

    def missed(bar: float) -> float:
        value, uncertainty = kept.contrast(bar)
        return float(probability_within(float(value), uncertainty)) - level

    share = float(kept.share)
    return _crossing(passed, share, -1.0), _crossing(missed, share, 1.0)


def describe_share(low: float, high: float) -> str:
    """What bounds of the share kept say in a word; nothing where there are none.

    Examples
    --------
    >>> [describe_share(*bounds) for bounds in ((0.5, 0.9), (0.9, 1.1), (1.1, 1.3), (math.nan, math.nan))]
    ['further', 'level', 'closer', '']
    """
    if math.isnan(low):
        return ""
    return "further" if high < 1 else "closer" if low > 1 else "level"


def _crossing(excess: Callable[[float], float], start: float, step: float) -> float:
    """Where a function that is positive at `start` falls to 0 on the way in the direction of `step`."""
    if excess(start) <= 0:  # no variance at all: the bound is the estimate
        return start
    near, width = start, step * 0.125
    while abs(width) < FURTHEST:
        far = start + width
        if excess(far) <= 0:
            return float(brentq(excess, *sorted((near, far)), xtol=1e-9))
        near, width = far, 2 * width
    return math.copysign(math.inf, step)
