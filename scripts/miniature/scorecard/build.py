"""The scorecard: for each model and characteristic, whether it is a miniature of the reference."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from miniature.agreement.comparison import make_resamples, resampled_by_pair
from miniature.agreement.table import make_table
from miniature.measures.registry import MEASURES
from miniature.measures.sets import correct_for_chance
from miniature.messages import StudyError
from miniature.names import control_of, replicate_of
from miniature.scorecard.difference import measure_difference
from miniature.scorecard.floor import measured_weights, trainings_of
from miniature.scorecard.verdicts import NOT_MEASURED, decide_rows, relative_score
from miniature.statistics.significance import mcnemar
from miniature.statistics.trainings import Pair

SCORECARD_COLUMNS = (
    "model", "characteristic", "task", "dataset", "measure", "k", "margin", "agreement",
    "ci_low", "ci_high", "chance", "ceiling", "floor", "floor_low", "floor_high",
    "difference", "difference_low", "difference_high", "score", "n", "verdict", "accuracy_difference",
    "accuracy_p_value", "replicates", "p_value", "p_adjusted", "score_low", "score_high", "reason",
)  # fmt: skip
TEXT_COLUMNS = ("model", "characteristic", "task", "dataset", "measure", "verdict", "reason")
COUNT_COLUMNS = ("k", "n", "replicates")

# Measures that say how the accuracy of two models differs.
ACCURACY_ROWS = ("accuracy_difference", "negative_flips", "positive_flips")
# Settings of a verdict that pick the rows of the agreement table, where one measure has several.
SELECTORS = ("dataset", "split", "ood_dataset", "recipe", "feature")


def build_scorecard(
    agreement: pd.DataFrame,
    *,
    models: Sequence[str],
    reference: str,
    verdict: Mapping[str, Mapping[str, object]],
    resamples: Mapping[str, pd.DataFrame] | None = None,
    origins: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """One row for each model but the reference and each characteristic that the study decides on.

    A verdict needs the noise floor and how far it varies from training to training; what is lacking is said
    in ``reason``, and the verdict is ``inconclusive``. A pair that a characteristic has no row for (a model
    given by its error list only, say) is ``not-measured``. Second trainings and the control are no subjects
    of a verdict, and no claim is made of a model of other origin that is part of the floor: it would cost the
    others in Holm's correction. That covers all other rows with bounds whose chance level is not too high,
    the claims of each kind for themselves: at most 5 % of scorecards have a false ``not-miniature`` anywhere,
    and at most 5 % a false ``miniature``.

    Parameters
    ----------
    agreement : DataFrame
        Agreement rows of all characteristics.
    models : sequence of str
        All models in the study's order; the reference may be among them.
    reference : str
        Name of the reference.
    verdict : mapping of str to mapping
        For each characteristic ``task``, ``measure``, ``margin`` and, where the measure has one, ``k``; where
        several rows would fit, also ``dataset``, ``split``, ``ood_dataset``, ``recipe`` or ``feature``.
    resamples : mapping of str to DataFrame, optional
        By characteristic, the resampled values of the rows that its verdict rests on; see
        `miniature.agreement.comparison`. Without them there are no bounds.
    origins : mapping of str to str, optional
        Origin of the reference and of the models that are the same large model by others; see
        `miniature.scorecard.floor.trainings_of`.

    Returns
    -------
    DataFrame
        With `SCORECARD_COLUMNS`, models in the study's order, characteristics in the order of `verdict`.
        ``replicates`` counts the trainings or origins in the floor; ``p_value`` belongs to the claim, of the
        two, that is nearer to being made, ``p_adjusted`` is the same after Holm's correction;
        ``accuracy_difference`` is the model's accuracy minus the reference's, ``accuracy_p_value`` that of
        McNemar's test of it; ``score_low`` and ``score_high`` are the score at the bounds of the difference.

    Raises
    ------
    StudyError
        If a verdict's measure is none of two models' agreement, was not measured at that K, or is not unique.

    Examples
    --------
    >>> from miniature.agreement.table import make_rows
    >>> labels = {"characteristic": "errors", "task": "squad", "measure": "jaccard"}
    >>> rows = make_rows(**labels, model_a="large", model_b="tiny", value=0.2)
    >>> settings = {"errors": {"task": "squad", "measure": "jaccard", "margin": 0.05}}
    >>> card = build_scorecard(rows, models=["large", "tiny"], reference="large", verdict=settings)
    >>> card[["model", "agreement", "verdict"]].values.tolist()
    [['tiny', 0.2, 'inconclusive']]
    """
    trainings = trainings_of(models, origins or {}, reference=reference)
    again = {model for model in models if replicate_of(model) or control_of(model)}
    subjects = [model for model in models if model != reference and model not in again]
    accuracy = agreement[agreement["measure"].isin(ACCURACY_ROWS)]
    rows = {}
    for characteristic, settings in verdict.items():
        found = select_rows(agreement, characteristic, settings)
        by_pair = {(row["model_a"], row["model_b"]): row for row in found.to_dict("records")}
        readings = _readings(agreement, characteristic, settings)
        draws = (resamples or {}).get(characteristic, make_resamples())
        draws = draws[draws["task"] == settings["task"]]
        values, method = resampled_by_pair(draws)
        for model in subjects:
            row = _unmeasured(model, characteristic, settings)
            # The reference is first in its pairs, which is what gives flips and differences their direction.
            if (reference, model) in by_pair:
                row |= _measured(by_pair, values, method, trainings, reference, model, settings)
                row["open"] = _open_readings(by_pair, readings, trainings, reference, model)
                row["yardstick"] = model in trainings
                row |= _accuracy(accuracy, row, reference)
            rows[model, characteristic] = row
    ordered = [rows[model, characteristic] for model in subjects for characteristic in verdict]
    decide_rows(ordered)
    columns = {name: [row.get(name) for row in ordered] for name in SCORECARD_COLUMNS} if ordered else {}
    return make_table(SCORECARD_COLUMNS, TEXT_COLUMNS, COUNT_COLUMNS, columns)


def select_rows(agreement: pd.DataFrame, characteristic: str, settings: Mapping[str, object]) -> pd.DataFrame:
    """Agreement rows, of all pairs, that a verdict on one characteristic is read from.

    Parameters
    ----------
    agreement : DataFrame
        Agreement rows.
    characteristic : str
    settings : mapping
        As one entry of `build_scorecard`'s `verdict`.

    Returns
    -------
    DataFrame
        At most one row for each pair; none where the characteristic was not measured.

    Raises
    ------
    StudyError
        As for `build_scorecard`.
    """
    where = f"verdict: {characteristic}"
    measure = settings["measure"]
    if measure not in MEASURES or MEASURES[measure].closer is None:
        known = ", ".join(name for name, m in MEASURES.items() if m.closer)
        raise StudyError(
            f"No verdict can rest on the measure {measure}: it is no agreement of two models.",
            where=f"{where}: measure",
            fix=f"measure: jaccard   # or another of {known}",
        )
    pairs = _pairs_of(agreement, characteristic, settings)
    found = pairs[pairs["measure"] == measure]
    if len(pairs) and not len(found):
        raise StudyError(
            f"{measure} was not measured for {characteristic} on {settings['task']}.",
            where=f"{where}: measure",
            fix=f"measure: {' or '.join(m for m in pairs['measure'].unique() if MEASURES[m].closer)}",
        )
    k, found = settings.get("k"), _selected(found, settings)
    at_k = _at_k(found, k)
    if len(found) and not len(at_k):
        measured = [int(x) for x in sorted(found["k"].dropna().unique())]
        shown = measured if len(measured) <= 12 else [*measured[:3], "...", measured[-1]]
        listed = ", ".join(map(str, shown))
        raise StudyError(
            f"{measure} of {characteristic} was not measured at k: {'(none)' if k is None else k}.",
            where=f"{where}: k",
            fix=f"k: {measured[-1]}   # measured: {listed}" if measured else "Leave out k.",
        )
    repeated = at_k[at_k.duplicated(["model_a", "model_b"], keep=False)]
    if len(repeated):
        keys = [key for key in SELECTORS if repeated[key].nunique() > 1]
        choices = "\n".join(f"{key}: {' or '.join(repeated[key].unique())}" for key in keys)
        raise StudyError(
            f"The verdict on {characteristic} is not on one measurement: {len(repeated)} rows fit.",
            where=where,
            fix=choices or "Each pair may appear once in the agreement table.",
        )
    return at_k


def _pairs_of(agreement: pd.DataFrame, characteristic: str, settings: Mapping[str, object]) -> pd.DataFrame:
    pairs = agreement[agreement["model_a"] != agreement["model_b"]]
    return pairs[(pairs["characteristic"] == characteristic) & (pairs["task"] == settings["task"])]


def _selected(rows: pd.DataFrame, settings: Mapping[str, object]) -> pd.DataFrame:
    for key in SELECTORS:
        if key in settings:
            rows = rows[rows[key] == settings[key]]
    return rows


def _at_k(rows: pd.DataFrame, k: object) -> pd.DataFrame:
    return rows[rows["k"].isna()] if k is None else rows[rows["k"] == k]


def _readings(
    agreement: pd.DataFrame, characteristic: str, settings: Mapping[str, object]
) -> dict[str, dict[Pair, float]]:
    """Lowest and highest value of a verdict's measure for each pair, however ties are settled."""
    pairs = _at_k(_selected(_pairs_of(agreement, characteristic, settings), settings), settings.get("k"))
    return {
        end: {
            (row["model_a"], row["model_b"]): row["value"]
            for row in pairs[pairs["measure"] == f"{settings['measure']}_{end}"].to_dict("records")
        }
        for end in ("low", "high")
    }


def _open_readings(
    rows: Mapping[Pair, Mapping[str, object]],
    readings: Mapping[str, Mapping[Pair, float]],
    trainings: Mapping[str, str],
    reference: str,
    model: str,
) -> tuple[float, float]:
    """How much lower and how much higher the difference to the floor could be under another reading."""
    weights = measured_weights(trainings, rows, reference=reference, model=model)

    def shift(name: str, end: str) -> float:
        value = rows[reference, name]["value"]
        moved = readings[end].get((reference, name), value) - value
        return 0.0 if pd.isna(moved) else abs(moved)

    lower = shift(model, "low") + sum(weight * shift(m, "high") for m, weight in weights.items())
    higher = shift(model, "high") + sum(weight * shift(m, "low") for m, weight in weights.items())
    return lower, higher


def _unmeasured(model: str, characteristic: str, settings: Mapping[str, object]) -> dict[str, object]:
    return {
        "model": model, "characteristic": characteristic, "task": settings["task"],
        "dataset": settings.get("dataset", ""), "measure": settings["measure"], "k": settings.get("k"),
        "margin": settings["margin"], "verdict": NOT_MEASURED,
        "reason": "no agreement with the reference was measured",
    }  # fmt: skip


def _measured(
    rows: Mapping[Pair, Mapping[str, object]],
    draws: Mapping[Pair, np.ndarray],
    method: str,
    trainings: Mapping[str, str],
    reference: str,
    model: str,
    settings: Mapping[str, object],
) -> dict[str, object]:
    """Agreement, floor, difference and score of one row, and under ``found`` what its verdict rests on."""
    pair = rows[reference, model]
    closer = str(MEASURES[str(settings["measure"])].closer)
    found = measure_difference(
        {names: float(row["value"]) for names, row in rows.items()},
        draws,
        method=method,
        clusters=0 if pd.isna(pair["n_clusters"]) else int(pair["n_clusters"]),
        trainings=trainings, reference=reference, model=model, closer=closer,
        margin=float(settings["margin"]),
    )  # fmt: skip

    def corrected(row: Mapping[str, object]) -> float:
        return correct_for_chance(row["value"], row["chance"], row["ceiling"])

    weights = measured_weights(trainings, rows, reference=reference, model=model)
    floors = [(corrected(rows[reference, m]), weight) for m, weight in weights.items()]

    def score(difference: float) -> float:
        agreement = found.floor + (difference if closer == "higher" else -difference)
        return relative_score(corrected({**pair, "value": agreement}), floors)

    kept = {name: pair[name] for name in ("dataset", "ci_low", "ci_high", "chance", "ceiling", "n")}
    return kept | {
        "agreement": pair["value"], "replicates": found.trainings, "found": found,
        "floor": found.floor, "floor_low": found.floor_low, "floor_high": found.floor_high,
        "difference": found.difference, "difference_low": found.low, "difference_high": found.high,
        "score": score(found.difference), "score_low": score(found.low), "score_high": score(found.high),
    }  # fmt: skip


def _accuracy(rows: pd.DataFrame, row: Mapping[str, object], reference: str) -> dict[str, float]:
    """Accuracy of a row's model minus the reference's on its task, with McNemar's p-value."""
    found = rows[
        (rows["task"] == row["task"]) & (rows["model_a"] == reference) & (rows["model_b"] == row["model"])
    ]
    own = found[found["characteristic"] == row["characteristic"]]
    by_measure = (own if len(own) else found).drop_duplicates("measure").set_index("measure")
    if not set(ACCURACY_ROWS) <= set(by_measure.index):
        return {}
    flips = (
        by_measure.loc[["negative_flips", "positive_flips"], "value"] * by_measure.loc["negative_flips", "n"]
    )
    defined = bool(flips.notna().all())
    return {
        "accuracy_difference": float(by_measure.loc["accuracy_difference", "value"]),
        # Shares of whole numbers of examples, so that rounding gives the numbers back.
        "accuracy_p_value": mcnemar(*(round(flip) for flip in flips)) if defined else float("nan"),
    }
