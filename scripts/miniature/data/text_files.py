"""Opening text files and JSON, plain or gzipped, with errors that name the file, the line and the way out."""

import gzip
import io
import json
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from miniature.messages import StudyError

# Text packs to a tenth; what unpacks to more than a hundred times its size was made to fill the memory.
MOST_TIMES = 100
FREE_BYTES = 1 << 26


KINDS = {
    "csv": (".csv",),
    "tsv": (".tsv", ".tab"),
    "jsonl": (".jsonl", ".ndjson"),
    "json": (".json",),
    "parquet": (".parquet", ".pq"),
}
"""Kinds of files of rows, by the ends of their names; each may be followed by ``.gz``."""


def table_kind(path: str | Path) -> str | None:
    """Kind of a file of rows by its name; None where the name tells of none.

    Examples
    --------
    >>> table_kind("a/p.tsv.gz"), table_kind("p.txt")
    ('tsv', None)
    """
    name = Path(path).name.lower().removesuffix(".gz")
    return next((kind for kind, ends in KINDS.items() if name.endswith(ends)), None)


def read_bytes(path: str | Path) -> bytes:
    """Read all bytes of a file, unpacked where its name ends in ``.gz``.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    bytes
        At least one byte.

    Raises
    ------
    StudyError
        The file is missing, unreadable, empty, a damaged gzip file, or one that unpacks without measure.
    """
    with open_bytes(path) as file:
        content = file.read()
    if not content.strip():
        raise _empty(path)
    return content


def text_lines(path: str | Path, *, newline: str = "", errors: str = "strict") -> Iterator[str]:
    """Lines of a UTF-8 text, plain or gzipped, read in a stream; a byte order mark is taken off.

    Parameters
    ----------
    path : str or Path
        The file.
    newline : str
        As for `open`: what ends a line, which is kept at its end.
    errors : str
        As for `open`: what becomes of bytes that are not UTF-8.

    Yields
    ------
    str

    Raises
    ------
    StudyError
        As `read_bytes` and `decode`; a file of blanks alone gives blank lines, one without a byte is empty.
    """
    try:
        with open_bytes(path) as file, io.TextIOWrapper(file, "utf-8-sig", errors, newline) as text:
            yield from text
    except UnicodeDecodeError:
        # A stream does not know on which line it is; the whole file does.
        decode(read_bytes(path), path)
        raise


class _Unpacked(io.RawIOBase):
    """Bytes of a file, unpacked where it is gzip, up to a bound; damage is told as a mistake in the file."""

    def __init__(self, file: io.BufferedIOBase, path: Path):
        self.file, self.path, self.size = file, path, 0
        self.packed = path.stat().st_size if path.suffix == ".gz" else None
        self.most = max(FREE_BYTES, MOST_TIMES * self.packed) if self.packed is not None else None

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer) -> int:
        """Fill a buffer; the count of bytes is bounded for what is unpacked."""
        try:
            content = self.file.read(len(buffer))
        except (OSError, EOFError, zlib.error) as error:
            if self.packed is None:
                raise _unreadable(error, self.path) from None
            raise StudyError(
                f"This gzip file is damaged or cut short: {error}.",
                where=str(self.path),
                fix=f"fetch it again, then check it: gzip --test '{self.path}'",
            ) from None
        self.size += len(content)
        if self.most is not None and self.size > self.most:
            raise StudyError(
                f"This gzip file of {self.packed:,} bytes unpacks to more than {self.most:,}, "
                "as no text does.",
                where=str(self.path),
                fix=f"look at it: gzip --decompress --stdout '{self.path}' | head -c 1000",
            )
        buffer[: len(content)] = content
        return len(content)

    def close(self) -> None:
        """Close the file below as well."""
        self.file.close()
        super().close()


def open_bytes(path: str | Path) -> io.BufferedReader:
    """Open a file that has bytes, unpacked where its name ends in ``.gz``; raises as `read_bytes`."""
    path = Path(path)
    try:
        if not path.stat().st_size:
            raise _empty(path)
        file = gzip.GzipFile(path) if path.suffix == ".gz" else path.open("rb")
    except FileNotFoundError:
        raise StudyError(
            "This data file does not exist.", where=str(path), fix="path: <where the file is>"
        ) from None
    except IsADirectoryError:
        raise StudyError(
            "This is a folder; the format wants a file.", where=str(path), fix=f"path: {path}/<file>"
        ) from None
    except OSError as error:
        raise _unreadable(error, path) from None
    return io.BufferedReader(_Unpacked(file, path), 1 << 16)


def _empty(path: str | Path) -> StudyError:
    return StudyError("This data file is empty.", where=str(path), fix="fetch or write it again")


def _unreadable(error: Exception, path: Path) -> StudyError:
    reason = getattr(error, "strerror", None) or error
    return StudyError(f"This data file cannot be read: {reason}.", where=str(path), fix=f"chmod u+r '{path}'")


def decode(content: bytes, path: str | Path) -> str:
    """UTF-8 text of a file; a byte order mark is taken off.

    Raises
    ------
    StudyError
        A byte sequence is not UTF-8; the message gives its line.
    """
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
    "iconv -f UTF-16 -t UTF-8 'a/p.csv' > utf8-p.csv   # then path: utf8-p.csv"
    """
    # Both orders of bytes of UTF-16 begin with their mark; nothing else that is text does.
    wide = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    code, note = ("UTF-16", "") if wide else ("WINDOWS-1252", "if it is Windows text; ")
    new = f"utf8-{Path(path).name}"
    return f"iconv -f {code} -t UTF-8 '{path}' > {new}   # {note}then path: {new}"


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
    command = f"import pandas as pd; {read}.to_csv('commas-{name}', index=False)"
    return f'python -c "{command}"   # then path: commas-{name}'


class Literal(float):
    """A number of JSON with a point or an exponent, as the text in the file.

    Examples
    --------
    >>> number = Literal("1.10")
    >>> str(number), number == 1.1
    ('1.10', True)
    """

    __slots__ = ("spelling",)

    def __new__(cls, spelling: str):
        """Make the number that a spelling stands for."""
        number = super().__new__(cls, spelling)
        number.spelling = spelling
        return number

    def __str__(self) -> str:
        return self.spelling

    __repr__ = __str__


class BadJson(ValueError):
    """Text that is not the JSON that is read here.

    Parameters
    ----------
    what, fix : str
        As for `StudyError`, without a capital and a full stop.
    place : tuple of int, optional
        Line and column from 1, where known.
    cut : bool
        Whether the text ends too early.
    more : bool
        Whether a whole value is followed by something else, as in JSON lines.
    half : bool
        Whether a text has half of a surrogate pair.
    """

    def __init__(
        self, what: str, fix: str, place: tuple[int, int] | None = None, *, cut=False, more=False, half=False
    ):
        super().__init__(what)
        self.what, self.fix, self.place = what, fix, place
        self.cut, self.more, self.half = cut, more, half


def parse_json(text: str) -> object:
    """The value of a JSON text, its numbers with a point as `Literal`, ``NaN`` as a number that is none.

    Raises
    ------
    BadJson
        The text is malformed or cut short, nested too deeply, has a number of thousands of digits, a key that
        stands twice in one object, or half of a surrogate pair.

    Examples
    --------
    >>> parse_json('{"id": 1.10}')
    {'id': 1.10}
    """
    repeated: list[str] = []

    def members(pairs: list[tuple[str, object]]) -> dict:
        found = dict(pairs)
        if len(found) != len(pairs):
            seen: set[str] = set()
            repeated.extend(key for key, _ in pairs if key in seen or seen.add(key))
        return found

    try:
        value = json.JSONDecoder(object_pairs_hook=members, parse_float=Literal).decode(text)
    except json.JSONDecodeError as error:
        cut = error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated string")
        raise BadJson(
            error.msg,
            "fetch it again, whole" if cut else "mend the place",
            (error.lineno, error.colno),
            cut=cut,
            more=error.msg == "Extra data",
        ) from None
    except RecursionError:
        raise BadJson("nested too deeply to be data", "path: <another file>") from None
    except ValueError as error:
        # Python reads no whole number of thousands of digits.
        raise BadJson(
            f"a number that cannot be read ({error})", "take out the number, or put it in quotes"
        ) from None
    if repeated:
        raise BadJson(
            f"{len(repeated)} key{'s' * (len(repeated) > 1)} more than once, the first is {repeated[0]}",
            "keep one of them: only the last would count",
        )
    # Escapes are the only way into JSON for half of a pair; few texts have any.
    if "\\ud" in text or "\\uD" in text:
        half = _half_pair(value, ())
        if half is not None:
            raise BadJson(
                f"the text has half of a surrogate pair{' at ' + ': '.join(map(str, half)) if half else ''}",
                "save the text as UTF-8, without the half of a character at which it was cut",
                half=True,
            )
    return value


def _half_pair(value: object, place: tuple) -> tuple | None:
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            return place
        return None
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        found = _half_pair(item, (*place, key))
        if found is None and isinstance(key, str):
            found = _half_pair(key, (*place, key.encode(errors="replace").decode()))
        if found is not None:
            return found
    return None


def read_json(path: str | Path) -> object:
    """Read the one JSON value in a file.

    Raises
    ------
    StudyError
        As `read_bytes` and `decode`; or the text is not JSON, as for `parse_json`, with line and column.
    """
    try:
        return parse_json(decode(read_bytes(path), path))
    except BadJson as error:
        raise json_error(error, path) from None


def json_error(error: BadJson, path: str | Path) -> StudyError:
    """The message for a file whose one value cannot be read."""
    where = str(path) + (f", line {error.place[0]}, column {error.place[1]}" if error.place else "")
    if error.cut:
        what = f"The JSON ends too early ({error.what.lower()}): the file was cut short."
        return StudyError(what, where=where, fix=error.fix)
    if error.place:
        fix = f"python -m json.tool '{path}' > /dev/null   (after mending that line)"
        return StudyError(f"This is not JSON: {error.what}.", where=where, fix=fix)
    return StudyError(f"This JSON is not read: {error.what}.", where=where, fix=error.fix)
