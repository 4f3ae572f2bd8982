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
from miniature.characteristics.errors.answers import read_predictions
from miniature.characteristics.errors.compare import find_errors
from miniature.measures.calibration import squared_errors
from miniature.measures.probabilities import js_divergence, kl_divergence
from miniature.scorecard.build import select_rows
from miniature.statistics.halves import halves_degrees
from miniature.statistics.paired import (
    EXACT,
    FEW,
    FEW_CLUSTERS,
    FEWEST_CLUSTERS,
    LEVEL,
    Bounds,
    examples_without_change,
    mean_bounds,
    share_bounds,
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

COLUMNS = (
    "model", "original", "task", "dataset", "measure", "value", "low", "high", "limit", "verdict", "reason",
    "method", "n", "n_clusters", "p_beyond", "p_adjusted", "examples_needed", "examples_possible",
    "retraining", "trainings",
)  # fmt: skip
TEXT_COLUMNS = ("model", "original", "task", "dataset", "measure", "verdict", "reason", "method")
COUNT_COLUMNS = ("n", "n_clusters", "examples_needed", "examples_possible", "trainings")


class Outputs(NamedTuple):
    """What a model made of every example.

    Attributes
    ----------
    error : ndarray of float64, shape [examples]
        1 where it is wrong, 0 where it is right, NaN where that is not known.
    answer : ndarray of int64, shape [examples], or None
        Number of its answer, the same for equal ones of all models; -1 where there is none.
    probabilities : ndarray of float64, shape [examples, classes], or None
        Rows of NaN where not known.
    label : ndarray of int64, shape [examples], or None
        Index of the right class; None where there are no classes.
    """

    error: np.ndarray
    answer: np.ndarray | None = None
    probabilities: np.ndarray | None = None
    label: np.ndarray | None = None


def read_outputs(
    predictions: Mapping[str, pd.DataFrame],
    errors: Mapping[str, pd.DataFrame],
    *,
    kind: str,
    labels: Sequence[str] | None = None,
) -> dict[str, Outputs]:
    """What each model made of every example, from its tables.

    Parameters
    ----------
    predictions : mapping of str to DataFrame, each [examples]
        Predictions tables by model.
    errors : mapping of str to DataFrame, each [examples]
        Error lists (``id``, ``error``) of models that have no more than that.
    kind : str
        ``question-answering`` or ``classification``.
    labels : sequence of str, optional
        Class names in class order; absent for question answering.

    Returns
    -------
    dict of str to Outputs

    Raises
    ------
    StudyError
        If some probabilities are missing, of another number of classes, or no distribution.

    Examples
    --------
    >>> table = pd.DataFrame({"id": ["a", "b"], "label": ["x", "y"], "prediction": ["x", "x"]})
    >>> table["probabilities"] = None
    >>> read_outputs({"m": table}, {}, kind="classification", labels=["x", "y"])["m"].error.tolist()
    [0.0, 1.0]
    """
    said = read_predictions(predictions, labels, kind)
    place = {name: i for i, name in enumerate(labels or ())}
    found = {
        model: Outputs(table["error"].astype("Float64").to_numpy(dtype=float, na_value=math.nan))
        for model, table in errors.items()
    }
    for model, table in predictions.items():
        error = find_errors(table, kind)["error"].astype("Float64").to_numpy(dtype=float, na_value=math.nan)
        label = None
        if labels:
            label = np.array([place.get(name, -1) for name in table["label"]], dtype=np.int64)
        elif kind == "multiple-choice":
            # Each example has choices of its own, whose probabilities are in their order.
            own = zip(table["choices"], table["label"], strict=True)
            label = np.array([[*names, right].index(right) for names, right in own], dtype=np.int64)
        found[model] = Outputs(error, said[model].answer, said[model].distribution, label)
    return found


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
        _decide([row for row in rows if row["model"] == name])
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


def _decide(rows: Sequence[dict]) -> None:
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
