"""A model against its own original: what changed, and whether that lies within what the study tolerates.

No second training is needed. Every figure is paired, example by example, and its bounds resample nothing:
they are those of `statistics.paired`, over clusters of examples.
"""

import math
import os
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import stdtr, stdtrit

from miniature.agreement.comparison import HALVES, resampled_by_pair
from miniature.agreement.table import make_table, read_table
from miniature.measures.calibration import squared_errors
from miniature.measures.probabilities import js_divergence, kl_divergence
from miniature.scorecard.build import select_rows
from miniature.scorecard.limits import DEFAULT_LIMITS, MEASURES, NOT_MEASURED, decide
from miniature.scorecard.outputs import Outputs
from miniature.statistics.halves import halves_degrees
from miniature.statistics.paired import (
    EXACT,
    FEW,
    FEWEST_CLUSTERS,
    LEVEL,
    Bounds,
    mean_bounds,
    share_bounds,
)

COLUMNS = (
    "model", "original", "task", "dataset", "measure", "value", "low", "high", "limit", "verdict", "reason",
    "method", "n", "n_clusters", "p_beyond", "p_adjusted", "examples_needed", "examples_possible",
    "retraining", "trainings",
)  # fmt: skip
TEXT_COLUMNS = ("model", "original", "task", "dataset", "measure", "verdict", "reason", "method")
COUNT_COLUMNS = ("n", "n_clusters", "examples_needed", "examples_possible", "trainings")


class Measured(NamedTuple):
    """One measure of one model against its original."""

    measure: str
    bounds: Bounds
    reason: str = ""


def compare_with_original(
    original: Outputs, model: Outputs, clusters: np.ndarray, *, limits: Mapping[str, float] = DEFAULT_LIMITS
) -> list[Measured]:
    """Every measure of a model against its original.

    Parameters
    ----------
    original, model : Outputs
        Of the same examples in the same order.
    clusters : array_like, shape [examples]
        What each example shares its context with.
    limits : mapping of str to float
        The study's tolerance, for the p-values.

    Returns
    -------
    list of Measured
        ``decisions_changed``, ``newly_wrong`` and ``newly_right`` as shares of the examples that both
        models have; ``accuracy_kept``, the model's accuracy over the original's; ``brier_difference``, the
        model's Brier score minus the original's; ``js_divergence`` and ``kl_divergence`` (of the model from
        the original), in bits, as means. What a model lacks is there without a value and says what is
        missing.

    Raises
    ------
    ValueError
        If the numbers of examples differ.

    Examples
    --------
    >>> same = Outputs(np.zeros(400), np.zeros(400, dtype=int))
    >>> found = compare_with_original(same, same, np.arange(400))
    >>> [(m.measure, m.bounds.value, round(m.bounds.high, 4)) for m in found[:2]]
    [('decisions_changed', 0.0, 0.0075), ('newly_wrong', 0.0, 0.0075)]
    """
    index = pd.factorize(np.asarray(clusters, dtype=object))[0]
    if not len(original.error) == len(model.error) == len(index):
        raise ValueError(f"One length each: {len(original.error)}, {len(model.error)}, {len(index)}.")
    found = [_decisions(original, model, index, limits), *_errors(original, model, index, limits)]
    return found + _probabilities(original, model, index, limits)


def _decisions(original: Outputs, model: Outputs, index: np.ndarray, limits: Mapping[str, float]) -> Measured:
    name = "decisions_changed"
    if original.answer is None or model.answer is None:
        return Measured(name, Bounds(math.nan), "answers are not known, only which are wrong")
    used = (original.answer >= 0) & (model.answer >= 0)
    changed = (original.answer != model.answer)[used]
    return Measured(name, share_bounds(changed, index[used], limit=_limit(name, limits)))


def _errors(
    original: Outputs, model: Outputs, index: np.ndarray, limits: Mapping[str, float]
) -> list[Measured]:
    used = ~(np.isnan(original.error) | np.isnan(model.error))
    names = ("newly_wrong", "newly_right", "accuracy_kept")
    if not used.any():
        return [Measured(name, Bounds(math.nan), "right and wrong are not known") for name in names]
    before, after, index = original.error[used] == 1, model.error[used] == 1, index[used]
    hits = ~before & after, before & ~after
    shares = [
        Measured(name, share_bounds(hit, index, limit=_limit(name, limits)))
        for name, hit in zip(names, hits, strict=False)
    ]
    return [*shares, _accuracy_kept(before, after, index, limits, [s.bounds for s in shares])]


def _accuracy_kept(
    before: np.ndarray,
    after: np.ndarray,
    index: np.ndarray,
    limits: Mapping[str, float],
    shares: list[Bounds],
) -> Measured:
    """Ratio of two accuracies: linearized (Cochran 1977), or from exact bounds of what changed."""
    name, right = "accuracy_kept", float((~before).mean())
    if not right:
        return Measured(name, Bounds(math.nan, n=len(before)), "the original is never right")
    ratio = float((~after).mean()) / right
    # Falls below the limit where its negative rises above minus the limit.
    limit = _limit(name, limits)
    linear = mean_bounds((ratio * ~before - 1.0 * ~after) / right - ratio, index, limit=-limit)
    wrong, gained = shares
    if math.isnan(wrong.high):
        return Measured(name, Bounds(ratio, n=linear.n, clusters=linear.clusters))
    if int((before != after).sum()) >= FEW:
        return Measured(name, linear._replace(value=ratio, low=-linear.high, high=-linear.low))
    # At most so much is lost as the newly wrong allow, were nothing gained, and the other way about.
    low, high = 1 - wrong.high / right, 1 + gained.high / right
    p = 1.0 if math.isnan(linear.p_above) and not math.isnan(limit) else linear.p_above
    return Measured(name, Bounds(ratio, low, high, linear.n, linear.clusters, EXACT, p))


def _probabilities(
    original: Outputs, model: Outputs, index: np.ndarray, limits: Mapping[str, float]
) -> list[Measured]:
    names = ("brier_difference", "js_divergence", "kl_divergence")
    p, q = original.probabilities, model.probabilities
    if p is None or q is None:
        return [Measured(name, Bounds(math.nan), "probabilities are not known") for name in names]
    used = ~(np.isnan(p).any(axis=1) | np.isnan(q).any(axis=1))
    found = []
    if original.label is None:
        found.append(Measured(names[0], Bounds(math.nan), "there are no classes"))
    else:
        rows = used & (original.label >= 0)
        label = original.label[rows]
        change = squared_errors(q[rows], label) - squared_errors(p[rows], label)
        found.append(_mean(names[0], change, index[rows], limits))
    p, q, index = p[used], q[used], index[used]
    found.append(_mean(names[1], js_divergence(p, q), index, limits))
    found.append(_mean(names[2], kl_divergence(p, q), index, limits))
    return found


def _mean(name: str, values: np.ndarray, index: np.ndarray, limits: Mapping[str, float]) -> Measured:
    """Bounds of a mean; where no example differs, of what may hide among the examples that were not seen."""
    limit, measure = _limit(name, limits), MEASURES[name]
    if len(values) and not np.isfinite(values).all():
        return Measured(
            name, Bounds(math.inf, n=len(values)), "a probability of 0 where the original has none"
        )
    found = mean_bounds(values, index, limit=limit)
    if measure.side == "size" and not math.isnan(found.p_above):
        toward = np.sign(found.value) * values
        tails = (mean_bounds(toward, index, limit=end).p_above for end in (limit, -limit))
        found = found._replace(p_above=min(1.0, sum(tails)))
    if len(values) and not np.any(values) and math.isfinite(measure.largest):
        unseen = share_bounds(values != 0, index).high * measure.largest
        low = -unseen if measure.side == "size" else 0.0
        p = math.nan if math.isnan(limit) else 1.0
        return Measured(name, Bounds(0.0, low, unseen, found.n, found.clusters, EXACT, p))
    return Measured(name, found)


def neighbor_bounds(
    value: float, draws: np.ndarray, df: float, clusters: int, n: int, limit: float
) -> Bounds:
    """Bounds of an agreement of neighbors from its values in random halves (`statistics.halves`).

    Parameters
    ----------
    value : float
    draws : ndarray of float, shape [halves]
    df : float
        Degrees of freedom of their variance.
    clusters, n : int
    limit : float
        The least that is tolerated; NaN without.
    """
    error = float(np.std(draws, ddof=1)) if len(draws) > 1 else 0.0
    if clusters < FEWEST_CLUSTERS or not error > 1e-12:
        return Bounds(value, n=n, clusters=clusters)
    half = float(stdtrit(df, 1 - LEVEL)) * error
    p = math.nan if math.isnan(limit) else float(stdtr(df, (value - limit) / error))
    return Bounds(
        value, max(0.0, value - half), min(1.0, value + half), n, clusters, "t bounds over halves", p
    )


def _limit(name: str, limits: Mapping[str, float]) -> float:
    return float(limits.get(name, math.nan))


def tolerance_rows(
    outputs: Mapping[str, Outputs],
    clusters: np.ndarray,
    *,
    subjects: Sequence[str],
    originals: Mapping[str, str],
    trainings: Mapping[str, Sequence[str]],
    task: str,
    dataset: str,
    limits: Mapping[str, float] = DEFAULT_LIMITS,
    neighbors: Mapping[tuple[str, str], Bounds] | None = None,
) -> pd.DataFrame:
    """One row for every measure of every model on one task, with its decision.

    A model's rows depend on itself, its original and the original's other trainings, never on other models.

    Parameters
    ----------
    outputs : mapping of str to Outputs
        By model; a model without is left out.
    clusters : array_like, shape [examples]
    subjects : sequence of str
        Models to judge, in the study's order.
    originals : mapping of str to str
        The model that each subject was made from.
    trainings : mapping of str to sequence of str
        Other trainings of each original, for what retraining changes.
    task, dataset : str
    limits : mapping of str to float
    neighbors : mapping of (str, str) to Bounds, optional
        Agreement of the neighbors of (original, model), where the study measures them.

    Returns
    -------
    DataFrame
        With `COLUMNS`. ``low`` and ``high`` are one-sided 95 % bounds. ``verdict``: `within` where the
        bound passes the limit, `beyond` where the value is past it after Hommel's correction over the
        model's rows, else `undecided`; empty where no limit is declared. ``examples_needed`` would decide,
        were everything else to stay; ``examples_possible`` is the least with which `within` is possible at
        all, nothing having changed. ``retraining`` is the mean of the same measure over the original's
        other trainings.
    """
    rows: list[dict[str, object]] = []
    for name in subjects:
        original = originals[name]
        if name not in outputs or original not in outputs:
            continue
        found = compare_with_original(outputs[original], outputs[name], clusters, limits=limits)
        again = [t for t in trainings.get(original, ()) if t in outputs and t != name]
        retrained = [compare_with_original(outputs[original], outputs[t], clusters) for t in again]
        if neighbors and (original, name) in neighbors:
            found.append(Measured("neighbor_agreement", neighbors[original, name]))
            for t, measured in zip(again, retrained, strict=True):
                measured.append(
                    Measured("neighbor_agreement", neighbors.get((original, t), Bounds(math.nan)))
                )
        right = 1 - float(np.nanmean(outputs[original].error)) if len(outputs[original].error) else math.nan
        for i, measured in enumerate(found):
            values = [other[i].bounds.value for other in retrained]
            known = [v for v in values if not math.isnan(v)]
            rows.append(
                {"model": name, "original": original, "task": task, "dataset": dataset, "right": right}
                | _row(measured, _limit(measured.measure, limits))
                | {"retraining": float(np.mean(known)) if known else math.nan, "trainings": len(known)}
            )
    for name in subjects:
        decide([row for row in rows if row["model"] == name])
    columns = {c: [row.get(c) for row in rows] for c in COLUMNS} if rows else {}
    return make_table(COLUMNS, TEXT_COLUMNS, COUNT_COLUMNS, columns)


def tolerance_table(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """One table from those of several tasks, a model's rows together."""
    table = pd.concat([make_table(COLUMNS, TEXT_COLUMNS, COUNT_COLUMNS, {}), *tables], ignore_index=True)
    order = {name: i for i, name in enumerate(dict.fromkeys(table["model"]))}
    return table.sort_values("model", key=lambda names: names.map(order), kind="stable", ignore_index=True)


def read_tolerance(path: str | os.PathLike) -> pd.DataFrame:
    """Tolerance table from its csv, with the types that `tolerance_rows` gives."""
    return read_table(path, COLUMNS, TEXT_COLUMNS, COUNT_COLUMNS)


def neighbors_of_pairs(
    agreement: pd.DataFrame,
    resamples: pd.DataFrame,
    verdict: Mapping[str, object],
    *,
    limit: float = math.nan,
) -> dict[tuple[str, str], Bounds]:
    """Agreement of neighbors of every pair, with bounds, at the K that the verdict rests on.

    Parameters
    ----------
    agreement : DataFrame
        Agreement rows of representation.
    resamples : DataFrame
        Their resampled values; see `miniature.agreement.comparison`.
    verdict : mapping
        The study's verdict on representation.
    limit : float
        The least that is tolerated; NaN without.
    """
    rows = select_rows(agreement, "representation", verdict)
    draws, method = resampled_by_pair(resamples, verdict["task"])
    found = {}
    for row in rows.to_dict("records"):
        pair = row["model_a"], row["model_b"]
        if pair in draws and method == HALVES:
            values = draws[pair].values
            n, clusters = int(row["n"]), int(row["n_clusters"])
            df = halves_degrees(len(values), clusters)
            found[pair] = neighbor_bounds(float(row["value"]), values, df, clusters, n, limit)
    return found


def _row(measured: Measured, limit: float) -> dict[str, object]:
    b = measured.bounds
    return {
        "measure": measured.measure, "value": b.value, "low": b.low, "high": b.high, "limit": limit,
        "method": b.method, "n": b.n, "n_clusters": b.clusters, "p_beyond": b.p_above, "reason":
        measured.reason, "verdict": NOT_MEASURED if math.isnan(b.value) else "",
    }  # fmt: skip
