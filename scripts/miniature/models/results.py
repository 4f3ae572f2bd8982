"""Checkpoints that the workflow made itself: a damaged one is set aside and built again, without torch."""

import json
import os
from pathlib import Path

from miniature.files import set_aside
from miniature.messages import StudyError
from miniature.models.folders import tensor_shapes, weight_files

# What transformers reads as JSON, where it is there.
JSON_FILES = ("config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")


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
        raise set_aside(folder, damage)


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
        for file in weight_files(folder):
            tensor_shapes(file)
    except StudyError as error:
        # A disk that cannot be read at the moment says nothing about the file.
        if isinstance(error.__context__, OSError):
            raise
        return error.what.removeprefix("The file of weights is damaged: ").rstrip(".")
    return None
