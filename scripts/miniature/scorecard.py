"""The scorecard: for each model and characteristic, whether it is a miniature of the reference."""

from collections.abc import Mapping, Sequence

import pandas as pd

from miniature.agreement.measures import MEASURES
from miniature.agreement.table import make_table
from miniature.floor import noise_floor
from miniature.messages import StudyError

SCORECARD_COLUMNS = (
    "model", "characteristic", "task", "dataset", "measure", "k", "margin", "agreement",
    "ci_low", "ci_high", "chance", "ceiling", "floor", "floor_low", "floor_high",
    "difference", "difference_low", "difference_high", "score", "n", "verdict",
)  # fmt: skip
TEXT_COLUMNS = ("model", "characteristic", "task", "dataset", "measure", "verdict")
COUNT_COLUMNS = ("k", "n")

MINIATURE = "miniature"
NOT_MINIATURE = "not-miniature"
INCONCLUSIVE = "inconclusive"
NOT_MEASURED = "not-measured"

# Where independent sets would agree more than this, agreement says too little about the models.
CHANCE_LIMIT = 0.8
# Settings of a verdict that pick the rows of the agreement table, where one measure has several.
SELECTORS = ("dataset", "split", "ood_dataset", "recipe", "feature")


def build_scorecard(
    agreement: pd.DataFrame,
    *,
    models: Sequence[str],
    reference: str,
    verdict: Mapping[str, Mapping[str, object]],
    origins: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """One row for each model but the reference and each characteristic that the study decides on.

    A verdict needs the noise floor and its interval; without them it is ``inconclusive``. The floor itself,
    and how far a model lies from it, comes from models of other origin where the study names such; without
    them its columns are empty. A pair that a characteristic has no row for (a model given by its
    error list only, say) is ``not-measured``.

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
    origins : mapping of str to str, optional
        Origin of the reference and of the models that are the same large model by others; see
        `miniature.floor.noise_floor`.

    Returns
    -------
    DataFrame
        With `SCORECARD_COLUMNS`, models in the study's order, characteristics in the order of `verdict`.

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
    rows = []
    candidates = {c: select_rows(agreement, c, settings) for c, settings in verdict.items()}
    for model in models:
        if model == reference:
            continue
        for characteristic, settings in verdict.items():
            found = candidates[characteristic]
            row = _score_pair(found, model, reference, characteristic, settings)
            rows.append(row | _floor_cells(found, row, reference, origins or {}))
    columns = {name: [row.get(name) for row in rows] for name in SCORECARD_COLUMNS} if rows else {}
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
    pairs = agreement[agreement["model_a"] != agreement["model_b"]]
    pairs = pairs[(pairs["characteristic"] == characteristic) & (pairs["task"] == settings["task"])]
    found = pairs[pairs["measure"] == measure]
    if len(pairs) and not len(found):
        raise StudyError(
            f"{measure} was not measured for {characteristic} on {settings['task']}.",
            where=f"{where}: measure",
            fix=f"measure: {' or '.join(m for m in pairs['measure'].unique() if MEASURES[m].closer)}",
        )
    for key in SELECTORS:
        if key in settings:
            found = found[found[key] == settings[key]]
    k = settings.get("k")
    at_k = found[found["k"].isna()] if k is None else found[found["k"] == k]
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


def _score_pair(
    rows: pd.DataFrame, model: str, reference: str, characteristic: str, settings: Mapping[str, object]
) -> dict[str, object]:
    """One row of the scorecard."""
    row: dict[str, object] = {
        "model": model, "characteristic": characteristic, "task": settings["task"],
        "dataset": settings.get("dataset", ""), "measure": settings["measure"], "k": settings.get("k"),
        "margin": settings["margin"], "verdict": NOT_MEASURED,
    }  # fmt: skip
    # The reference is first in its pairs, which is what gives flips and differences their direction.
    pair = rows[(rows["model_a"] == reference) & (rows["model_b"] == model)]
    if not len(pair):
        return row
    found = pair.iloc[0]
    nan = float("nan")
    return row | {
        "dataset": found["dataset"], "agreement": found["value"], "ci_low": found["ci_low"],
        "ci_high": found["ci_high"], "chance": found["chance"], "ceiling": found["ceiling"], "n": found["n"],
        "verdict": decide_verdict(nan, nan, margin=settings["margin"], chance=found["chance"]),
    }  # fmt: skip


def _floor_cells(
    rows: pd.DataFrame, row: Mapping[str, object], reference: str, origins: Mapping[str, str]
) -> dict[str, float]:
    """Floor and difference of one row, where both it and the floor were measured."""
    pairs = rows[rows["model_a"] == reference]
    values = dict(zip(pairs["model_b"], pairs["value"].astype(float), strict=True))
    closer = MEASURES[str(row["measure"])].closer
    if closer == "zero":
        values = {model: abs(value) for model, value in values.items()}
    floor = noise_floor(values, origins, reference=reference, model=str(row["model"]))
    value = values.get(str(row["model"]), float("nan"))
    difference = value - floor if closer == "higher" else floor - value
    return {"floor": floor, "difference": difference} if "agreement" in row else {}


def decide_verdict(
    difference_low: float, difference_high: float, *, margin: float, chance: float = float("nan")
) -> str:
    """Verdict on one model and characteristic from the bounds of its difference to the noise floor.

    Parameters
    ----------
    difference_low, difference_high : float
        One-sided 95 % bounds of the agreement with the reference minus that of the reference with its
        replicates, counted so that positive is closer; NaN without a noise floor.
    margin : float
        How far below the floor still counts as a miniature, at least 0.
    chance : float
        Agreement of independent models at the same rates; NaN where there is none.

    Returns
    -------
    str
        ``not-miniature`` where the upper bound is below -margin, ``miniature`` where the lower bound is above
        it, else ``inconclusive``; ``inconclusive`` too without bounds and where chance exceeds 0.8.

    Raises
    ------
    ValueError
        If the margin is negative or the bounds are in the wrong order.

    Examples
    --------
    >>> decide_verdict(-0.30, -0.10, margin=0.05)
    'not-miniature'
    >>> decide_verdict(-0.02, 0.01, margin=0.05)
    'miniature'
    >>> decide_verdict(-0.30, -0.10, margin=0.05, chance=0.9)
    'inconclusive'
    """
    if not margin >= 0 or difference_low > difference_high:
        raise ValueError(f"Not a margin and an interval: {margin}, [{difference_low}, {difference_high}].")
    # Comparisons with NaN are false, so that missing bounds or chance fall through as they should.
    if chance > CHANCE_LIMIT:
        return INCONCLUSIVE
    if difference_high < -margin:
        return NOT_MINIATURE
    if difference_low > -margin:
        return MINIATURE
    return INCONCLUSIVE
