"""Answers, their scores and embeddings of a question answering table."""

import os
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from miniature.inference.forward import hidden_size, in_precision, origin, pool, run_forward
from miniature.inference.outputs import check_outputs
from miniature.inference.spans import Choice, best_spans, choose_spans, null_scores
from miniature.models.checkpoints import check_length, load_result
from miniature.models.windows import Windows, encode_questions
from miniature.predictions.score_squad import score_table


def predict(
    folder: str | os.PathLike,
    table: pd.DataFrame,
    *,
    text_settings: Mapping,
    feature: str,
    batch_tokens: int,
    device: str,
    precision: str = "fp32",
) -> tuple[pd.DataFrame, np.ndarray]:
    """Answer every question of a table with a fine-tuned checkpoint.

    Parameters
    ----------
    folder : path
        Checkpoint for question answering, made by the workflow.
    table : DataFrame
        A question answering data table.
    text_settings : mapping
        The ``question_answering:`` block: windows as in training, ``n_best``, ``max_answer_length`` (tokens),
        ``null_threshold``.
    feature : str
        ``cls`` or ``mean``.
    batch_tokens : int
        Most tokens in a batch, padding included; changes speed and memory, not the answers.
    device : str
        ``cpu`` or ``cuda``.
    precision : str
        ``fp32`` or ``bf16``.

    Returns
    -------
    predictions : DataFrame
        One row an example in table order: id, prediction, score, null_score, exact, f1, windows.
    embeddings : float32 array, shape (examples, hidden)
        Of each example's first window.

    Raises
    ------
    StudyError
        As `miniature.models.checkpoints.load_result` and `check_length`.
    """
    model, tokenizer = load_result(folder, head="question-answering")
    check_length(model, text_settings)
    return predict_with(
        in_precision(model, precision),
        tokenizer,
        table,
        text_settings=text_settings,
        feature=feature,
        batch_tokens=batch_tokens,
        device=device,
    )


def predict_with(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    table: pd.DataFrame,
    *,
    text_settings: Mapping,
    feature: str,
    batch_tokens: int,
    device: str,
) -> tuple[pd.DataFrame, np.ndarray]:
    """As `predict`, for a model that is loaded already."""
    windows = encode_questions(tokenizer, table, text_settings)
    embeddings = np.zeros((len(table), hidden_size(model)), dtype=np.float32)
    is_first = np.zeros(len(windows), dtype=bool)
    is_first[np.searchsorted(windows.example, np.arange(len(table)))] = True

    def keep_features(indices: np.ndarray, hidden: torch.Tensor) -> None:
        wanted = np.flatnonzero(is_first[indices])
        if len(wanted):
            rows = windows.example[indices[wanted]]
            embeddings[rows] = pool(hidden[wanted], windows, indices[wanted], feature=feature)

    spans = read_spans(
        model,
        windows,
        text_settings,
        pad_token=tokenizer.pad_token_id,
        batch_tokens=batch_tokens,
        device=device,
        keep=keep_features,
    )
    # A window that shows no context has no span to score.
    scores = np.where(spans.starts < 0, 0, spans.scores)
    numbers = np.stack([scores, spans.nulls, spans.broken], axis=1)
    check_outputs(numbers, embeddings, windows, table, **origin(model))
    chosen = spans.choose(windows, len(table), text_settings["null_threshold"])
    answers = _cut_answers(table["context"], windows, chosen, spans.starts, spans.ends)
    scored = score_table(table, dict(zip(table["id"], answers, strict=True)))
    predictions = pd.DataFrame(
        {
            "id": table["id"].to_numpy(),
            "prediction": answers,
            "score": chosen.score,
            "null_score": chosen.null_score,
            "exact": scored["exact"].to_numpy(dtype=np.float32, na_value=np.nan),
            "f1": scored["f1"].to_numpy(dtype=np.float32, na_value=np.nan),
            "windows": np.bincount(windows.example, minlength=len(table)).astype(np.int32),
        }
    )
    return predictions, embeddings


class Spans(NamedTuple):
    """What a model makes of each window.

    Attributes
    ----------
    starts, ends : int64 array, shape (windows,)
        First and last token of the best span; -1 where a window shows no context.
    scores, nulls : float32 array, shape (windows,)
        Of that span and of the empty answer.
    broken : float32 array, shape (windows,)
        Not finite where any logit of the window is not.
    """

    starts: np.ndarray
    ends: np.ndarray
    scores: np.ndarray
    nulls: np.ndarray
    broken: np.ndarray

    def choose(self, windows: Windows, examples: int, threshold: float | None) -> Choice:
        """Best window of each example: see `choose_spans`."""
        return choose_spans(windows, examples, self.starts, self.scores, self.nulls, threshold)


def read_spans(
    model: PreTrainedModel,
    windows: Windows,
    text_settings: Mapping,
    *,
    pad_token: int,
    batch_tokens: int,
    device: str,
    keep: Callable[[np.ndarray, torch.Tensor], None] | None = None,
) -> Spans:
    """Run a model over windows and read off the best span of each.

    Parameters
    ----------
    model : PreTrainedModel
    windows : Windows
    text_settings : mapping
        The ``question_answering:`` block.
    pad_token, batch_tokens, device
        As for `miniature.inference.forward.run_forward`.
    keep : callable, optional
        Is given the windows of each batch and their last layer, shape (batch, tokens, hidden).

    Returns
    -------
    Spans
    """
    starts, ends = np.full((2, len(windows)), -1, dtype=np.int64)
    scores = np.full(len(windows), -np.inf, dtype=np.float32)
    nulls, broken = np.zeros((2, len(windows)), dtype=np.float32)
    for indices, (start_logits, end_logits), hidden in run_forward(
        model, windows, pad_token=pad_token, batch_tokens=batch_tokens, device=device
    ):
        starts[indices], ends[indices], scores[indices] = best_spans(
            start_logits,
            end_logits,
            windows.text_start[indices],
            windows.text_tokens[indices],
            n_best=int(text_settings["n_best"]),
            max_answer_length=int(text_settings["max_answer_length"]),
        )
        nulls[indices] = null_scores(start_logits, end_logits)
        inside = np.arange(start_logits.shape[1]) < windows.lengths[indices][:, None]
        broken[indices] = np.where(inside, start_logits + end_logits, 0).sum(axis=1)
        if keep is not None:
            keep(indices, hidden)
    return Spans(starts, ends, scores, nulls, broken)


def _cut_answers(
    contexts, windows: Windows, chosen: Choice, starts: np.ndarray, ends: np.ndarray
) -> list[str]:
    """The characters of each example's best span; nothing where the empty answer wins."""
    answers = []
    for context, window, answered in zip(contexts, chosen.window, chosen.answered, strict=True):
        low = windows.borders[window]
        begin, end = windows.spans[low + starts[window], 0], windows.spans[low + ends[window], 1]
        answers.append(context[begin:end] if answered else "")
    return answers
