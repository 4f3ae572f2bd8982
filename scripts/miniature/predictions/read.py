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

from miniature.data.problems import Problems
from miniature.data.table_files import (
    Table,
    id_text,
    json_rows,
    list_columns,
    read_json_value,
    read_table,
    table_kind,
)
from miniature.data.text_files import text_lines
from miniature.messages import StudyError

logger = logging.getLogger(__name__)

NAMES = ("prediction", "prediction_text")
"""Columns of predictions, of which the first is read; the second is that of Hugging Face's evaluate."""


def read_predictions(path: str | os.PathLike, *, model: str) -> dict[str, object]:
    """Read predictions from a SQuAD-style JSON mapping or a file of rows.

    Parameters
    ----------
    path : path
        ``.json``: ``{id: prediction}``, or rows. ``.csv``, ``.tsv``, ``.jsonl`` or ``.parquet``: columns
        ``id`` and ``prediction`` (or ``prediction_text``), others are passed over, with a warning. Each may
        be gzipped. An empty prediction means "no answer".
    model : str
        Whose they are, for messages.

    Returns
    -------
    dict of str to object
        By id, both as they stand in the file; `miniature.predictions.match` says which values may be.

    Raises
    ------
    StudyError
        The file cannot be read, lacks a column, has rows without id or names an id twice.
    """
    where = f"{path}, predictions of model {model}"
    problems = Problems(where, strict=False)
    try:
        content = read_json_value(path)
        if content is None:
            pairs = _row_pairs(read_table(path, problems, wanted=("id", "prediction")), path, problems)
        elif json_rows(content, ("id",)) is not None:
            rows = enumerate(json_rows(content, ("id",)), start=1)
            pairs = _row_pairs(Table(None, "row", rows), path, problems)
        elif isinstance(content, dict):
            _check_best(content, path, where)
            pairs = list(content.items())
        else:
            raise StudyError(
                "This is no mapping of id to answer.", where=where, fix='{"<id>": "<answer>", ...}'
            )
    except StudyError as error:
        raise _about(error, path, where) from None
    problems.finish()
    _check_repeated([key for key, _ in pairs], where)
    return dict(pairs)


def _about(error: StudyError, path: str | os.PathLike, where: str) -> StudyError:
    """The same mistake, told of the model whose file it is in."""
    place = (error.where or "").removeprefix(str(path))
    return (
        error if where in (error.where or "") else StudyError(error.what, where=where + place, fix=error.fix)
    )


def _row_pairs(table: Table, path: str | os.PathLike, problems: Problems) -> list[tuple[str, object]]:
    """Pairs of id and prediction of each row; rows without either are noted."""
    if table.columns is not None:
        if problems.n_errors and not table.columns:
            return []
        _check_columns(table.columns, path, problems)
    pairs, others, short = [], {}, []
    for number, row in table.rows:
        place = f"{table.unit} {number}"
        if not isinstance(row, dict):
            problems.error(place, "not a JSON object", '{"id": "...", "prediction": "..."}')
            continue
        name = next((name for name in NAMES if name in row), None)
        if "id" not in row or name is None:
            short.append((place, row))
            continue
        identifier = id_text(row["id"])
        if identifier is None:
            problems.error(place, f"the id is {row['id']!r}", prediction_line(path, "<id>", "<prediction>"))
            continue
        others |= {key: None for key in row if key not in ("id", name)}
        pairs.append((identifier, row[name]))
    if short and not pairs:
        _check_columns(list({key: None for _, row in short for key in row}), path, problems)
    for place, row in short:
        lacking = " and no ".join(repr(n) for n in ("id", NAMES[0]) if n not in row)
        fix = prediction_line(path, str(row.get("id", "<id>")), "<prediction>")
        problems.error(place, f"no {lacking} (it has {list_columns(row)})", fix)
    if others:
        extra = list_columns(others)
        logger.warning("%s: not read: the column%s %s", problems.source, "s" * (len(others) > 1), extra)
    return pairs


def _check_columns(columns: list[str], path: str | os.PathLike, problems: Problems) -> None:
    missing = [name for name in ("id", "prediction") if name not in columns]
    if not set(NAMES).isdisjoint(columns):
        missing = [name for name in missing if name == "id"]
    if missing:
        raise StudyError(
            f"The table lacks the column{'s' * (len(missing) > 1)} {' and '.join(missing)}; "
            f"it has {list_columns(columns)}.",
            where=problems.source,
            fix=_columns_line(path, columns, missing),
        )


def _columns_line(path: str | os.PathLike, columns: Sequence[str], missing: Sequence[str]) -> str:
    """The header, or a row, as it must be; the names of two columns can only be in one order."""
    kind = table_kind(path)
    if kind not in ("csv", "tsv"):
        return f"{json.dumps({'id': '...', 'prediction': '...'})}   (in every row)"
    separator = "," if kind == "csv" else "\t"
    left = [name for name in columns if name != "id" and name not in NAMES]
    if len(columns) == 2 and len(missing) == 1 and len(left) == 1:
        return separator.join(missing[0] if name == left[0] else name for name in columns)
    return f"{separator.join(('id', 'prediction'))}   (as names of the columns, in the first line)"


def _check_best(content: dict, path: str | os.PathLike, where: str) -> None:
    """The n-best file of run_squad and run_qa lies beside the file that is wanted."""
    lists = [value for value in content.values() if isinstance(value, list)]
    best = [value for value in lists if value and all(isinstance(v, dict) and "text" in v for v in value)]
    if not lists or len(best) < len(lists):
        return
    name = Path(path).name
    single = Path(path).with_name(name.replace("nbest_", ""))
    if "nbest_" in name and single.is_file():
        fix = f"path: {single}"
    else:
        target = Path(path).with_name(f"best-{name.removesuffix('.gz')}")
        opened = f"__import__('gzip').open('{path}')" if name.endswith(".gz") else f"open('{path}')"
        fix = (
            f'python -c "import json; best = json.load({opened}); '
            f"json.dump({{k: v[0]['text'] for k, v in best.items()}}, open('{target}', 'w'))\""
            "   # the first of each; then path: " + str(target)
        )
    raise StudyError(
        "This is a file of the n best answers to each question, not of one prediction each: "
        "predictions.json, which run_squad and run_qa write beside it, is meant.",
        where=where,
        fix=fix,
    )


def read_error_ids(path: str | os.PathLike, *, model: str) -> list[str]:
    """Read the ids of the examples that a model got wrong, a JSON list.

    Raises
    ------
    StudyError
        The file is no JSON list of ids (text or numbers), or names an id twice.
    """
    where = f"{path}, errors of model {model}"
    try:
        content = read_json_value(path)
    except StudyError as error:
        raise _about(error, path, where) from None
    ids = [id_text(item) for item in content] if isinstance(content, list) else [None]
    if None in ids:
        given = f" {content[ids.index(None)]!r} is no id." if isinstance(content, list) else ""
        raise StudyError(f"This is no JSON list of ids.{given}", where=where, fix='["<id>", "<id>", ...]')
    _check_repeated(ids, where)
    return ids


def prediction_line(path: str | os.PathLike, key: str, prediction: str) -> str:
    """The line of a file of predictions for one example, in the file's own format."""
    kind, row = table_kind(path), {"id": str(key), "prediction": prediction}
    if kind in ("csv", "tsv"):
        options = {"delimiter": "," if kind == "csv" else "\t"}
        try:
            columns = [name.strip() for name in next(csv.reader(text_lines(path), **options), list(row))]
        except (StudyError, csv.Error, UnicodeDecodeError):
            columns = list(row)
        if "id" not in columns:
            columns = list(row)
        if "prediction" not in columns and "prediction_text" in columns:
            row["prediction_text"] = prediction
        line = io.StringIO()
        csv.writer(line, lineterminator="", **options).writerow([row.get(name, "") for name in columns])
        return line.getvalue()
    if kind == "jsonl":
        return json.dumps(row, ensure_ascii=False)
    if kind == "parquet":
        return f"a row with id {key!r} and prediction {prediction!r}"
    return f"{json.dumps(str(key), ensure_ascii=False)}: {json.dumps(prediction, ensure_ascii=False)}"


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
