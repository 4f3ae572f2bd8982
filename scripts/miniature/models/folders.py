"""Cheap checks of a model folder, without torch: before any long job, what can be known is known."""

import json
import os
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from miniature.messages import StudyError, python_line
from miniature.models.graphs import Graph, check_graph, read_graph

# Encoders whose layers are numbered and whose first position is the classification token, and how
# transformers begins the names of their classes and of their weights.
SUPPORTED_TYPES = {
    "bert": ("Bert", "bert"),
    "distilbert": ("DistilBert", "distilbert"),
    "roberta": ("Roberta", "roberta"),
    "electra": ("Electra", "electra"),
    "camembert": ("Camembert", "roberta"),
    "xlm-roberta": ("XLMRoberta", "roberta"),
}
# Their position numbers start after the padding index.
ROBERTA_LIKE = ("roberta", "camembert", "xlm-roberta")

# Encoders that can be cut to their first layers, and the configuration key that counts them.
LAYER_KEYS = {"bert": "num_hidden_layers", "distilbert": "n_layers"}

HEAD_SUFFIXES = {
    "question-answering": "ForQuestionAnswering",
    "classification": "ForSequenceClassification",
    "masked-lm": "ForMaskedLM",
}
# The last layer of each head; the second name for classification is RoBERTa's and ELECTRA's.
HEAD_WEIGHTS = {
    "question-answering": ("qa_outputs.weight",),
    "classification": ("classifier.weight", "classifier.out_proj.weight"),
    "masked-lm": ("cls.predictions.bias", "lm_head.bias", "vocab_projector.bias"),
}

PICKLE_SUFFIXES = (".bin", ".pt", ".pth", ".ckpt", ".h5", ".msgpack")
# What other engines run; nothing here reads it.
ENGINE_SUFFIXES = (
    ".gguf", ".ggml", ".engine", ".plan", ".trt", ".tflite", ".mlmodel", ".mlpackage", ".xml", ".pte",
)  # fmt: skip
TOKENIZER_FILES = ("tokenizer.json", "vocab.txt", "vocab.json", "sentencepiece.bpe.model")
INDEX = "model.safetensors.index.json"
# Values of config.json that have to be what they are called; defaults stand for those that are left out.
TEXTS = {"model_type": "bert", "hidden_act": "gelu", "activation": "gelu"}
COUNTS = {
    "hidden_size": 768, "dim": 768, "num_hidden_layers": 12, "n_layers": 6, "num_attention_heads": 12,
    "n_heads": 12, "intermediate_size": 3072, "hidden_dim": 3072, "max_position_embeddings": 512,
    "vocab_size": 30522, "type_vocab_size": 2, "embedding_size": 128,
}  # fmt: skip
# What the first and second sizes of tensors are called in config.json.
_WIDTH = ("embedding_size", "hidden_size", "dim")
SIZES = {
    "embeddings.word_embeddings.weight": (("vocab_size",), _WIDTH),
    "embeddings.position_embeddings.weight": (("max_position_embeddings",), _WIDTH),
    "embeddings.token_type_embeddings.weight": (("type_vocab_size",), _WIDTH),
    "intermediate.dense.weight": (("intermediate_size",), ("hidden_size",)),
    "ffn.lin1.weight": (("hidden_dim",), ("dim",)),
}
CHOICES = {"position_embedding_type": ("absolute", "relative_key", "relative_key_query")}
MOST_EPSILON = 1e-3
# In a checkpoint of the workflow: the graph of a model of ONNX, and what its links lead to.
GRAPH_FILE, LINKS = "model.onnx", "links.json"
# In one that was made here from another's: what was done.
DERIVED = "derived.json"
# Numbers as safetensors stores them that are what they say; whole numbers are packed or scaled weights.
NUMBER_TYPES = ("F64", "F32", "F16", "BF16")
ELSEWHERE = (
    "predictions: {<dataset>: {path: predictions.csv}}   # in place of path and as_is: its answers, from "
    "where it runs"
)

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
        The files of weights.
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


def read_config(folder: str | os.PathLike, *, where: str | None = None) -> dict:
    """Read ``config.json`` of a model folder and refuse what this project does not run.

    Parameters
    ----------
    folder : path
        A folder in the format of Hugging Face.
    where : str, optional
        The configuration key that names the folder, for messages.

    Returns
    -------
    dict
        The configuration.

    Raises
    ------
    StudyError
        No such folder or file, damaged json, custom code, or an unsupported kind of model.
    """
    folder = Path(folder)
    where = where or str(folder)
    if not folder.is_dir():
        raise StudyError(f"There is no model folder {folder}.", where=where, fix="path: /folder/of/the/model")
    file = folder / "config.json"
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise StudyError(
            f"The model folder has no config.json: {folder}.",
            where=where,
            fix="name the folder that holds config.json and model.safetensors",
        ) from None
    except (ValueError, OSError, RecursionError) as error:
        raise StudyError(
            f"The model's config.json cannot be read: {error}.", where=str(file), fix="fetch the model again"
        ) from None
    if not isinstance(config, dict):
        raise StudyError(
            "The model's config.json is no mapping.", where=str(file), fix="fetch the model again"
        )
    if "auto_map" in config:
        raise StudyError(
            "The model brings its own code, which is never run.",
            where=str(file),
            fix=f"name a model of one of the kinds built into transformers: {', '.join(SUPPORTED_TYPES)}",
        )
    if "quantization_config" in config:
        raise StudyError(
            "The model's weights are quantized; only weights in floating point are run here.",
            where=str(file),
            fix=ELSEWHERE,
        )
    _check_values(config, file)
    kind = config.get("model_type")
    if kind is None and (guess := _guess_type(config, folder)):
        raise StudyError(
            "The model's config.json does not say what kind of model it is.",
            where=str(file),
            fix=f'"model_type": "{guess}",   # a line more in config.json',
        )
    if kind not in SUPPORTED_TYPES:
        raise StudyError(
            f"Models of the kind {kind!r} are not supported.",
            where=str(file),
            fix=f"name an encoder of one of these kinds: {', '.join(SUPPORTED_TYPES)}",
        )
    if kind in ROBERTA_LIKE and not _is_count(config.get("pad_token_id", 1)):
        raise StudyError(
            f"pad_token_id is {json.dumps(config['pad_token_id'])}; a {kind} counts its positions from it.",
            where=str(file),
            fix=f'"pad_token_id": {_pad_id(folder)},   # the id of <pad> in its vocabulary',
        )
    return config


def _pad_id(folder: Path) -> int:
    """The number of the padding token in ``tokenizer.json``; RoBERTa's own where the file does not say."""
    try:
        tokens = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))["added_tokens"]
        return next(token["id"] for token in tokens if token["content"] in ("<pad>", "[PAD]"))
    except (OSError, ValueError, LookupError, TypeError, StopIteration):
        return 1


def _check_values(config: Mapping, file: Path) -> None:
    """Refuse values of a type or size that transformers takes and runs another model with, or none."""

    def wrong(key: str, meant: str, example: object) -> StudyError:
        return StudyError(
            f"{key} is {json.dumps(config[key])[:100]}, and not {meant}.",
            where=str(file),
            fix=f'"{key}": {json.dumps(example)},   # as where the model was saved',
        )

    named = config.get("architectures")
    if named is not None and not (isinstance(named, list) and all(isinstance(name, str) for name in named)):
        raise wrong("architectures", "a list of names", [str(named)])
    for key, example in TEXTS.items():
        missing = key == "model_type" and config.get(key) is None
        if not missing and not isinstance(config.get(key, example), str):
            raise wrong(key, "a word", example)
    for key, example in COUNTS.items():
        if not _is_count(config.get(key, example)) or config.get(key, example) == 0:
            raise wrong(key, "a whole number of at least 1", example)
    epsilon = config.get("layer_norm_eps", 1e-12)
    if isinstance(epsilon, bool) or not isinstance(epsilon, int | float) or not 0 < epsilon <= MOST_EPSILON:
        raise wrong("layer_norm_eps", "a small number, such as 1e-12", 1e-12)
    for key, known in CHOICES.items():
        if key in config and config[key] not in known:
            raise wrong(key, f"one of {', '.join(map(str, known))}", known[0])
    for width, heads in (("hidden_size", "num_attention_heads"), ("dim", "n_heads")):
        if config.get(width, 0) % config.get(heads, 1):
            raise wrong(heads, f"a divisor of {width} ({config[width]})", 1)
    padding = config.get("pad_token_id")
    if padding is not None and not _is_count(padding):
        raise wrong("pad_token_id", "the number of a token", 0)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _guess_type(config: Mapping, folder: Path) -> str | None:
    """The kind of a model whose configuration does not say it, from its head's name or from its weights'."""
    for name in config.get("architectures") or []:
        for kind, (start, _) in SUPPORTED_TYPES.items():
            if re.match(rf"{start}(For|Model)", str(name)):
                return kind
    try:
        names = [name for file in weight_files(folder) for name in tensor_shapes(file)]
    except StudyError:
        return None
    starts = {name.split(".")[0] for name in names}
    # CamemBERT's and XLM-RoBERTa's weights are named as RoBERTa's, which computes the same.
    return next((kind for kind, (_, start) in SUPPORTED_TYPES.items() if start in starts), None)


def weight_files(folder: str | os.PathLike, *, where: str | None = None) -> list[Path]:
    """List the safetensors files of a model folder; pickles are none."""
    folder = Path(folder)
    where = where or str(folder)
    single = folder / "model.safetensors"
    if single.is_file():
        return [single]
    index = folder / INDEX
    if index.is_file():
        try:
            names = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
        except (ValueError, KeyError, AttributeError, TypeError) as error:
            raise StudyError(
                f"The index of the weights cannot be read: {error}.",
                where=str(index),
                fix="fetch the model again",
            ) from None
        missing = [name for name in names if Path(name).name != name or not (folder / name).is_file()]
        if missing:
            raise StudyError(
                f"A file of weights is missing: {missing[0]}.", where=str(index), fix="fetch the model again"
            )
        return [folder / name for name in names]
    raise _no_weights(folder, where)


def _no_weights(folder: Path, where: str) -> StudyError:
    """Why a folder without ``model.safetensors`` is none that is run here, and what to do about it."""
    names = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if not p.name.startswith("."))
    graphs = [name for name in names if name.endswith(".onnx")]
    if graphs:
        return StudyError(
            f"The model's weights are there as {graphs[0]}, a graph of ONNX.",
            where=where,
            fix=f"onnx: {folder / graphs[0]}   # in place of path and as_is",
        )
    engines = [name for name in names if name.endswith(ENGINE_SUFFIXES)]
    if engines:
        return StudyError(
            f"The model is there as {engines[0]}, which another program runs.", where=where, fix=ELSEWHERE
        )
    if "adapter_config.json" in names:
        return StudyError(
            "The folder holds an adapter without the model that it changes.",
            where=where,
            fix="merge them, and name that folder: "
            "AutoPeftModelForSequenceClassification.from_pretrained(...).merge_and_unload().save_pretrained(...)",
        )
    pickles = [name for name in names if "/" not in name and name.endswith(PICKLE_SUFFIXES)]
    if pickles:
        return StudyError(
            f"The model's weights are only there as {pickles[0]}, a format that can run code: not loaded.",
            where=where,
            fix="take a revision with model.safetensors, or save the model you trust anew with "
            "model.save_pretrained(folder, safe_serialization=True)",
        )
    others = [name for name in names if "/" not in name and name.endswith(".safetensors")]
    if others:
        return StudyError(
            f"The model folder holds {', '.join(others[:3])}, and no model.safetensors.",
            where=where,
            fix=f"mv {shlex.quote(str(folder / others[0]))} {shlex.quote(str(folder / 'model.safetensors'))}"
            if len(others) == 1
            else f"put the index of these files there: {INDEX}",
        )
    return StudyError(
        f"The model folder holds no model.safetensors: {folder}.", where=where, fix="fetch the model again"
    )


def tensor_shapes(file: str | os.PathLike) -> dict[str, list[int]]:
    """Names and shapes of the tensors in a safetensors file, read from its header only.

    Raises
    ------
    StudyError
        The file is cut off or is no safetensors file, or its numbers are packed.
    """
    from safetensors import SafetensorError, safe_open

    file = Path(file)
    try:
        with safe_open(file, framework="numpy") as opened:
            slices = {name: opened.get_slice(name) for name in opened.keys()}  # noqa: SIM118
            types = {name: part.get_dtype() for name, part in slices.items()}
            shapes = {name: list(part.get_shape()) for name, part in slices.items()}
    except (OSError, ValueError, SafetensorError) as error:
        raise StudyError(
            f"The file of weights is damaged: {error}.", where=str(file), fix="fetch or build the model again"
        ) from None
    for name, kind in types.items():
        # Positions are numbered in a buffer of some checkpoints.
        if kind not in NUMBER_TYPES and not name.endswith("_ids"):
            raise StudyError(
                f"The weights are packed: {name} holds {kind}, and only floating point is run here.",
                where=str(file),
                fix=ELSEWHERE,
            )
    return shapes


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
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (ValueError, OSError, RecursionError) as error:
        raise StudyError(
            f"The tokenizer's configuration cannot be read: {error}.",
            where=str(file),
            fix="fetch the model again",
        ) from None
    if not isinstance(config, dict):
        raise StudyError(
            "The tokenizer's configuration is no mapping.", where=str(file), fix="fetch the model again"
        )
    if "auto_map" in config:
        raise StudyError(
            "The tokenizer brings its own code, which is never run.",
            where=str(file),
            fix="save the fast tokenizer that it stands for there, as tokenizer.json, and remove auto_map",
        )
    return config


def check_architecture(architecture: Mapping, *, where: str | None = None) -> None:
    """Check the sizes of an encoder to be trained from scratch.

    Raises
    ------
    StudyError
        A size is missing or not positive, or the hidden size is not a multiple of the heads.
    """
    for key in ("layers", "hidden", "heads", "intermediate"):
        value = architecture.get(key)
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise StudyError(
                f"`{key}` of an architecture is a whole number of at least 1, not {value!r}.",
                where=where,
                fix="architecture: {layers: 2, hidden: 128, heads: 2, intermediate: 512}",
            )
    hidden, heads = architecture["hidden"], architecture["heads"]
    if hidden % heads:
        raise StudyError(
            f"hidden ({hidden}) is not a multiple of heads ({heads}).",
            where=where,
            fix=f"heads: {max(number for number in range(1, heads + 1) if hidden % number == 0)}",
        )


def check_layers(config: Mapping, layers: int | None, *, where: str | None = None) -> None:
    """Check that an encoder can be cut to its first `layers` layers.

    Raises
    ------
    StudyError
        It has fewer, or its kind cannot be cut.
    """
    if layers is None:
        return
    key = LAYER_KEYS.get(config["model_type"])
    if key is None:
        raise StudyError(
            f"Models of the kind {config['model_type']!r} cannot be cut to their first layers.",
            where=where,
            fix=f"leave `layers` out, or name a model of the kinds {', '.join(LAYER_KEYS)}",
        )
    available = config.get(key)
    if not isinstance(available, int) or not 1 <= layers <= available:
        raise StudyError(
            f"The model has {available} layers; its first {layers} cannot be kept.",
            where=where,
            fix=f"layers: {available}",
        )


def has_head(config: Mapping, head: str) -> bool:
    """Whether a checkpoint's configuration says that it was saved with this head."""
    return any(str(name).endswith(HEAD_SUFFIXES[head]) for name in config.get("architectures") or [])


def longest_input(config: Mapping) -> int | None:
    """Most tokens an encoder takes, special tokens included; None where its configuration does not say.

    Examples
    --------
    >>> longest_input({"model_type": "roberta", "max_position_embeddings": 514, "pad_token_id": 1})
    512
    """
    positions, padding = config.get("max_position_embeddings"), config.get("pad_token_id", 1)
    if not isinstance(positions, int):
        return None
    return positions - (padding + 1 if config["model_type"] in ROBERTA_LIKE else 0)
