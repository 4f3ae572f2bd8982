"""Calibration: whether a model's confidence is its accuracy, and whether two models' are alike."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import pyarrow as pa

from miniature.agreement.comparison import (
    Comparing,
    Comparison,
    check_same_examples,
    concat_comparisons,
    make_resamples,
)
from miniature.agreement.table import count_clusters, list_pairs
from miniature.characteristics.calibration.probabilities import stack_probabilities
from miniature.measures.calibration import (
    equal_mass_bins,
    equal_width_bins,
    expected_calibration_error,
    maximum_calibration_error,
    squared_errors,
)
from miniature.messages import StudyError
from miniature.statistics.bootstrap import cluster_index
from miniature.statistics.pairs import (
    Recomputed,
    draw_counts,
    keep_resamples,
    make_pair_rows,
    recompute_measures,
    with_interval,
)

CONFIDENCE_SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("confidence", pa.float64()),
        ("correct", pa.bool_()),
        ("squared_error", pa.float64()),
    ]
)
# Measures of one model; the first five also as the difference of two.
MODEL_MEASURES = ("ece", "adaptive_ece", "mce", "brier", "top_label_brier", "accuracy", "mean_confidence")
DIFFERENCES = {name: f"{name}_difference" for name in MODEL_MEASURES[:5]}
SINGLE = 5  # sums of a cluster that are over no bin


def measure_calibration(predictions: pd.DataFrame, labels: Sequence[str] | None) -> pd.DataFrame:
    """How sure a classifier was of its prediction, and whether that was right.

    Parameters
    ----------
    predictions : DataFrame, [examples]
        Columns ``id``, ``label``, ``prediction`` and ``probabilities`` (in the order of `labels`); of those
        read from a file also ``confidence``, ``correct`` and ``choices``.
    labels : sequence of str or None
        Class names in class order; None where the choices differ by example.

    Returns
    -------
    DataFrame, [examples]
        ``id``; ``confidence``, the probability of the predicted class; ``correct`` (nullable boolean) and
        ``squared_error``, summed over the classes, both empty where the label is withheld. A file may give
        the confidence without probabilities, and then there is no squared error, or neither.

    Raises
    ------
    StudyError
        If an example's probabilities are missing or no distribution over the classes, or its label is none of
        them.

    Examples
    --------
    >>> predictions = pd.DataFrame({"id": ["r"], "label": ["bad"], "prediction": ["bad"]})
    >>> predictions["probabilities"] = [[0.75, 0.25]]
    >>> measure_calibration(predictions, ["bad", "good"]).values.tolist()
    [['r', 0.75, True, 0.125]]
    """
    if "confidence" in predictions:
        return _as_recorded(predictions, labels)
    probabilities = stack_probabilities(predictions, classes=len(labels))
    label = predictions["label"].to_numpy(dtype=object)
    known = ~pd.isna(label)
    place = {name: index for index, name in enumerate(labels)}
    strange = [str(name) for name in label[known] if name not in place]
    if strange:
        raise StudyError(
            f"The label {strange[0]} is none of the classes {', '.join(labels)}.",
            where="column label of the predictions",
            fix=f"labels: {{{', '.join(f'{name}: {name}' for name in [*labels, strange[0]])}}}",
        )
    error = np.full(len(label), np.nan)
    error[known] = squared_errors(
        probabilities[known], np.array([place[name] for name in label[known]], dtype=int)
    )
    correct = pd.array(predictions["prediction"].to_numpy(dtype=object) == label, dtype="boolean")
    correct[~known] = pd.NA
    return pd.DataFrame(
        {
            "id": predictions["id"].astype("str").to_numpy(),
            "confidence": probabilities.max(axis=1, initial=0.0),
            "correct": correct,
            "squared_error": error,
        }
    )


def _as_recorded(predictions: pd.DataFrame, labels: Sequence[str] | None) -> pd.DataFrame:
    """Confidence and correctness as a file gives them; the squared error where it gives every probability."""
    error = np.full(len(predictions), np.nan)
    label = predictions["label"].to_numpy(dtype=object)
    if len(predictions) and not predictions["probabilities"].isna().any():
        probabilities = stack_probabilities(predictions, classes=len(labels) if labels else None)
        names = [labels] * len(label) if labels else [list(names) for names in predictions["choices"]]
        place = [found.index(name) if name in found else -1 for name, found in zip(label, names, strict=True)]
        known = np.array(place) >= 0
        error[known] = squared_errors(probabilities[known], np.array(place)[known])
    return pd.DataFrame(
        {
            "id": predictions["id"].astype("str").to_numpy(),
            "confidence": predictions["confidence"].to_numpy(dtype=np.float64, na_value=np.nan),
            "correct": predictions["correct"].astype("boolean"),
            "squared_error": error,
        }
    )


def compare_calibration(
    confidences: Mapping[str, pd.DataFrame],
    comparing: Comparing,
    clusters: np.ndarray,
    *,
    bins: int,
) -> Comparison:
    """Calibration of every model, and the difference of every pair.

    Intervals resample whole clusters of examples, trainings and bins held fixed. The three measures over bins
    are biased upwards on the data, and once more in resamples, where repeated examples make a bin look
    farther off than it is: their intervals are corrected for that only roughly, and are best read of the
    difference of two models, in which much of it cancels. The Brier score is a mean of examples and has no
    such bias.

    Parameters
    ----------
    confidences : mapping of str to DataFrame, each [examples]
        For each model, in the study's order, as `measure_calibration` returns it. Models without
        probabilities are absent.
    bins : int
        Bins of equal width for ``ece`` and ``mce``, and bins of equal mass for ``adaptive_ece``.
    comparing : Comparing
        Labels of the rows, reference, resampling and verdict.
    clusters : array_like of str, shape [examples]
        Cluster of each example of the data table.

    Returns
    -------
    Comparison
        Agreement rows: for each model (``model_a == model_b``) the measures of `MODEL_MEASURES`; for each
        pair their differences, model_b minus model_a. Examples without a label are left out. Empty where
        there is no example; no interval with one cluster.

    Raises
    ------
    StudyError
        If the models' tables list different examples.
    """
    n = check_same_examples(confidences, clusters, what="confidences")
    shared = comparing.labels("calibration")
    # A file of predictions need not say how sure its model was.
    confidences = {
        model: table for model, table in confidences.items() if not n or table["confidence"].notna().any()
    }
    known = np.ones(n, dtype=bool)
    for table in confidences.values():
        known &= ~(table["correct"].isna() | table["confidence"].isna()).to_numpy(dtype=bool)
    labels = shared | {"n": int(known.sum()), "n_clusters": count_clusters(clusters, known)}
    index, n_clusters = cluster_index(np.asarray(clusters, dtype=object)[known])
    counts = draw_counts(n_clusters, comparing.resampling)
    measured, recomputed = {}, {}
    for model, table in confidences.items():
        columns = _columns(table[known], bins)
        measured[model] = calibration_of(columns)
        sums = _cluster_sums(columns, index, n_clusters, bins)
        without = [] if np.isfinite(columns["squared_error"]).all() else ["brier"]
        [recomputed[model]] = recompute_measures(sums[None], counts, lambda s: _from_sums(s, bins))
        recomputed[model] = {name: x for name, x in recomputed[model].items() if name not in without}
    nan = float("nan")
    found = []
    for model, values in measured.items():
        rows = [(name, values[name], nan, nan) for name in MODEL_MEASURES]
        again = {name: with_interval(x) for name, x in recomputed[model].items()}
        own = make_pair_rows(rows, again, model_a=model, model_b=model, **labels)
        found.append(Comparison(own, make_resamples()))
    for a, b in list_pairs(confidences, comparing.reference):
        rows = [(name, measured[b][of] - measured[a][of], nan, nan) for of, name in DIFFERENCES.items()]
        again = {
            name: with_interval(_difference(recomputed[a][of], recomputed[b][of]))
            for of, name in DIFFERENCES.items()
            if of in recomputed[a] and of in recomputed[b]
        }
        pair = {"model_a": a, "model_b": b}
        kept = keep_resamples(again, comparing.verdict, **shared, **pair)
        found.append(Comparison(make_pair_rows(rows, again, **pair, **labels), kept))
    return concat_comparisons(found)


def calibration_of(columns: Mapping[str, np.ndarray]) -> dict[str, float]:
    """Every measure of `MODEL_MEASURES`."""
    confidence, correct = columns["confidence"], columns["correct"]

    def mean(values: np.ndarray) -> float:
        return float(values.mean()) if len(values) else float("nan")

    return {
        "ece": expected_calibration_error(confidence, correct, columns["width_bin"]),
        "adaptive_ece": expected_calibration_error(confidence, correct, columns["mass_bin"]),
        "mce": maximum_calibration_error(confidence, correct, columns["width_bin"]),
        "brier": mean(columns["squared_error"]),
        "top_label_brier": mean(np.square(confidence - correct)),
        "accuracy": mean(correct),
        "mean_confidence": mean(confidence),
    }


def _columns(table: pd.DataFrame, bins: int) -> dict[str, np.ndarray]:
    confidence = table["confidence"].to_numpy(dtype=np.float64)
    return {
        "confidence": confidence,
        "correct": table["correct"].to_numpy(dtype=np.float64),
        "squared_error": table["squared_error"].to_numpy(dtype=np.float64),
        "width_bin": equal_width_bins(confidence, bins=bins),
        "mass_bin": equal_mass_bins(confidence, bins=bins),
    }


def _cluster_sums(
    columns: Mapping[str, np.ndarray], index: np.ndarray, clusters: int, bins: int
) -> np.ndarray:
    """What the measures need to know of each cluster, shape [clusters, SINGLE + 3 * bins]."""
    gap = columns["correct"] - columns["confidence"]
    single = [np.ones(len(gap)), columns["correct"], columns["confidence"], np.square(gap)]
    # Without probabilities there is no squared error, and what is made of these zeros is left out.
    single.append(np.nan_to_num(columns["squared_error"]))
    parts = [np.bincount(index, weights=x, minlength=clusters)[:, None] for x in single]
    for bin_of, values in (("width_bin", gap), ("width_bin", np.ones(len(gap))), ("mass_bin", gap)):
        cell = index * bins + columns[bin_of]
        parts.append(np.bincount(cell, weights=values, minlength=clusters * bins).reshape(clusters, bins))
    return np.concatenate(parts, axis=1)


def _from_sums(sums: np.ndarray, bins: int) -> dict[str, np.ndarray]:
    """Measures of `MODEL_MEASURES` from added up `_cluster_sums`, shape [..., SINGLE + 3 * bins]."""
    n, correct, confidence, top_label, error = np.moveaxis(sums[..., :SINGLE], -1, 0)
    gaps, sizes, mass_gaps = (sums[..., SINGLE + i * bins : SINGLE + (i + 1) * bins] for i in range(3))
    # A bin that no example fell in has no distance; -1 is below any.
    distance = np.divide(np.abs(gaps), sizes, out=np.full(gaps.shape, -1.0), where=sizes > 0)
    sums_of = {
        "ece": np.abs(gaps).sum(axis=-1), "adaptive_ece": np.abs(mass_gaps).sum(axis=-1),
        "brier": error, "top_label_brier": top_label, "accuracy": correct, "mean_confidence": confidence,
    }  # fmt: skip
    means = {
        name: np.divide(total, n, out=np.full(n.shape, np.nan), where=n > 0)
        for name, total in sums_of.items()
    }
    return means | {"mce": np.where(n > 0, distance.max(axis=-1), np.nan)}


def _difference(a: Recomputed, b: Recomputed) -> Recomputed:
    return Recomputed(b.estimate - a.estimate, b.values - a.values, b.left_out - a.left_out)
