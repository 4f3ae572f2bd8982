"""Build the model of one config entry for one task: from scratch, or from pre-trained weights."""

import logging
import os
from collections.abc import Mapping, Sequence

import torch
from transformers import (
    BertConfig,
    BertForMaskedLM,
    BertForQuestionAnswering,
    BertForSequenceClassification,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

from miniature.messages import StudyError
from miniature.models.checkpoints import (
    USE_SEGMENTS,
    check_tokenizer_size,
    load_config,
    load_weights,
    order_outputs,
)
from miniature.models.classes import check_classes
from miniature.models.configuration import LAYER_KEYS, check_architecture, check_layers, has_head
from miniature.models.folders import read_folder
from miniature.models.tokenizers import load_tokenizer, settle_padding

logger = logging.getLogger("miniature.models")

SCRATCH_CLASSES = {
    "question-answering": BertForQuestionAnswering,
    "classification": BertForSequenceClassification,
    "masked-lm": BertForMaskedLM,
}

# What the kinds of encoders call the dropout of their layers and of their attention.
DROPOUT_KEYS = {"distilbert": ("dropout", "attention_dropout")}
USUAL_DROPOUT_KEYS = ("hidden_dropout_prob", "attention_probs_dropout_prob")

# Optional keys of `architecture`, and what BertConfig calls them.
OPTIONAL_KEYS = {
    "dropout": USUAL_DROPOUT_KEYS,
    "max_positions": ("max_position_embeddings",),
    "initializer_range": ("initializer_range",),
    "activation": ("hidden_act",),
    "layer_norm_eps": ("layer_norm_eps",),
}


def build_model(
    spec: Mapping,
    *,
    head: str,
    labels: Sequence[str] | Mapping[str, object] | None = None,
    vocabulary: str | os.PathLike | None = None,
    seed: int,
) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """Build the model of a config entry with a head for one task.

    Parameters
    ----------
    spec : mapping
        With ``architecture`` (``layers``, ``hidden``, ``heads``, ``intermediate``; optional ``dropout``,
        ``max_positions``, ``initializer_range``, ``activation``, ``layer_norm_eps``) for random weights, or
        ``path`` (a folder) and optionally ``layers`` for the first layers of pre-trained weights and
        ``dropout`` in place of the model's own (on a CPU, training without it is more than twice as fast).
        Either may have ``segments``: false puts every token into one segment, in training and afterwards.
    head : str
        ``question-answering``, ``classification`` or ``masked-lm``.
    labels : sequence of str or mapping, optional
        Names of the classes in order, with their values in the study's files where known; only for
        classification.
    vocabulary : path, optional
        Folder of the tokenizer; only for ``architecture``.
    seed : int
        New weights depend on this seed alone; torch's own generator is left as it was.

    Returns
    -------
    model : PreTrainedModel
        In float32, on the CPU, in training mode.
    tokenizer : PreTrainedTokenizerFast

    Raises
    ------
    StudyError
        The entry cannot be built; see `miniature.models.entry` and `miniature.models.classes.check_classes`.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if "architecture" in spec:
            model, tokenizer = _from_scratch(spec["architecture"], head, labels, vocabulary)
        else:
            model, tokenizer = _from_folder(spec, head, labels)
    if "segments" in spec:
        setattr(model.config, USE_SEGMENTS, bool(spec["segments"]))
    model.train()
    return model, tokenizer


def label_names(labels: Sequence[str] | Mapping[str, object] | None) -> dict:
    """Classes as a model's configuration names them; empty without classes."""
    if labels is None:
        return {}
    return {
        "num_labels": len(labels),
        "id2label": dict(enumerate(labels)),
        "label2id": {label: index for index, label in enumerate(labels)},
    }


def _from_scratch(architecture, head, labels, vocabulary):
    check_architecture(architecture)
    if vocabulary is None:
        raise StudyError(
            "A model trained from scratch needs a vocabulary.",
            where="models",
            fix="vocabulary: {size: 2000, datasets: [name-of-a-dataset]}",
        )
    tokenizer = load_tokenizer(vocabulary)
    options = {}
    for key, names in OPTIONAL_KEYS.items():
        if key in architecture:
            options |= dict.fromkeys(names, architecture[key])
    config = BertConfig(
        vocab_size=len(tokenizer),
        num_hidden_layers=architecture["layers"],
        hidden_size=architecture["hidden"],
        num_attention_heads=architecture["heads"],
        intermediate_size=architecture["intermediate"],
        pad_token_id=tokenizer.pad_token_id,
        **options,
        **label_names(labels),
    )
    return SCRATCH_CLASSES[head](config), tokenizer


def _from_folder(spec, head, labels):
    source = read_folder(spec["path"])
    names = labels
    if head == "classification":
        # Its outputs would be given the study's names, whatever they were trained to mean.
        names = check_classes(source, labels)
    if head != "masked-lm" and has_head(source.config, head):
        logger.warning("%s has a head for this task, which is trained on; as_is: true would not", source.path)
    layers = spec.get("layers")
    check_layers(source.config, layers)
    changes = label_names(names)
    if head == "classification" and source.config.get("problem_type"):
        # A head that was trained for another loss is trained on with ours.
        changes["problem_type"] = "single_label_classification"
    if layers is not None:
        changes[LAYER_KEYS[source.config["model_type"]]] = layers
    if "dropout" in spec:
        keys = DROPOUT_KEYS.get(source.config["model_type"], USUAL_DROPOUT_KEYS)
        changes |= dict.fromkeys(keys, spec["dropout"])
    config = load_config(source, **changes)
    model = load_weights(source, head=head, config=config, needed=None, layers=layers)
    if head == "classification":
        order_outputs(model, list(labels))
    tokenizer = load_tokenizer(source.path, pair=head == "question-answering")
    settle_padding(tokenizer, model.config, where=str(source.path))
    check_tokenizer_size(model.config, tokenizer, where=str(source.path))
    return model, tokenizer
