"""The floor table: every model's errors against the reference's and its independent trainings'."""

import math
import os
from collections.abc import Mapping, Sequence

import pandas as pd

from miniature.files import read_csv
from miniature.scorecard.floor import noise_floor, origin_weights

REFERENCE = "reference"
SAME = "same model, other training"
COMPARED = "compared"
VARIANT = "variant of such an origin"
OTHER = "other system"

DIGITS = {"accuracy %": 2, "weight": 2}


def floor_table(
    agreement: pd.DataFrame,
    *,
    task: str,
    models: Sequence[str],
    reference: str,
    origins: Mapping[str, str],
    named_origins: Mapping[str, str],
    errors: Mapping[str, tuple[int, int]],
) -> pd.DataFrame:
    """One row for each model: accuracy, agreement of its errors with the reference's, and the noise floor.

    Parameters
    ----------
    agreement : DataFrame
        Agreement table of the errors.
    task : str
        The task.
    models : sequence of str
        Models in the study's order, the reference first.
    reference : str
        Name of the reference.
    origins : mapping of str to str
        As for `miniature.scorecard.build.floor.noise_floor`.
    named_origins : mapping of str to str
        Origin of every model that the study names one for.
    errors : mapping of str to tuple of int
        Number of errors and of examples, for each model whose errors are known.

    Returns
    -------
    DataFrame
        model; kind: `REFERENCE`, `SAME`, `COMPARED` (of the reference's origin, or of none that is named),
        `VARIANT` (another model of an origin that has the same model) or `OTHER` (of yet another origin);
        origin, weight in the floor, errors, accuracy %, its difference from the reference's in points,
        Jaccard with chance, ceiling, floor and difference from it, the same for kappa, n. The floor of a
        model that is part of it excludes the model's own origin.
    """
    rows = agreement[(agreement["task"] == task) & (agreement["model_a"] == reference)]
    values = {
        measure: rows[rows["measure"] == measure].set_index("model_b")[["value", "chance", "ceiling", "n"]]
        for measure in ("jaccard", "kappa")
    }
    weights = origin_weights(origins, reference=reference)
    own = named_origins.get(reference)
    found = []
    for model in models:
        if model not in errors:
            continue
        origin = named_origins.get(model, "")
        if model == reference:
            kind = REFERENCE
        elif model in origins:
            kind = SAME
        else:
            kind = _kind(origin, own, origins)
        row: dict[str, object] = {
            "model": model, "kind": kind, "origin": origin, "weight": weights.get(model),
            "errors": errors[model][0], "accuracy %": _accuracy(errors[model]),
            "accuracy difference": _accuracy(errors[model]) - _accuracy(errors[reference]),
        }  # fmt: skip
        if model != reference:
            jaccard, kappa = values["jaccard"].loc[model], values["kappa"].loc[model]
            row |= {"Jaccard": jaccard["value"], "chance": jaccard["chance"], "ceiling": jaccard["ceiling"]}
            row |= _to_floor(values["jaccard"]["value"], origins, reference, model, "")
            row["kappa"] = kappa["value"]
            row |= _to_floor(values["kappa"]["value"], origins, reference, model, "kappa ")
            row["n"] = jaccard["n"]
        found.append(row)
    columns = list(max(found, key=len)) if found else []
    return pd.DataFrame(found, columns=columns).astype({"errors": "Int64", "n": "Int64", "weight": float})


def _to_floor(
    values: pd.Series, origins: Mapping[str, str], reference: str, model: str, prefix: str
) -> dict[str, float]:
    floor = noise_floor(values.astype(float).to_dict(), origins, reference=reference, model=model)
    return {f"{prefix}floor": floor, f"{prefix}difference": float(values[model]) - floor}


def _kind(origin: str, own: str | None, origins: Mapping[str, str]) -> str:
    if not origin or origin == own:
        return COMPARED
    return VARIANT if origin in origins.values() else OTHER


def _accuracy(counts: tuple[int, int]) -> float:
    wrong, known = counts
    return 100 * (1 - wrong / known) if known else math.nan


def read_floor(path: str | os.PathLike) -> pd.DataFrame:
    """Floor table from its CSV, with the types of `floor_table`.

    Parameters
    ----------
    path : path
        The csv.

    Returns
    -------
    DataFrame
        Text columns never missing, whole numbers nullable, others float.
    """
    table = read_csv(path, dtype=str).fillna("")
    for name in table.columns:
        if name in ("errors", "n"):
            table[name] = pd.array([int(cell) if cell else None for cell in table[name]], dtype="Int64")
        elif name not in ("model", "kind", "origin"):
            table[name] = [float(cell) if cell else math.nan for cell in table[name]]
    return table
