"""Opening text files, plain or gzipped, with errors that name the file, the line and the way out."""

import csv
import gzip
import io
import json
import sys
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from miniature.data.problems import Problems
from miniature.messages import StudyError

# Text packs to a tenth; what unpacks to more than a hundred times its size was made to fill the memory.
MOST_TIMES = 100
FREE_BYTES = 1 << 26
"""Data files that are retrieved from the Hub and read here."""


def read_bytes(path: str | Path) -> bytes:
    """Read all bytes of a file, unpacked where its name ends in ``.gz``."""
    path = Path(path)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise StudyError(
            "This data file does not exist.", where=str(path), fix="path: <where the file is>"
        ) from None
    except IsADirectoryError:
        raise StudyError(
            "This is a folder; the format wants a file.", where=str(path), fix=f"path: {path}/<file>"
        ) from None
    except OSError as error:
        raise StudyError(
            f"This data file cannot be read: {error.strerror}.", where=str(path), fix=f"chmod u+r '{path}'"
        ) from None
    if path.suffix == ".gz" and content:
        try:
            content = _unpack(content, path)
        except (OSError, EOFError, zlib.error) as error:
            raise StudyError(
                f"This gzip file is damaged or cut short: {error}.",
                where=str(path),
                fix=f"fetch it again, then check it: gzip --test '{path}'",
            ) from None
    if not content.strip():
        raise StudyError("This data file is empty.", where=str(path), fix="fetch or write it again")
    return content


def _unpack(packed: bytes, path: Path) -> bytes:
    most = max(FREE_BYTES, MOST_TIMES * len(packed))
    with gzip.GzipFile(fileobj=io.BytesIO(packed)) as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise StudyError(
            f"This gzip file of {len(packed):,} bytes unpacks to more than {most:,}, as no text does.",
            where=str(path),
            fix=f"look at it: gzip --decompress --stdout '{path}' | head -c 1000",
        )
    return content


def decode(content: bytes, path: str | Path) -> str:
    """UTF-8 text of a file; a byte order mark is taken off."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise StudyError(
            f"This file is not UTF-8: byte 0x{content[error.start]:02x} on line {line}.",
            where=f"{path}, line {line}",
            fix=utf8_line(path, content),
        ) from None


def utf8_line(path: str | Path, content: bytes) -> str:
    """Command that makes UTF-8 of a file that is not, given how its bytes begin.

    Examples
    --------
    >>> utf8_line("a/p.csv", "id".encode("utf-16"))
    "iconv -f UTF-16 -t UTF-8 'a/p.csv' > utf8-p.csv"
    """
    # Both orders of bytes of UTF-16 begin with their mark; nothing else that is text does.
    wide = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    code, note = ("UTF-16", "") if wide else ("WINDOWS-1252", "   (if it is Windows text)")
    return f"iconv -f {code} -t UTF-8 '{path}' > utf8-{Path(path).name}{note}"


def separator_of(header: Sequence[str], wanted: Iterable[str]) -> str | None:
    """What separates the columns of a table whose header was read as one column; None where nothing does.

    Examples
    --------
    >>> separator_of(["id;prediction"], ["id", "prediction"]), separator_of(["id,text"], ["id"])
    (';', None)
    """
    for separator in (";", "\t", "|"):
        cells = [cell.strip(' "') for cell in header[0].split(separator)] if len(header) == 1 else []
        if len(cells) > 1 and set(wanted) <= set(cells):
            return separator
    return None


def comma_line(path: str | Path, separator: str) -> str:
    """Command that writes a table with another separator again with commas."""
    read = f"pd.read_csv('{path}', sep={separator!r}, dtype=str, keep_default_na=False)"
    name = Path(path).name.removesuffix(".gz")
    return f"python -c \"import pandas as pd; {read}.to_csv('commas-{name}', index=False)\""


def read_json(path: str | Path) -> object:
    """Read the one JSON value in a file."""
    text = decode(read_bytes(path), path)
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        if error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated string"):
            what = f"The JSON ends too early ({error.msg.lower()}): the file was cut short."
            fix = "fetch it again, whole"
        else:
            what = f"This is not JSON: {error.msg}."
            fix = f"python -m json.tool '{path}' > /dev/null   (after mending that line)"
        raise StudyError(what, where=f"{path}, line {error.lineno}, column {error.colno}", fix=fix) from None
    except RecursionError:
        raise StudyError(
            "This JSON is nested too deeply to be data.", where=str(path), fix="path: <another file>"
        ) from None
    except ValueError as error:
        # Python reads no whole number of thousands of digits.
        raise StudyError(
            f"This JSON has a number that cannot be read: {error}.",
            where=str(path),
            fix="path: <another file>",
        ) from None


def read_json_lines(path: str | Path, problems: Problems) -> Iterator[tuple[int, dict]]:
    """JSON objects of a file with one a line; empty lines are passed over."""
    content = read_bytes(path)
    lines = content.split(b"\n")
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        place = f"line {number}"
        try:
            value = json.loads(line.decode("utf-8-sig"))
        except UnicodeDecodeError as error:
            problems.error(place, f"not UTF-8 (byte 0x{line[error.start]:02x})", utf8_line(path, content))
            continue
        except (json.JSONDecodeError, RecursionError) as error:
            cut = number == len(lines)
            reason = "the line is cut short, the file is not whole" if cut else "the line is not JSON"
            message = error.msg if isinstance(error, json.JSONDecodeError) else "nested too deeply"
            problems.error(place, f"{reason} ({message})", "one JSON object a line; fetch the file again")
            continue
        except ValueError as error:
            problems.error(
                place, f"a number cannot be read ({error})", "take out the number, or put it in quotes"
            )
            continue
        if isinstance(value, dict):
            yield number, value
        else:
            problems.error(place, "not a JSON object", '{"text": "...", "label": "..."}')


def read_csv_rows(path: str | Path, problems: Problems) -> tuple[list[str], list[tuple[int, dict]]]:
    """Header and rows of a CSV file with a header line."""
    text = decode(read_bytes(path), path)
    if not text.strip():
        raise StudyError("This data file is empty.", where=str(path), fix="fetch or write it again")
    csv.field_size_limit(sys.maxsize)  # stories are longer than the module's default of 128 KiB
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows = []
    try:
        header = next(reader)
        for values in reader:
            if not values:
                continue
            if len(values) != len(header):
                problems.error(
                    f"line {reader.line_num}",
                    f"{len(values)} fields where the header has {len(header)}",
                    'put text that has commas or line breaks in double quotes: "a, b"',
                )
                continue
            rows.append((reader.line_num, dict(zip(header, values, strict=True))))
    except csv.Error as error:
        problems.error(
            f"line {reader.line_num}",
            f"not CSV: {error}",
            'close every double quote; write a quote inside a field twice: "say ""yes"""',
        )
        return [], []
    return header, rows
