"""The order of training windows: fixed in advance, so that training can resume at any step."""

import math

import numpy as np

from miniature.messages import StudyError
from miniature.seeds import generator

# Batches whose windows are sorted by length together in order `grouped`; as transformers' group_by_length.
GROUPED_BATCHES = 50


def training_order(
    count: int, *, epochs: float, batch_size: int, order: str, seed: int, lengths: np.ndarray
) -> np.ndarray:
    """Indices of the windows in training order, all epochs concatenated."""
    total = round(count * epochs)
    if total < 1:
        raise StudyError(
            f"There is nothing to train on: {count} windows, {epochs} epochs.",
            where="training: epochs",
            fix="epochs: 1",
        )
    passes = []
    for epoch in range(math.ceil(total / count)):
        random = generator(seed, "order", epoch)
        if order == "table":
            passes.append(np.arange(count))
        elif order == "shuffled":
            passes.append(random.permutation(count))
        elif order == "grouped":
            passes.append(_grouped(random, np.asarray(lengths), batch_size))
        else:
            raise StudyError(f"Unknown order {order!r}.", where="training: order", fix="order: shuffled")
    return np.concatenate(passes)[:total].astype(np.int64)


def _grouped(random: np.random.Generator, lengths: np.ndarray, batch_size: int) -> np.ndarray:
    shuffled = random.permutation(len(lengths))
    stretch = batch_size * GROUPED_BATCHES
    parts = []
    for start in range(0, len(shuffled), stretch):
        part = shuffled[start : start + stretch]
        part = part[np.argsort(-lengths[part], kind="stable")]
        # Whole batches are shuffled, so that training does not repeatedly go from long to short.
        batches = [part[i : i + batch_size] for i in range(0, len(part), batch_size)]
        ragged = [batches.pop()] if len(batches[-1]) < batch_size else []
        batches = [batches[i] for i in random.permutation(len(batches))]
        parts += [*batches, *ragged]
    return np.concatenate(parts)
