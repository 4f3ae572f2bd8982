"""How far a model lies from the noise floor, and what share it keeps, counting examples and trainings."""

import math
from collections.abc import Mapping
from itertools import chain
from typing import NamedTuple

import numpy as np

from miniature.agreement.comparison import Draws
from miniature.scorecard.floor import ORIGIN, RETRAINED, measured_weights
from miniature.statistics.kept import Kept, estimate_kept, pairs_needed
from miniature.statistics.paired import FEWEST_CLUSTERS
from miniature.statistics.trainings import (
    Pair,
    example_covariance,
    group_form,
    level_contrast,
    level_form,
    mean_size_interval,
    size_bounds,
    training_pairs,
)
from miniature.statistics.uncertainty import Uncertainty, half_width

# One-sided bounds of the difference, and each side of the two-sided interval of the floor.
BOUND, SIDE = 0.95, 0.975
# What other trainings are called where they are one's own, and where they are of other groups.
REPLICATES, ORIGINS = "replicates", "other origins"
# Agreements this near to each other are the same but for rounding.
SAME = 1e-12


class Level(NamedTuple):
    """A model's level (accuracy, Brier score) against the reference's and those of its trainings.

    Attributes
    ----------
    value : float
        The model's level minus the reference's.
    uncertainty : Uncertainty
        Of that, over examples: both are given checkpoints.
    from_mean : float
        The model's level minus the mean level of all trainings of the reference; NaN with fewer than three.
    another : Uncertainty or None
        Of that, were the model one more training.
    """

    value: float
    uncertainty: Uncertainty
    from_mean: float = math.nan
    another: Uncertainty | None = None


class Difference(NamedTuple):
    """A model against the noise floor, on one measure.

    Attributes
    ----------
    floor, floor_low, floor_high : float
        Mean agreement of the reference with its other trainings, and its two-sided 95 % interval.
    difference, low, high : float
        Agreement minus floor, counted so that positive is closer, and its one-sided 95 % bounds against one
        more training. For levels minus the distance to the mean level of the trainings.
    trainings : int
        Trainings (or origins) that the floor is a mean of.
    kept : Kept or None
        What is known of the share kept; None for levels, and where there are no bounds. With one other
        training it knows of no spread over trainings.
    level : Level or None
    reason : str
        Why a verdict cannot be given; empty where it can.
    others : str
        What the floor's realizations are called.
    """

    floor: float = math.nan
    floor_low: float = math.nan
    floor_high: float = math.nan
    difference: float = math.nan
    low: float = math.nan
    high: float = math.nan
    trainings: int = 0
    kept: Kept | None = None
    level: Level | None = None
    reason: str = ""
    others: str = REPLICATES


class Measurements(NamedTuple):
    """One measure of every pair of models, as a verdict reads it.

    Attributes
    ----------
    values, chance : mapping of (str, str) to float
        Of each pair, the reference first in its own; NaN where not defined. Differences of levels are
        second minus first.
    draws : mapping of (str, str) to Draws
        The same on each resample of the examples.
    method : str
        How these were made: see `miniature.agreement.comparison`. Empty where there are none.
    closer : str
        Where two models are closer: ``higher``, ``lower`` or nearer to ``zero``.
    """

    values: Mapping[Pair, float]
    chance: Mapping[Pair, float]
    draws: Mapping[Pair, Draws]
    method: str
    closer: str


def measure_difference(
    measured: Measurements,
    *,
    clusters: int,
    trainings: Mapping[str, str],
    reference: str,
    model: str,
    kind: str = RETRAINED,
) -> Difference:
    """Difference of one model to the noise floor, and the share that it keeps.

    Trainings are not resampled: their spread is read off pairs of them (`statistics.trainings`), so that no
    copy of a training is ever paired with itself.

    Where nearer to zero is closer, a pair's value is the difference of two models' levels; the floor, the
    mean size between the reference and another training, is there to read beside it.

    Parameters
    ----------
    measured : Measurements
    clusters : int
        Clusters of examples that the agreements are computed on.
    trainings : mapping of str to str
        Origin of the reference and of its other trainings; see `floor.trainings_of`.
    reference, model : str
    kind : str
        Of the floor: ``retrained`` or ``origin``.

    Returns
    -------
    Difference
        Without a verdict's evidence, and with the reason, where there are fewer than two other trainings
        (levels: one claim of two can do without), where the trainings do not differ at all, where an
        agreement is not defined, on the examples or on a resample of them, or where there are fewer than
        five clusters of examples.
    """
    values, closer = measured.values, measured.closer
    turned = {pair: as_closeness(value, closer) for pair, value in values.items()}
    weights = measured_weights(trainings, values, reference=reference, model=model)
    groups = _groups(weights, trainings)
    undefined = [m for m in [*weights, model] if math.isnan(turned[reference, m])]
    found = Difference(trainings=len(groups), others=ORIGINS if kind == ORIGIN else REPLICATES)
    if weights:  # what is not defined makes the floor, or the difference, so
        floor = math.fsum(weight * turned[reference, m] for m, weight in weights.items())
        found = found._replace(
            floor=floor if closer == "higher" else -floor, difference=float(turned[reference, model]) - floor
        )
    if undefined:
        pair = f"{reference} with {' and '.join(undefined)}"
        return found._replace(reason=f"agreement of {pair} is not defined on these examples")
    if not groups and closer != "zero":
        return found._replace(reason=_too_few(found, reference))
    if clusters < FEWEST_CLUSTERS:
        plural = "" if clusters == 1 else "s"
        return found._replace(reason=f"{clusters} cluster{plural} of examples: too few to resample")
    if closer == "zero":
        return _with_level(found, measured, clusters, groups, trainings, reference, model)
    return _with_kept(found, measured, clusters, groups, weights, trainings, reference, model)


def _with_kept(
    found: Difference,
    measured: Measurements,
    clusters: int,
    groups: Mapping[str, list[str]],
    weights: Mapping[str, float],
    trainings: Mapping[str, str],
    reference: str,
    model: str,
) -> Difference:
    """The share kept, the floor's interval and the difference's bounds."""
    pairs = [in_order(p, measured.values) for p in [*pairs_needed(groups, reference), (reference, model)]]
    excess, draws, reason = above_chance(measured, pairs)
    if reason:
        return found._replace(reason=reason)
    covariance, df = example_covariance(draws, measured.method, clusters=clusters)
    kept = estimate_kept(excess, covariance, df, groups, reference)
    found = found._replace(kept=kept)
    if len(groups) < 2:
        return found._replace(reason=_too_few(found, reference))
    if kept.training_variance <= SAME**2:
        return found._replace(
            reason=f"the trainings of {reference} agree to the last digit: no spread to judge by", kept=None
        )
    # The raw difference takes its spread from all pairs, where they are known.
    everyone = [in_order(p, measured.values) for p in training_pairs(groups, reference)]
    everyone.append((reference, model))
    if any(pair not in measured.draws for pair in everyone):
        return found
    sign = 1.0 if measured.closer == "higher" else -1.0
    values = sign * np.array([measured.values[pair] for pair in everyone])
    raw = sign * np.array([measured.draws[pair].values for pair in everyone])
    if np.isnan(raw).any() or np.isnan(values).any():
        return found
    covariance, df = example_covariance(raw, measured.method, clusters=clusters)
    form = np.zeros_like(covariance)
    form[:-1, :-1] = group_form(groups, reference)
    centred = values - values[0]
    spread, r = max(0.0, float(centred @ form @ centred)), len(groups)
    noise = max(0.0, float((form * covariance).sum()))
    to_floor = np.array([weights.get(b, 0.0) * (a == reference) for a, b in everyone])
    to_floor[-1] = 0.0
    to_difference = -to_floor
    to_difference[-1] = 1.0
    of_floor = Uncertainty(_form(to_floor, covariance), df, spread, noise, r, 1 / r)
    of_difference = Uncertainty(_form(to_difference, covariance), df, spread, noise, r, 1 + 1 / r)
    half, floor_half = half_width(BOUND, of_difference), half_width(SIDE, of_floor)
    return found._replace(
        floor_low=found.floor - floor_half, floor_high=found.floor + floor_half,
        low=found.difference - half, high=found.difference + half,
    )  # fmt: skip


def above_chance(measured: Measurements, pairs: list[Pair]) -> tuple[np.ndarray, np.ndarray, str]:
    """Agreements above chance, closer is higher, with their resamples; and what is lacking."""
    lacking = [
        pair
        for pair in pairs
        if pair not in measured.draws or math.isnan(measured.values.get(pair, math.nan))
    ]
    if lacking:
        return (
            np.empty(0),
            np.empty(0),
            f"no agreement of {' with '.join(lacking[0])} to read the spread from",
        )
    without = [pair for pair in pairs if math.isnan(measured.chance.get(pair, math.nan))]
    if without:
        return np.empty(0), np.empty(0), f"no chance level of {' with '.join(without[0])}"
    sign = 1.0 if measured.closer == "higher" else -1.0
    excess = sign * np.array([measured.values[pair] - measured.chance[pair] for pair in pairs])
    draws = sign * np.array([measured.draws[pair].values - measured.draws[pair].chance for pair in pairs])
    return excess, draws, _undefined(draws)


def _undefined(draws: np.ndarray) -> str:
    bad = int(np.isnan(draws).any(axis=0).sum())
    if not bad:
        return ""
    return f"agreement is not defined in {bad} of {draws.shape[1]} resamples: too few examples count"


def _with_level(
    found: Difference,
    measured: Measurements,
    clusters: int,
    groups: Mapping[str, list[str]],
    trainings: Mapping[str, str],
    reference: str,
    model: str,
) -> Difference:
    """The model's level against the reference's and, where there are trainings enough, against theirs."""
    pairs = [(reference, m) for m in chain(*groups.values())] + [(reference, model)]
    if any(pair not in measured.draws for pair in pairs):
        return found._replace(reason=f"no resamples of {reference} with {model}")
    draws = np.array([measured.draws[pair].values for pair in pairs])
    reason = _undefined(draws)
    if reason:
        return found._replace(reason=reason)
    covariance, df = example_covariance(draws, measured.method, clusters=clusters)
    values = np.array([measured.values[pair] for pair in pairs])
    own = Uncertainty(max(0.0, float(covariance[-1, -1])), df, 0.0, 0.0, 1, 1.0)
    found = found._replace(level=Level(float(values[-1]), own))
    if len(groups) < 2:
        return found._replace(reason=_too_few(found, reference))
    form = np.zeros_like(covariance)
    form[:-1, :-1] = level_form(groups)
    spread, r = float(values @ form @ values), len(groups)
    if spread <= SAME**2:
        return found._replace(
            reason=f"the trainings of {reference} agree to the last digit: no spread to judge by"
        )
    contrast, noise = level_contrast(groups), max(0.0, float((form * covariance).sum()))
    another = Uncertainty(_form(contrast, covariance), df, spread, noise, r, 1 + 1 / (r + 1))
    from_mean = float(contrast @ values)
    low, high = size_bounds(abs(from_mean), another, BOUND)
    floor_low, floor_high = mean_size_interval(spread, r, SIDE)
    return found._replace(
        floor_low=floor_low, floor_high=floor_high, difference=-abs(from_mean), low=-high, high=0.0 - low,
        level=found.level._replace(from_mean=from_mean, another=another),
    )  # fmt: skip


def as_closeness(value: float | np.ndarray, closer: str) -> float | np.ndarray:
    """Agreement counted so that higher is closer."""
    if closer == "zero":
        return -abs(value)
    return value if closer == "higher" else -value


def _groups(weights: Mapping[str, float], origins: Mapping[str, str]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for name in weights:
        groups.setdefault(origins[name], []).append(name)
    return groups


def in_order(pair: Pair, values: Mapping[Pair, float]) -> Pair:
    """A pair as the agreement table has it: the models of two origins may come in either order there."""
    return pair if pair in values else pair[::-1]


def _form(contrast: np.ndarray, covariance: np.ndarray) -> float:
    # Rounding may bring a variance of nothing below 0.
    return max(0.0, float(contrast @ covariance @ contrast))


def _too_few(found: Difference, reference: str) -> str:
    """Why there is no spread over trainings, with the line that would give one."""
    count = found.trainings
    if found.others != REPLICATES:
        line = "another model with `floor: origin` and an `origin:` of its own"
        return f"{count} other origin{'s' * (count != 1)} of {reference}; a spread needs two: name {line}"
    line = f"`models: {{{reference}: {{replicates: 3}}}}`"
    line += " where it is fine-tuned here, or other checkpoints of it with `floor: retrained`"
    known = "no second training" if not count else "only one second training"
    return f"{known} of {reference}; a spread needs two, better three: {line}"
