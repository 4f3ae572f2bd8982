"""Cheap checks of a model folder, without torch: before any long job, what can be known is known."""

import json
import os
import struct
from collections.abc import Mapping
from pathlib import Path

from miniature.messages import StudyError

BERT_POSITIONS = 512
# Their position numbers start after the padding index.
ROBERTA_LIKE = ("roberta", "camembert", "xlm-roberta")


def longest_input(entry: Mapping) -> int | None:
    """Most tokens a model of the study takes; None where that is not known yet (Hub, unreadable folder).

    Parameters
    ----------
    entry : mapping
        An entry of ``models`` or ``masked_lms``, paths expanded.

    Returns
    -------
    int or None

    Examples
    --------
    >>> longest_input({"architecture": {"layers": 2}}), longest_input({"hub": "a/b"})
    (512, None)
    """
    if "architecture" in entry:
        return entry["architecture"].get("max_positions", BERT_POSITIONS)
    if "path" not in entry:
        return None
    try:
        config = read_config(entry["path"])
    except StudyError:
        return None  # told by the check of the folder
    positions, padding = config.get("max_position_embeddings"), config.get("pad_token_id", 1)
    if not isinstance(positions, int) or not isinstance(padding, int):
        return None
    return positions - (padding + 1 if config["model_type"] in ROBERTA_LIKE else 0)


# Encoders whose layers are numbered and whose first position is the classification token.
SUPPORTED_TYPES = ("bert", "distilbert", "roberta", "electra", "camembert", "xlm-roberta")

# Encoders that can be cut to their first layers, and the configuration key that counts them.
LAYER_KEYS = {"bert": "num_hidden_layers", "distilbert": "n_layers"}

HEAD_SUFFIXES = {
    "question-answering": "ForQuestionAnswering",
    "classification": "ForSequenceClassification",
    "masked-lm": "ForMaskedLM",
}

PICKLE_SUFFIXES = (".bin", ".pt", ".pth", ".ckpt", ".h5", ".msgpack")
TOKENIZER_FILES = ("tokenizer.json", "vocab.txt", "vocab.json", "sentencepiece.bpe.model")


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
            "The model's weights are quantised; only weights in floating point are run here.",
            where=str(file),
            fix="run it elsewhere and name what it put out: predictions: {<dataset>: {path: <file>}}",
        )
    kind = config.get("model_type")
    if kind not in SUPPORTED_TYPES:
        raise StudyError(
            f"Models of the kind {kind!r} are not supported.",
            where=str(file),
            fix=f"name an encoder of one of these kinds: {', '.join(SUPPORTED_TYPES)}",
        )
    return config


def weight_files(folder: str | os.PathLike, *, where: str | None = None) -> list[Path]:
    """List the safetensors files of a model folder.

    Raises
    ------
    StudyError
        There are none (only pickles, or nothing), or the index names a file that is missing.
    """
    folder = Path(folder)
    where = where or str(folder)
    single = folder / "model.safetensors"
    if single.is_file():
        return [single]
    index = folder / "model.safetensors.index.json"
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
    pickles = sorted(p.name for p in folder.iterdir() if p.suffix in PICKLE_SUFFIXES)
    if pickles:
        raise StudyError(
            f"The model's weights are only there as {pickles[0]}, a format that can run code: not loaded.",
            where=where,
            fix="take a revision with model.safetensors, or save the model you trust anew with "
            "model.save_pretrained(folder, safe_serialization=True)",
        )
    raise StudyError(
        f"The model folder holds no model.safetensors: {folder}.", where=where, fix="fetch the model again"
    )


def tensor_shapes(file: str | os.PathLike) -> dict[str, list[int]]:
    """Names and shapes of the tensors in a safetensors file, read from its header only.

    Raises
    ------
    StudyError
        The file is cut off or is no safetensors file.
    """
    file = Path(file)
    try:
        size = file.stat().st_size
        with file.open("rb") as opened:
            (length,) = struct.unpack("<Q", opened.read(8))
            if length > size:
                raise ValueError("its header is longer than the file")
            header = json.loads(opened.read(length))
        tensors = {name: entry for name, entry in header.items() if name != "__metadata__"}
        end = max((entry["data_offsets"][1] for entry in tensors.values()), default=0)
        if size != 8 + length + end:
            raise ValueError(f"it has {size} bytes, its header promises {8 + length + end}")
        return {name: list(entry["shape"]) for name, entry in tensors.items()}
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError, struct.error) as error:
        raise StudyError(
            f"The file of weights is damaged: {error}.", where=str(file), fix="fetch or build the model again"
        ) from None


def check_model_source(
    spec: Mapping, *, head: str, where: str | None = None, needs_head: bool = False
) -> None:
    """Check one entry of ``models:`` or ``masked_lms:`` without loading it.

    Parameters
    ----------
    spec : mapping
        The entry, with ``architecture`` or ``path`` (a retrieved Hub model has its folder as ``path``).
    head : str
        ``question-answering``, ``classification`` or ``masked-lm``.
    where : str, optional
        The configuration key, for messages.
    needs_head : bool
        The model is used as it is, so that it must have the head already (a masked LM without training).

    Raises
    ------
    StudyError
        Whatever would make building the model fail: no such folder, pickles only, damaged weights, an
        unsupported kind, more layers asked for than there are, a hidden size the heads do not divide.
    """
    if "architecture" in spec:
        check_architecture(spec["architecture"], where=where)
        return
    folder = Path(spec["path"])
    config = read_config(folder, where=where)
    shapes: dict[str, list[int]] = {}
    for file in weight_files(folder, where=where):
        shapes |= tensor_shapes(file)
    if not any((folder / name).is_file() for name in TOKENIZER_FILES):
        raise StudyError(
            f"The model folder has no tokenizer: {folder}.",
            where=where,
            fix=f"put one of these files there: {', '.join(TOKENIZER_FILES)}",
        )
    check_tokenizer(folder)
    check_layers(config, spec.get("layers"), where=where)
    if needs_head and not has_head(config, head):
        raise StudyError(
            f"The model is no {head} model: its config.json names {config.get('architectures')}.",
            where=where,
            fix="add datasets: [...] and a training: block, so that the head is trained",
        )


def check_tokenizer(folder: str | os.PathLike) -> None:
    """Refuse a tokenizer that brings its own code, before anything loads it."""
    file = Path(folder) / "tokenizer_config.json"
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return
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


def check_architecture(architecture: Mapping, *, where: str | None = None) -> None:
    """Check the sizes of an encoder to be trained from scratch."""
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
            f"A hidden size of {hidden} cannot be shared among {heads} heads.",
            where=where,
            fix=f"hidden: {heads * max(1, round(hidden / heads))}",
        )


def check_layers(config: Mapping, layers: int | None, *, where: str | None = None) -> None:
    """Check that an encoder can be cut to its first `layers` layers."""
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
