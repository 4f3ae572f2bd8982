"""What a limit on a measure of tolerance means, and whether a model's rows lie within theirs."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from miniature.statistics.paired import (
    FEW_CLUSTERS,
    LEVEL,
    examples_without_change,
)
from miniature.statistics.significance import hommel

WITHIN, BEYOND, UNDECIDED, NOT_MEASURED = "within", "beyond", "undecided", "not-measured"

# Conventions, not laws of nature: a study declares its own (`tolerance:`). 0.99 of the accuracy is what
# MLPerf asks.
DEFAULT_LIMITS: dict[str, float] = {
    "decisions_changed": 0.05, "newly_wrong": 0.02, "accuracy_kept": 0.99, "brier_difference": 0.01,
}  # fmt: skip


class Tolerated(NamedTuple):
    """What a limit on a measure means.

    Attributes
    ----------
    side : str
        ``most`` and ``least`` limit the value, ``size`` its distance from 0.
    largest : float
        The most that one example can add: it bounds a mean where no example was seen to differ.
    """

    side: str
    largest: float


MEASURES: dict[str, Tolerated] = {
    "decisions_changed": Tolerated("most", 1.0),
    "newly_wrong": Tolerated("most", 1.0),
    "newly_right": Tolerated("most", 1.0),
    "accuracy_kept": Tolerated("least", 1.0),
    "brier_difference": Tolerated("size", 2.0),
    "js_divergence": Tolerated("most", 1.0),
    "kl_divergence": Tolerated("most", math.inf),
    "neighbor_agreement": Tolerated("least", 1.0),
}


def decide(rows: Sequence[dict]) -> None:
    """Fill in the verdict of every row of one model."""
    judged = [row for row in rows if row["verdict"] != NOT_MEASURED and not math.isnan(row["limit"])]
    adjusted = hommel(np.array([row["p_beyond"] for row in judged], dtype=float))
    for row, p in zip(judged, adjusted, strict=True):
        row["p_adjusted"] = float(p)
        row["examples_possible"] = possible_examples(row["measure"], row["limit"], row["right"])
        harm, low, high, limit = _as_harm(row)
        if math.isnan(high):
            row["verdict"] = BEYOND if math.isinf(row["value"]) else UNDECIDED
            row["reason"] = row["reason"] or f"{row['n_clusters']} clusters: too few for an interval"
        elif high <= limit:
            row["verdict"] = WITHIN
        elif p <= LEVEL:
            row["verdict"] = BEYOND
        else:
            row["verdict"] = UNDECIDED
            row["examples_needed"] = _needed(harm, low, high, limit, row)
            row["reason"] = _why(row)
        if row["n_clusters"] < FEW_CLUSTERS and row["method"]:
            said = f"only {row['n_clusters']} clusters: bounds are too narrow"
            row["reason"] = f"{row['reason']}; {said}" if row["reason"] else said


def _as_harm(row: Mapping) -> tuple[float, float, float, float]:
    """Value, bounds and limit counted so that more is worse."""
    value, low, high, limit = (row[name] for name in ("value", "low", "high", "limit"))
    side = MEASURES[str(row["measure"])].side
    if side == "least":
        return -value, -high, -low, -limit
    if side == "size":
        return abs(value), max(0.0, low, -high), max(high, -low), limit
    return value, low, high, limit


def possible_examples(measure: str, limit: float, right: float) -> int | None:
    """Examples with which `within` is possible at all: so many must show no change.

    Parameters
    ----------
    measure : str
    limit : float
        As the study declares it.
    right : float
        Accuracy of the original.

    Returns
    -------
    int or None
        None for means: how many examples they take depends on how much these vary.

    Examples
    --------
    >>> possible_examples("newly_wrong", 0.02, 0.8), possible_examples("accuracy_kept", 0.99, 0.8)
    (149, 373)
    """
    share = {
        "accuracy_kept": (1 - limit) * right,
        "decisions_changed": limit,
        "newly_wrong": limit,
        "newly_right": limit,
    }.get(measure, math.nan)
    return examples_without_change(share) if 0 < share < 1 else None


def _needed(harm: float, low: float, high: float, limit: float, row: Mapping) -> int | None:
    """Examples that would decide, were the value to stay: bounds narrow with the root of their number."""
    room = limit - harm
    half = high - harm if room > 0 else harm - low
    if abs(room) <= 1e-12:
        return None
    needed = row["n"] * (half / room) ** 2
    least = row["examples_possible"] or 0
    needed = max(needed if math.isfinite(needed) else 0, least if room > 0 else 0, row["n"] + 1)
    if needed > 1e7:
        return None
    # Two digits: it is a forecast.
    unit = 10 ** max(0, int(math.log10(needed)) - 1)
    return int(math.ceil(needed / unit) * unit)


def _why(row: Mapping) -> str:
    n, possible, needed = row["n"], row["examples_possible"], row.get("examples_needed")
    if possible and n < possible:
        return f"{n:,} examples: `within` takes {possible:,} even where nothing changed"
    if needed is None:
        return "the value lies at the limit: hardly any number of examples would decide"
    return f"the bounds hold the limit; about {needed:,} examples would decide"
