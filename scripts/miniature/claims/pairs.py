"""Whether compressed models differ among themselves, as recipes: trainings of both are averaged over.

A claim about two checkpoints would need one of them to be the reference. About the recipes it needs
trainings of both models, three at least: how far trainings of one model agree with those of the other,
against how far they agree with each other.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
import pandas as pd

from miniature.agreement.comparison import Draws, resampled_by_pair
from miniature.agreement.table import list_pairs
from miniature.measures.registry import MEASURES
from miniature.scorecard.floor import FloorModel, trainings_of
from miniature.scorecard.verdicts import (
    ALPHA,
    MINIATURE,
    NOT_MEASURED,
    NOT_MINIATURE,
    UNDECIDED,
)
from miniature.statistics.significance import hommel
from miniature.statistics.trainings import Pair, example_covariance, p_beyond, p_inside
from miniature.statistics.uncertainty import Uncertainty, probability_within

# A second training has no spread, and one pair of trainings none that could be told apart.
TRAININGS = 3


def judge_pairs(
    rows: pd.DataFrame,
    draws: pd.DataFrame,
    compressed: Sequence[str],
    settings: Mapping,
    *,
    floor: Sequence[FloorModel] = (),
) -> tuple[dict[str, str], list[str]]:
    """Verdict on every pair of compressed models.

    Two recipes differ where trainings of the one keep, with those of the other, less than the bar of what
    they share among themselves, seen from either side; the larger p-value is the pair's. Levels differ
    where their means lie further apart than the margin. The variance over trainings is that of both models,
    with Welch's degrees of freedom. Hommel's correction covers the pairs, the claims of each kind for
    themselves.

    Parameters
    ----------
    rows : DataFrame
        Agreement rows at the verdict's measure and K, of all pairs; see
        `miniature.scorecard.build.select_rows`.
    draws : DataFrame
        Resampled values of the same rows; see `miniature.agreement.comparison`.
    compressed : sequence of str
    settings : mapping
        ``measure`` and ``keep`` or ``margin`` of the verdict.
    floor : sequence of FloorModel
        Second trainings of the models among others.

    Returns
    -------
    verdicts : dict of str to str
        The scorecard's words, by ``"a and b"``.
    lacking : list of str
        Models of measured pairs with fewer than two second trainings; a pair with one is undecided.
    """
    resampled, method = resampled_by_pair(draws, settings["task"])
    table = _Table.read(rows, resampled, settings)
    trainings = {m: [m, *(t for t in trainings_of(floor, m)[1] if t != m)] for m in compressed}
    known = {name for pair in table.values for name in pair}
    trainings = {m: [t for t in names if t in known] for m, names in trainings.items()}
    verdicts, claims, lacking = {}, {}, set()
    for a, b in list_pairs(compressed, compressed[0]):
        pair = f"{a} and {b}"
        verdicts[pair] = UNDECIDED if table.has(a, b) else NOT_MEASURED
        if not table.has(a, b):
            continue
        short = {model for model in (a, b) if len(trainings[model]) < TRAININGS}
        lacking |= short
        if not short:
            found = _claims(table, trainings[a], trainings[b], settings, method)
            claims |= {pair: found} if found is not None else {}
    for claim, side in ((NOT_MINIATURE, 0), (MINIATURE, 1)):
        adjusted = hommel([p[side] for p in claims.values()])
        verdicts |= {pair: claim for pair, p in zip(claims, adjusted, strict=True) if p <= ALPHA}
    return verdicts, [model for model in compressed if model in lacking]


class _Table(NamedTuple):
    """Agreement above chance of every pair, closer is higher; of levels the second minus the first."""

    values: dict[Pair, float]
    draws: dict[Pair, np.ndarray]
    clusters: int
    level: bool

    @classmethod
    def read(cls, rows: pd.DataFrame, draws: Mapping[Pair, Draws], settings: Mapping) -> "_Table":
        measure = MEASURES[str(settings["measure"])]
        level, sign = measure.closer == "zero", -1.0 if measure.closer == "lower" else 1.0
        values = {}
        # Flips become other flips when two models change places: no pair has a value that both sides share.
        usable = 1.0 if measure.symmetric or level else np.nan
        for row in rows.to_dict("records"):
            chance = 0.0 if level else row["chance"]
            values[row["model_a"], row["model_b"]] = usable * sign * (row["value"] - chance)
        resampled = {p: sign * (d.values - (0.0 if level else d.chance)) for p, d in draws.items()}
        clusters = rows["n_clusters"].dropna()
        return cls(values, resampled, int(clusters.min()) if len(clusters) else 0, level)

    def has(self, a: str, b: str) -> bool:
        return (a, b) in self.values or (b, a) in self.values

    def combine(self, weights: Mapping[Pair, float]) -> tuple[float, np.ndarray]:
        """Weighted sum of pairs, and of their resamples; NaN where one lacks."""
        value, draws = 0.0, 0.0
        for (a, b), weight in weights.items():
            own = (a, b) in self.values
            pair, turn = ((a, b), 1.0) if own else ((b, a), -1.0 if self.level else 1.0)
            value = value + weight * turn * self.values.get(pair, np.nan)
            draws = draws + weight * turn * self.draws.get(pair, np.full(2, np.nan))
        return value, np.asarray(draws)


def _claims(
    table: _Table, first: list[str], second: list[str], settings: Mapping, method: str
) -> tuple[float, float] | None:
    """P-values that two recipes differ and that they do not; None where there is nothing to tell them by."""
    if table.clusters < 2 or not method:
        return None
    if table.level:
        found = _level(table, first, second, method)
        if found is None:
            return None
        size, margin = abs(found[0]), float(settings["margin"])
        return float(p_beyond(size, margin, found[1])), float(p_inside(size, margin, found[1]))
    sides = [
        _against(table, x, y, bar, method)
        for x, y in ((first, second), (second, first))
        for bar in (float(settings["keep"]),)
    ]
    if any(side is None for side in sides):
        return None
    return max(float(probability_within(v, u)) for v, u in sides), max(
        float(probability_within(-v, u)) for v, u in sides
    )


def _against(
    table: _Table, own: list[str], other: list[str], bar: float, method: str
) -> tuple[float, Uncertainty] | None:
    """Mean agreement between two models' trainings minus the bar times that among the first's.

    The variance over trainings is that of what each adds to the contrast (Hoeffding's projection).
    """
    among, between = list(combinations(own, 2)), [(a, b) for a in own for b in other]
    weights = dict.fromkeys(between, 1 / len(between)) | dict.fromkeys(among, -bar / len(among))
    value, draws = table.combine(weights)
    floor = table.combine(dict.fromkeys(among, 1 / len(among)))[0]
    if not floor > 0 or np.isnan(value) or np.isnan(draws).any():
        return None
    of_own = [
        table.combine(
            dict.fromkeys([(a, b) for b in other], 1 / len(other))
            | dict.fromkeys([p for p in among if a in p], -2 * bar / (len(own) - 1))
        )[0]
        for a in own
    ]
    of_other = [table.combine(dict.fromkeys([(a, b) for a in own], 1 / len(own)))[0] for b in other]
    return value, _welch(of_own, of_other, draws, table.clusters, method)


def _level(
    table: _Table, first: list[str], second: list[str], method: str
) -> tuple[float, Uncertainty] | None:
    """Mean level of the second model's trainings minus that of the first's."""
    anchor = first[0]
    between = [(a, b) for a in first for b in second]
    value, draws = table.combine(dict.fromkeys(between, 1 / len(between)))
    levels = [
        [0.0 if m == anchor else table.combine({(anchor, m): 1.0})[0] for m in names]
        for names in (first, second)
    ]
    if np.isnan(value) or np.isnan(draws).any() or np.isnan([*levels[0], *levels[1]]).any():
        return None
    return value, _welch(*levels, draws, table.clusters, method)


def _welch(
    first: Sequence[float], second: Sequence[float], draws: np.ndarray, clusters: int, method: str
) -> Uncertainty:
    """Variance of a difference of two means over trainings, with Welch's degrees of freedom."""
    covariance, df = example_covariance(draws[None], method, clusters=clusters)
    parts = [float(np.var(x, ddof=1)) / len(x) for x in (first, second)]
    spread = sum(parts)
    below = sum(part**2 / (len(x) - 1) for part, x in zip(parts, (first, second), strict=True))
    degrees = spread**2 / below if below > 0 else min(len(first), len(second)) - 1
    # What the sample of examples adds to the spread over trainings is not taken away: few trainings hardly
    # show it.
    return Uncertainty(max(0.0, float(covariance[0, 0])), df, spread, 0.0, degrees, 1.0)
