"""What is read is known by its content: digests of a user's files, made anew where size or time differs.

Snakemake compares times, so that a file that takes the place of another and is older (``cp -p``,
``rsync -t``, ``tar``) passes for the one that was read. A digest among a rule's parameters does not.
"""

import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path

from miniature.files import atomic_path

CHUNK = 1 << 20


class ContentDigests:
    """Digests of files and folders, kept with what the file system said when they were made.

    Parameters
    ----------
    kept : path
        JSON file that keeps them; rebuilt where it is missing or damaged.
    """

    def __init__(self, kept: str | os.PathLike):
        # The folder that a workflow runs in may be left before the end.
        self.path = Path(kept).absolute()
        try:
            self.known = dict(json.loads(self.path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            self.known = {}
        self.made = {}

    def of(self, paths: Iterable[str | os.PathLike]) -> list[str]:
        """SHA-256 of each file or folder that is there, in order.

        A change that keeps the size and falls within one tick of the file system's clock is not noticed.
        """
        digests = []
        for path in map(Path, paths):
            found = _signs(path)
            if found is None:
                continue
            name = str(path.absolute())
            entry = self.known.get(name)
            if not isinstance(entry, list) or entry[:1] != [found]:
                entry = self.known[name] = self.made[name] = [found, _digest(path)]
            digests.append(entry[1])
        return digests

    def keep(self) -> None:
        """Add what was made to the file, which jobs on other nodes read and write at the same time."""
        if not self.made:
            return
        known = ContentDigests(self.path).known | self.made
        try:
            with atomic_path(self.path) as temporary:
                temporary.write_text(json.dumps(known), encoding="utf-8")
        except OSError:
            # Without the file each start makes the digests anew, which is slow and right.
            pass


def _files(path: Path) -> list[Path]:
    return sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]


def _signs(path: Path) -> str | None:
    """Size, and times of content and of status, of a file or of every file in a folder."""
    try:
        stats = [(str(file.relative_to(path)), file.stat()) for file in _files(path)]
    except OSError:
        return None
    signs = [(name, s.st_size, s.st_mtime_ns, s.st_ctime_ns) for name, s in stats]
    return hashlib.sha256(repr(signs).encode()).hexdigest()


def _digest(path: Path) -> str:
    whole = hashlib.sha256()
    for file in _files(path):
        if path.is_dir():
            whole.update(f"{file.relative_to(path)}\0{file.stat().st_size}\0".encode())
        with file.open("rb") as stream:
            while chunk := stream.read(CHUNK):
                whole.update(chunk)
    return whole.hexdigest()
