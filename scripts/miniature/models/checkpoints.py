"""Load a fine-tuned checkpoint: safetensors only, the right head, nothing missing."""

import os
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from transformers import (
    AutoConfig,
    AutoModelForMaskedLM,
    AutoModelForQuestionAnswering,
    AutoModelForSequenceClassification,
    PretrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

from miniature.messages import StudyError
from miniature.models.adapter import AdaptedFolder, left_to_fit, merge_adapter
from miniature.models.configuration import HEAD_SUFFIXES, SUPPORTED_TYPES
from miniature.models.configuration import longest_input as longest_of
from miniature.models.folders import Folder, check_head, read_folder
from miniature.models.results import check_result_folder
from miniature.models.tokenizers import load_tokenizer, loading, settle_padding
from miniature.models.weights import ELSEWHERE

# Written into the config.json of a model that was trained with every token in one segment: whoever loads the
# checkpoint reads it there, so that it is never run otherwise than it was trained.
USE_SEGMENTS = "use_segments"

# Written into the config.json of a model that was cast: the type that its numbers have when it is run.
COMPUTED_IN = "computed_in"
CASTS = {"bf16": torch.bfloat16, "fp16": torch.float16}

# Parts of a model that belong to a head: they may be new where one is trained, and go where another is.
HEAD_PARTS = (
    "qa_outputs.",
    "classifier.",
    "pre_classifier.",
    "pooler.",
    "cls.",
    "vocab_",
    "lm_head.",
    "generator_",
    "discriminator_",
    "summary.",
    "score.",
)
# What pre-training leaves beside a head, which no output depends on, and buffers that count positions.
HARMLESS = (
    "pooler.",
    "cls.",
    "vocab_",
    "lm_head.",
    "generator_",
    "discriminator_",
    "embeddings.position_ids",
    "embeddings.token_type_ids",
)
LAYER_NAME = re.compile(r"\.layer\.\d+\.")

HEAD_CLASSES = {
    "question-answering": AutoModelForQuestionAnswering,
    "classification": AutoModelForSequenceClassification,
    "masked-lm": AutoModelForMaskedLM,
}


def load_checkpoint(
    folder: str | os.PathLike, *, head: str
) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """Load a checkpoint that has the head already, ready for inference.

    Parameters
    ----------
    folder : path
        A folder with ``config.json``, ``model.safetensors`` and a fast tokenizer.
    head : str
        ``question-answering``, ``classification`` or ``masked-lm``.

    Returns
    -------
    model : PreTrainedModel
        In float32, or what it was cast to here, and evaluation mode, on the CPU.
    tokenizer : PreTrainedTokenizerFast

    Raises
    ------
    StudyError
        The checkpoint is for another task, damaged, only there as a pickle, or brings code.
    """
    source = read_folder(folder)
    _check_head(source, head)
    if source.graph is not None:
        return _load_graph(source, head)
    model = load_weights(source, head=head, config=load_config(source), needed=head).eval()
    if (cast := getattr(model.config, COMPUTED_IN, None)) in CASTS:
        model.to(CASTS[cast])
    tokenizer = load_tokenizer(source.path, pair=head == "question-answering")
    settle_padding(tokenizer, model.config, where=str(source.path))
    return model, tokenizer


def _load_graph(source: Folder, head: str) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    from miniature.models.onnx import OnnxModel

    model = OnnxModel(source, load_config(source), head).eval()
    tokenizer = load_tokenizer(source.path, pair=head == "question-answering")
    settle_padding(tokenizer, model.config, where=str(source.path))
    return model, tokenizer


def check_checkpoint(
    folder: str | os.PathLike,
    *,
    head: str | None = None,
    layers: int | None = None,
    where: str | None = None,
) -> None:
    """Load a model folder's configuration and tokenizer, and fit its weights by name and shape alone.

    No tensor is read: it takes a second or two whatever the size of the model.

    Parameters
    ----------
    folder : path
    head : str, optional
        The head that the checkpoint must have already; without it, one is trained on it here.
    layers : int, optional
        The first layers that are kept, where not all are.
    where : str, optional
        The configuration key that names the folder, for messages.

    Raises
    ------
    StudyError
        What `load_checkpoint` or `miniature.models.build.build_model` would raise later.
    """
    source = read_folder(folder, where=where)
    if head is not None:
        _check_head(source, head)
    config = load_config(source)
    if source.graph is not None:
        model, tokenizer = _load_graph(source, head)
        check_tokenizer_size(model.config, tokenizer, where=str(source.path))
        return
    fit_weights(source, head=head or "masked-lm", config=config, needed=head, layers=layers)
    tokenizer = load_tokenizer(source.path, pair=head == "question-answering")
    settle_padding(tokenizer, config, where=str(source.path))
    check_tokenizer_size(config, tokenizer, where=str(source.path))


def _check_head(source: Folder, head: str) -> None:
    fix = f"name a checkpoint whose config.json has an architecture ending in {HEAD_SUFFIXES[head]}"
    check_head(source, head, fix=fix)


def load_result(folder: str | os.PathLike, *, head: str) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """As `load_checkpoint`, for a checkpoint that the workflow made: a damaged one is set aside.

    Raises
    ------
    StudyError
        As `load_checkpoint`; a damaged folder has been renamed ``<folder>.damaged``.
    """
    check_result_folder(folder)
    return load_checkpoint(folder, head=head)


def load_config(source: Folder, **changes) -> PretrainedConfig:
    """A model folder's configuration as transformers understands it."""
    if isinstance(source, AdaptedFolder):
        changes = source.settings | changes
    with loading(
        "The model's config.json cannot be used",
        where=str(source.path / "config.json"),
        fix="correct it, or take config.json from where the model was saved",
    ):
        return AutoConfig.from_pretrained(
            str(source.path), trust_remote_code=False, local_files_only=True, **changes
        )


class Found(NamedTuple):
    """How stored weights fit a model: names in order.

    Attributes
    ----------
    missing : list of str
        Parameters that the folder does not hold; drawn from torch's generator.
    mismatched : list of str
        Parameters that it holds in another shape.
    unplaced : list of str
        Tensors that it holds and the model has no place for.
    """

    missing: list[str]
    mismatched: list[str]
    unplaced: list[str]


def load_weights(
    source: Folder,
    *,
    head: str,
    config: PretrainedConfig,
    needed: str | None,
    layers: int | None = None,
) -> PreTrainedModel:
    """Load weights into a model with a head, in float32; a new head is drawn from torch's generator.

    Parameters
    ----------
    source : Folder
    head : str
    config : PretrainedConfig
    needed : str or None
        `head` where the weights must hold it; None where it is new.
    layers : int, optional
        The first layers that are kept, where not all are.

    Raises
    ------
    StudyError
        As `fit_weights`.
    """
    # First by names and shapes alone: what does not fit is drawn anew, and may be of any size.
    fit_weights(source, head=head, config=config, needed=needed, layers=layers)
    model = _from_pretrained(source, head, config)[0]
    if isinstance(source, AdaptedFolder):
        merge_adapter(model, source)
    return model


def fit_weights(
    source: Folder, *, head: str, config: PretrainedConfig, needed: str | None, layers: int | None = None
) -> None:
    """Refuse weights that do not fit a configuration, without reading any; parameters as `load_weights`."""
    model, found = _from_pretrained(source, head, config, device_map="meta")
    mismatched = sorted(entry if isinstance(entry, str) else entry[0] for entry in found["mismatched_keys"])
    names = Found(sorted(found["missing_keys"]), mismatched, sorted(found["unexpected_keys"]))
    if isinstance(source, AdaptedFolder):
        shapes = {name: list(weight.shape) for name, weight in model.named_parameters()}
        lacking = [left_to_fit(source, found, shapes) for found in names[:2]]
        # A head of the base's own goes where the adapter brings one.
        spare = [n for n in names.unplaced if not (source.settings and n.startswith(HEAD_PARTS))]
        names = Found(*lacking, spare)
    check_fit(source, names, head=needed, layers=layers)


def _from_pretrained(
    source: Folder, head: str, config: PretrainedConfig, **options
) -> tuple[PreTrainedModel, dict]:
    with loading(
        "The model cannot be loaded",
        where=str(source.path),
        fix="fetch the model again, config.json and model.safetensors of one revision",
    ):
        return HEAD_CLASSES[head].from_pretrained(
            str(source.path),
            config=config,
            dtype=torch.float32,
            use_safetensors=True,
            trust_remote_code=False,
            local_files_only=True,
            output_loading_info=True,
            ignore_mismatched_sizes=True,
            **options,
        )


def check_fit(source: Folder, found: Found, *, head: str | None, layers: int | None = None) -> None:
    """Refuse weights that the configuration has no place for, and places that no weight fills.

    Parameters
    ----------
    source : Folder
    found : Found
    head : str or None
        The head that must be there; None where it is new, and every head of the folder's own may go.
    layers : int, optional
        The first layers that are kept on purpose.

    Raises
    ------
    StudyError
        With the first such name.
    """
    base = f"{SUPPORTED_TYPES[source.config['model_type']][1]}."

    def beyond(names: list[str], allowed: tuple[str, ...]) -> list[str]:
        return [name for name in names if not name.removeprefix(base).startswith(allowed)]

    lacking = beyond(found.missing + found.mismatched, () if head else HEAD_PARTS)
    if lacking:
        raise StudyError(
            f"The model's weights do not fit its config.json: {lacking[0]} is missing or has another shape.",
            where=str(source.path),
            fix="fetch the model again, config.json and model.safetensors of one revision",
        )
    spare = beyond(found.unplaced, HARMLESS if head else (*HARMLESS, *HEAD_PARTS))
    if layers is not None:
        spare = [name for name in spare if not LAYER_NAME.search(name)]
    if not spare:
        return
    if any(word in spare[0] for word in ("lora_", "adapter", "prefix_encoder", "ia3_")):
        raise StudyError(
            f"The weights hold an adapter ({spare[0]} and {len(spare) - 1} more), which would be left out.",
            where=str(source.path),
            fix="merge it, and name that folder: model.merge_and_unload().save_pretrained(...)",
        )
    raise StudyError(
        f"config.json has no place for {spare[0]}{f' and {len(spare) - 1} more' * (len(spare) > 1)} of the "
        "weights: another model would be run.",
        where=str(source.path),
        fix="take config.json and the weights of one revision, or run the model elsewhere:\n" + ELSEWHERE,
    )


def order_outputs(model: PreTrainedModel, labels: Sequence[str]) -> None:
    """Bring the outputs of a head for classification into the order of a study's classes, by their names.

    A head whose outputs have other names is left as it is.
    """
    its = [str(model.config.id2label[index]) for index in range(model.config.num_labels)]
    if its == list(labels) or sorted(its) != sorted(labels):
        return
    order = [its.index(label) for label in labels]
    if hasattr(model, "graph"):
        model.order = order if model.order is None else [model.order[place] for place in order]
    else:
        layer = getattr(model.classifier, "out_proj", model.classifier)
        with torch.no_grad():
            layer.weight.copy_(layer.weight[order].clone())
            layer.bias.copy_(layer.bias[order].clone())
    model.config.id2label = dict(enumerate(labels))
    model.config.label2id = {label: index for index, label in enumerate(labels)}


def check_tokenizer_size(config: PretrainedConfig, tokenizer: PreTrainedTokenizerFast, *, where: str) -> None:
    """Refuse a tokenizer with more entries than its model has."""
    if len(tokenizer) > config.vocab_size:
        raise StudyError(
            f"The tokenizer has {len(tokenizer)} entries, the model only {config.vocab_size}.",
            where=where,
            fix="put the tokenizer that belongs to the model into its folder",
        )


def longest_input(model: PreTrainedModel) -> int:
    """Most tokens an encoder takes, special tokens included."""
    longest = longest_of(model.config.to_dict())
    fixed = getattr(model, "fixed_length", None)
    return longest if fixed is None else min(longest, fixed)


def takes_segments(model: PreTrainedModel) -> bool:
    """Whether an encoder tells segments apart; DistilBERT has none, RoBERTa one."""
    config = model.config
    return getattr(config, "type_vocab_size", 0) > 1 and getattr(config, USE_SEGMENTS, True)


def check_length(model: PreTrainedModel, text_settings: Mapping) -> None:
    """Refuse windows longer than the encoder takes.

    Raises
    ------
    StudyError
        With the longest possible length.
    """
    longest = longest_input(model)
    if int(text_settings["max_length"]) > longest:
        raise StudyError(
            f"Windows of {text_settings['max_length']} tokens are longer than the {longest} the model takes.",
            where="max_length",
            fix=f"max_length: {longest}",
        )
