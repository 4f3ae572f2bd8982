"""A journal of finished examples, so that a killed job resumes where it stopped.

One line of JSON per example, flushed to disk before the next begins. The first line holds a key of everything
the results depend on; a journal with another key is discarded. An incomplete last line, left by a kill, is
truncated.
"""

import hashlib
import json
import logging
import os
from collections.abc import Iterable
from pathlib import Path

from miniature.job.partial import digest_file

logger = logging.getLogger(__name__)


class Journal:
    """Finished examples on disk.

    Parameters
    ----------
    path : path
        The file; created if absent.
    key : str
        What the results depend on, from `journal_key`.

    Attributes
    ----------
    rows : dict
        Finished rows by id.
    """

    def __init__(self, path: str | os.PathLike, key: str):
        self.path = Path(path)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.rows: dict[str, dict] = {}
        whole = self._read(key)
        if whole == 0:
            with self.path.open("wb") as file:
                file.write(_line({"key": key}))
                _to_disk(file)
        else:
            # A partial last line, left by a kill, must not be joined to the next one.
            with self.path.open("r+b") as file:
                file.truncate(whole)
        self._file = self.path.open("ab")

    def _read(self, key: str) -> int:
        """Read the existing file; return the number of bytes that are complete and have this key."""
        if not self.path.exists():
            return 0
        whole = 0
        with self.path.open("rb") as file:
            for number, line in enumerate(file):
                record = _parsed(line)
                if number == 0 and (record is None or record.get("key") != key):
                    logger.info("%s belongs to other settings or models: starting over", self.path)
                    return 0
                if number > 0 and (record is None or "id" not in record):
                    logger.warning(
                        "%s: line %d is incomplete; its example is done again", self.path, number + 1
                    )
                    break
                if number > 0:
                    self.rows[record["id"]] = record
                whole += len(line)
        return whole

    def append(self, row: dict) -> None:
        """Add a finished example; it is on the disk when this returns."""
        self._file.write(_line(row))
        _to_disk(self._file)
        self.rows[row["id"]] = row

    def close(self) -> None:
        """Close the file without deleting it: the caller may delete it once the results are stored."""
        self._file.close()

    def __enter__(self) -> "Journal":
        return self

    def __exit__(self, *_) -> None:
        self.close()


def journal_key(parts: dict, folders: Iterable[str | os.PathLike], examples: Iterable[tuple] = ()) -> str:
    """Key of everything that results depend on."""
    digest = hashlib.sha256(json.dumps(parts, sort_keys=True).encode())
    for folder in folders:
        digest.update(folder_digest(folder).encode())
    for example in examples:
        digest.update(json.dumps(example).encode() + b"\n")
    return digest.hexdigest()


def folder_digest(folder: str | os.PathLike) -> str:
    """Digest of a checkpoint: names and contents of its weights, configuration and tokenizer files."""
    digest = hashlib.sha256()
    for path in sorted(Path(folder).iterdir(), key=lambda path: path.name):
        if path.is_file() and path.suffix in {".safetensors", ".json", ".txt", ".model"}:
            digest.update(f"{path.name}\0{digest_file(path)}\n".encode())
    return digest.hexdigest()


def _line(record: dict) -> bytes:
    return json.dumps(record).encode() + b"\n"


def _parsed(line: bytes) -> dict | None:
    if not line.endswith(b"\n"):
        return None
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None


def _to_disk(file) -> None:
    file.flush()
    os.fsync(file.fileno())
