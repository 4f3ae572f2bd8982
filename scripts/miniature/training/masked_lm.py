"""Train a masked language model, continue training one, or add the missing head to an encoder."""

import logging
import os
from collections.abc import Mapping, Sequence

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - its usual name
from transformers import PreTrainedModel

from miniature.messages import StudyError
from miniature.models.build import build_model
from miniature.models.checkpoints import check_length, load_checkpoint, longest_input, takes_segments
from miniature.models.folders import read_folder
from miniature.models.pieces import has_byte_level_pieces
from miniature.models.windows import encode_pieces
from miniature.seeds import derive_seed, generator
from miniature.training.as_is import check_finite, link_checkpoint
from miniature.training.finetune import save_model
from miniature.training.loop import Batch, train
from miniature.training.schedule import training_order

logger = logging.getLogger("miniature.training")

# Devlin et al. 2019, section 3.1, task 1: 15 % of the tokens are predicted; of these 80 % are replaced with
# [MASK], 10 % with a random token, and 10 % are unchanged.
MASK_PROBABILITY = 0.15
SHOWN_AS_MASK = 0.8
SHOWN_AS_RANDOM = 0.1
NOT_PREDICTED = -100


def train_masked_lm(
    spec: Mapping,
    texts: Sequence[str],
    *,
    settings: Mapping,
    vocabulary: str | os.PathLike | None,
    seed: int,
    device: str,
    checkpoint_folder: str | os.PathLike,
    output_folder: str | os.PathLike,
) -> None:
    """Train a masked language model on texts and save it with its tokenizer.

    An encoder without the head gets one: its own weights are kept and trained further, and the head's output
    layer is tied to its input embeddings, as in BERT.

    Parameters
    ----------
    spec : mapping
        The model, as for `miniature.models.build.build_model`.
    texts : sequence of str
        Read completely, in windows of `max_length` tokens.
    settings : mapping
        The ``training:`` block, as for fine-tuning, with ``max_length`` (tokens; by default 128 or the
        model's limit) and optionally ``mask_probability`` (0.15).
    vocabulary : path, optional
        Tokenizer folder for an architecture trained from scratch.
    seed : int
        For new weights, order, masks and dropout.
    device : str
        ``cpu`` or ``cuda``.
    checkpoint_folder : path
        For resuming. It must belong to exactly this training.
    output_folder : path
        Written atomically at the end.

    Raises
    ------
    StudyError
        The texts are empty, windows are longer than the model's limit, or no attack can use its tokenizer.
    """
    model, tokenizer = build_model(
        spec, head="masked-lm", vocabulary=vocabulary, seed=derive_seed(seed, "weights")
    )
    has_byte_level_pieces(tokenizer)
    max_length = int(settings.get("max_length", min(128, longest_input(model))))
    check_length(model, {"max_length": max_length})
    windows = encode_pieces(tokenizer, texts, max_length=max_length)
    if not len(windows):
        raise StudyError(
            "The texts for the masked language model are all empty.",
            where="masked_lms: datasets",
            fix="datasets: [name-of-a-dataset-with-text]",
        )
    order = training_order(
        len(windows),
        epochs=settings["epochs"],
        batch_size=settings["batch_size"],
        order=settings["order"],
        seed=seed,
        lengths=windows.lengths,
    )
    logger.info("%d texts, %d windows, %d to train on", len(texts), len(windows), len(order))
    share = float(settings.get("mask_probability", MASK_PROBABILITY))
    special = np.array(sorted(set(tokenizer.all_special_ids)), dtype=np.int64)

    def make_batch(indices: np.ndarray, position: int) -> dict[str, np.ndarray]:
        batch = windows.batch(indices, pad_token=tokenizer.pad_token_id)
        # Seeded by the position in the order: a resumed run masks the same tokens as an uninterrupted one.
        shown, wanted = mask_tokens(
            batch["input_ids"],
            random=generator(seed, "mask", position),
            special=special,
            mask_token=tokenizer.mask_token_id,
            vocabulary_size=len(tokenizer),
            share=share,
        )
        return batch | {"input_ids": shown, "labels": wanted}

    curve = train(
        model,
        order,
        make_batch,
        masked_lm_loss,
        settings=settings,
        seed=derive_seed(seed, "dropout"),
        device=device,
        checkpoint_folder=checkpoint_folder,
    )
    save_model(model, tokenizer, curve, output_folder, examples=len(texts), windows=len(order))


def copy_masked_lm(spec: Mapping, output_folder: str | os.PathLike) -> None:
    """Use a masked language model unchanged: check it and link to it.

    Parameters
    ----------
    spec : mapping
        With ``path``, a folder that includes the head.
    output_folder : path
        Written atomically.

    Raises
    ------
    StudyError
        The model has no such head, is damaged, exists only as a pickle, or no attack can use its tokenizer.
    """
    source = read_folder(spec["path"])
    model, tokenizer = load_checkpoint(source, head="masked-lm")
    has_byte_level_pieces(tokenizer)
    check_finite(model, where=str(source.path))
    link_checkpoint(source, model, tokenizer, output_folder)


def mask_tokens(
    tokens: np.ndarray,
    *,
    random: np.random.Generator,
    special: np.ndarray,
    mask_token: int,
    vocabulary_size: int,
    share: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Mask some tokens for a masked language model to predict."""
    allowed = ~np.isin(tokens, special)
    draw = random.random(tokens.shape)
    chosen = allowed & (draw < share)
    if not chosen.any() and allowed.any():
        # A batch of a few short texts may have no masked token, and a mean over none is NaN.
        chosen.flat[np.where(allowed, draw, 2.0).argmin()] = True
    kind = random.random(tokens.shape)
    replacement = random.integers(0, vocabulary_size, tokens.shape)
    shown = np.where(chosen & (kind < SHOWN_AS_MASK), mask_token, tokens)
    as_random = chosen & (kind >= SHOWN_AS_MASK) & (kind < SHOWN_AS_MASK + SHOWN_AS_RANDOM)
    shown = np.where(as_random, replacement, shown)
    return shown, np.where(chosen, tokens, NOT_PREDICTED)


def masked_lm_loss(model: PreTrainedModel, batch: Batch) -> torch.Tensor:
    """Mean cross-entropy of the masked tokens."""
    inputs = {name: batch[name] for name in ("input_ids", "attention_mask")}
    if takes_segments(model):
        inputs["token_type_ids"] = batch["token_type_ids"]
    wanted = batch["labels"]
    hidden_places = wanted != NOT_PREDICTED
    if model.config.model_type == "bert":
        scores = model.cls(model.bert(**inputs).last_hidden_state[hidden_places])
    else:
        scores = model(**inputs).logits[hidden_places]
    # A batch of only unknown words has nothing to predict: its loss is zero, not 0/0.
    return F.cross_entropy(scores.float(), wanted[hidden_places], reduction="sum") / max(len(scores), 1)
