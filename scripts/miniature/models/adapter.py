"""Adapters as PEFT saves them: a low-rank change of a model's linear layers, and often its head.

LoRA (Hu et al. 2021, section 4.1): where the model has a matrix W, the adapted one has W + alpha / r B A.
"""

import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from miniature.messages import StudyError
from miniature.models.configuration import HEAD_SUFFIXES, SUPPORTED_TYPES, read_mapping
from miniature.models.folders import HEAD_WEIGHTS, Folder, read_folder
from miniature.models.weights import tensor_shapes

CONFIG, WEIGHTS, PICKLE = "adapter_config.json", "adapter_model.safetensors", "adapter_model.bin"
# How PEFT names the model that it wraps, layers within it, and what a copy took the place of.
WRAPPED = "base_model.model."
WRAPPERS, ORIGINAL = (".base_layer.", ".modules_to_save.default.", ".modules_to_save."), ".original_module."
LOW, HIGH = ".lora_A.weight", ".lora_B.weight"
# Settings under which PEFT computes something else than W + alpha / r B A, or keeps a part of it elsewhere.
OTHERWISE = (
    "use_dora", "use_qalora", "use_bdlora", "lora_bias", "alpha_pattern", "layer_replication",
    "target_parameters", "trainable_token_indices", "alora_invocation_tokens", "arrow_config",
    "kasa_config", "monteclora_config", "velora_config",
)  # fmt: skip
# Beginnings that leave W as it is; with others, such as PiSSA's, the adapter goes with another W.
BEGINNINGS = (None, True, False, "gaussian", "orthogonal", "eva")
MERGE = (
    "path: folder/of/the/merged/model   # in place of adapter and base; made where it was trained, by "
    "model.merge_and_unload().save_pretrained(...)"
)


class LowRank(NamedTuple):
    """The change of one matrix: the tensors of B and A in the adapter's file, and their product's factor."""

    high: str
    low: str
    scale: float


@dataclass(frozen=True, kw_only=True)
class AdaptedFolder(Folder):
    """A model folder as an adapter changes it; its configuration names the head that the adapter brings.

    Attributes
    ----------
    file : Path
        The adapter's weights.
    changes : dict of str to LowRank
        By parameter of the model.
    brought : dict of str to str
        Whole parameters, such as those of a head, and what each is called in `file`.
    settings : dict
        What the configuration says otherwise than the folder's ``config.json``.
    """

    file: Path
    changes: dict[str, LowRank]
    brought: dict[str, str]
    settings: dict


def read_adapted(entry: Mapping, *, where: str | None = None) -> AdaptedFolder:
    """Read what an adapter changes of the model that it belongs to, and refuse what would be run otherwise.

    Parameters
    ----------
    entry : mapping
        With the folders ``adapter`` and ``base``.
    where : str, optional
        The configuration key of the entry, for messages.

    Returns
    -------
    AdaptedFolder

    Raises
    ------
    StudyError
        A folder or file is missing or damaged; the adapter is of another kind than LoRA, or its tensors have
        no place in the model.
    """
    folder = Path(entry["adapter"])
    config = _read_settings(folder, where)
    base = _read_base(entry.get("base"), str(config.get("base_model_name_or_path") or "the-model"), where)
    file = folder / WEIGHTS
    if not file.is_file():
        raise _no_weights(folder, where)
    stored = tensor_shapes(file)
    pairs, brought = _sorted_out(stored, file)
    kept = _own_names(base)
    changes = {
        f"{layer}.weight": _low_rank(layer, pair, stored, config, kept.get(f"{layer}.weight"), file)
        for layer, pair in pairs.items()
    }
    shapes = {**kept, **{name: stored[tensor] for name, tensor in brought.items()}}
    for name in brought.keys() & kept.keys():
        if shapes[name] != kept[name] and not _is_head(name):
            raise _no_place(name, f"{shapes[name]}, where the model's is {kept[name]}", file)
    settings = _head_settings(base.config, brought, shapes)
    return AdaptedFolder(
        base.path, base.config | settings, base.tokenizer_config, (), shapes,
        file=file, changes=changes, brought=brought, settings=settings,
    )  # fmt: skip


def _read_settings(folder: Path, where: str | None) -> dict:
    file = folder / CONFIG
    if not folder.is_dir():
        raise StudyError(
            f"There is no adapter's folder {folder}.", where=where, fix="adapter: folder/of/the/adapter"
        )
    config = read_mapping(file, "The adapter's configuration")
    if config is None:
        whole = (folder / "config.json").is_file()
        raise StudyError(
            f"The adapter's folder has no {CONFIG}: {folder}.",
            where=where or str(folder),
            fix=f"path: {folder}   # in place of adapter and base: it is a model" if whole
            else f"adapter: the folder that holds {CONFIG} and {WEIGHTS}",
        )  # fmt: skip
    if config.get("peft_type") != "LORA":
        raise StudyError(
            f"The adapter is of the kind {config.get('peft_type')!r}; LORA alone is merged here.",
            where=str(file),
            fix=MERGE,
        )
    other = [key for key in OTHERWISE if config.get(key)]
    if config.get("init_lora_weights") not in BEGINNINGS:
        other.append("init_lora_weights")
    if other:
        raise StudyError(
            f"The adapter has {other[0]}: {config[other[0]]!r}, which is more than a change by B A.",
            where=str(file),
            fix=MERGE,
        )
    for key in ("r", "lora_alpha"):
        value = config.get(key)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
            raise StudyError(
                f"{key} of the adapter is {value!r}, and not a number above 0.",
                where=str(file),
                fix="fetch the adapter again",
            )
    return config


def _no_weights(folder: Path, where: str | None) -> StudyError:
    if (folder / PICKLE).is_file():
        return StudyError(
            f"The adapter is only there as {PICKLE}, a format that can run code: not loaded.",
            where=where or str(folder),
            fix="save an adapter that you trust anew: model.save_pretrained(folder, safe_serialization=True)",
        )
    return StudyError(
        f"The adapter's folder has no {WEIGHTS}.",
        where=where or str(folder),
        fix="fetch the adapter again",
    )


def _read_base(base: str | None, named: str, where: str | None) -> Folder:
    if base is None or not Path(base).is_dir():
        raise StudyError(
            "The adapter does not say to which model here it belongs."
            if base is None
            else f"There is no folder {base} of the model that the adapter belongs to.",
            where=where,
            fix=f"base: {named if os.path.isdir(named) else 'models/' + named.rsplit('/', 1)[-1]}"
            f"   # beside adapter: the folder of {named}, with config.json and model.safetensors",
        )
    found = read_folder(base, where=where)
    if found.graph is not None:
        raise StudyError(
            f"The adapter's base {base} is a graph of ONNX, without weights to change.",
            where=where,
            fix="base: the folder with model.safetensors that the adapter was trained on",
        )
    return found


def _sorted_out(stored: Mapping, file: Path) -> tuple[dict[str, dict[str, str]], dict[str, str]]:
    """Tensors of an adapter: pairs by the layer that they change, and whole parameters by name."""
    pairs: dict[str, dict[str, str]] = {}
    whole = {}
    for tensor in stored:
        name = tensor.removeprefix(WRAPPED)
        if ORIGINAL in name:
            continue
        for part in WRAPPERS:
            name = name.replace(part, ".")
        end = next((end for end in (LOW, HIGH) if name.endswith(end)), None)
        if not tensor.startswith(WRAPPED) or (end is None and "lora_" in name):
            raise StudyError(
                f"The adapter holds {tensor}, of which nothing is known here.", where=str(file), fix=MERGE
            )
        if end is None:
            whole[name] = tensor
        else:
            pairs.setdefault(name.removesuffix(end), {})[end] = tensor
    if not pairs:
        raise StudyError("The adapter changes no layer.", where=str(file), fix="fetch the adapter again")
    return pairs, whole


def _own_names(base: Folder) -> dict[str, list[int]]:
    """Shapes of a folder's tensors, named as in a model with a head; some are saved without its start."""
    start = f"{SUPPORTED_TYPES[base.config['model_type']][1]}."
    return {
        name if name.startswith(start) or _is_head(name) else start + name: shape
        for name, shape in base.shapes.items()
    }


def _is_head(name: str) -> bool:
    return name.startswith(("classifier.", "pre_classifier.", "qa_outputs.", "cls.", "lm_head.", "vocab_"))


def _low_rank(
    layer: str, pair: Mapping, stored: Mapping, config: Mapping, kept: list[int] | None, file: Path
) -> LowRank:
    """The change of a layer, which has the size that the base's is kept in."""
    if len(pair) < 2:
        raise StudyError(
            f"The adapter holds one of lora_A and lora_B of {layer}, and not the other.",
            where=str(file),
            fix="fetch the adapter again",
        )
    low, high = stored[pair[LOW]], stored[pair[HIGH]]
    if kept is None:
        raise _no_place(layer, "which the model does not have", file)
    if [*high[:1], *low[1:]] != kept or high[1:] != low[:1]:
        raise _no_place(layer, f"of {high} by {low}, where the model's is {kept}", file)
    rank = low[0]
    if rank != config["r"] and not config.get("rank_pattern"):
        raise StudyError(
            f"The adapter's r is {config['r']}, and that of {layer} is {rank}.",
            where=str(file.parent / CONFIG),
            fix=f'"r": {rank},   # if this is the configuration that belongs to {WEIGHTS}',
        )
    root = math.sqrt(rank) if config.get("use_rslora") else rank
    return LowRank(pair[HIGH], pair[LOW], config["lora_alpha"] / root)


def _no_place(name: str, why: str, file: Path) -> StudyError:
    return StudyError(
        f"The adapter does not fit its base: it changes {name}, {why}.",
        where=str(file),
        fix="base: the folder of the very model that the adapter was trained on",
    )


def _head_settings(config: Mapping, brought: Mapping, shapes: Mapping) -> dict:
    """What ``config.json`` would say of a head that an adapter brings."""
    heads = {head: name for head, names in HEAD_WEIGHTS.items() for name in names if name in brought}
    if not heads:
        return {}
    head, name = next(iter(heads.items()))
    settings = {"architectures": [SUPPORTED_TYPES[config["model_type"]][0] + HEAD_SUFFIXES[head]]}
    if head == "classification" and len(config.get("id2label") or ()) != shapes[name][0]:
        numbers = range(shapes[name][0])
        settings["id2label"] = {number: f"LABEL_{number}" for number in numbers}
        settings["label2id"] = {f"LABEL_{number}": number for number in numbers}
    return settings


def left_to_fit(source: AdaptedFolder, names: Iterable[str], shapes: Mapping[str, list[int]]) -> list[str]:
    """Names that the base has no weights for, without those that the adapter brings.

    Parameters
    ----------
    source : AdaptedFolder
    names : iterable of str
        Parameters of the model with its head that the base lacks or has in another shape.
    shapes : mapping of str to list of int
        Of all its parameters.

    Raises
    ------
    StudyError
        The adapter brings a parameter that is none of the model's.
    """
    for name in source.brought:
        if name not in shapes and not _is_head(name):
            raise _no_place(name, "which the model does not have", source.file)
    return [name for name in names if shapes[name] != source.shapes.get(name) or name not in source.brought]


def merge_adapter(model, source: AdaptedFolder) -> None:
    """Put an adapter's change into a model that was loaded from its base.

    Parameters
    ----------
    model : PreTrainedModel
        With the head that is used, in float32; changed in place.
    source : AdaptedFolder
    """
    import torch
    from safetensors.torch import load_file

    tensors = load_file(source.file)
    parameters = dict(model.named_parameters())
    with torch.no_grad():
        for name, stored in source.brought.items():
            parameters[name].copy_(tensors[stored])
        for name, (high, low, scale) in source.changes.items():
            parameters[name] += (tensors[high].float() @ tensors[low].float()) * scale
