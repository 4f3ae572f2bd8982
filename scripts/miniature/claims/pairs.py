"""Whether compressed models differ among themselves: each pair against its own models' second trainings."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from miniature.agreement.comparison import resampled_by_pair
from miniature.agreement.table import list_pairs
from miniature.measures.registry import MEASURES
from miniature.names import replicate_of
from miniature.scorecard.difference import measure_difference
from miniature.scorecard.floor import trainings_of
from miniature.scorecard.verdicts import (
    ALPHA,
    CHANCE_LIMIT,
    INCONCLUSIVE,
    MINIATURE,
    NOT_MEASURED,
    NOT_MINIATURE,
    passes_by_chance,
)
from miniature.statistics.significance import holm
from miniature.statistics.trainings import Pair


def judge_pairs(
    rows: pd.DataFrame, draws: pd.DataFrame, compressed: Sequence[str], settings: Mapping
) -> tuple[dict[str, str], list[str]]:
    """Verdict on every pair of compressed models."""
    by_pair = {(row["model_a"], row["model_b"]): row for row in rows.to_dict("records")}
    resampled, method = resampled_by_pair(draws)
    names = sorted({name for pair in by_pair for name in pair})
    again = {m: sum(replicate_of(name) == m for name in names) for m in compressed}
    verdicts, p_below, p_above, lacking = {}, {}, {}, set()
    for a, b in list_pairs(compressed, compressed[0]):
        pair, row = f"{a} and {b}", by_pair.get((a, b), by_pair.get((b, a)))
        verdicts[pair] = NOT_MEASURED if row is None else INCONCLUSIVE
        if row is None:
            continue
        lacking |= {model for model in (a, b) if again[model] < 2}
        if again[a] < 2 or again[b] < 2 or row["chance"] > CHANCE_LIMIT:
            continue
        found = [_against(x, y, by_pair, resampled, method, names, settings) for x, y in ((a, b), (b, a))]
        # NaN where either has no bounds; np.max keeps it, max would not.
        p_below[pair] = float(np.max([f.p_below for f in found]))
        at = {"measure": settings["measure"], "margin": settings["margin"], "chance": row["chance"]}
        if not any(passes_by_chance({**at, "floor": f.floor}) for f in found):
            p_above[pair] = float(np.max([f.p_above for f in found]))
    for claim, values in ((NOT_MINIATURE, p_below), (MINIATURE, p_above)):
        adjusted = holm(np.array(list(values.values()), dtype=float))
        verdicts |= {pair: claim for pair, p in zip(values, adjusted, strict=True) if p <= ALPHA}
    return verdicts, [model for model in compressed if model in lacking]


def _against(
    model: str,
    other: str,
    rows: Mapping[Pair, Mapping],
    resampled: Mapping[Pair, np.ndarray],
    method: str,
    names: Sequence[str],
    settings: Mapping,
):
    """The other model against the noise floor of `model`, which stands first in its pairs."""
    measure = MEASURES[str(settings["measure"])]
    # Exchanging two models turns the sign of a difference; flips become other flips.
    usable = measure.symmetric or measure.closer == "zero"
    own = {name for pair in rows for name in pair if name == other or replicate_of(name) == model}

    def turned(pair: Pair) -> Pair:
        return (model, pair[0]) if pair[1] == model and pair[0] in own else pair

    def sign(pair: Pair) -> int:
        return -1 if measure.closer == "zero" and turned(pair) != pair else 1

    values = {turned(p): sign(p) * row["value"] if usable else float("nan") for p, row in rows.items()}
    pair = rows.get((model, other), rows.get((other, model)))
    return measure_difference(
        values,
        {turned(p): sign(p) * draws for p, draws in resampled.items()},
        method=method,
        clusters=0 if pd.isna(pair["n_clusters"]) else int(pair["n_clusters"]),
        trainings=trainings_of(names, {}, reference=model), reference=model, model=other,
        closer=str(measure.closer), margin=float(settings["margin"]),
    )  # fmt: skip
