"""Folders for resumable work: kept after a kill, never mistaken for another job's work.

They are located in ``results/{study}/.partial/`` and not declared as outputs, because Snakemake deletes the
declared outputs of a failed job.
"""

import hashlib
import json
import shutil
from collections.abc import Iterable
from pathlib import Path


def digest_file(path: str | Path) -> str:
    """SHA-256 of a file's bytes, as 64 hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest_inputs(paths: Iterable[str | Path]) -> dict[str, str]:
    """Digest of every file, folders read recursively.

    Parameters
    ----------
    paths : iterable of path
        Files and folders. Snakemake's own timestamp files are left out.

    Returns
    -------
    dict
        Path as given (with the path inside it, for folders) -> SHA-256.
    """
    digests = {}
    for path in map(Path, paths):
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in files:
            if file.is_file() and file.name != ".snakemake_timestamp":
                digests[file.as_posix()] = digest_file(file)
    return digests


def keyed_folder(root: str | Path, key: object) -> Path:
    """Folder for the unfinished work that belongs to exactly this key; work under other keys is removed.

    Parameters
    ----------
    root : path
        One folder per job.
    key : object
        Everything that determines the result (input digests, settings, code version), as JSON.

    Returns
    -------
    Path
        ``root/<16 hexadecimal digits>``, existing.
    """
    root = Path(root)
    text = json.dumps(key, sort_keys=True, default=str)
    folder = root / hashlib.sha256(text.encode()).hexdigest()[:16]
    if root.is_dir():
        for other in root.iterdir():
            if other != folder:
                # The target of a link must not be removed by this job.
                shutil.rmtree(other) if other.is_dir() and not other.is_symlink() else other.unlink()
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def remove(root: str | Path) -> None:
    """Remove a job's unfinished work after it succeeded; it may be missing."""
    shutil.rmtree(root, ignore_errors=True)
