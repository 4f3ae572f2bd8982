"""How far a model lies from the noise floor, with bounds that count examples and trainings."""

import math
from collections.abc import Mapping
from itertools import chain
from typing import NamedTuple

import numpy as np

from miniature.scorecard.floor import measured_weights
from miniature.statistics.trainings import (
    Pair,
    example_covariance,
    group_form,
    level_contrast,
    level_form,
    mean_size_interval,
    p_beyond,
    p_inside,
    size_bounds,
    training_pairs,
)
from miniature.statistics.uncertainty import Uncertainty, half_width, probability_within

# One-sided bounds of the difference, and each side of the two-sided interval of the floor.
BOUND, SIDE = 0.95, 0.975
# Agreements this near to each other are the same but for rounding.
SAME = 1e-12


class Difference(NamedTuple):
    """A model against the noise floor, on one measure.

    Attributes
    ----------
    floor, floor_low, floor_high : float
        Mean agreement of the reference with its other trainings, and its two-sided 95 % interval.
    difference, low, high : float
        Agreement minus floor, counted so that positive is closer, and its one-sided 95 % bounds. For levels
        minus the distance to the mean level of the trainings.
    p_below, p_above : float
        P-values of the claims that the true difference lies below -margin, and above it.
    trainings : int
        Trainings (or origins) that the floor is a mean of.
    reason : str
        Why there are no bounds; empty where there are.
    widest : str
        ``examples`` or ``trainings``: which of them makes more of the width between the bounds. Empty without
        bounds.
    """

    floor: float = math.nan
    floor_low: float = math.nan
    floor_high: float = math.nan
    difference: float = math.nan
    low: float = math.nan
    high: float = math.nan
    p_below: float = math.nan
    p_above: float = math.nan
    trainings: int = 0
    reason: str = ""
    widest: str = ""


def measure_difference(
    values: Mapping[Pair, float],
    resampled: Mapping[Pair, np.ndarray],
    *,
    method: str,
    clusters: int,
    trainings: Mapping[str, str],
    reference: str,
    model: str,
    closer: str,
    margin: float,
) -> Difference:
    """Difference of one model to the noise floor.

    The model is one training of its own. If it were one more training of the reference, its agreement would
    vary over trainings as theirs does; so the difference has 1 + 1/r times that variance, beside the variance
    over examples. Trainings are not resampled: their spread is read off all pairs of them
    (`agreement.training_spread`), so that no copy of a training is ever paired with itself.

    Where nearer to zero is closer, a pair's value is the difference of two models' levels. Then the model's
    level is set against the mean level of all r + 1 trainings, sign and all, and the difference is minus the
    size of that, 0 at best; the floor, the mean size between the reference and another training, is there to
    read beside it (`levels`).

    Parameters
    ----------
    values : mapping of (str, str) to float
        Agreement of each pair of models, the reference first in its pairs; NaN where not defined. Differences
        of levels are second minus first.
    resampled : mapping of (str, str) to ndarray of float, shape [resamples]
        The same on each resample of the examples.
    method : str
        How these were made: see `agreement.intervals`. Empty where there are none.
    clusters : int
        Clusters of examples that the agreements are computed on.
    trainings : mapping of str to str
        Origin of the reference and of its other trainings; see `floor.trainings_of`.
    reference, model : str
    closer : str
        Where two models are closer: ``higher``, ``lower`` or nearer to ``zero``.
    margin : float

    Returns
    -------
    Difference
        Without bounds, and with the reason, where there are fewer than two other trainings, where the
        trainings do not differ at all, where an agreement is not defined, on the examples or on a resample of
        them, or where there is only one cluster of examples.
    """
    turned = {pair: turn_closer(value, closer) for pair, value in values.items()}
    weights = measured_weights(trainings, values, reference=reference, model=model)
    groups = _groups(weights, trainings)
    undefined = [m for m in [*weights, model] if math.isnan(turned[reference, m])]
    found = Difference(trainings=len(groups))
    if weights:  # what is not defined makes the floor, or the difference, so
        floor = math.fsum(weight * turned[reference, m] for m, weight in weights.items())
        found = found._replace(
            floor=floor if closer == "higher" else -floor, difference=float(turned[reference, model]) - floor
        )
    if len(groups) < 2:
        return found._replace(reason=_too_few(len(groups), reference, trainings))
    if undefined:
        pair = f"{reference} with {' and '.join(undefined)}"
        return found._replace(reason=f"agreement of {pair} is not defined on these examples")
    if clusters < 2:
        return found._replace(reason="all examples are of one cluster: there is nothing to resample")
    signed = closer == "zero"
    pairs = [(reference, m) for m in chain(*groups.values())] if signed else training_pairs(groups, reference)
    counted = values if signed else turned
    ordered = [_in_order(pair, counted) for pair in [*pairs, (reference, model)]]
    lacking = [pair for pair in ordered if pair not in resampled or math.isnan(counted.get(pair, math.nan))]
    if lacking:
        return found._replace(reason=f"no agreement of {' with '.join(lacking[0])} to read the spread from")
    draws = np.array([resampled[pair] for pair in ordered])  # [pairs, resamples]
    draws = draws if signed else turn_closer(draws, closer)
    bad = int(np.isnan(draws).any(axis=0).sum())
    if bad:
        return found._replace(
            reason=f"agreement is not defined in {bad} of {draws.shape[1]} resamples: too few examples count"
        )
    covariance, df = example_covariance(draws, method, clusters=clusters)
    agreement = np.array([counted[pair] for pair in ordered])
    form = np.zeros_like(covariance)
    form[:-1, :-1] = level_form(groups) if signed else group_form(groups, reference)
    # Pairs' agreements have a mean of their own, of which the form takes no notice; without it, equal ones
    # have no spread to the last digit. Of levels the reference's is 0.
    centred = agreement if signed else agreement - agreement[0]
    spread = float(centred @ form @ centred)
    if spread <= SAME**2:
        return found._replace(
            reason=f"the trainings of {reference} agree to the last digit: no spread to judge by"
        )
    noise, r = max(0.0, float((form * covariance).sum())), len(groups)
    if signed:
        contrast = level_contrast(groups)
        of_level = Uncertainty(_form(contrast, covariance), df, spread, noise, r, 1 + 1 / (r + 1))
        return _with_levels(found, abs(float(contrast @ agreement)), of_level, margin)
    to_floor = np.array([weights.get(b, 0.0) * (a == reference) for a, b in [*pairs, (reference, model)]])
    to_difference = np.append(-to_floor[:-1], 1.0)
    of_floor = Uncertainty(_form(to_floor, covariance), df, spread, noise, r, 1 / r)
    of_difference = Uncertainty(_form(to_difference, covariance), df, spread, noise, r, 1 + 1 / r)
    half = half_width(BOUND, of_difference)
    floor_half = half_width(SIDE, of_floor)
    return found._replace(
        floor_low=found.floor - floor_half, floor_high=found.floor + floor_half,
        low=found.difference - half, high=found.difference + half,
        p_below=float(probability_within(margin + found.difference, of_difference)),
        p_above=float(probability_within(-margin - found.difference, of_difference)),
        widest=_widest(of_difference),
    )  # fmt: skip


def _with_levels(found: Difference, size: float, uncertainty: Uncertainty, margin: float) -> Difference:
    """Bounds for a model that lies this far from the mean level of the trainings."""
    low, high = size_bounds(size, uncertainty, BOUND)
    floor_low, floor_high = mean_size_interval(
        float(uncertainty.training_variance), uncertainty.training_df, SIDE
    )
    return found._replace(
        floor_low=floor_low, floor_high=floor_high, difference=-size, low=-high, high=0.0 - low,
        p_below=float(p_beyond(size, margin, uncertainty)),
        p_above=float(p_inside(size, margin, uncertainty)),
        widest=_widest(uncertainty),
    )  # fmt: skip


def _widest(uncertainty: Uncertainty) -> str:
    """Whether examples or trainings make more of the width."""
    by_examples = half_width(BOUND, uncertainty._replace(training_variance=0.0))
    return "examples" if by_examples > half_width(BOUND, uncertainty) / math.sqrt(2) else "trainings"


def turn_closer(value: float | np.ndarray, closer: str) -> float | np.ndarray:
    """Agreement counted so that higher is closer."""
    if closer == "zero":
        return -abs(value)
    return value if closer == "higher" else -value


def _groups(weights: Mapping[str, float], origins: Mapping[str, str]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for name in weights:
        groups.setdefault(origins[name], []).append(name)
    return groups


def _in_order(pair: Pair, values: Mapping[Pair, float]) -> Pair:
    """A pair as the agreement table has it: the models of two origins may come in either order there."""
    return pair if pair in values else pair[::-1]


def _form(contrast: np.ndarray, covariance: np.ndarray) -> float:
    # Rounding may bring a variance of nothing below 0.
    return max(0.0, float(contrast @ covariance @ contrast))


def _too_few(others: int, reference: str, trainings: Mapping[str, str]) -> str:
    """Why there is no spread over trainings, with the line that would give one."""
    by_others = any(name != origin for name, origin in trainings.items())
    if by_others:
        line = "another model with `same_as_reference: true` and an `origin:` of its own"
        return f"{others} other origin{'s' * (others != 1)} of {reference}; a spread needs two: name {line}"
    line = f"`models: {{{reference}: {{replicates: 3}}}}`"
    known = "no second training" if not others else "only one second training"
    return f"{known} of {reference}; a spread needs two, better three: {line}"
