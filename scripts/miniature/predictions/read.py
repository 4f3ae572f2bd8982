"""Lists of wrong ids of models that were run elsewhere; lines of predictions to paste."""

import csv
import io
import json
import os
from collections import Counter
from collections.abc import Sequence

from miniature.data.json_rows import read_json_value
from miniature.data.table_files import id_text, table_kind
from miniature.data.text_files import text_lines
from miniature.messages import StudyError


def about(error: StudyError, path: str | os.PathLike, where: str) -> StudyError:
    """The same mistake, told of the model whose file it is in."""
    place = (error.where or "").removeprefix(str(path))
    return (
        error if where in (error.where or "") else StudyError(error.what, where=where + place, fix=error.fix)
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
        raise about(error, path, where) from None
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


def unreadable(error: Exception, where: str) -> StudyError:
    """The message about a file that a library cannot read."""
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
