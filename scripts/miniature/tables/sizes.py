"""How large a model is, read from the files of its checkpoint without loading it."""

import math
import os

from miniature.models.folders import read_config, tensor_shapes, weight_files
from miniature.models.results import check_result_folder

# BERT and its kin name these two quantities one way, DistilBERT another.
LAYERS = ("num_hidden_layers", "n_layers")
HIDDEN = ("hidden_size", "dim")


def model_size(folder: str | os.PathLike) -> dict[str, int | None]:
    """Layers, width, parameters and bytes of a checkpoint.

    Parameters
    ----------
    folder : path
        A Hugging Face checkpoint with safetensors weights, made by the workflow.

    Returns
    -------
    dict
        ``layers``, ``hidden`` (None where the configuration does not say), ``parameters`` (all that are
        stored, the task's head included) and ``bytes`` (of the weight files).

    Raises
    ------
    StudyError
        The folder is no checkpoint, or damaged; then it has been renamed ``<folder>.damaged``.
    """
    check_result_folder(folder)
    config = read_config(folder)
    files = weight_files(folder)
    return {
        "layers": _first(config, LAYERS),
        "hidden": _first(config, HIDDEN),
        "parameters": sum(math.prod(shape) for file in files for shape in tensor_shapes(file).values()),
        "bytes": sum(file.stat().st_size for file in files),
    }


def _first(config: dict, names: tuple[str, ...]) -> int | None:
    return next((int(config[name]) for name in names if name in config), None)
