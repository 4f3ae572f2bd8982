"""How much more often an attack breaks a model than trainings of another, with bounds that count both."""

import math
from collections.abc import Mapping, Sequence
from itertools import combinations, product
from typing import NamedTuple

import numpy as np
import pandas as pd

from miniature.agreement.comparison import check_same_examples
from miniature.attack.rows import ATTACKED, BROKEN, BUDGET
from miniature.names import replicate_of
from miniature.scorecard.difference import BOUND, SAME
from miniature.scorecard.verdicts import ALPHA, INCONCLUSIVE, MINIATURE, NOT_MEASURED, NOT_MINIATURE
from miniature.statistics.bootstrap import cluster_index
from miniature.statistics.paired import mean_variance
from miniature.statistics.significance import holm
from miniature.statistics.uncertainty import Uncertainty, half_width, probability_within

ONE_TRAINING = "one training of the reference has no spread"


class SuccessDifference(NamedTuple):
    """A model's success rate under attack minus the mean of the reference's trainings.

    Attributes
    ----------
    n : int
        Examples that the model and every training were attacked on.
    difference : float
        A spent budget counts as not broken, as everywhere.
    low, high : float
        One-sided 95 % bounds, the widest over the readings of spent budgets.
    p_more, p_less : float
        P-values of the claims that the model is broken more often, and less often: the largest over the
        readings, so that what they allow to be claimed holds in each.
    p_more_at_best, p_less_at_best : float
        The smallest over the readings.
    reason : str
        Why there are no bounds; empty where there are.
    """

    n: int = 0
    difference: float = math.nan
    low: float = math.nan
    high: float = math.nan
    p_more: float = math.nan
    p_less: float = math.nan
    p_more_at_best: float = math.nan
    p_less_at_best: float = math.nan
    reason: str = ""


def measure_success_difference(
    model: np.ndarray, trainings: Sequence[np.ndarray], clusters: np.ndarray
) -> SuccessDifference:
    """Success rate of a model minus the mean success rate of several trainings of the reference."""
    lengths = {len(clusters), len(model), *map(len, trainings)}
    if len(lengths) != 1 or not len(trainings):
        raise ValueError(f"Outcomes of one model and its trainings on the same examples: {lengths}.")
    outcomes = np.array([model, *trainings], dtype=object)  # [1 + R, examples]
    common = np.isin(outcomes, ATTACKED).all(axis=0)
    if not common.any():
        return SuccessDifference(reason="no example that all were attacked on")
    outcomes = outcomes[:, common]
    broken, spent = np.isin(outcomes, BROKEN), np.isin(outcomes, BUDGET)
    found = SuccessDifference(
        n=int(common.sum()), difference=float(broken[0].mean() - broken[1:].mean(axis=1).mean())
    )
    if len(trainings) < 2:
        return found._replace(reason=ONE_TRAINING)
    index, count = cluster_index(np.asarray(clusters, dtype=object)[common])
    if count < 2:
        return found._replace(reason="all examples are of one cluster")
    # Whether spent budgets count as broken, for the model and for the trainings.
    readings = product((False, True), repeat=2) if spent.any() else [(False, False)]
    rows = [np.array([of_model, *[of_others] * len(trainings)])[:, None] for of_model, of_others in readings]
    read = [_spread(broken | (spent & counts), index) for counts in rows]
    if any(max(spread.example_variance, spread.training_variance) <= SAME**2 for _, spread in read):
        return found._replace(reason="neither trainings nor examples vary")
    halves = [half_width(BOUND, spread) for _, spread in read]
    more = [float(probability_within(-value, spread)) for value, spread in read]
    less = [float(probability_within(value, spread)) for value, spread in read]
    return found._replace(
        low=min(value - half for (value, _), half in zip(read, halves, strict=True)),
        high=max(value + half for (value, _), half in zip(read, halves, strict=True)),
        p_more=max(more), p_less=max(less), p_more_at_best=min(more), p_less_at_best=min(less),
    )  # fmt: skip


def _spread(broken: np.ndarray, index: np.ndarray) -> tuple[float, Uncertainty]:
    """Difference of the first row's rate to the mean rate of the others, and what is known of its spread."""
    others = broken[1:].astype(np.float64)  # [R, examples]
    excess = broken[0] - others.mean(axis=0)  # [examples]
    pairs = combinations(range(len(others)), 2)
    noise = np.mean([mean_variance(others[a] - others[b], index) for a, b in pairs]) / 2
    spread = Uncertainty(
        example_variance=mean_variance(excess, index),
        example_df=int(index.max()),
        training_variance=float(others.mean(axis=1).var(ddof=1)),
        training_noise=float(noise),
        training_df=len(others) - 1,
        factor=1 + 1 / len(others),
    )
    return float(excess.mean()), spread


WORDS = {
    NOT_MINIATURE: "more vulnerable", MINIATURE: "less vulnerable", INCONCLUSIVE: "open",
    NOT_MEASURED: "not attacked",
}  # fmt: skip


def judge_success(
    attacks: Mapping[str, pd.DataFrame],
    clusters: np.ndarray,
    compressed: Sequence[str],
    reference: str,
) -> tuple[dict[str, str], str]:
    """Verdict on every compressed model's success rate against those of the reference's trainings."""
    check_same_examples(attacks, clusters, what="attacks")
    trainings = [reference, *(model for model in attacks if replicate_of(model) == reference)]
    outcomes = {model: table["outcome"].to_numpy(dtype=object) for model, table in attacks.items()}
    found = {
        model: measure_success_difference(outcomes[model], [outcomes[t] for t in trainings], clusters)
        for model in compressed
        if model in attacks
    }
    verdicts = {model: INCONCLUSIVE if model in found else NOT_MEASURED for model in compressed}
    for claim, field in ((NOT_MINIATURE, "p_more"), (MINIATURE, "p_less")):
        verdicts |= {model: claim for model, p in _adjusted(found, field).items() if p <= ALPHA}
    shown = {model: model for model in compressed}
    shown |= {model: f"{model}{_say(f, why=_why_open(model, found, verdicts))}" for model, f in found.items()}
    groups = {word: [shown[m] for m in compressed if verdicts[m] == key] for key, word in WORDS.items()}
    said = [f"{word}: {', '.join(group)}" for word, group in groups.items() if group]
    if any(f.n for f in found.values()):
        of = reference if len(trainings) == 1 else f"{reference} (mean of {len(trainings)} trainings)"
        said.append(f"success rate minus that of {of}")
    if len(trainings) == 1:
        said.append(f"no second training of {reference}")
    return verdicts, "; ".join(said)


def _adjusted(found: Mapping[str, SuccessDifference], field: str) -> dict[str, float]:
    """P-values of all models after Holm's correction; NaN where there are no bounds."""
    p = np.array([getattr(f, field) for f in found.values()], dtype=np.float64)
    return dict(zip(found, holm(p).tolist(), strict=True))


def _why_open(model: str, found: Mapping[str, SuccessDifference], verdicts: Mapping[str, str]) -> str:
    """Why there is no verdict on a model, where its bounds and the number of trainings do not tell."""
    f = found[model]
    if verdicts[model] != INCONCLUSIVE or f.reason == ONE_TRAINING:
        return ""
    if f.reason:
        return f.reason
    if min(f.p_more, f.p_less) <= ALPHA:
        return "not after Holm's correction"
    # Some reading of the spent budgets would decide it, and another does not.
    at_best = [_adjusted(found, field)[model] for field in ("p_more_at_best", "p_less_at_best")]
    return "spent budgets keep it open" if min(at_best) <= ALPHA else ""


def _say(f: SuccessDifference, *, why: str) -> str:
    """A difference with its bounds, as the evidence shows it."""
    value = f" {f.difference:+z.2f}" if f.n else ""
    bounds = f"{f.low:+z.2f} to {f.high:+z.2f}" if not f.reason else ""
    brackets = ", ".join(part for part in (bounds, why) if part)
    return f"{value} ({brackets})" if brackets else value
