"""How much more often an attack breaks a model than trainings of another, with bounds that count both."""

import math
from collections.abc import Mapping, Sequence
from itertools import combinations, product
from typing import NamedTuple

import numpy as np
import pandas as pd

from miniature.agreement.comparison import check_same_examples
from miniature.attack.rows import ATTACKED, BROKEN, BUDGET
from miniature.scorecard.difference import BOUND, SAME
from miniature.scorecard.floor import FloorModel, trainings_of
from miniature.scorecard.verdicts import ALPHA, MINIATURE, NOT_MEASURED, NOT_MINIATURE, UNDECIDED
from miniature.statistics.bootstrap import cluster_index
from miniature.statistics.paired import mean_variance
from miniature.statistics.significance import hommel
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
    models: Sequence[np.ndarray], trainings: Sequence[np.ndarray], clusters: np.ndarray
) -> SuccessDifference:
    """Success rate of a model minus the mean success rate of several trainings of the reference.

    Of one training of the model the claim is about this checkpoint: it is set against one more training of
    the reference. Of two and more it is about the recipe: means over trainings are compared, with the
    variance of both and Welch's degrees of freedom.
    """
    lengths = {len(clusters), *map(len, models), *map(len, trainings)}
    if len(lengths) != 1 or not len(trainings) or not len(models):
        raise ValueError(f"Outcomes of a model and its trainings on the same examples: {lengths}.")
    own = len(models)
    outcomes = np.array([*models, *trainings], dtype=object)  # [own + R, examples]
    common = np.isin(outcomes, ATTACKED).all(axis=0)
    if not common.any():
        return SuccessDifference(reason="no example that all were attacked on")
    outcomes = outcomes[:, common]
    broken, spent = np.isin(outcomes, BROKEN), np.isin(outcomes, BUDGET)
    found = SuccessDifference(
        n=int(common.sum()),
        difference=float(broken[:own].mean(axis=1).mean() - broken[own:].mean(axis=1).mean()),
    )
    if len(trainings) < 2:
        return found._replace(reason=ONE_TRAINING)
    index, count = cluster_index(np.asarray(clusters, dtype=object)[common])
    if count < 2:
        return found._replace(reason="all examples are of one cluster")
    # Whether spent budgets count as broken, for the model and for the trainings.
    readings = product((False, True), repeat=2) if spent.any() else [(False, False)]
    rows = [
        np.array([*[of_model] * own, *[of_others] * len(trainings)])[:, None]
        for of_model, of_others in readings
    ]
    read = [_spread(broken | (spent & counts), own, index) for counts in rows]
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


def _spread(broken: np.ndarray, own: int, index: np.ndarray) -> tuple[float, Uncertainty]:
    """Difference of the model's rate to the mean rate of the others, and what is known of its spread."""
    groups = [part.astype(np.float64) for part in (broken[:own], broken[own:])]  # [trainings, examples] each
    excess = groups[0].mean(axis=0) - groups[1].mean(axis=0)  # [examples]
    of_model, of_others = map(_of_trainings, groups, [index] * 2)
    if own > 1:
        parts = [(v / len(g), n / len(g)) for (v, n), g in zip((of_model, of_others), groups, strict=True)]
        variance, noise = map(sum, zip(*parts, strict=True))
        below = sum(v**2 / (len(g) - 1) for (v, _), g in zip(parts, groups, strict=True))
        df, factor = variance**2 / below if below > 0 else min(map(len, groups)) - 1, 1.0
    else:
        (variance, noise), r = of_others, len(groups[1])
        df, factor = r - 1, 1 + 1 / r
    spread = Uncertainty(mean_variance(excess, index), int(index.max()), variance, noise, df, factor)
    return float(excess.mean()), spread


def _of_trainings(rates: np.ndarray, index: np.ndarray) -> tuple[float, float]:
    """Variance of a success rate over trainings, and the part of it that examples make."""
    if len(rates) < 2:
        return 0.0, 0.0
    pairs = combinations(range(len(rates)), 2)
    noise = np.mean([mean_variance(rates[a] - rates[b], index) for a, b in pairs]) / 2
    return float(rates.mean(axis=1).var(ddof=1)), float(noise)


WORDS = {
    NOT_MINIATURE: "more vulnerable", MINIATURE: "less vulnerable", UNDECIDED: "open",
    NOT_MEASURED: "not attacked",
}  # fmt: skip


def judge_success(
    attacks: Mapping[str, pd.DataFrame],
    clusters: np.ndarray,
    compressed: Sequence[str],
    reference: str,
    *,
    floor: Sequence[FloorModel] = (),
) -> tuple[dict[str, str], str]:
    """Verdict on every compressed model's success rate against those of the reference's trainings.

    About the recipes where every compressed model that was attacked has second trainings, else about
    checkpoints.
    """
    check_same_examples(attacks, clusters, what="attacks")
    own = {m: [m, *(t for t in trainings_of(floor, m)[1] if t != m and t in attacks)] for m in attacks}
    trainings = own[reference]
    attacked = [model for model in compressed if model in attacks]
    recipe = all(len(own[model]) > 1 for model in attacked)
    outcomes = {model: table["outcome"].to_numpy(dtype=object) for model, table in attacks.items()}
    found = {
        model: measure_success_difference(
            [outcomes[t] for t in (own[model] if recipe else [model])],
            [outcomes[t] for t in trainings],
            clusters,
        )
        for model in attacked
    }
    verdicts = {model: UNDECIDED if model in found else NOT_MEASURED for model in compressed}
    for claim, field in ((NOT_MINIATURE, "p_more"), (MINIATURE, "p_less")):
        verdicts |= {model: claim for model, p in _adjusted(found, field).items() if p <= ALPHA}
    shown = {model: model for model in compressed}
    shown |= {model: f"{model}{_say(f, why=_why_open(model, found, verdicts))}" for model, f in found.items()}
    groups = {word: [shown[m] for m in compressed if verdicts[m] == key] for key, word in WORDS.items()}
    said = [f"{word}: {', '.join(group)}" for word, group in groups.items() if group]
    if any(f.n for f in found.values()):
        of = reference if len(trainings) == 1 else f"{reference} (mean of {len(trainings)} trainings)"
        said.append(
            f"success rate of {'all trainings' if recipe else 'these checkpoints'} minus that of {of}"
        )
    if len(trainings) == 1:
        said.append(f"no second training of {reference}")
    return verdicts, "; ".join(said)


def _adjusted(found: Mapping[str, SuccessDifference], field: str) -> dict[str, float]:
    """P-values of all models after the correction; NaN where there are no bounds."""
    p = np.array([getattr(f, field) for f in found.values()], dtype=np.float64)
    return dict(zip(found, hommel(p).tolist(), strict=True))


def _why_open(model: str, found: Mapping[str, SuccessDifference], verdicts: Mapping[str, str]) -> str:
    """Why there is no verdict on a model, where its bounds and the number of trainings do not tell."""
    f = found[model]
    if verdicts[model] != UNDECIDED or f.reason == ONE_TRAINING:
        return ""
    if f.reason:
        return f.reason
    if min(f.p_more, f.p_less) <= ALPHA:
        return "not after the correction"
    # Some reading of the spent budgets would decide it, and another does not.
    at_best = [_adjusted(found, field)[model] for field in ("p_more_at_best", "p_less_at_best")]
    return "spent budgets keep it open" if min(at_best) <= ALPHA else ""


def _say(f: SuccessDifference, *, why: str) -> str:
    """A difference with its bounds, as the evidence shows it."""
    value = f" {f.difference:+z.2f}" if f.n else ""
    bounds = f"{f.low:+z.2f} to {f.high:+z.2f}" if not f.reason else ""
    brackets = ", ".join(part for part in (bounds, why) if part)
    return f"{value} ({brackets})" if brackets else value
