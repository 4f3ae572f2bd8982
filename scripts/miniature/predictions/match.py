"""Models known by what they put out: predictions and error lists, matched to the data table."""

import logging
import math
import os
import textwrap
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from miniature.data.table_files import is_missing
from miniature.messages import StudyError
from miniature.predictions.read import prediction_line
from miniature.predictions.score_squad import score_table

logger = logging.getLogger(__name__)


def _check_numbered(ids: Iterable[str], known: Sequence[str], columns: Mapping | None, where: str) -> None:
    """No file of a user's knows the numbers that rows get where the data name no column of ids."""
    if columns is None or "id" in columns or not len(known) or not set(known).isdisjoint(ids):
        return
    named = {"id": "id", "text": "text", "label": "label", **columns}
    raise StudyError(
        f"None of the ids is in the data: no column of ids is named for them, so their rows are numbered, "
        f"the first is {known[0]}.",
        where=where,
        fix=f"columns: {{{', '.join(f'{role}: {name}' for role, name in named.items())}}}   # in the dataset",
    )


def _check_known(ids: Sequence[str], known: Sequence[str], where: str, dataset: str) -> None:
    unknown = sorted(set(ids) - set(known))
    if unknown:
        raise StudyError(
            f"{len(unknown)} of {len(ids)} ids are not in the test split of {dataset}, "
            f"the first is {unknown[0]}.",
            where=where,
            fix=f"remove them, or name the dataset they belong to (ids there look like {known[0]})"
            if len(known)
            else "name the dataset they belong to",
        )


def match_predictions(
    predictions: Mapping[str, object],
    table: pd.DataFrame,
    *,
    kind: str,
    labels: Sequence[str] | None,
    values: Sequence[object] | None = None,
    model: str,
    dataset: str,
    path: str | os.PathLike,
    columns: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Predictions table of a model that was run elsewhere.

    Parameters
    ----------
    predictions : mapping of str to object
        From `read_predictions`. Text for question answering; for classification a class by its name or, where
        all are, by the value that stands for it in the data.
    table : DataFrame, [examples]
        The data table.
    kind : str
        ``question-answering`` or ``classification``.
    labels : sequence of str or None
        Class names, for classification.
    values : sequence or None
        What stands in the data for each of `labels`.
    model, dataset, path
        For messages.
    columns : mapping of str to str, optional
        Columns that the study names for the data, whose rows are numbered without an id; for messages.

    Returns
    -------
    DataFrame, [examples]
        The columns of a predictions table, rows as in the data table. What only the model itself could tell
        (scores, windows, probabilities) is missing.

    Raises
    ------
    StudyError
        An example has no prediction, a prediction belongs to no example, is no text, or no class.
    """
    where = f"{path}, predictions of model {model}"
    ids = list(table["id"])
    missing = [key for key in ids if key not in predictions]
    if missing:
        _check_numbered(predictions, ids, columns, where)
        raise StudyError(
            f"{len(missing)} of {len(ids)} examples of {dataset} have no prediction, "
            f"the first is {missing[0]}.",
            where=where,
            fix=prediction_line(path, missing[0], _wanted(kind, labels))
            + "   (or, if only a part was predicted, make that part a dataset of its own)",
        )
    _check_known(list(predictions), ids, where, dataset)
    _check_values(predictions, ids, kind, labels, path, where)
    if kind == "question-answering":
        text = pd.Series([predictions[key] for key in ids], dtype="str")
        scores = score_table(table, predictions)
        empty = pd.Series(np.full(len(ids), np.nan, dtype=np.float32))
        return pd.DataFrame(
            {
                "id": scores["id"], "prediction": text, "score": empty, "null_score": empty,
                "exact": scores["exact"], "f1": scores["f1"],
                "windows": pd.Series([pd.NA] * len(ids), dtype="Int32"),
            }
        )  # fmt: skip
    given = class_names([str(predictions[key]) for key in ids], labels or [], values or [], where)
    unknown = next((i for i, name in enumerate(given) if name not in (labels or [])), None)
    if unknown is not None:
        line = prediction_line(path, ids[unknown], _wanted(kind, labels))
        raise StudyError(
            f"{given[unknown]!r} is predicted for {ids[unknown]}, which is not a class of {dataset}.",
            where=where,
            fix=f"{line}   (one of {', '.join(labels or [])}{_known_values(labels, values)})",
        )
    return pd.DataFrame(
        {
            "id": pd.Series(ids, dtype="str"), "label": table["label"].reset_index(drop=True),
            "prediction": pd.Series(given, dtype="str"),
            "probabilities": pd.Series([None] * len(ids), dtype=object),
        }
    )  # fmt: skip


def class_names(
    given: Sequence[str], labels: Sequence[str], values: Sequence[object], where: str
) -> Sequence[str]:
    """Classes by name, where every prediction is the value of one in the data.

    Names count as names where all predictions are names. Values are taken only where none of the file is
    anything else, so that a misspelt name is told and not passed over.
    """
    named = {str(value): label for label, value in zip(labels, values, strict=bool(values))}
    known = set(given)
    if known <= set(labels):
        swapped = [name for name in known if named.get(name, name) != name]
        if swapped:
            logger.warning(
                "%s: %s is both a name of a class and the value of another: read as the name",
                where,
                swapped[0],
            )
        return given
    return [named[value] for value in given] if known <= set(named) else given


def _known_values(labels: Sequence[str] | None, values: Sequence[object] | None) -> str:
    others = [str(value) for value in values or ()]
    return f"; or, in all rows, {', '.join(others)}, as in the data" if others != list(labels or ()) else ""


def _check_values(
    predictions: Mapping[str, object], ids: Sequence[str], kind: str, labels: Sequence[str] | None,
    path: str | os.PathLike, where: str,
) -> None:  # fmt: skip
    """Every prediction is a text that can be written; for classes also a number or a truth value."""
    questions = kind == "question-answering"
    for key in ids:
        value = predictions[key]
        if isinstance(value, str) or (
            not questions and isinstance(value, int | float) and not is_missing(value)
        ):
            continue
        if is_missing(value):
            said = "null" if value is None else "NaN"
            fix = prediction_line(path, key, "" if questions else _wanted(kind, labels))
            note = "   (an empty text means: no answer)" if questions else ""
            raise StudyError(
                f"The prediction for {key} is {said}, and not text.", where=where, fix=fix + note
            )
        number = isinstance(value, int | float)
        raise StudyError(
            f"The prediction for {key} is {textwrap.shorten(repr(value), 80)}, and not text.",
            where=where,
            fix=prediction_line(path, key, str(value) if number else "<the prediction as text>"),
        )


def _wanted(kind: str, labels: Sequence[str] | None) -> str:
    if kind == "question-answering":
        return "<answer, or empty for no answer>"
    return f"<{' or '.join(labels or ['class'])}>"


def match_errors(
    ids: Sequence[str],
    table: pd.DataFrame,
    *,
    model: str,
    dataset: str,
    path: str | os.PathLike,
    columns: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Errors table from the ids that a model got wrong; every other example counts as right.

    Parameters
    ----------
    ids : sequence of str
        From `read_error_ids`.
    table : DataFrame, [examples]
        The data table.
    model, dataset, path, columns
        For messages, as for `match_predictions`.

    Returns
    -------
    DataFrame, [examples]
        ``id`` and ``error`` (nullable boolean, never missing), rows as in the data table.

    Raises
    ------
    StudyError
        An id is not in the table.

    Examples
    --------
    >>> table = pd.DataFrame({"id": ["q1", "q2"]})
    >>> match_errors(["q2"], table, model="m", dataset="d", path="f.json")["error"].tolist()
    [False, True]
    """
    where = f"{path}, errors of model {model}"
    if ids:
        _check_numbered(ids, list(table["id"]), columns, where)
    _check_known(ids, list(table["id"]), where, dataset)
    wrong = set(ids)
    return pd.DataFrame(
        {
            "id": table["id"].astype("str").to_numpy(),
            "error": pd.array([key in wrong for key in table["id"]], dtype="boolean"),
        }
    )


def summarize_errors(errors: pd.DataFrame, table: pd.DataFrame, kind: str) -> dict[str, float | int | None]:
    """What an error list alone says of a model's score.

    Parameters
    ----------
    errors : DataFrame, [examples]
        ``id`` and ``error``.
    table : DataFrame, [examples]
        The data table.
    kind : str
        ``question-answering`` or ``classification``.

    Returns
    -------
    dict
        For question answering ``exact`` and ``total``, with ``HasAns_`` and ``NoAns_``, and
        ``baseline_exact``; for classification ``accuracy``, ``baseline_accuracy`` and ``n``. Per cent, None
        over no example.

    Examples
    --------
    >>> errors = pd.DataFrame({"id": ["a", "b"], "error": [True, False]})
    >>> table = pd.DataFrame({"id": ["a", "b"], "label": ["x", "x"]})
    >>> summarize_errors(errors, table, "classification")
    {'accuracy': 50.0, 'baseline_accuracy': 100.0, 'n': 2}
    """
    right = 1.0 - errors["error"].astype("boolean").to_numpy(dtype=np.float64, na_value=math.nan)
    known = ~np.isnan(right)

    def share(rows: np.ndarray) -> float | None:
        return float(100 * right[rows].mean()) if rows.any() else None

    if kind != "question-answering":
        n = len(table)
        majority = int(table["label"].value_counts().max()) if n else 0
        return {
            "accuracy": share(known), "baseline_accuracy": 100 * majority / n if n else None, "n": n,
        }  # fmt: skip
    answerable = table["answerable"].astype("boolean")
    known &= ~answerable.isna().to_numpy()
    has = answerable.fillna(False).to_numpy(dtype=bool)
    summary: dict[str, float | int | None] = {}
    for prefix, rows in (("", known), ("HasAns_", known & has), ("NoAns_", known & ~has)):
        summary |= {f"{prefix}exact": share(rows), f"{prefix}total": int(rows.sum())}
    total = summary["total"]
    return summary | {"baseline_exact": 100 * summary["NoAns_total"] / total if total else None}
