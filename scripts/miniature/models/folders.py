"""Cheap checks of a model folder, without torch: before any long job, what can be known is known."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from miniature.messages import StudyError, python_line
from miniature.models.configuration import (
    HEAD_SUFFIXES,
    LAYER_KEYS,
    SUPPORTED_TYPES,
    has_head,
    read_config,
    read_mapping,
)
from miniature.models.graphs import Graph, check_graph, read_graph
from miniature.models.weights import tensor_shapes, weight_files

# The last layer of each head; the second name for classification is RoBERTa's and ELECTRA's.
HEAD_WEIGHTS = {
    "question-answering": ("qa_outputs.weight",),
    "classification": ("classifier.weight", "classifier.out_proj.weight"),
    "masked-lm": ("cls.predictions.bias", "lm_head.bias", "vocab_projector.bias"),
}
TOKENIZER_FILES = ("tokenizer.json", "vocab.txt", "vocab.json", "sentencepiece.bpe.model")
# What the first and second sizes of tensors are called in config.json.
_WIDTH = ("embedding_size", "hidden_size", "dim")
SIZES = {
    "embeddings.word_embeddings.weight": (("vocab_size",), _WIDTH),
    "embeddings.position_embeddings.weight": (("max_position_embeddings",), _WIDTH),
    "embeddings.token_type_embeddings.weight": (("type_vocab_size",), _WIDTH),
    "intermediate.dense.weight": (("intermediate_size",), ("hidden_size",)),
    "ffn.lin1.weight": (("hidden_dim",), ("dim",)),
}
# In a checkpoint of the workflow: the graph of a model of ONNX, and what its links lead to.
GRAPH_FILE, LINKS = "model.onnx", "links.json"
# In one that was made here from another's: what was done.
DERIVED = "derived.json"
_EMBEDDINGS = "embeddings.word_embeddings.weight"
_LAYER = re.compile(r"\.layer\.(\d+)\.")


@dataclass(frozen=True)
class Folder:
    """A model folder whose small files have been read once.

    Attributes
    ----------
    path : Path
    config, tokenizer_config : dict
        ``config.json`` and ``tokenizer_config.json`` (empty where there is none).
    files : tuple of Path
        The files of weights; none where no file holds them as they are run.
    shapes : dict of str to list of int
        Of every tensor in them.
    graph : Graph, optional
        What the model is where it is a graph of ONNX; then `files` is that file.
    """

    path: Path
    config: dict
    tokenizer_config: dict
    files: tuple[Path, ...]
    shapes: dict[str, list[int]]
    graph: Graph | None = None


def read_folder(folder: "str | os.PathLike | Folder", *, where: str | None = None) -> Folder:
    """Read what says what a model folder holds, and refuse what this project does not run.

    Parameters
    ----------
    folder : path or Folder
        A folder in the format of Hugging Face, or an ``.onnx`` file in one; what has been read is given back.
    where : str, optional
        The configuration key that names the folder, for messages.

    Returns
    -------
    Folder

    Raises
    ------
    StudyError
        As `read_config` and `weight_files`; or the weights are damaged, packed, of other names or of another
        number of layers than ``config.json`` says, or there is no tokenizer.
    """
    if isinstance(folder, Folder):
        return folder
    path = Path(folder)
    if path.suffix == ".onnx":
        return _read_graph_folder(path, where)
    if (path / GRAPH_FILE).exists() and any((path / name).is_file() for name in (LINKS, DERIVED)):
        return _read_graph_folder(path / GRAPH_FILE, where)
    config = read_config(path, where=where)
    files = tuple(weight_files(path, where=where))
    shapes: dict[str, list[int]] = {}
    for file in files:
        shapes |= tensor_shapes(file)
    found = Folder(path, config, read_tokenizer_config(path, where=where), files, shapes)
    _check_names(found)
    _check_layer_count(found)
    _check_sizes(found)
    return found


def _read_graph_folder(file: Path, where: str | None) -> Folder:
    """The folder of an ONNX file, or the one above it where that has the model's configuration."""
    graph = read_graph(file)
    check_graph(graph, file)
    folders = [folder for folder in (file.parent, file.parent.parent) if (folder / "config.json").is_file()]
    if not folders:
        raise StudyError(
            f"No config.json lies beside {file.name} or in the folder above it.",
            where=where or str(file),
            fix=f"copy config.json and the tokenizer's files of the exported model into {file.parent}",
        )
    config = read_config(folders[0], where=where)
    shapes = {}
    if "classification" in graph.heads:
        # As a head with so many outputs; where the graph does not say, the configuration has to.
        count = (graph.outputs["logits"].shape or (None,))[-1] or len(config.get("id2label") or "ab")
        shapes[HEAD_WEIGHTS["classification"][0]] = [count, 0]
    return Folder(folders[0], config, read_tokenizer_config(folders[0], where=where), (file,), shapes, graph)


def _check_names(folder: Folder) -> None:
    """Refuse weights whose names begin with something that a wrapper of the model put there."""
    base = SUPPORTED_TYPES[folder.config["model_type"]][1]
    for name in folder.shapes:
        start = name.removesuffix(_EMBEDDINGS)
        if start == name or start in ("", f"{base}."):
            continue
        prefix = start.removesuffix(f"{base}.")
        code = (
            "import os; from safetensors.torch import load_file, save_file; "
            "w = {k.removeprefix(%(prefix)s): v for f in %(files)s for k, v in load_file(f).items()}; "
            'save_file(w, %(new)s, {"format": "pt"}); os.replace(%(new)s, %(whole)s)'
        )
        raise StudyError(
            f"The names of the weights begin with {prefix!r}, as those of a wrapped model "
            "(torch.compile, DataParallel and others do that).",
            where=str(folder.files[0]),
            fix=python_line(
                code,
                prefix=prefix,
                files=list(map(str, folder.files)),
                new=str(folder.path / "renamed.tmp"),
                whole=str(folder.path / "model.safetensors"),
            ),
        )


def _check_layer_count(folder: Folder) -> None:
    """Refuse weights of more or fewer layers than the configuration runs."""
    numbers = {int(match[1]) for match in map(_LAYER.search, folder.shapes) if match}
    key = LAYER_KEYS.get(folder.config["model_type"], "num_hidden_layers")
    said = folder.config.get(key)
    if not numbers or not isinstance(said, int) or said == max(numbers) + 1 == len(numbers):
        return
    if len(numbers) != max(numbers) + 1:
        missing = min(set(range(max(numbers))) - numbers)
        raise StudyError(
            f"The weights hold layer {max(numbers)} and no layer {missing} (counted from 0).",
            where=str(folder.path),
            fix="number the layers that were kept from 0, without gaps, or fetch the model again",
        )
    raise StudyError(
        f"config.json says {said} layer{'s' * (said != 1)}, and the weights hold {len(numbers)}: another "
        "model would be run.",
        where=str(folder.path / "config.json"),
        fix=f'"{key}": {len(numbers)},',
    )


def _check_sizes(folder: Folder) -> None:
    """Refuse a configuration that gives tensors other sizes than they have; none is loaded to see it."""
    for name, shape in folder.shapes.items():
        for end, keys in SIZES.items():
            if not name.endswith(end):
                continue
            for size, known in zip(shape, keys, strict=False):
                key = next((key for key in known if key in folder.config), None)
                if key is not None and folder.config[key] != size:
                    raise StudyError(
                        f"config.json says that {key} is {folder.config[key]}, and by the weights' "
                        f"{name} it is {size}.",
                        where=str(folder.path / "config.json"),
                        fix=f'"{key}": {size},',
                    )


def check_head(folder: Folder, head: str, *, fix: str, where: str | None = None) -> None:
    """Refuse a checkpoint that was not saved with the head that it is used for.

    Parameters
    ----------
    folder : Folder
    head : str
        ``question-answering``, ``classification`` or ``masked-lm``.
    fix : str
        What to do where it has another head, or none.
    where : str, optional
        For messages; the folder by default.

    Raises
    ------
    StudyError
        Its configuration names another head or none, or its weights lack the head that is named.
    """
    if folder.graph is not None:
        check_graph(folder.graph, folder.files[0], head=head)
        return
    named = folder.config.get("architectures") or []
    stored = any(name in folder.shapes for name in HEAD_WEIGHTS[head])
    if has_head(folder.config, head):
        # A file of no tensors at all says nothing; whether every place is filled is seen on loading.
        if folder.shapes and not stored and head != "masked-lm":
            raise StudyError(
                f"config.json names a head for {head}, and the weights hold none: it would be random.",
                where=where or str(folder.path),
                fix=fix,
            )
        return
    if not named and stored:
        start = SUPPORTED_TYPES[folder.config["model_type"]][0]
        raise StudyError(
            "config.json does not name the head that the weights hold.",
            where=str(folder.path / "config.json"),
            fix=f'"architectures": ["{start}{HEAD_SUFFIXES[head]}"],   # a line more',
        )
    raise StudyError(
        f"The checkpoint is for another task: {', '.join(map(str, named)) or 'no head'} where a model for "
        f"{head} is needed.",
        where=where or str(folder.path),
        fix=fix,
    )


def read_tokenizer_config(folder: str | os.PathLike, *, where: str | None = None) -> dict:
    """``tokenizer_config.json`` of a folder, empty where there is none.

    Raises
    ------
    StudyError
        There is no tokenizer, or its configuration names code in ``auto_map`` or is no JSON mapping.
    """
    folder = Path(folder)
    if not any((folder / name).is_file() for name in TOKENIZER_FILES):
        raise StudyError(
            f"The model folder has no tokenizer: {folder}.",
            where=where or str(folder),
            fix=f"put one of these files there: {', '.join(TOKENIZER_FILES)}",
        )
    file = folder / "tokenizer_config.json"
    config = read_mapping(file, "The tokenizer's configuration") or {}
    if "auto_map" in config:
        raise StudyError(
            "The tokenizer brings its own code, which is never run.",
            where=str(file),
            fix="save the fast tokenizer that it stands for there, as tokenizer.json, and remove auto_map",
        )
    return config
