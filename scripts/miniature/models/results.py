"""Checkpoints that the workflow made itself: a damaged one is set aside and built again, without torch."""

import contextlib
import json
import os
from collections.abc import Mapping
from pathlib import Path

from miniature.files import quarantine, write_json
from miniature.job.partial import digest_file
from miniature.messages import StudyError
from miniature.models.folders import GRAPH_FILE, LINKS
from miniature.models.graphs import read_graph
from miniature.models.weights import tensor_shapes, weight_files

# What transformers reads as JSON, where it is there.
JSON_FILES = ("config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")


def link_files(files: Mapping[str, Path], target: Path) -> None:
    """Link to files from a folder and record their size and digest beside the links.

    A link is given the time of the file it leads to: as long as both agree, and the size with the record,
    nobody has to read the file again to know that it is the same one.
    """
    record = []
    for name, file in files.items():
        link = target / name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(os.path.abspath(file))
        record.append(
            {"name": name, "bytes": file.stat().st_size, "sha256": digest_file(file)},
        )
        _set_time(link)
    write_json(record, target / LINKS)


def _set_time(link: Path) -> None:
    time = link.stat().st_mtime_ns
    os.utime(link, ns=(time, time), follow_symlinks=False)


def _changed_link(folder: Path) -> str | None:
    """Which linked file is gone or another one than it was; None where there are no links, or all hold."""
    try:
        record = json.loads((folder / LINKS).read_text(encoding="utf-8"))
        expected = [(entry["name"], entry["bytes"], entry["sha256"]) for entry in record]
    except FileNotFoundError:
        return None
    except (ValueError, LookupError, TypeError):
        return f"{LINKS} cannot be read"
    for name, size, digest in expected:
        link = folder / name
        if not link.is_symlink() or not link.exists():
            gone = f", which was {os.readlink(link)}" if link.is_symlink() else ""
            return f"{name}{gone}, is gone"
        if link.stat().st_size == size and link.lstat().st_mtime_ns == link.stat().st_mtime_ns:
            continue
        if digest_file(link) != digest:
            return f"{os.readlink(link)} is no longer the file that was taken"
        # The same bytes with another time: known from now on. A reader without the right to say so reads on.
        with contextlib.suppress(PermissionError):
            _set_time(link)
    return None


def check_result_folder(folder: str | os.PathLike) -> None:
    """Set a checkpoint among the results aside if it is not whole.

    Never for a folder that a user named: it would be renamed, and no rule builds it again. What is whole but
    of another kind or task is left for the reader to refuse, and so is a folder that is not there.

    Parameters
    ----------
    folder : path
        A folder that a rule of the workflow made.

    Raises
    ------
    StudyError
        The folder is damaged; it has been renamed ``<folder>.damaged``.
    """
    folder = Path(folder)
    if not folder.is_dir():
        return
    damage = find_damage(folder)
    if damage is not None:
        raise quarantine(folder, damage)


def find_damage(folder: Path) -> str | None:
    """What is missing from a checkpoint folder or cut off in it; None where it is whole."""
    for name in JSON_FILES:
        try:
            content = json.loads((folder / name).read_text(encoding="utf-8"))
        except FileNotFoundError:
            if name == "config.json":
                return "it has no config.json"
            continue
        except (ValueError, RecursionError) as error:
            return f"{name} cannot be read: {error}"
        if not isinstance(content, dict):
            return f"{name} is no mapping"
    # Every fast tokenizer is saved so. From what lies beside it another one could be made.
    if not (folder / "tokenizer.json").is_file():
        return "it has no tokenizer.json"
    try:
        if (changed := _changed_link(folder)) is not None:
            return changed
        if (folder / GRAPH_FILE).exists():
            read_graph(folder / GRAPH_FILE)
            return None
        for file in weight_files(folder):
            tensor_shapes(file)
    except StudyError as error:
        # A disk that cannot be read at the moment says nothing about the file.
        if isinstance(error.__context__, OSError):
            raise
        return error.what.removeprefix("The file of weights is damaged: ").rstrip(".")
    return None
