"""One strict reader for every file of rows: CSV, TSV, JSON lines, JSON, parquet, each of them also gzipped.

A file of rows is read as it stands or refused with the place: nothing is guessed, padded, renamed or dropped.
CSV, TSV, JSON lines and parquet are read in a stream, so that memory does not grow with the file.

* Cells of CSV and TSV are text. Numbers of JSON keep their spelling (`miniature.data.text_files.Literal`),
  so that ``100.0`` is not taken for ``100`` nor ``1.10`` for ``1.1``.
* A row with more or fewer cells than the header, a column or key that stands twice, a NUL, half of a
  surrogate pair, bytes that are not UTF-8, and a file that was cut short are errors.
* What has one plain meaning is read: a byte order mark, any kind of line end, the line ``sep=;`` that Excel
  asks for, a blank after every comma, JSON lines called ``.json``, and the layouts of pandas' ``to_json``.
"""

import csv
import io
import math
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from miniature.data.commands import with_surplus
from miniature.data.json_rows import json_lines, json_objects, json_rows, read_json_value
from miniature.data.problems import Problems
from miniature.data.text_files import (
    KINDS,
    comma_line,
    open_bytes,
    read_bytes,
    separator_of,
    table_kind,
    text_lines,
    utf8_line,
)
from miniature.messages import StudyError

SUFFIXES = tuple(end + packed for ends in KINDS.values() for end in ends for packed in ("", ".gz"))
SHOWN_COLUMNS = 20


class Table(NamedTuple):
    """The rows of a file.

    Parameters
    ----------
    columns : list of str or None
        Names of the columns in the file's order; None where every row brings its own, as in JSON.
    unit : str
        What the numbers of rows count: ``line`` (from 1, the header counted) or ``row`` (from 1).
    rows : iterator of tuple of int and dict
        Where each row stands, and its values by column. Problems are noted while it is read.
    """

    columns: list[str] | None
    unit: str
    rows: Iterator[tuple[int, dict[str, object]]]


def is_missing(value: object) -> bool:
    """Whether a cell of JSON or parquet says nothing: null or NaN.

    Examples
    --------
    >>> is_missing(None), is_missing(float("nan")), is_missing("")
    (True, True, False)
    """
    return value is None or (isinstance(value, float) and math.isnan(value))


def id_text(value: object) -> str | None:
    """An id as written in the file; None where the value can be no id.

    Examples
    --------
    >>> id_text("007"), id_text(7), id_text(7.0), id_text(None), id_text(True)
    ('007', '7', '7.0', None, None)
    """
    if isinstance(value, bool) or is_missing(value) or not isinstance(value, str | int | float):
        return None
    return str(value)


def read_table(
    path: str | Path, problems: Problems, *, wanted: Iterable[str] = (), text: str | None = None
) -> Table:
    """Read a file of rows by the kind that its name tells.

    Parameters
    ----------
    path : str or Path
        The file.
    problems : Problems
        Receives what is wrong inside the file, here and while the rows are read; the caller calls ``finish``.
    wanted : iterable of str
        Columns that the caller needs. They tell which separator and which layout a file has; whether they
        are there is for the caller to say.
    text : str, optional
        The column that may hold any text: of a row with too many cells, the surplus is its.

    Returns
    -------
    Table

    Raises
    ------
    StudyError
        The file is missing, unreadable, empty, damaged, not UTF-8, or of another kind than its name says.
    """
    kind, wanted = table_kind(path), list(wanted)
    if kind in ("csv", "tsv"):
        return _delimited(path, problems, wanted, text, "," if kind == "csv" else "\t")
    if kind == "jsonl":
        return Table(None, "line", json_lines(path, problems))
    if kind == "parquet":
        return _parquet(path, problems)
    if kind == "json":
        return _json(path, problems, wanted)
    with open_bytes(path):  # what is missing or a folder is told as such
        pass
    raise StudyError(
        f"A file of rows ends in {', '.join(ends[0] for ends in KINDS.values())} (or these with .gz); "
        f"this is {Path(path).name}.",
        where=str(path),
        fix="path: <a file of one of these kinds>",
    )


def list_suffixes(suffixes: Iterable[str]) -> str:
    """Ends of names for a message.

    Examples
    --------
    >>> list_suffixes((".csv", ".csv.gz", ".npy")), list_suffixes((".npy",))
    ('.csv or .npy (also with .gz)', '.npy')
    """
    suffixes = list(suffixes)
    plain = [end for end in suffixes if not end.endswith(".gz")]
    return " or ".join(plain) + (" (also with .gz)" if len(plain) < len(suffixes) else "")


def list_columns(columns: Iterable[object]) -> str:
    """Names of columns for a message, not more than a reader takes in."""
    names = [str(name) for name in columns]
    more = [f"and {len(names) - SHOWN_COLUMNS} more"] if len(names) > SHOWN_COLUMNS else []
    return ", ".join(names[:SHOWN_COLUMNS] + more) or "none"


# Delimited text


def _delimited(
    path: str | Path, problems: Problems, wanted: list[str], text: str | None, separator: str
) -> Table:
    csv.field_size_limit(sys.maxsize)  # stories are longer than the module's default of 128 KiB
    lines = _Lines(text_lines(path), problems, path)
    first = next((line for line in lines if line.strip()), None)
    if first is None:
        raise StudyError("This data file is empty.", where=str(path), fix="fetch or write it again")
    named = re.fullmatch(r'"?sep=(.)"?[,;\t]*\s*', first)
    if named:
        # Excel's own way to say which separator follows; it stands before the header.
        separator, first = named[1], next(lines, "")
    quoting = csv.QUOTE_MINIMAL
    if separator == "\t" and not _has_quoted_cells(path):
        quoting = csv.QUOTE_NONE
    options = {"delimiter": separator, "strict": True, "quoting": quoting}
    start, options["skipinitialspace"] = [first], False
    header = _record(csv.reader(_kept(start, lines), **options), problems, lines)
    if header is None:
        return Table([], "line", iter(()))
    if len(header) > 1 and separator != "\t" and all(cell[:1] == " " for cell in header[1:]):
        # A blank after every comma of the header is the writer's habit, and no part of the names.
        options["skipinitialspace"] = True
        problems.warn("a blank follows every comma of the header: read as no part of the cells", "line 1")
        header = next(csv.reader(start, **options))
    stripped = [cell.strip() for cell in header]
    if stripped != header:
        problems.warn("blanks around names of columns: left out", "line 1")
    header = stripped
    other = separator_of(header, wanted) if wanted else None
    if other is not None and other != separator:
        what = f"the separator seems to be {other!r}, and must be a {'comma' if separator == ',' else 'tab'}"
        problems.error("line 1", what, comma_line(path, other))
        return Table([], "line", iter(()))
    if _repeated(header, problems, "line 1", separator):
        return Table([], "line", iter(()))
    reader = csv.reader(lines, **options)
    return Table(header, "line", _rows(reader, header, problems, lines, separator, text))


class _Lines:
    """Lines of a text with their number, NUL noted; the lines of the record that is read are kept."""

    def __init__(self, lines: Iterator[str], problems: Problems, path: str | Path):
        self.lines, self.problems, self.path = lines, problems, path
        self.number = 0
        self.seen: list[str] = []

    def __iter__(self):
        return self

    def __next__(self) -> str:
        line = next(self.lines)
        self.number += 1
        if "\0" in line:
            self.problems.error(
                f"line {self.number}",
                "a NUL character, which no text has",
                utf8_line(self.path, b"\xff\xfe") + ", if it is UTF-16",
            )
            line = line.replace("\0", "")
        self.seen.append(line)
        return line


def _kept(start: list[str], lines: Iterable[str]) -> Iterator[str]:
    """Lines of the header, those that it goes on to kept in `start`."""
    yield from list(start)
    for line in lines:
        start.append(line)
        yield line


def _has_quoted_cells(path: str | Path) -> bool:
    """Whether a TSV puts cells in double quotes, as pandas does, or has none of that meaning, as GLUE's.

    It does where a cell begins with a quote and the whole file reads well with quotes taken as such.
    """
    opens = re.compile(r'(?:^|\t)"')
    if not any(opens.search(line) for line in text_lines(path)):
        return False
    try:
        widths = {len(row) for row in csv.reader(text_lines(path), delimiter="\t", strict=True) if row}
    except csv.Error:
        return False
    return len(widths) == 1


def _record(reader, problems: Problems, lines: _Lines) -> list[str] | None:
    try:
        return next(reader, [])
    except csv.Error as error:
        _not_csv(error, problems, lines)
        return None


def _not_csv(error: csv.Error, problems: Problems, lines: _Lines) -> None:
    fix = 'close every double quote; write a quote inside a field twice: "say ""yes"""'
    if any('\\"' in line for line in lines.seen):
        path = lines.path
        name = Path(path).name.removesuffix(".gz")
        options = "escapechar=chr(92), doublequote=False, dtype=str, keep_default_na=False"
        fix = (
            f"python -c \"import pandas as pd; pd.read_csv('{path}', {options})"
            f".to_csv('doubled-{name}', index=False)\"   # quotes written twice; then path: doubled-{name}"
        )
    problems.error(f"line {lines.number}", f"not CSV: {error}", fix)


def _rows(
    reader, header: list[str], problems: Problems, lines: _Lines, separator: str, text: str | None
) -> Iterator[tuple[int, dict[str, object]]]:
    width = len(header)
    lines.seen.clear()
    try:
        for values in reader:
            seen, lines.seen = lines.seen, []
            if not values:
                continue
            if len(values) != width:
                problems.error(
                    f"line {lines.number}",
                    f"{len(values)} fields where the header has {width}",
                    with_surplus(lines.path, text)
                    if text in header and len(values) > width
                    else 'put text that has commas or line breaks in double quotes: "a, b"',
                )
                continue
            if len(seen) > 1 and all(line.count(separator) == width - 1 for line in seen):
                problems.warn(
                    "a cell of several lines that would each be a row: is a double quote too many",
                    f"lines {lines.number - len(seen) + 1} to {lines.number}",
                )
            if '\\"' in (seen[0] if len(seen) == 1 else "".join(seen)):
                problems.warn("a double quote after a backslash, read as it stands", f"line {lines.number}")
            yield lines.number, dict(zip(header, values, strict=True))
    except csv.Error as error:
        _not_csv(error, problems, lines)


def _repeated(names: Sequence[str], problems: Problems, place: str, separator: str = ",") -> bool:
    """Note columns that stand twice; their cells could be told apart by nobody."""
    twice = [name for name in dict.fromkeys(names) if name and names.count(name) > 1]
    for name in twice:
        renamed, count = [], 0
        for other in names:
            count += other == name
            renamed.append(f"{other}-{count}" if other == name and count > 1 else other)
        problems.error(
            place,
            f"the column {name!r} stands {names.count(name)} times",
            f"{separator.join(renamed)}   (or the other way round: only you know which is to be read)",
        )
    return bool(twice)


# JSON


def _json(path: str | Path, problems: Problems, wanted: list[str]) -> Table:
    content = read_json_value(path)
    if content is None:
        return Table(None, "line", json_lines(path, problems))
    rows = json_rows(content, wanted)
    if rows is None:
        raise StudyError(
            "This JSON holds no rows.",
            where=str(path),
            fix=f"[{{{', '.join(f'{chr(34)}{name}{chr(34)}: ...' for name in wanted or ['id'])}}}, ...]",
        )
    return Table(None, "row", json_objects(rows, problems))


# Parquet


def _parquet(path: str | Path, problems: Problems) -> Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = Path(path)
    try:
        with open_bytes(path):  # so that a missing file is told as for the other kinds
            pass
        file = pq.ParquetFile(io.BytesIO(read_bytes(path)) if path.suffix == ".gz" else path)
    except (pa.ArrowException, OSError) as error:
        raise _damaged(error, path) from None
    names = file.schema_arrow.names
    if _repeated(names, problems, "the schema"):
        return Table([], "row", iter(()))
    return Table(names, "row", _parquet_rows(file, path))


def _parquet_rows(file, path: Path) -> Iterator[tuple[int, dict[str, object]]]:
    import pyarrow as pa

    number = 0
    try:
        for batch in file.iter_batches(batch_size=4096):
            for row in batch.to_pylist():
                number += 1
                yield number, row
    except (pa.ArrowException, OSError) as error:
        raise _damaged(error, path) from None


def _damaged(error: Exception, path: Path) -> StudyError:
    reason = str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__
    return StudyError(
        f"This parquet file is damaged or cut short: {reason}.",
        where=str(path),
        fix="write or fetch it again",
    )
