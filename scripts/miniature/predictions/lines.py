"""Reading large files of JSON by the line, plain or gzipped, in bounded memory."""

import gzip
import json
import zlib
from collections.abc import Iterator
from pathlib import Path

from miniature.data.text_files import FREE_BYTES, MOST_TIMES
from miniature.messages import StudyError

# The longest prompts of today are some megabytes; a file whose line breaks were lost has one line of all.
MOST_BYTES = 1 << 25


def is_gzipped(path: Path) -> bool:
    """Whether a file's name says that it is packed."""
    return path.suffix == ".gz"


def suffix_of(path: Path) -> str:
    """Suffix of a file's name, that of what is packed where it ends in ``.gz``.

    Examples
    --------
    >>> suffix_of(Path("a/p.jsonl.gz")), suffix_of(Path("a/p.JSON"))
    ('.jsonl', '.json')
    """
    return (Path(path.stem) if is_gzipped(path) else path).suffix.lower()


def read_lines(path: Path, where: str) -> Iterator[tuple[int, bytes]]:
    """Lines of a file with their numbers from 1, empty ones passed over.

    Raises
    ------
    StudyError
        The file cannot be read, is a damaged gzip file, unpacks without measure, or has a line of more than
        32 MiB.
    """
    total, most = 0, max(FREE_BYTES, MOST_TIMES * path.stat().st_size)
    try:
        with gzip.open(path) if is_gzipped(path) else path.open("rb") as file:
            number = 0
            while line := file.readline(MOST_BYTES + 1):
                number, total = number + 1, total + len(line)
                if len(line) > MOST_BYTES:
                    raise StudyError(
                        f"Line {number} is longer than {MOST_BYTES:,} bytes: its line breaks were lost.",
                        where=f"{where}, line {number}",
                        fix=f"write one JSON object a line: jq -c '.[]' '{path}' > lines.jsonl",
                    )
                if total > most:
                    raise StudyError(
                        f"This gzip file unpacks to more than {most:,} bytes, as no text does.",
                        where=where,
                        fix=f"look at it: gzip --decompress --stdout '{path}' | head -c 1000",
                    )
                if line.strip():
                    yield number, line
    except (OSError, EOFError, zlib.error) as error:
        raise StudyError(
            f"The file cannot be read: {error}.", where=where, fix=f"fetch it again, then check it: {path}"
        ) from None


def read_objects(path: Path, where: str) -> Iterator[tuple[int, dict]]:
    """JSON objects of a file with one a line.

    Raises
    ------
    StudyError
        As `read_lines`; or a line is no JSON object, which on the last line means that the file was cut.
    """
    for number, line in read_lines(path, where):
        try:
            value = json.loads(line.decode("utf-8-sig"))
        except (ValueError, RecursionError) as error:
            cut = not line.endswith(b"\n")
            reason = str(error).splitlines()[0] if str(error) else "nested too deeply"
            raise StudyError(
                f"The file is cut off in the middle of line {number}: the run that wrote it did not finish."
                if cut
                else f"Line {number} is not JSON: {reason}.",
                where=f"{where}, line {number}",
                fix="run the evaluation again, or copy the whole file again"
                if cut
                else f"mend line {number}",
            ) from None
        if not isinstance(value, dict):
            raise StudyError(
                f"Line {number} is no JSON object.", where=f"{where}, line {number}",
                fix='{"id": "...", "prediction": "..."}',
            )  # fmt: skip
        yield number, value
