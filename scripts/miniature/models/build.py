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
from miniature.models.checkpoints import USE_SEGMENTS, load_config, load_tokenizer, load_weights
from miniature.models.classes import check_classes
from miniature.models.folders import (
    LAYER_KEYS,
    check_architecture,
    check_layers,
    has_head,
    read_config,
    tensor_shapes,
    weight_files,
)

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

# Parts of a model that belong to a head: these may be new, everything else must come from the folder.
HEAD_PARTS = (
    "qa_outputs.",
    "classifier.",
    "pre_classifier.",
    "pooler.",
    "cls.",
    "vocab_",
    "lm_head.",
    "generator_",
)


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
        The entry cannot be built; see `check_model_source` and `miniature.models.classes.check_classes`.
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
    folder = spec["path"]
    raw = read_config(folder)
    files = weight_files(folder)
    for file in files:
        tensor_shapes(file)
    if head == "classification":
        # Its outputs would be given the study's names, whatever they were trained to mean.
        check_classes(folder, labels)
    if head != "masked-lm" and has_head(raw, head):
        logger.warning("%s has a head for this task, which is trained on; as_is: true would not", folder)
    layers = spec.get("layers")
    check_layers(raw, layers)
    changes = label_names(labels)
    if layers is not None:
        changes[LAYER_KEYS[raw["model_type"]]] = layers
    if "dropout" in spec:
        changes |= dict.fromkeys(DROPOUT_KEYS.get(raw["model_type"], USUAL_DROPOUT_KEYS), spec["dropout"])
    config = load_config(folder, **changes)
    model, missing, mismatched = load_weights(folder, head=head, config=config)
    prefix = f"{model.base_model_prefix}."
    foreign = [
        name
        for name in missing + mismatched
        if not name.removeprefix(prefix).startswith(HEAD_PARTS) and not name.startswith(HEAD_PARTS)
    ]
    if foreign:
        raise StudyError(
            f"The model's weights do not fit its config.json: {foreign[0]} is missing or has another shape.",
            where=str(folder),
            fix="fetch the model again, config.json and model.safetensors of one revision",
        )
    tokenizer = load_tokenizer(folder)
    check_tokenizer_size(model, tokenizer, where=str(folder))
    return model, tokenizer


def check_tokenizer_size(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, *, where: str) -> None:
    """Refuse a tokenizer with more entries than its model has."""
    if len(tokenizer) > model.config.vocab_size:
        raise StudyError(
            f"The tokenizer has {len(tokenizer)} entries, the model only {model.config.vocab_size}.",
            where=where,
            fix="put the tokenizer that belongs to the model into its folder",
        )
