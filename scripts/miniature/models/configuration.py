"""What the config.json of an encoder says, checked without torch."""

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path

from miniature.messages import StudyError
from miniature.models.weights import ELSEWHERE, tensor_shapes, weight_files

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
# Values of config.json that have to be what they are called; defaults stand for those that are left out.
TEXTS = {"model_type": "bert", "hidden_act": "gelu", "activation": "gelu"}
COUNTS = {
    "hidden_size": 768, "dim": 768, "num_hidden_layers": 12, "n_layers": 6, "num_attention_heads": 12,
    "n_heads": 12, "intermediate_size": 3072, "hidden_dim": 3072, "max_position_embeddings": 512,
    "vocab_size": 30522, "type_vocab_size": 2, "embedding_size": 128,
}  # fmt: skip
CHOICES = {"position_embedding_type": ("absolute", "relative_key", "relative_key_query")}
MOST_EPSILON = 1e-3


def read_mapping(file: Path, what: str) -> dict | None:
    """The mapping in a JSON file of a model folder; None where there is no such file.

    Raises
    ------
    StudyError
        It is damaged or no mapping; `what` begins the message.
    """
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (ValueError, OSError, RecursionError) as error:
        raise StudyError(
            f"{what} cannot be read: {error}.", where=str(file), fix="fetch the model again"
        ) from None
    if not isinstance(content, dict):
        raise StudyError(f"{what} is no mapping.", where=str(file), fix="fetch the model again")
    return content


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
    config = read_mapping(file, "The model's config.json")
    if config is None:
        raise StudyError(
            f"The model folder has no config.json: {folder}.",
            where=where,
            fix="name the folder that holds config.json and model.safetensors",
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
