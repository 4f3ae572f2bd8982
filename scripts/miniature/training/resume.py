"""Complete training checkpoints, and finding the last of them."""

import json
import logging
import os
import re
import shutil
from pathlib import Path

from miniature.job.partial import digest_file

logger = logging.getLogger("miniature.training")

MANIFEST = "whole.json"
KEPT = 2


def seal(folder: Path) -> None:
    """Record the digest of every file of a finished checkpoint."""
    files = {file.name: digest_file(file) for file in sorted(folder.iterdir()) if file.name != MANIFEST}
    with (folder / MANIFEST).open("w", encoding="utf-8") as manifest:
        json.dump(files, manifest, indent=1)
        manifest.flush()
        os.fsync(manifest.fileno())


def is_whole(folder: Path) -> bool:
    """Whether a checkpoint contains exactly the recorded files."""
    try:
        files = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        return bool(files) and all(digest_file(folder / name) == digest for name, digest in files.items())
    except (OSError, ValueError, AttributeError):
        return False


def checkpoints(folder: Path) -> list[tuple[int, Path]]:
    """Steps and folders of the checkpoints, oldest first, without unfinished and damaged ones."""
    found = []
    if folder.is_dir():
        for path in folder.iterdir():
            match = re.fullmatch(r"checkpoint-(\d+)", path.name)
            if match and path.is_dir():
                found.append((int(match[1]), path))
    return sorted(found)


def last_whole_checkpoint(folder: Path) -> Path | None:
    """Find the newest complete checkpoint; newer incomplete ones are renamed ``.damaged``."""
    for step, path in reversed(checkpoints(folder)):
        if is_whole(path):
            return path
        damaged = path.with_name(path.name + ".damaged")
        shutil.rmtree(damaged, ignore_errors=True)
        os.replace(path, damaged)
        logger.warning("the training checkpoint of step %d is damaged; renamed %s", step, damaged.name)
    return None


def drop_old(folder: Path) -> None:
    """Keep the newest checkpoints only: one to resume from, and one in case that is damaged."""
    for _, path in checkpoints(folder)[:-KEPT]:
        shutil.rmtree(path)
