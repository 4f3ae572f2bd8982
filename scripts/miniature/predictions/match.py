"""Models known by what they put out: predictions and error lists, matched to the data table."""

import math
import os
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from miniature.messages import StudyError
from miniature.predictions.read import prediction_line
from miniature.predictions.score_squad import score_table


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
    predictions: Mapping[str, str],
    table: pd.DataFrame,
    *,
    kind: str,
    labels: Sequence[str] | None,
    model: str,
    dataset: str,
    path: str | os.PathLike,
    columns: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Predictions table of a model that was run elsewhere.

    Parameters
    ----------
    predictions : mapping of str to str
        From `read_predictions`.
    table : DataFrame, [examples]
        The data table.
    kind : str
        ``question-answering`` or ``classification``.
    labels : sequence of str or None
        Class names, for classification.
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
        An example has no prediction, a prediction belongs to no example, or a class is not one of the labels.
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
    given = [predictions[key] for key in ids]
    text = pd.Series(given, dtype="str")
    if kind == "question-answering":
        scores = score_table(table, predictions)
        empty = pd.Series(np.full(len(ids), np.nan, dtype=np.float32))
        return pd.DataFrame(
            {
                "id": scores["id"], "prediction": text, "score": empty, "null_score": empty,
                "exact": scores["exact"], "f1": scores["f1"],
                "windows": pd.Series([pd.NA] * len(ids), dtype="Int32"),
            }
        )  # fmt: skip
    strange = sorted(set(given) - set(labels or []))
    if strange:
        raise StudyError(
            f"{strange[0]!r} is predicted, which is not a class of {dataset}.",
            where=where,
            fix=f"one of {', '.join(labels or [])}",
        )
    return pd.DataFrame(
        {
            "id": pd.Series(ids, dtype="str"), "label": table["label"].reset_index(drop=True),
            "prediction": text, "probabilities": pd.Series([None] * len(ids), dtype=object),
        }
    )  # fmt: skip


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
