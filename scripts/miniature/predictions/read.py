"""Files that models put out elsewhere: predictions, lists of wrong ids and embeddings, read and checked."""

import csv
import io
import json
import logging
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from miniature.data.text_files import comma_line, separator_of, utf8_line
from miniature.messages import StudyError

logger = logging.getLogger(__name__)


def read_predictions(path: str | os.PathLike, *, model: str) -> dict[str, str]:
    """Read predictions from a SQuAD-style JSON mapping or a table.

    Parameters
    ----------
    path : path
        ``.json``: ``{id: answer}``. ``.csv``, ``.jsonl`` or ``.parquet``: columns ``id`` and ``prediction``,
        others are passed over, with a warning. An empty prediction means "no answer".
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
                fix=prediction_line(
                    path, key, str(value) if isinstance(value, int | float) else "<the prediction as text>"
                ),
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
        raise _unreadable(error, path, where) from None
    separator = separator_of(columns, ("id", "prediction")) if path.suffix == ".csv" else None
    if separator is not None:
        raise StudyError(
            f"The separator seems to be {separator!r}, and must be a comma.",
            where=where,
            fix=comma_line(path, separator),
        )
    missing = [name for name in ("id", "prediction") if name not in columns]
    if missing:
        raise StudyError(
            f"The table lacks the column{'s' * (len(missing) > 1)} {' and '.join(missing)}; "
            f"it has {', '.join(columns) or 'none'}.",
            where=where,
            fix="columns: id, prediction",
        )
    others = [str(name) for name in columns if name not in ("id", "prediction")]
    if others:
        logger.warning("%s: not read: the column%s %s", where, "s" * (len(others) > 1), ", ".join(others))
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
        raise _unreadable(error, path, where) from None


def prediction_line(path: str | os.PathLike, key: str, prediction: str) -> str:
    """The line of a file of predictions for one example, in the file's own format."""
    path, row = Path(path), {"id": str(key), "prediction": prediction}
    if path.suffix == ".csv":
        try:
            with path.open(encoding="utf-8-sig", newline="") as file:
                columns = next(csv.reader(file), list(row))
        except (OSError, ValueError, csv.Error):
            columns = list(row)
        line = io.StringIO()
        csv.writer(line, lineterminator="").writerow([row.get(column, "") for column in columns])
        return line.getvalue()
    if path.suffix == ".jsonl":
        return json.dumps(row, ensure_ascii=False)
    if path.suffix == ".parquet":
        return f"a row with id {key!r} and prediction {prediction!r}"
    return f"{json.dumps(str(key), ensure_ascii=False)}: {json.dumps(prediction, ensure_ascii=False)}"


def _unreadable(error: Exception, path: str | os.PathLike, where: str) -> StudyError:
    if isinstance(error, UnicodeDecodeError):
        return StudyError(
            "The file is not UTF-8: save it as UTF-8.", where=where, fix=utf8_line(path, _start(path))
        )
    return StudyError(
        f"The file cannot be read: {str(error).splitlines()[0] if str(error) else type(error).__name__}.",
        where=where,
        fix="write or fetch it again",
    )


def _start(path: str | os.PathLike) -> bytes:
    with open(path, "rb") as file:
        return file.read(2)


def _check_repeated(ids: Sequence[str], where: str) -> None:
    repeated = [key for key, count in Counter(ids).items() if count > 1]
    if repeated:
        raise StudyError(
            f"{len(repeated)} ids stand there more than once, the first is {repeated[0]}.",
            where=where,
            fix=f"keep one entry of {repeated[0]}",
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
        raise _unreadable(error, path, where) from None
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
