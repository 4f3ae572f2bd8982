"""The size of a model, read from its checkpoint files without loading it."""

import math
import os

from miniature.models.folders import read_folder
from miniature.models.results import check_result_folder

# BERT-like models and DistilBERT use different names for these two quantities.
LAYERS = ("num_hidden_layers", "n_layers")
HIDDEN = ("hidden_size", "dim")


def model_size(folder: str | os.PathLike) -> dict[str, int | None]:
    """Layers, width, parameters and bytes of a checkpoint.

    Parameters
    ----------
    folder : path
        A Hugging Face checkpoint with safetensors weights, created by the workflow.

    Returns
    -------
    dict
        ``layers``, ``hidden`` (None if the configuration does not state them), ``parameters`` (all stored
        ones, including the task's head) and ``bytes`` (of the weight files).

    Raises
    ------
    StudyError
        The folder is not a checkpoint, or it is damaged and has been renamed ``<folder>.damaged``.
    """
    check_result_folder(folder)
    source = read_folder(folder)
    stored = sum(map(math.prod, source.shapes.values())) if source.graph is None else source.graph.parameters
    files = [
        *source.files,
        *(source.files[0].parent / n for n in (source.graph.external if source.graph else ())),
    ]
    return {
        "layers": _first(source.config, LAYERS),
        "hidden": _first(source.config, HIDDEN),
        "parameters": stored,
        "bytes": sum(file.stat().st_size for file in files),
    }


def _first(config: dict, names: tuple[str, ...]) -> int | None:
    return next((int(config[name]) for name in names if name in config), None)
