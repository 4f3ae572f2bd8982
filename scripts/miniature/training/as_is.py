"""Use a fine-tuned checkpoint unchanged instead of training."""

import filecmp
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from miniature.files import atomic_folder
from miniature.messages import StudyError
from miniature.models.build import label_names
from miniature.models.checkpoints import USE_SEGMENTS, check_length, check_tokenizer_size, load_checkpoint
from miniature.models.classes import check_classes
from miniature.models.entry import local_folder
from miniature.models.folders import GRAPH_FILE, Folder
from miniature.models.results import link_files
from miniature.models.weights import INDEX
from miniature.training.finetune import write_checkpoint, write_tokenizer

VOCABULARIES = ("tokenizer.json", "vocab.txt", "vocab.json", "merges.txt")


def copy_checkpoint(
    spec: Mapping,
    output_folder: str | os.PathLike,
    *,
    task: str,
    labels: Sequence[str] | Mapping[str, object] | None,
    text_settings: Mapping,
) -> None:
    """Check a fine-tuned checkpoint and link to it; its weights are not copied.

    Parameters
    ----------
    spec : mapping
        As `miniature.models.entry.model_spec` gives it: where the checkpoint is, and optionally ``segments``.
    output_folder : path
        Written atomically: links to the weights, a ``config.json`` that names the classes as in the study,
        and the tokenizer without its own limits.
    task : str
        ``question-answering`` or ``classification``.
    labels : sequence of str or mapping, optional
        Class names in order, with their values in the study's files if known; classification only.
    text_settings : mapping
        The ``question_answering:`` or ``classification:`` block.

    Raises
    ------
    StudyError
        The checkpoint has no head for this task, or one for other classes; it is damaged, only there as a
        pickle, brings code, or takes no texts of this length.
    """
    source = local_folder(spec)
    model, tokenizer = load_checkpoint(source, head=task)
    check_tokenizer_size(model.config, tokenizer, where=str(source.path))
    check_length(model, text_settings)
    check_finite(model, where=str(source.path))
    config = model.config
    if task == "classification":
        for name, value in label_names(check_classes(source, labels)).items():
            setattr(config, name, value)
    if "segments" in spec:
        setattr(config, USE_SEGMENTS, bool(spec["segments"]))
    link_checkpoint(source, model, tokenizer, output_folder)


def link_checkpoint(
    source: Folder,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    output_folder: str | os.PathLike,
) -> None:
    """Make a checkpoint of links to another's weights, its configuration and tokenizer written anew."""
    # The machine that wrote a folder is irrelevant.
    model.config._name_or_path = ""
    if source.graph is None:
        model.config.architectures = [type(model).__name__]
    with atomic_folder(Path(output_folder)) as target:
        if not source.files:
            # Made from several, it is in no file as it is.
            write_checkpoint(model, tokenizer, target)
            return
        model.config.save_pretrained(target)
        write_tokenizer(tokenizer, target)
        # Not saved again: the measured model, and its size, must be those used elsewhere.
        files = {file.name: file for file in source.files}
        if source.graph is not None:
            (graph,) = source.files
            files = {GRAPH_FILE: graph} | {name: graph.parent / name for name in source.graph.external}
        elif len(files) > 1 or "model.safetensors" not in files:
            files[INDEX] = source.path / INDEX
        # Most tokenizers are written back as they were: no study needs a vocabulary of its own.
        for name in VOCABULARIES:
            own, given = target / name, source.path / name
            if own.is_file() and given.is_file() and filecmp.cmp(own, given, shallow=False):
                own.unlink()
                files[name] = given
        link_files(files, target)


def check_finite(model: PreTrainedModel, *, where: str) -> None:
    """Reject NaN weights: every output would be NaN."""
    for name, weight in model.named_parameters():
        if not torch.isfinite(weight).all():
            raise StudyError(
                f"The weights contain NaN or infinity, first in {name}.",
                where=where,
                fix="download the checkpoint again; if it was saved so, its training diverged: use another",
            )
