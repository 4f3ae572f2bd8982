"""Verdicts: what may be claimed of every model on every characteristic, and why a row stays open."""

import math
from collections.abc import Hashable, Iterable, Sequence
from typing import NamedTuple

import numpy as np

from miniature.measures.sets import LEAST_ROOM
from miniature.scorecard.difference import Difference
from miniature.scorecard.planning import what_decides
from miniature.statistics.kept import LEVEL, p_informative, p_miniature, p_not_miniature
from miniature.statistics.significance import hommel
from miniature.statistics.trainings import p_beyond, p_inside

MINIATURE = "miniature"
NOT_MINIATURE = "not-miniature"
UNDECIDED = "undecided"
UNINFORMATIVE = "uninformative"
NOT_MEASURED = "not-measured"
VERDICTS = (MINIATURE, NOT_MINIATURE, UNDECIDED, UNINFORMATIVE, NOT_MEASURED)

# How often a model may carry a false claim of one kind, anywhere on its scorecard.
ALPHA = LEVEL
# Of an agreement: the share of the floor's room above chance that a miniature keeps.
BAR = 0.8


class Evidence(NamedTuple):
    """What the verdict on one row rests on.

    Attributes
    ----------
    difference : Difference
    bar : float
        Least share kept, or for levels the margin.
    lower, higher : float
        How much lower and higher the contrast with the bar could be, were ties or spent budgets settled
        otherwise.
    examples : int
        On which it was measured.
    """

    difference: Difference
    bar: float
    lower: float = 0.0
    higher: float = 0.0
    examples: int = 0


class Claims(NamedTuple):
    """P-values of both claims on one row; NaN where one cannot be made."""

    miniature: float = math.nan
    not_miniature: float = math.nan


class Verdict(NamedTuple):
    """Verdict on one row.

    Attributes
    ----------
    verdict : str
        One of `VERDICTS`.
    reason : str
        Why it is open, with what would decide; empty for a claim.
    p_value, p_adjusted : float
        Of the claim, of the two, that is nearer to being made, alone and after Hommel's correction.
    """

    verdict: str
    reason: str = ""
    p_value: float = math.nan
    p_adjusted: float = math.nan


def claims_of(evidence: Evidence, *, settled: bool = True) -> Claims:
    """P-values of `miniature` and `not-miniature`.

    Parameters
    ----------
    evidence : Evidence
    settled : bool
        Whether they must hold however ties and spent budgets are settled.

    Returns
    -------
    Claims
        Of an agreement: that the model keeps more than the bar, and that it keeps less and less than one
        more training of the reference would (`statistics.kept`). Of a level: that it lies within the margin
        of the reference's (two one-sided tests over examples), and that it lies outside, and further from
        the trainings' mean than one more training would. A claim that needs a spread over trainings which
        is not known is NaN.
    """
    level, kept = evidence.difference.level, evidence.difference.kept
    if level is not None:
        size = abs(level.value)
        outside = math.nan
        if level.another is not None:
            keys = (
                p_beyond(size, evidence.bar, level.uncertainty),
                p_beyond(abs(level.from_mean), 0.0, level.another),
            )
            outside = max(map(float, keys))
        return Claims(float(p_inside(size, evidence.bar, level.uncertainty)), outside)
    if kept is None or kept.trainings < 2:
        return Claims()
    low, high = (kept._replace(model=kept.model + d) for d in (-evidence.lower, evidence.higher))
    low, high = (low, high) if settled else (kept, kept)
    return Claims(float(p_miniature(low, evidence.bar)), float(p_not_miniature(high, evidence.bar)))


def assign_verdicts(rows: Sequence[Evidence | None], families: Sequence[Hashable]) -> list[Verdict]:
    """Verdict on every row.

    Parameters
    ----------
    rows : sequence of Evidence or None
        None where nothing was measured.
    families : sequence
        The family of each row: its model, so that no verdict depends on other models, or one for all.

    Returns
    -------
    list of Verdict
        Both claims are corrected for themselves, by Hommel, over the rows of a family that could say
        anything: at most 5 % of families hold a false `not-miniature`, and at most 5 % a false `miniature`.
        Where every row alone is `miniature` all of them are, for to claim all at once needs no correction.
    """
    uninformative = [row is not None and _says_nothing(row.difference) for row in rows]
    claims = [
        Claims() if row is None or out else claims_of(row)
        for row, out in zip(rows, uninformative, strict=True)
    ]
    adjusted = [list(claim) for claim in claims]
    for family in dict.fromkeys(families):
        places = [i for i, name in enumerate(families) if name == family]
        for side in range(2):
            for i, p in zip(places, hommel([claims[i][side] for i in places]), strict=True):
                adjusted[i][side] = float(p)
    found = []
    for i, row in enumerate(rows):
        if row is None:
            found.append(Verdict(NOT_MEASURED, "no agreement with the reference was measured"))
        elif uninformative[i]:
            found.append(Verdict(UNINFORMATIVE, _no_room(row.difference)))
        else:
            tests = sum(
                name == families[i] and not np.isnan(claim).all()
                for name, claim in zip(families, claims, strict=True)
            )
            found.append(_decide(row, claims[i], Claims(*adjusted[i]), tests))
    return found


def _decide(row: Evidence, alone: Claims, adjusted: Claims, tests: int) -> Verdict:
    nearer = int(np.nan_to_num(alone.not_miniature, nan=2) < np.nan_to_num(alone.miniature, nan=2))
    p, after = alone[nearer], adjusted[nearer]
    claim = (MINIATURE, NOT_MINIATURE)[nearer]
    if after <= ALPHA:
        return Verdict(claim, "", p, after)
    return Verdict(UNDECIDED, _why_open(row, claim, p, tests), p, after)


def _why_open(row: Evidence, claim: str, p: float, tests: int) -> str:
    found = row.difference
    plan = what_decides(found, row.bar, examples=row.examples, tests=tests)
    if found.reason:
        return found.reason if found.level is None else f"{plan}; {found.reason}"
    if p <= ALPHA:
        return f"{claim} alone, not after the correction for {tests} characteristics; {plan}"
    if (row.lower or row.higher) and min(claims_of(row, settled=False)) <= ALPHA:
        return f"{claim} as ties and spent budgets are read here, but not under every reading"
    return plan


def _says_nothing(found: Difference) -> bool:
    """Whether the floor itself is not shown to lie above chance: then nothing could be lost."""
    kept = found.kept
    return kept is not None and kept.trainings >= 2 and not float(p_informative(kept)) <= ALPHA


def _no_room(found: Difference) -> str:
    above = f"{float(found.kept.floor):.3g} above chance"
    return f"other trainings of the reference agree with it by {above}, which may be none: nothing to lose"


def relative_score(corrected: float, floors: Iterable[tuple[float, float]]) -> float:
    """Corrected agreement as a share of the floor's."""
    floor = math.fsum(value * weight for value, weight in floors)
    return corrected / floor if floor > LEAST_ROOM else math.nan
