"""The best answer span of every window, all windows of a batch at once."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from miniature.models.windows import CLS_POSITION, Windows


def best_spans(
    start_logits: np.ndarray,
    end_logits: np.ndarray,
    text_start: np.ndarray,
    text_tokens: np.ndarray,
    *,
    n_best: int,
    max_answer_length: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Find the span of context tokens with the highest sum of start and end logit."""
    if start_logits.shape != end_logits.shape or start_logits.ndim != 2:
        raise ValueError(
            f"logits of shapes {start_logits.shape} and {end_logits.shape}, not (batch, tokens) twice"
        )
    if n_best < 1 or max_answer_length < 1:
        raise ValueError("n_best and max_answer_length are at least 1")
    columns = np.arange(start_logits.shape[1])
    text_start, text_tokens = np.asarray(text_start)[:, None], np.asarray(text_tokens)[:, None]
    inside = (columns >= text_start) & (columns < text_start + text_tokens)  # (batch, tokens)
    starts, start_scores = _highest(start_logits, inside, n_best)  # (batch, n)
    ends, end_scores = _highest(end_logits, inside, n_best)
    length = ends[:, None, :] - starts[:, :, None] + 1  # (batch, n, n)
    # Masked positions have -inf, so any span with one of them is lost by its score alone.
    scores = start_scores[:, :, None] + end_scores[:, None, :]
    scores = np.where((length >= 1) & (length <= max_answer_length), scores, -np.inf)
    flat = scores.reshape(len(scores), -1)
    best = flat.argmax(axis=1) if flat.shape[1] else np.zeros(len(flat), dtype=np.int64)
    rows = np.arange(len(flat))
    top = flat[rows, best].astype(np.float32) if flat.shape[1] else np.full(len(flat), -np.inf, np.float32)
    found = np.isfinite(top)
    width = starts.shape[1]
    first = np.where(found, starts[rows, best // width], -1)
    last = np.where(found, ends[rows, best % width], -1)
    return first, last, top


def _highest(logits: np.ndarray, inside: np.ndarray, n_best: int) -> tuple[np.ndarray, np.ndarray]:
    masked = np.where(inside, logits, -np.inf)
    order = np.argsort(-masked, axis=1, kind="stable")[:, :n_best]
    return order, np.take_along_axis(masked, order, axis=1)


def null_scores(start_logits: np.ndarray, end_logits: np.ndarray) -> np.ndarray:
    """Score the empty answer of each window by the classification token's two logits, shape (batch,)."""
    return start_logits[:, CLS_POSITION] + end_logits[:, CLS_POSITION]


class Choice(NamedTuple):
    """The window that each example's answer comes from.

    Attributes
    ----------
    answered : bool array, shape (examples,)
        False where the empty answer wins, or no window shows any context.
    window : int64 array, shape (examples,)
        Window of the best span.
    score, null_score : float32 array, shape (examples,)
        Of the best span, NaN where there is none, and of the empty answer.
    """

    answered: np.ndarray
    window: np.ndarray
    score: np.ndarray
    null_score: np.ndarray


def choose_spans(
    windows: Windows,
    examples: int,
    starts: np.ndarray,
    scores: np.ndarray,
    nulls: np.ndarray,
    threshold: float | None,
) -> Choice:
    """Best window of each example; the empty answer wins if it scores higher by more than the threshold."""
    borders = np.searchsorted(windows.example, np.arange(examples + 1))
    own = list(pairwise(borders))
    window = np.array([low + scores[low:high].argmax() for low, high in own], dtype=np.int64)
    null = np.array([nulls[low:high].min() for low, high in own], dtype=np.float32)
    found = starts[window] >= 0
    best = np.where(found, scores[window], np.nan).astype(np.float32)
    # A comparison with NaN is false: where no window shows any context there is nothing to answer with.
    answered = found if threshold is None else found & ~(null - best > threshold)
    return Choice(answered, window, best, null)
