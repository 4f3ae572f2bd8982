"""Where a model's weights come from: one row for each way that an entry can say it, without torch."""

import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from miniature.messages import StudyError
from miniature.models.adapter import AdaptedFolder, read_adapted
from miniature.models.configuration import (
    HEAD_SUFFIXES,
    check_architecture,
    check_layers,
    has_head,
    longest_input,
    read_config,
)
from miniature.models.derived import becomes_graph, check_installed
from miniature.models.folders import Folder, read_folder
from miniature.models.graphs import Graph, read_graph
from miniature.names import hub_folder

BERT_POSITIONS = 512
# Keys of an entry that decide the model that is built from a source; the others are about training and roles.
SHAPING_KEYS = ("layers", "dropout", "segments")


class Source(NamedTuple):
    """One way to give weights.

    Attributes
    ----------
    example : str
        An entry to paste.
    files : callable
        From an entry to the files and folders that a job makes the checkpoint from.
    spec : callable
        From an entry to what the library builds it from: ``architecture``, or a folder as ``path``.
    check : callable
        From an entry and the key that names it: raises `StudyError` for what can be known without loading.
    load : callable
        From an entry, a head that it must have or None, and the key that names it: loads configuration and
        tokenizer and raises `StudyError` for what is wrong with them. Imports torch.
    longest_input : callable
        From an entry to the most tokens that it takes; None where that is not known yet.
    heads : callable
        From an entry to the tasks that it has a head for, as far as that is known.
    gives_embeddings : callable
        From an entry to whether its last layer can be read.
    folder : callable, optional
        From an entry to the model folder that it names; None where that is not the user's own.
    paths : tuple of str
        Keys that name files or folders of the user's.
    ready : bool
        It can only be used as it stands.
    is_graph : bool
        It is a graph of ONNX: without gradients, and without weights to change.
    beside : tuple of str
        Keys that go with this source alone.
    """

    example: str
    files: Callable[[Mapping], list[str]]
    spec: Callable[[Mapping], dict]
    check: Callable[[Mapping, str | None], object]
    load: Callable[[Mapping, str | None, str | None], None]
    longest_input: Callable[[Mapping], int | None]
    heads: Callable[[Mapping], list[str]] = lambda entry: []
    gives_embeddings: Callable[[Mapping], bool] = lambda entry: True
    folder: Callable[[Mapping], Folder] | None = None
    paths: tuple[str, ...] = ()
    ready: bool = False
    is_graph: bool = False
    beside: tuple[str, ...] = ()


def _retrieved(entry: Mapping) -> str:
    return f"resources/retrieved/models/{hub_folder(entry['hub'])}/{entry['revision']}"


def _folder_files(entry: Mapping) -> list[str]:
    """What is read of a folder of the user's, so that a change of it is noticed."""
    patterns = ("*.json", "*.safetensors", "*.txt", "*.model")
    return sorted(str(file) for pattern in patterns for file in Path(entry["path"]).glob(pattern))


def _check_folder(entry: Mapping, where: str | None) -> None:
    check_layers(read_folder(entry["path"], where=where).config, entry.get("layers"), where=where)


def _load_folder(entry: Mapping, head: str | None, where: str | None) -> None:
    from miniature.models.checkpoints import check_checkpoint

    check_checkpoint(entry["path"], head=head, layers=entry.get("layers"), where=where)


def _folder_positions(entry: Mapping) -> int | None:
    try:
        return longest_input(read_config(entry["path"]))
    except StudyError:
        return None  # reported by the check of the folder


def _folder_heads(entry: Mapping) -> list[str]:
    try:
        config = read_config(entry["path"])
    except StudyError:
        return []  # reported by the check of the folder
    return [head for head in HEAD_SUFFIXES if has_head(config, head)]


def _graph_files(entry: Mapping) -> list[str]:
    """The graph, its weights in other files, and the configuration and tokenizer that belong to it."""
    file = Path(entry["onnx"])
    try:
        source = read_folder(file)
    except StudyError:
        return [str(file)]  # reported by the check of the file
    beside = [str(file.parent / name) for name in source.graph.external]
    patterns = ("*.json", "*.txt", "*.model")
    texts = sorted(str(path) for pattern in patterns for path in source.path.glob(pattern))
    return [str(file), *beside, *texts]


@functools.lru_cache(maxsize=256)
def _graph_of(file: str) -> Graph | None:
    try:
        return read_graph(file)
    except StudyError:
        return None  # reported by the check of the file


def _load_graph(entry: Mapping, head: str | None, where: str | None) -> None:
    from miniature.models.checkpoints import check_checkpoint

    check_checkpoint(entry["onnx"], head=head, where=where)


def _graph_positions(entry: Mapping) -> int | None:
    try:
        source = read_folder(entry["onnx"])
    except StudyError:
        return None
    limits = (longest_input(source.config), source.graph.length)
    return min((limit for limit in limits if limit is not None), default=None)


def _adapter_files(entry: Mapping) -> list[str]:
    folder = Path(entry["adapter"])
    own = sorted(str(file) for pattern in ("*.json", "*.safetensors") for file in folder.glob(pattern))
    return own + _folder_files({"path": entry["base"]})


def _adapted(entry: Mapping) -> AdaptedFolder | None:
    try:
        return read_adapted(entry)
    except StudyError:
        return None  # reported by the check of the folder


def _load_adapter(entry: Mapping, head: str | None, where: str | None) -> None:
    from miniature.models.checkpoints import check_checkpoint

    check_checkpoint(read_adapted(entry, where=where), head=head, where=where)


SOURCES = {
    "architecture": Source(
        "{architecture: {layers: 2, hidden: 128, heads: 2, intermediate: 512}}",
        files=lambda entry: [],
        spec=lambda entry: {"architecture": entry["architecture"]},
        check=lambda entry, where: check_architecture(entry["architecture"], where=where),
        load=lambda entry, head, where: None,
        longest_input=lambda entry: entry["architecture"].get("max_positions", BERT_POSITIONS),
    ),
    "hub": Source(
        "{hub: google-bert/bert-base-uncased, revision: main}",
        files=lambda entry: [_retrieved(entry)],
        spec=lambda entry: {"path": _retrieved(entry)},
        check=lambda entry, where: None,
        load=lambda entry, head, where: None,
        longest_input=lambda entry: None,
        beside=("revision",),
    ),
    "path": Source(
        "{path: folder/of/the/checkpoint}",
        files=_folder_files,
        spec=lambda entry: {"path": entry["path"]},
        check=_check_folder,
        load=_load_folder,
        longest_input=_folder_positions,
        heads=_folder_heads,
        folder=lambda entry: read_folder(entry["path"]),
        paths=("path",),
    ),
    "onnx": Source(
        "{onnx: folder/of/the/model.onnx}",
        files=_graph_files,
        spec=lambda entry: {"path": entry["onnx"]},
        check=lambda entry, where: read_folder(entry["onnx"], where=where),
        load=_load_graph,
        longest_input=_graph_positions,
        heads=lambda entry: graph.heads if (graph := _graph_of(entry["onnx"])) else [],
        gives_embeddings=lambda entry: (graph := _graph_of(entry["onnx"])) is None or bool(graph.last_layer),
        folder=lambda entry: read_folder(entry["onnx"]),
        paths=("onnx",),
        ready=True,
        is_graph=True,
    ),
    "adapter": Source(
        "{adapter: folder/of/the/adapter, base: folder/of/the/model}",
        files=_adapter_files,
        spec=lambda entry: {"adapter": entry["adapter"], "base": entry["base"]},
        check=lambda entry, where: read_adapted(entry, where=where),
        load=_load_adapter,
        longest_input=lambda entry: longest_input(found.config) if (found := _adapted(entry)) else None,
        heads=lambda entry: (
            [h for h in HEAD_SUFFIXES if has_head(found.config, h)] if (found := _adapted(entry)) else []
        ),
        folder=read_adapted,
        paths=("adapter", "base"),
        ready=True,
        beside=("base",),
    ),
    # From another model of the study; `miniature.models.derived` says how.
    "derive": Source(
        "{derive: {from: large, quantize: int8}}",
        files=lambda entry: [],
        spec=lambda entry: dict(entry["derive"]),
        check=lambda entry, where: None,
        load=lambda entry, head, where: check_installed(entry["derive"], where=where),
        longest_input=lambda entry: entry_positions(entry["derive"].get("distill", {})),
    ),
}


def source_of(entry: Mapping) -> Source | None:
    """The row of an entry; None where it names no source, or several."""
    given = [key for key in SOURCES if key in entry]
    return SOURCES[given[0]] if len(given) == 1 else None


def check_entry(entry: Mapping, *, where: str | None = None) -> None:
    """Raise `StudyError` for whatever would make building an entry's model fail, as far as can be known."""
    source_of(entry).check(entry, where)


def entry_heads(entry: Mapping) -> list[str]:
    """Tasks that a local model has a head for."""
    source = source_of(entry)
    return source.heads(entry) if source else []


def local_folder(entry: Mapping) -> Folder | None:
    """The model folder of the user's that an entry or its spec names; None where it names none."""
    source = source_of(entry)
    return source.folder(entry) if source and source.folder else None


def is_ready(entry: Mapping) -> bool:
    """Whether a model comes in a form that is not trained."""
    return any(SOURCES[key].ready for key in SOURCES if key in entry)


def is_graph(entry: Mapping) -> bool:
    """Whether a model is given, or made here, as a graph of ONNX."""
    return becomes_graph(entry.get("derive", {})) or any(
        SOURCES[key].is_graph for key in SOURCES if key in entry
    )


def gives_embeddings(entry: Mapping) -> bool:
    """Whether a model with weights puts out its last layer."""
    source = source_of(entry)
    return source is None or source.gives_embeddings(entry)


def source_files(entry: Mapping) -> list[str]:
    """Files and folders that a model is made from; none for one that is trained from scratch."""
    return source_of(entry).files(entry)


def model_spec(entry: Mapping) -> dict:
    """An entry as `miniature.models.build.build_model` takes it: nothing about training.

    Examples
    --------
    >>> model_spec({"hub": "a/b", "revision": "main", "layers": 2, "teacher": "c"})
    {'path': 'resources/retrieved/models/a--b/main', 'layers': 2}
    """
    shape = {key: entry[key] for key in SHAPING_KEYS if key in entry}
    return source_of(entry).spec(entry) | shape


def entry_positions(entry: Mapping) -> int | None:
    """Most tokens that a model of the study takes; None where that is not known yet.

    Examples
    --------
    >>> entry_positions({"architecture": {"layers": 2}}), entry_positions({"hub": "a/b"}), entry_positions({})
    (512, None, None)
    """
    source = source_of(entry)
    return source.longest_input(entry) if source else None
