"""Explain a model's decision on every example of a table, resumably."""

import logging
import os
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
import pyarrow as pa

from miniature.attribution.decisions import Decisions, Runner, decide_answers, decide_classes
from miniature.attribution.gradients import attribute_gradients
from miniature.attribution.methods import METHODS, SAMPLED
from miniature.attribution.perturbations import explain_by_samples, occlude
from miniature.attribution.words import Words, map_tokens, sum_by_word, words_of_table
from miniature.characteristics.declared import GRADIENTS
from miniature.inference.classification import load_classifier
from miniature.job.journal import Journal, journal_key
from miniature.messages import StudyError
from miniature.models.checkpoints import check_length, load_result
from miniature.models.windows import encode_classified, encode_questions

logger = logging.getLogger("miniature.attribution")

ATTRIBUTIONS_SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("target", pa.string()),
        ("part", pa.list_(pa.int8())),
        ("start", pa.list_(pa.int32())),
        ("end", pa.list_(pa.int32())),
        ("score", pa.list_(pa.float64())),
        ("decision", pa.float64()),
        ("baseline", pa.float64()),
        ("gap", pa.float64()),
        ("message", pa.string()),
    ]
)


def explain_table(
    folder: str | os.PathLike,
    table: pd.DataFrame,
    *,
    task: str,
    labels: Sequence[str] | None,
    text_settings: Mapping,
    settings: Mapping,
    batch_tokens: int,
    journal: str | os.PathLike,
    device: str,
    seed: int,
    version: str = "",
) -> tuple[pd.DataFrame, dict]:
    """Attribute a model's own decision on each example to the words of its texts.

    Parameters
    ----------
    folder : path
        Fine-tuned checkpoint.
    table : DataFrame
        A data table: id and text, or id, question and context.
    task : str
        ``classification`` or ``question-answering``.
    labels : sequence of str or None
        Class names in the order of the checkpoint's outputs; None for question answering.
    text_settings : mapping
        The study's block for texts of this task.
    settings : mapping
        ``method`` and its own settings: see `miniature.attribution.methods`.
    batch_tokens : int
        Most tokens of a batch, padding included.
    journal : path
        File that holds the finished examples; a killed run goes on from it.
    device : str
        ``cpu`` or ``cuda``.
    seed : int
        Of the explanations that are drawn at random; another one for each model and for the control.
    version : str
        Version of the code; with another one the journal is begun anew.

    Returns
    -------
    attributions : DataFrame
        Columns of `ATTRIBUTIONS_SCHEMA`, rows in the table's order. ``score`` holds one number a word, NaN
        for words that the model did not see; ``decision`` and ``baseline`` are the decision's score for the
        text and for the text without words, ``gap`` the share of their difference that the scores do not add
        up to. ``message`` says why an example has no scores.
    record : dict
        Method, its settings, the token that replaces a word, and quantiles of the gap.

    Raises
    ------
    StudyError
        Another task or damaged checkpoint, as `miniature.models.checkpoints.load_result`; a method that takes
        gradients, and a graph of ONNX.
    """
    method = settings["method"]
    if task == "classification":
        model, tokenizer = load_classifier(folder, labels=labels, text_settings=text_settings)
    else:
        model, tokenizer = load_result(folder, head="question-answering")
        check_length(model, text_settings)
    replace = next(
        (
            (name, token)
            for name in ("mask_token", "unk_token", "pad_token")
            if (token := getattr(tokenizer, f"{name}_id")) is not None
        ),
        None,
    )
    if replace is None:
        raise StudyError(
            "The tokenizer has no mask, unknown or padding token to put in place of a word.",
            where=str(folder),
            fix="add one to tokenizer_config.json: mask_token, for example",
        )
    record = {"method": method, "replaced_by": replace[0], **{key: settings[key] for key in METHODS[method]}}
    runner = Runner(model, device=device, pad_token=tokenizer.pad_token_id or 0)
    if method in GRADIENTS and not runner.has_gradients:
        raise StudyError(
            f"A graph of ONNX has no gradients, which {method} takes.",
            where=str(folder),
            fix="method: occlusion",
        )
    words = words_of_table(table, task)
    rows = np.array([row for row, own in enumerate(words) if len(own.start)], dtype=np.int64)
    key = journal_key(
        {
            **record, "batch_tokens": batch_tokens, "device": device, "labels": labels, "version": version,
            "seed": seed if method in SAMPLED else None, "text": dict(text_settings),
        },
        [folder],
        [(str(id), *own.start.tolist()) for id, own in zip(table["id"], words, strict=True)],
    )  # fmt: skip
    with Journal(journal, key) as done:
        left = np.array([row for row in rows if str(table["id"].iloc[row]) not in done.rows], dtype=np.int64)
        if len(left) < len(rows):
            logger.info("%d of %d examples were explained before", len(rows) - len(left), len(rows))
        if len(left):
            decisions, word = _decide(runner, tokenizer, table, words, task, text_settings, batch_tokens)
            found = _explain(
                runner, decisions, word, rows, left, settings, replace[1], batch_tokens, seed,
                table["id"].tolist(),
            )  # fmt: skip
            for row, scores, of_text, of_base in found:
                done.append(
                    _finished(table, row, words[row], decisions, word, scores, of_text, of_base, labels)
                )
        attributions = pd.DataFrame(
            [_row(str(id), own, done.rows.get(str(id))) for id, own in zip(table["id"], words, strict=True)],
            columns=ATTRIBUTIONS_SCHEMA.names,
        )
    gaps = attributions["gap"].dropna()
    if len(gaps):
        record["completeness_gap"] = {f"{share:g}": float(gaps.quantile(share)) for share in (0.5, 0.95, 1.0)}
    return attributions, record


def _decide(
    runner: Runner,
    tokenizer,
    table: pd.DataFrame,
    words: Sequence[Words],
    task: str,
    text_settings: Mapping,
    batch_tokens: int,
) -> tuple[Decisions, np.ndarray]:
    """Each example's decision, and the word of every token of its window."""
    if task == "classification":
        windows = encode_classified(tokenizer, table, max_length=int(text_settings["max_length"]))
        decisions = decide_classes(runner, windows, batch_tokens=batch_tokens)
    else:
        windows = encode_questions(tokenizer, table, text_settings)
        decisions = decide_answers(runner, windows, len(table), text_settings, batch_tokens=batch_tokens)
    return decisions, map_tokens(tokenizer, decisions.windows, table, words, task)


def _explain(
    runner, decisions, word, rows, left, settings, replace, batch_tokens, seed, names
) -> Iterator[tuple[int, np.ndarray, float, float]]:
    """Row, scores of tokens, and the decision's score with and without the words, of each example."""
    method = settings["method"]
    common = {"replace": replace, "batch_tokens": batch_tokens}
    if method in GRADIENTS:
        steps = settings.get("steps", 1)
        yield from attribute_gradients(
            runner, decisions, rows, left=left, method=method, steps=steps, **common
        )
        return
    if method == "occlusion":
        found = occlude(runner, decisions, word, left, **common)
    else:
        found = explain_by_samples(
            runner, decisions, word, left, method=method, samples=settings["samples"], seed=seed,
            names=[str(name) for name in names], **common,
        )  # fmt: skip
    for row, scores, of_text in found:
        yield row, scores, of_text, np.nan


def _finished(table, row, own, decisions, word, scores, of_text, of_base, labels) -> dict:
    """An example's line of the journal: NaN, which JSON does not know, is None."""
    windows = decisions.windows
    low, high = windows.borders[row], windows.borders[row + 1]
    by_word = sum_by_word(scores, word[low:high], len(own.start))
    gap = abs(scores.sum() - (of_text - of_base)) / max(abs(of_text - of_base), 1e-12)
    if labels is not None:
        target = labels[int(decisions.target[row, 0])]
    else:
        first, last = low + decisions.target[row]
        spans = windows.spans
        target = table["context"].iloc[row][spans[first, 0] : spans[last, 1]] if spans[first, 0] >= 0 else ""
    if np.isnan(by_word).all():
        message = "no word of the text is in the model's window"
    elif not np.isfinite(scores).all():
        message = "the scores are not finite"
    elif np.ptp(by_word[~np.isnan(by_word)]) == 0 and len(by_word) > 1:
        message = "all words have the same score"
    else:
        message = None
    values = {"decision": of_text, "baseline": of_base, "gap": gap}
    return {
        "id": str(table["id"].iloc[row]),
        "target": target,
        "score": [None if np.isnan(value) else float(value) for value in by_word],
        "message": message,
        **{name: None if np.isnan(value) else float(value) for name, value in values.items()},
    }


def _row(id: str, own: Words, found: dict | None) -> dict:
    """A row of the table; an example that is not explained says why."""
    row = {"id": id, "part": own.part.tolist(), "start": own.start.tolist(), "end": own.end.tolist()}
    if found is None:
        return {**row, "score": [], "message": "the text has no words"}
    scores = [np.nan if value is None else value for value in found["score"]]
    return {**row, **found, "score": scores}
