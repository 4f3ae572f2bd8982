"""The answer about each model as cells to show: the first screen of the report, and the card of one model."""

from collections.abc import Mapping

import pandas as pd

from miniature.scorecard.limits import BEYOND, UNDECIDED, WITHIN
from miniature.tables.tolerance import printed_tolerance
from miniature.tables.write import format_cell

_CHANGED = "decisions_changed"


def answer_rows(answer: Mapping, sizes: pd.DataFrame) -> list[dict]:
    """One row for each model of the answer.

    Parameters
    ----------
    answer : mapping
        As in ``answer.json``; see `miniature.scorecard.answer.answer_json`.
    sizes : DataFrame
        See `miniature.tables.models.models_table`.

    Returns
    -------
    list of dict
        model, original, headline, tolerance_words; verdicts and kept by characteristic; changed, the
        decisions changed and what retraining changes, and accuracy, the difference, for each task;
        tolerance, the worst of its verdicts; cost, size and latency.
    """
    of_model = sizes.set_index("model")
    own = _cost(of_model.loc[answer["reference"]]) if answer["reference"] in of_model.index else {}
    rows = []
    for model in answer["models"]:
        name = model["model"]
        rows.append(
            {
                "model": name,
                "original": model["original"],
                "headline": model["headline"],
                "verdicts": model["verdicts"],
                "kept": {what: f"{100 * found['share']:.0f} %" for what, found in model["kept"].items()},
                "changed": [
                    (task, *map(_percent, (found[_CHANGED]["value"], found[_CHANGED]["retraining"])))
                    for task, found in model["changes"].items()
                    if _CHANGED in found
                ],
                "accuracy": [
                    (task, f"{100 * (found['newly_right']['value'] - found['newly_wrong']['value']):+z.1f}")
                    for task, found in model["changes"].items()
                    if {"newly_right", "newly_wrong"} <= {*found}
                ],
                "tolerance": _worst(model["changes"]),
                "tolerance_words": model["tolerance"],
                "cost": _beside(_cost(of_model.loc[name]), own) if name in of_model.index else [],
            }
        )
    return rows


def _kept(found: Mapping) -> str:
    share = f"{100 * found['share']:.0f} %"
    if found["low"] is None or found["high"] is None:
        return share
    return f"{share} ({100 * found['low']:.0f} to {100 * found['high']:.0f})"


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.1f} %"


def _worst(changes: Mapping) -> str:
    found = {measure["verdict"] for measures in changes.values() for measure in measures.values()}
    return next((verdict for verdict in (BEYOND, UNDECIDED, WITHIN) if verdict in found), "")


def _cost(row: pd.Series) -> dict[str, float]:
    names = ("size (MB)", "latency (ms)")
    return {name: float(row[name]) for name in names if name in row and not pd.isna(row[name])}


def _beside(cost: Mapping[str, float], reference: Mapping[str, float]) -> list[str]:
    """Size and latency, each as a share of the reference's where both are known."""
    cells = []
    for name, unit in (("size (MB)", "MB"), ("latency (ms)", "ms")):
        if name in cost:
            share = f" ({100 * cost[name] / reference[name]:.0f} %)" if reference.get(name) else ""
            cells.append(f"{cost[name]:.3g} {unit}{share}")
    return cells


def card_rows(card: pd.DataFrame, tolerance: pd.DataFrame, model: str) -> dict[str, list[dict]]:
    """Rows of a model's card.

    Parameters
    ----------
    card : DataFrame
        `miniature.scorecard.build.SCORECARD_COLUMNS`.
    tolerance : DataFrame
        `miniature.scorecard.tolerance.COLUMNS`.
    model : str

    Returns
    -------
    dict
        ``characteristics`` and ``tolerance``, each a list of rows of text.
    """
    return {
        "characteristics": [
            {
                "characteristic": row["characteristic"],
                "data": row["dataset"] or row["task"],
                "measure": row["measure"] + ("" if pd.isna(row["k"]) else f" at K = {int(row['k'])}"),
                "verdict": row["verdict"],
                "kept": "" if pd.isna(row["kept"]) else _kept(_bounds(row)),
                **{name: format_cell(row[name], 3) for name in ("agreement", "chance", "floor")},
                "why": row["reason"],
            }
            for row in card[card["model"] == model].to_dict("records")
        ],
        "tolerance": printed_tolerance(tolerance[tolerance["model"] == model]).to_dict("records"),
    }


def _bounds(row: Mapping) -> dict:
    known = {"share": row["kept"], "low": row["kept_low"], "high": row["kept_high"]}
    return {name: None if pd.isna(value) else value for name, value in known.items()}
