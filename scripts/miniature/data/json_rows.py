"""Rows of JSON files: lines, arrays, and arrays inside an object."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from miniature.data.commands import without_halves
from miniature.data.problems import Problems
from miniature.data.text_files import (
    BadJson,
    decode,
    json_error,
    parse_json,
    read_bytes,
    table_kind,
    text_lines,
    utf8_line,
)
from miniature.messages import StudyError


def json_lines(path: str | Path, problems: Problems) -> Iterator[tuple[int, dict]]:
    """JSON objects of a file with one a line; empty lines are passed over.

    A line that is not a JSON object is noted in `problems` and passed over, so that all are reported.

    Yields
    ------
    tuple of int and dict
        Line number from 1, and the object; numbers as for `miniature.data.text_files.parse_json`.

    Raises
    ------
    StudyError
        The file is missing, unreadable, empty or damaged.
    """
    found = False
    for number, line in enumerate(text_lines(path, newline="\n", errors="surrogateescape"), start=1):
        if not line.strip():
            continue
        found, place = True, f"line {number}"
        strange = None if line.isascii() else re.search("[\udc80-\udcff]", line)
        if strange:
            byte = ord(strange.group()) - 0xDC00
            start = line[:2].encode(errors="surrogateescape")
            problems.error(place, f"not UTF-8 (byte 0x{byte:02x})", utf8_line(path, start))
            continue
        try:
            value = parse_json(line)
        except BadJson as error:
            # A last line without an end may have lost more than that.
            cut = error.cut and not line.endswith("\n")
            reason = "the line is cut short, the file is not whole" if cut else "the line is not JSON"
            what = f"{reason} ({error.what})" if error.place else error.what
            fix = "one JSON object a line; fetch the file again" if error.place else error.fix
            if error.half:
                fix = without_halves(path)
            problems.error(place, what, fix)
            continue
        if isinstance(value, dict):
            yield number, value
        else:
            problems.error(place, "not a JSON object", '{"text": "...", "label": "..."}')
    if not found:
        raise StudyError("This data file is empty.", where=str(path), fix="fetch or write it again")


def read_json_value(path: str | Path) -> object | None:
    """The value of a ``.json`` file; None for a file of another kind, and for JSON lines under that name.

    Raises
    ------
    StudyError
        As `miniature.data.text_files.read_json`.
    """
    if table_kind(path) != "json":
        return None
    try:
        return parse_json(decode(read_bytes(path), path))
    except BadJson as error:
        # Many keep JSON lines under the suffix .json: a whole first line tells them apart.
        if error.more and error.place[1] == 1:
            return None
        if error.half:
            error.fix = without_halves(path)
        raise json_error(error, path) from None


def json_objects(rows: list, problems: Problems) -> Iterator[tuple[int, dict]]:
    """Rows with their numbers from 1; one that is no JSON object is told."""
    for number, row in enumerate(rows, start=1):
        if isinstance(row, dict):
            yield number, row
        else:
            problems.error(f"row {number}", "not a JSON object", '{"text": "...", "label": "..."}')


def json_rows(content: object, wanted: Iterable[str] = ()) -> list | None:
    """Rows in a JSON value: a list of objects, or one of the layouts of pandas' ``to_json``.

    Parameters
    ----------
    content : object
        The value.
    wanted : iterable of str
        Columns that the caller needs; a mapping is taken for one of columns only where it has them.

    Returns
    -------
    list or None
        One mapping for each row (other members of a list of rows are left in it); None where it has none.

    Examples
    --------
    >>> json_rows({"columns": ["id", "label"], "data": [["a", 0]]})
    [{'id': 'a', 'label': 0}]
    >>> json_rows({"id": {"0": "a"}, "label": {"0": 1}}, ["id", "label"])
    [{'id': 'a', 'label': 1}]
    """
    if isinstance(content, list):
        return content if any(isinstance(row, dict) for row in content) else None
    if not isinstance(content, dict):
        return None
    data, columns = content.get("data"), content.get("columns")
    if (
        isinstance(columns, list)
        and isinstance(data, list)
        and all(isinstance(name, str) for name in columns)
    ):
        fits = all(isinstance(row, list) and len(row) == len(columns) for row in data)
        if fits and len(set(columns)) == len(columns):
            return [dict(zip(columns, row, strict=True)) for row in data]
    if isinstance(data, list) and any(isinstance(row, dict) for row in data):
        return data
    wanted = list(wanted)
    if wanted and set(wanted) <= set(content):
        cells = [content[name] for name in content]
        if (
            all(isinstance(column, dict) for column in cells)
            and len({tuple(column) for column in cells}) == 1
        ):
            return [{name: content[name][index] for name in content} for index in cells[0]]
    return None
