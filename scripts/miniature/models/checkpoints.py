"""Load a fine-tuned checkpoint: safetensors only, the right head, nothing missing."""

import os
from collections.abc import Mapping
from pathlib import Path

import torch
from transformers import (
    AutoConfig,
    AutoModelForMaskedLM,
    AutoModelForQuestionAnswering,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    PretrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)
from transformers.utils import logging as transformers_logging

from miniature.messages import StudyError
from miniature.models.folders import (
    HEAD_SUFFIXES,
    check_tokenizer,
    has_head,
    read_config,
    tensor_shapes,
    weight_files,
)
from miniature.models.results import check_result_folder

# Written into the config.json of a model that was trained with every token in one segment: whoever loads the
# checkpoint reads it there, so that it is never run otherwise than it was trained.
USE_SEGMENTS = "use_segments"

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
        In float32 and evaluation mode, on the CPU.
    tokenizer : PreTrainedTokenizerFast

    Raises
    ------
    StudyError
        The checkpoint is for another task, damaged, only there as a pickle, or brings code.
    """
    folder = Path(folder)
    config = read_config(folder)
    if not has_head(config, head):
        raise StudyError(
            f"The checkpoint is for another task: {', '.join(config.get('architectures') or ['no head'])} "
            f"where a model for {head} is needed.",
            where=str(folder),
            fix=f"name a checkpoint whose config.json has an architecture ending in {HEAD_SUFFIXES[head]}",
        )
    for file in weight_files(folder):
        tensor_shapes(file)
    model, missing, mismatched = load_weights(folder, head=head, config=load_config(folder))
    if missing or mismatched:
        raise StudyError(
            f"The checkpoint is damaged: {(missing + mismatched)[0]} is missing or has another shape.",
            where=str(folder),
            fix="build or fetch the checkpoint again",
        )
    model.eval()
    return model, load_tokenizer(folder)


def load_result(folder: str | os.PathLike, *, head: str) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """As `load_checkpoint`, for a checkpoint that the workflow made: a damaged one is set aside.

    Raises
    ------
    StudyError
        As `load_checkpoint`; a damaged folder has been renamed ``<folder>.damaged``.
    """
    check_result_folder(folder)
    return load_checkpoint(folder, head=head)


def load_config(folder: str | os.PathLike, **changes) -> PretrainedConfig:
    """Read a model folder's configuration as transformers understands it."""
    return AutoConfig.from_pretrained(str(folder), trust_remote_code=False, local_files_only=True, **changes)


def load_weights(
    folder: str | os.PathLike, *, head: str, config: PretrainedConfig
) -> tuple[PreTrainedModel, list[str], list[str]]:
    """Load weights into a model with a head; whatever the folder lacks is drawn from torch's generator."""
    level = transformers_logging.get_verbosity()
    # Its warnings about new heads are judged by the caller, with a message of our own.
    transformers_logging.set_verbosity_error()
    try:
        model, found = HEAD_CLASSES[head].from_pretrained(
            str(folder),
            config=config,
            dtype=torch.float32,
            use_safetensors=True,
            trust_remote_code=False,
            local_files_only=True,
            output_loading_info=True,
            ignore_mismatched_sizes=True,
        )
    finally:
        transformers_logging.set_verbosity(level)
    return model, sorted(found["missing_keys"]), sorted(found["mismatched_keys"])


def load_tokenizer(folder: str | os.PathLike) -> PreTrainedTokenizerFast:
    """Load a fast tokenizer, which alone knows where in the text a token comes from.

    Raises
    ------
    StudyError
        The folder holds no tokenizer that can be read, only a slow one, or one that brings code.
    """
    check_tokenizer(folder)
    try:
        tokenizer = AutoTokenizer.from_pretrained(
            str(folder), use_fast=True, trust_remote_code=False, local_files_only=True
        )
    except (OSError, ValueError, ImportError, KeyError) as error:
        raise StudyError(
            f"The tokenizer cannot be read: {str(error).splitlines()[0]}",
            where=str(folder),
            fix="put the model's tokenizer.json beside its config.json",
        ) from None
    if not tokenizer.is_fast:
        raise StudyError(
            "The tokenizer does not say where in the text a token comes from.",
            where=str(folder),
            fix="save a fast tokenizer there: AutoTokenizer.from_pretrained(..., use_fast=True)"
            ".save_pretrained(...)",
        )
    return tokenizer


def longest_input(model: PreTrainedModel) -> int:
    """Most tokens an encoder takes, special tokens included."""
    config = model.config
    # RoBERTa-like position numbers start after the padding index.
    offset = config.pad_token_id + 1 if config.model_type in ("roberta", "camembert", "xlm-roberta") else 0
    return int(config.max_position_embeddings) - offset


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
