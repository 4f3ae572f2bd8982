"""Models known by what they put out: predictions, error lists and embeddings, matched to the data table."""

import csv
import json
import math
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from miniature.messages import StudyError
from miniature.scoring.squad import score_table


def read_predictions(path: str | os.PathLike, *, model: str) -> dict[str, str]:
    """Read predictions from a SQuAD-style JSON mapping or a table.

    Parameters
    ----------
    path : path
        ``.json``: ``{id: answer}``. ``.csv``, ``.jsonl`` or ``.parquet``: columns ``id`` and ``prediction``,
        others are passed over. An empty prediction means "no answer".
    model : str
        Whose they are, for messages.

    Returns
    -------
    dict of str to str

    Raises
    ------
    StudyError
        The file cannot be read, lacks a column, names an id twice or holds a prediction that is not text.
    """
    path = Path(path)
    where = f"{path}, predictions of model {model}"
    pairs = _json_pairs(path, where) if path.suffix == ".json" else _table_pairs(path, where)
    _check_repeated([key for key, _ in pairs], where)
    for key, value in pairs:
        if not isinstance(value, str):
            raise StudyError(
                f"The prediction for {key} is {value!r}, and not text.",
                where=where,
                fix=f'"{key}": "<answer, or empty for no answer>"',
            )
    return dict(pairs)


def _json_pairs(path: Path, where: str) -> list[tuple[str, object]]:
    # Pairs, because a mapping would keep the last of two equal ids in silence.
    content = _load_json(path, where, pairs=True)
    if not isinstance(content, _Pairs):
        raise StudyError("This is no mapping of id to answer.", where=where, fix='{"<id>": "<answer>", ...}')
    return list(content)


def _table_pairs(path: Path, where: str) -> list[tuple[str, object]]:
    try:
        if path.suffix == ".csv":
            with path.open(encoding="utf-8-sig", newline="") as file:
                reader = csv.DictReader(file)
                columns, rows = list(reader.fieldnames or []), list(reader)
        elif path.suffix == ".jsonl":
            with path.open(encoding="utf-8-sig") as file:
                rows = [json.loads(line) for line in file if line.strip()]
            columns = list(rows[0]) if rows and isinstance(rows[0], dict) else []
            rows = [row if isinstance(row, dict) else {} for row in rows]
        else:
            schema = pq.read_schema(path)
            columns = schema.names
            wanted = [name for name in ("id", "prediction") if name in columns]
            rows = pq.read_table(path, columns=wanted, partitioning=None).to_pylist()
    except (OSError, ValueError, RecursionError, csv.Error, pa.ArrowException) as error:
        raise _unreadable(error, where) from None
    missing = [name for name in ("id", "prediction") if name not in columns]
    if missing:
        raise StudyError(
            f"The table lacks the column{'s' * (len(missing) > 1)} {' and '.join(missing)}; "
            f"it has {', '.join(columns) or 'none'}.",
            where=where,
            fix="columns: id, prediction",
        )
    return [(str(row.get("id")), row.get("prediction")) for row in rows]


def read_error_ids(path: str | os.PathLike, *, model: str) -> list[str]:
    """Read the ids of the examples that a model got wrong, a JSON list.

    Raises
    ------
    StudyError
        The file is no JSON list of text, or names an id twice.
    """
    where = f"{path}, errors of model {model}"
    content = _load_json(Path(path), where)
    if not isinstance(content, list) or not all(isinstance(item, str) for item in content):
        raise StudyError("This is no JSON list of ids.", where=where, fix='["<id>", "<id>", ...]')
    _check_repeated(content, where)
    return content


class _Pairs(list):
    """Members of a JSON object in order, repeated names kept."""


def _load_json(path: Path, where: str, *, pairs: bool = False) -> object:
    try:
        with path.open(encoding="utf-8-sig") as file:
            return json.load(file, object_pairs_hook=_Pairs if pairs else None)
    except (OSError, ValueError, RecursionError) as error:
        raise _unreadable(error, where) from None


def _unreadable(error: Exception, where: str) -> StudyError:
    return StudyError(
        f"The file cannot be read: {str(error).splitlines()[0] if str(error) else type(error).__name__}.",
        where=where,
        fix="write or fetch it again",
    )


def _check_repeated(ids: Sequence[str], where: str) -> None:
    repeated = [key for key, count in Counter(ids).items() if count > 1]
    if repeated:
        raise StudyError(
            f"{len(repeated)} ids stand there more than once, the first is {repeated[0]}.",
            where=where,
            fix=f"keep one entry of {repeated[0]}",
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
        raise StudyError(
            f"{len(missing)} of {len(ids)} examples of {dataset} have no prediction, "
            f"the first is {missing[0]}.",
            where=where,
            fix=f'"{missing[0]}": "<answer, or empty for no answer>"   '
            "(or, if only a part was predicted, make that part a dataset of its own)",
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


def match_errors(
    ids: Sequence[str], table: pd.DataFrame, *, model: str, dataset: str, path: str | os.PathLike
) -> pd.DataFrame:
    """Errors table from the ids that a model got wrong; every other example counts as right.

    Parameters
    ----------
    ids : sequence of str
        From `read_error_ids`.
    table : DataFrame, [examples]
        The data table.
    model, dataset, path
        For messages.

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
    _check_known(ids, list(table["id"]), f"{path}, errors of model {model}", dataset)
    wrong = set(ids)
    return pd.DataFrame(
        {
            "id": table["id"].astype("str").to_numpy(),
            "error": pd.array([key in wrong for key in table["id"]], dtype="boolean"),
        }
    )


def read_embeddings(
    path: str | os.PathLike, rows: int | None, *, model: str, table: str | None
) -> np.ndarray:
    """Read embeddings of a model that was run elsewhere.

    Parameters
    ----------
    path : path
        A ``.npy`` file, never a pickle.
    rows : int or None
        Rows of the data table; None where no table says (a bank that is given as embeddings only).
    model : str
        Whose they are, for messages.
    table : str or None
        File of the data table, for messages.

    Returns
    -------
    ndarray of float32, shape [examples, hidden]

    Raises
    ------
    StudyError
        The file is no array of numbers of two dimensions, has the wrong number of rows, or holds NaN or
        infinity.
    """
    where = f"{path}, embeddings of model {model}"
    try:
        array = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise _unreadable(error, where) from None
    if (
        not isinstance(array, np.ndarray)
        or array.ndim != 2
        or array.dtype.kind not in "iuf"
        or not array.size
    ):
        shape = f"{array.dtype} of shape {list(array.shape)}" if isinstance(array, np.ndarray) else "no array"
        raise StudyError(
            f"The embeddings are {shape}.",
            where=where,
            fix="np.save(path, numbers)   # of shape [examples, hidden], hidden at least 1",
        )
    if rows is not None and len(array) != rows:
        raise StudyError(
            f"There are {len(array)} rows of embeddings for {rows} examples.",
            where=where,
            fix=f"give one row for each row of {table}, in its order",
        )
    with np.errstate(over="ignore"):
        array = array.astype(np.float32)
    finite = np.isfinite(array).all(axis=1)
    if not finite.all():
        row = int(np.flatnonzero(~finite)[0])
        raise StudyError(
            f"{int((~finite).sum())} rows of embeddings hold NaN or infinity (as float32), "
            f"the first is row {row} (counted from 0).",
            where=where,
            fix="export them again",
        )
    return array


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
