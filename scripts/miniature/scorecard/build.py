"""The scorecard: for each model and characteristic, whether it is a miniature of the reference."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from miniature.agreement.comparison import make_resamples, resampled_by_pair
from miniature.agreement.table import make_table
from miniature.measures.registry import MEASURES
from miniature.measures.sets import correct_for_chance
from miniature.messages import StudyError
from miniature.scorecard.difference import Difference, Measurements, measure_difference
from miniature.scorecard.floor import FloorModel, measured_weights, trainings_of
from miniature.scorecard.verdicts import Evidence, assign_verdicts, relative_score
from miniature.statistics.kept import describe_share, kept_bounds, p_informative
from miniature.statistics.significance import mcnemar
from miniature.statistics.trainings import Pair

SCORECARD_COLUMNS = (
    "model", "characteristic", "task", "dataset", "measure", "k", "margin", "agreement",
    "ci_low", "ci_high", "chance", "ceiling", "floor", "floor_low", "floor_high",
    "difference", "difference_low", "difference_high", "score", "n", "verdict", "accuracy_difference",
    "accuracy_p_value", "replicates", "p_value", "p_adjusted", "score_low", "score_high", "reason",
    "keep", "kept", "kept_low", "kept_high", "kept_as_measured_low", "kept_as_measured_high", "as_measured",
    "floor_kind", "floor_above_chance", "p_informative", "spread", "n_clusters",
)  # fmt: skip
TEXT_COLUMNS = (
    "model", "characteristic", "task", "dataset", "measure", "verdict", "reason", "as_measured", "floor_kind",
)  # fmt: skip
COUNT_COLUMNS = ("k", "n", "replicates", "n_clusters")

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
    floor: Sequence[FloorModel] = (),
    family: str = "model",
) -> pd.DataFrame:
    """One row for each model and each characteristic that the study decides on.

    A verdict needs the noise floor and how far it varies from training to training; what is lacking is said
    in ``reason``, and the verdict is ``undecided``. A pair that a characteristic has no row for (a model
    given by its error list only, say) is ``not-measured``. A model's rows depend on the reference, on its
    trainings and on itself, never on the other models of the study.

    Parameters
    ----------
    agreement : DataFrame
        Agreement rows of all characteristics.
    models : sequence of str
        Models to judge, in the study's order; the reference and models of the floor are passed over.
    reference : str
        Name of the reference.
    verdict : mapping of str to mapping
        For each characteristic ``task``, ``measure``, ``keep`` (of levels ``margin``) and, where the
        measure has one, ``k``; where several rows would fit, also ``dataset``, ``split``, ``ood_dataset``,
        ``recipe`` or ``feature``.
    resamples : mapping of str to DataFrame, optional
        By characteristic, the resampled values of the rows that its verdict rests on; see
        `miniature.agreement.comparison`. Without them there are no bounds.
    floor : sequence of FloorModel
        Other realizations of the reference and of other models.
    family : str
        ``model``: claims are corrected within a model; ``study``: over all models.

    Returns
    -------
    DataFrame
        With `SCORECARD_COLUMNS`, models in the study's order, characteristics in the order of `verdict`.
        ``replicates`` counts the trainings or origins in the floor, ``floor_kind`` says which they are;
        ``p_value`` belongs to the claim, of the two, that is nearer to being made, ``p_adjusted`` is the
        same after Hommel's correction; ``kept`` with its one-sided 95 % bounds over examples and trainings,
        and over examples alone (``kept_as_measured_...``), as which a model is ``closer`` or ``further``
        than the other trainings are on average, or ``level``; ``spread`` is the standard deviation over
        trainings of the agreement above chance, as a share of it; ``accuracy_difference`` is the model's
        accuracy minus the reference's, ``accuracy_p_value`` that of McNemar's test of it; ``score_low`` and
        ``score_high`` are the score at the bounds of the difference.

    Raises
    ------
    StudyError
        If a verdict's measure is none of two models' agreement, was not measured at that K, or is not unique.

    Examples
    --------
    >>> from miniature.agreement.table import make_rows
    >>> labels = {"characteristic": "errors", "task": "squad", "measure": "jaccard"}
    >>> rows = make_rows(**labels, model_a="large", model_b="tiny", value=0.2)
    >>> settings = {"errors": {"task": "squad", "measure": "jaccard", "keep": 0.8}}
    >>> card = build_scorecard(rows, models=["large", "tiny"], reference="large", verdict=settings)
    >>> card[["model", "agreement", "verdict"]].values.tolist()
    [['tiny', 0.2, 'undecided']]
    """
    kind, trainings = trainings_of(floor, reference)
    passed = {reference, *(f.model for f in floor)}
    subjects = [model for model in models if model not in passed]
    accuracy = agreement[agreement["measure"].isin(ACCURACY_ROWS) & (agreement["examples_of"] == "")]
    rows: list[dict[str, object]] = []
    weighed: list[Evidence | None] = []
    for model in subjects:
        for characteristic, settings in verdict.items():
            pairs = PairsOfModel.read(
                agreement, characteristic, settings, model, resamples or {}, [reference, *trainings, model]
            )  # fmt: skip
            row = _unmeasured(model, characteristic, settings) | {"floor_kind": kind if trainings else ""}
            evidence = None
            # The reference is first in its pairs, which is what gives flips and differences their direction.
            if (reference, model) in pairs.rows:
                found, evidence = _weigh(pairs, kind, trainings, reference, model, settings)
                row |= _measured(pairs, found, trainings, reference, model) | _kept(evidence)
                row |= _accuracy(accuracy, row, reference)
            rows.append(row)
            weighed.append(evidence)
    families = [row["model"] if family == "model" else family for row in rows]
    for row, decided in zip(rows, assign_verdicts(weighed, families), strict=True):
        row |= decided._asdict()
    columns = {name: [row.get(name) for row in rows] for name in SCORECARD_COLUMNS} if rows else {}
    return make_table(SCORECARD_COLUMNS, TEXT_COLUMNS, COUNT_COLUMNS, columns)


class PairsOfModel(NamedTuple):
    """What a verdict on one model reads of one characteristic."""

    rows: dict[Pair, dict[str, object]]
    readings: dict[str, dict[Pair, float]]
    measured: Measurements

    @classmethod
    def read(
        cls,
        agreement: pd.DataFrame,
        characteristic: str,
        settings: Mapping[str, object],
        model: str,
        resamples: Mapping[str, pd.DataFrame],
        among: Sequence[str],
    ) -> "PairsOfModel":
        """Rows of all pairs; of the reference's trainings those on this model's examples, if any.

        Resampled values are those of pairs `among` the models that the verdict depends on.
        """
        rows, readings = {}, {"low": {}, "high": {}}
        for of in ("", model):
            chosen = agreement[agreement["examples_of"] == of]
            found = select_rows(chosen, characteristic, settings)
            rows |= {(row["model_a"], row["model_b"]): row for row in found.to_dict("records")}
            for end, values in _readings(chosen, characteristic, settings).items():
                readings[end] |= values
        draws = resamples.get(characteristic, make_resamples())
        by_pair, method = resampled_by_pair(draws, settings["task"], model, among=among)
        measured = Measurements(
            {pair: float(row["value"]) for pair, row in rows.items()},
            {pair: float(row["chance"]) for pair, row in rows.items()},
            by_pair, method, str(MEASURES[str(settings["measure"])].closer),
        )  # fmt: skip
        return cls(rows, readings, measured)


def _weigh(
    pairs: PairsOfModel,
    kind: str,
    trainings: Mapping[str, str],
    reference: str,
    model: str,
    settings: Mapping[str, object],
) -> tuple[Difference, Evidence]:
    clusters = pairs.rows[reference, model]["n_clusters"]
    found = measure_difference(
        pairs.measured,
        clusters=0 if pd.isna(clusters) else int(clusters),
        trainings=trainings, reference=reference, model=model, kind=kind,
    )  # fmt: skip
    bar = float(settings["keep"] if "keep" in settings else settings["margin"])
    weight = bar if found.level is None else 1.0
    examples = pairs.rows[reference, model]["n"]
    settled = _open_readings(pairs, trainings, reference, model, weight)
    return found, Evidence(found, bar, *settled, 0 if pd.isna(examples) else int(examples))


def _kept(evidence: Evidence) -> dict[str, object]:
    """The share kept with its bounds, and what the floor is worth."""
    kept = evidence.difference.kept
    if kept is None:
        return {}
    alone = kept._replace(training_variance=0.0, training_noise=0.0)
    low, high = kept_bounds(alone)
    row: dict[str, object] = {
        "kept": float(kept.share), "floor_above_chance": float(kept.floor),
        "kept_as_measured_low": low, "kept_as_measured_high": high,
        "as_measured": describe_share(low, high),
    }  # fmt: skip
    if kept.trainings < 2:
        return row
    low, high = kept_bounds(kept)
    spread = math.sqrt(max(0.0, float(kept.training_variance) - float(kept.training_noise)))
    row |= {"kept_low": low, "kept_high": high, "p_informative": float(p_informative(kept))}
    return row | {"spread": spread / float(kept.floor) if kept.floor > 0 else math.nan}


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
    pairs: PairsOfModel, trainings: Mapping[str, str], reference: str, model: str, weight: float
) -> tuple[float, float]:
    """How much lower and how much higher the contrast with the bar could be under another reading.

    Agreement and floor are settled against each other, as if each could be settled alone, so that the truth
    lies within.
    """
    rows, readings = pairs.rows, pairs.readings
    weights = measured_weights(trainings, rows, reference=reference, model=model)

    def shift(name: str, end: str) -> float:
        value = rows[reference, name]["value"]
        moved = readings[end].get((reference, name), value) - value
        return 0.0 if pd.isna(moved) else abs(moved)

    lower = shift(model, "low") + weight * sum(w * shift(m, "high") for m, w in weights.items())
    higher = shift(model, "high") + weight * sum(w * shift(m, "low") for m, w in weights.items())
    return lower, higher


def _unmeasured(model: str, characteristic: str, settings: Mapping[str, object]) -> dict[str, object]:
    return {
        "model": model, "characteristic": characteristic, "task": settings["task"],
        "dataset": settings.get("dataset", ""), "measure": settings["measure"], "k": settings.get("k"),
        "margin": settings.get("margin"), "keep": settings.get("keep"), "as_measured": "",
    }  # fmt: skip


def _measured(
    pairs: PairsOfModel, found: Difference, trainings: Mapping[str, str], reference: str, model: str
) -> dict[str, object]:
    """Agreement, floor, difference and score of one row."""
    rows, higher = pairs.rows, pairs.measured.closer == "higher"
    pair = rows[reference, model]

    def corrected(row: Mapping[str, object]) -> float:
        return correct_for_chance(row["value"], row["chance"], row["ceiling"])

    weights = measured_weights(trainings, rows, reference=reference, model=model)
    floors = [(corrected(rows[reference, m]), weight) for m, weight in weights.items()]

    def score(difference: float) -> float:
        agreement = found.floor + (difference if higher else -difference)
        return relative_score(corrected({**pair, "value": agreement}), floors)

    copied = ("dataset", "ci_low", "ci_high", "chance", "ceiling", "n", "n_clusters")
    return {name: pair[name] for name in copied} | {
        "agreement": pair["value"], "replicates": found.trainings,
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
