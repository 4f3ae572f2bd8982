"""The registry of retrieved files, and whether they are unchanged since."""

import json
from collections.abc import Iterable
from pathlib import Path

from miniature.files import quarantine
from miniature.job.partial import digest_file
from miniature.messages import StudyError

RECORD = "RETRIEVED.json"


def build_registry(root: str | Path) -> list[dict]:
    """Collect all retrieval records below a folder.

    Parameters
    ----------
    root : path
        ``resources/retrieved``.

    Returns
    -------
    list of dict
        For each retrieved folder: ``path`` below `root`, ``kind``, ``hub_id``, ``revision_asked``,
        ``revision``, ``licence``, ``bytes`` and ``files`` (path, size, sha256); sorted by path.

    Raises
    ------
    StudyError
        A record is damaged.
    """
    root = Path(root)
    entries = []
    for file in sorted(root.rglob(RECORD)):
        # Hidden folders contain interrupted downloads.
        if any(part.startswith(".") or part.endswith(".damaged") for part in file.relative_to(root).parts):
            continue
        record = read_record(file.parent)
        sizes = [entry["size"] for entry in record["files"]]
        entries.append({"path": file.parent.relative_to(root).as_posix(), **record, "bytes": sum(sizes)})
    return entries


def read_record(folder: str | Path) -> dict:
    """Record of one retrieved folder."""
    folder = Path(folder)
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        [(entry["path"], entry["size"], entry["sha256"]) for entry in record["files"]]
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        raise _damaged(folder, f"{RECORD} cannot be read") from None
    return record


def check_retrieved(paths: Iterable[str | Path]) -> None:
    """Check that retrieved folders still contain the files that were retrieved.

    Parameters
    ----------
    paths : iterable of path
        Inputs of a job; anything without a record is skipped.

    Raises
    ------
    StudyError
        A file is missing, truncated or changed; its folder has been renamed ``<folder>.damaged``, so that the
        next run retrieves it again.
    """
    for folder in map(Path, paths):
        if not (folder / RECORD).is_file():
            continue
        for entry in read_record(folder)["files"]:
            file = folder / entry["path"]
            if not file.is_file():
                raise _damaged(folder, f"{entry['path']} is missing")
            size = file.stat().st_size
            if size != entry["size"]:
                raise _damaged(folder, f"{entry['path']} has {size} bytes, {entry['size']} were retrieved")
            digest = digest_file(file)
            if digest != entry["sha256"]:
                raise _damaged(
                    folder, f"{entry['path']} has sha256 {digest}, {entry['sha256']} was retrieved"
                )


def _damaged(folder: Path, reason: str) -> StudyError:
    try:
        found = quarantine(folder, reason)
    except OSError:
        # Another job that reads the same folder was first, or the folder is read-only.
        found = StudyError("", where=str(folder))
    return StudyError(
        f"The retrieved files are damaged: {reason}.",
        where=found.where,
        fix="run `snakemake retrieve` with the same --configfile where there is a network; "
        "nothing else is lost",
    )
