"""Verdicts from differences to the noise floor: what may be claimed, and why a row stays open."""

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from miniature.measures.registry import MEASURES
from miniature.measures.sets import LEAST_ROOM
from miniature.scorecard.difference import Difference
from miniature.statistics.significance import holm


def relative_score(corrected: float, floors: Iterable[tuple[float, float]]) -> float:
    """Corrected agreement as a share of the floor's."""
    floor = math.fsum(value * weight for value, weight in floors)
    return corrected / floor if floor > LEAST_ROOM else math.nan


MINIATURE = "miniature"
NOT_MINIATURE = "not-miniature"
INCONCLUSIVE = "inconclusive"
NOT_MEASURED = "not-measured"

# How often a scorecard may hold a false claim of one kind, anywhere on it.
ALPHA = 0.05
# Where independent sets would agree more than this, agreement says too little about the models.
CHANCE_LIMIT = 0.8


def decide_rows(rows: Sequence[dict[str, object]]) -> None:
    """Fill in verdict, p-values and reason of every measured row, which depend on each other."""
    measured = [row for row in rows if "found" in row]
    found: list[Difference] = [row.pop("found") for row in measured]
    settled = [row.pop("open") for row in measured]
    yardstick = np.array([row.pop("yardstick") for row in measured], dtype=bool)
    in_family = ~yardstick & np.array([not row["chance"] > CHANCE_LIMIT for row in measured], dtype=bool)
    # What can never be claimed is no part of the family of claims.
    claimable = in_family & ~np.array([passes_by_chance(row) for row in measured], dtype=bool)
    p = {
        NOT_MINIATURE: np.where(in_family, [f.p_below for f in found], np.nan),
        MINIATURE: np.where(claimable, [f.p_above for f in found], np.nan),
    }
    adjusted = {claim: holm(values) for claim, values in p.items()}
    for i, (row, difference) in enumerate(zip(measured, found, strict=True)):
        below, above = p[NOT_MINIATURE][i], p[MINIATURE][i]
        claim = NOT_MINIATURE if below < above or np.isnan(above) else MINIATURE
        row |= {"p_value": p[claim][i], "p_adjusted": adjusted[claim][i]}
        alone = decide_verdict(difference.low, difference.high, margin=row["margin"], chance=row["chance"])
        row["verdict"], row["reason"] = alone, ""
        if alone == INCONCLUSIVE:
            row["reason"] = _why_open(row, difference)
        elif yardstick[i]:
            row["reason"] = f"{alone} by itself, but part of the noise floor, of which no claim is made"
        elif alone == MINIATURE and not claimable[i]:
            row["reason"] = (
                f"the floor, {row['floor']:.3g}, lies within the margin of chance, {row['chance']:.3g}: "
                "a model that shares nothing with the reference would pass too; a smaller margin could tell"
            )
        elif adjusted[alone][i] > ALPHA:
            family = int(np.isfinite(p[alone]).sum())
            row["reason"] = f"{alone} by itself, but not after Holm's correction for {family} verdicts"
        elif not _stands(alone, difference, settled[i], margin=row["margin"]):
            row["reason"] = f"{alone} as ties and spent budgets are read here, but not under every reading"
        if row["reason"]:
            row["verdict"] = INCONCLUSIVE


def _stands(verdict: str, found: Difference, settled: tuple[float, float], *, margin: float) -> bool:
    """Whether a verdict holds however ties and spent budgets are settled."""
    lower, higher = settled
    if verdict == MINIATURE:
        return found.low - lower > -margin
    return found.high + higher < -margin


def passes_by_chance(row: Mapping[str, object]) -> bool:
    """Whether agreement by chance alone lies within the margin of the noise floor.

    Such a row cannot tell a miniature from a model that shares nothing with the reference.

    Parameters
    ----------
    row : mapping
        ``measure``, ``floor``, ``chance`` and ``margin``; NaN where there is none.

    Examples
    --------
    >>> row = {"measure": "jaccard", "floor": 0.045, "chance": 0.001, "margin": 0.05}
    >>> passes_by_chance(row), passes_by_chance({**row, "margin": 0.02})
    (True, False)
    """
    sign = 1 if MEASURES[str(row["measure"])].closer == "higher" else -1
    return sign * (row["floor"] - row["chance"]) <= row["margin"]


def _why_open(row: Mapping[str, object], found: Difference) -> str:
    if row["chance"] > CHANCE_LIMIT:
        return f"chance alone gives {row['chance']:.2f}: agreement above {CHANCE_LIMIT} says too little"
    more = {
        "examples": "examples",
        "trainings": f"trainings of the reference (there are {found.trainings} beside it)",
    }
    return found.reason or (
        f"the difference may lie on either side of -{row['margin']:g}; "
        f"what would narrow it most is more {more[found.widest]}"
    )


def decide_verdict(
    difference_low: float, difference_high: float, *, margin: float, chance: float = float("nan")
) -> str:
    """Verdict on one model and characteristic from the bounds of its difference to the noise floor."""
    if not margin >= 0 or difference_low > difference_high:
        raise ValueError(f"Not a margin and an interval: {margin}, [{difference_low}, {difference_high}].")
    # Comparisons with NaN are false, so that missing bounds or chance fall through as they should.
    if chance > CHANCE_LIMIT:
        return INCONCLUSIVE
    if difference_high < -margin:
        return NOT_MINIATURE
    if difference_low > -margin:
        return MINIATURE
    return INCONCLUSIVE
