"""Choices of lm-evaluation-harness: the largest log-probability, held against the target and the metric."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from miniature.messages import StudyError
from miniature.predictions.records import Options, Record, as_text, as_truth, choice_name, nested

# Keys of a document that name what it asks.
QUESTIONS = ("question", "query", "text", "sentence", "problem", "prompt", "goal", "ctx")


def is_choice(row: Mapping) -> bool:
    """Whether a line has a log-probability for each of several requests."""
    found = row.get("filtered_resps")
    return isinstance(found, list) and len(found) > 1 and all(_log_probability(x) is not None for x in found)


def _log_probability(response: object) -> float | None:
    if isinstance(response, list) and len(response) == 2 and str(response[1]) in ("True", "False", "true"):
        try:
            return float(response[0])
        except (TypeError, ValueError):
            return None
    return None


def _choice_texts(row: Mapping) -> list[str]:
    """What differs between the requests: the continuations, or else the prompts."""
    alike = len(set(row["ends"])) < 2 and len(row["starts"]) > 1
    return row["starts"] if alike else [end.strip() for end in row["ends"]]


def read_choices(rows: list[tuple[int, dict]], metric: str, options: Options, where: str) -> list[Record]:
    """Records of lines that choose; see `miniature.predictions.lm_eval.read_lm_eval`."""
    readings = {"index": _target_index, "text": _target_text}
    logs = []
    for number, row in rows:
        found = [_log_probability(x) for x in row["filtered_resps"]]
        if None in found or not any(map(math.isfinite, found)):
            raise StudyError(
                "There is no log-probability for each choice.",
                where=f"{where}, line {number}",
                fix="run the evaluation again: this row is damaged",
            )
        logs.append(np.array(found, dtype=np.float64))
    best = [int(np.argmax(values)) for values in logs]
    # A target may be a number that is the index of a choice, or its text: what `acc` agrees with is meant.
    failed: dict[str, tuple[int, str]] = {}
    for name, read in readings.items():
        golds = [read(row, len(values)) for (_, row), values in zip(rows, logs, strict=True)]
        failed[name] = _first_contradiction(rows, best, golds)
        if failed[name] is None:
            break
    else:
        number, what = max(failed.values())
        raise StudyError(what, where=f"{where}, line {number}", fix="run the evaluation again")
    predicted = best if metric == "acc" else _by_metric(rows, logs, best, golds, metric)
    records = []
    for (number, row), values, gold, chosen in zip(rows, logs, golds, predicted, strict=True):
        odds = np.exp(values - values.max())
        records.append(
            Record(
                place=f"line {number}",
                id="",
                prediction=None if chosen is None else choice_name(chosen),
                correct=as_truth(row.get(metric)) is True,
                label=None if gold is None else choice_name(gold),
                # The largest probability belongs to the prediction only where both rest on the same scores.
                probabilities=(odds / odds.sum()).tolist() if predicted is best else None,
                text=question_of(row, options) if options.texts else None,
                choices=_choice_texts(row) if options.texts else None,
                names=[choice_name(i) for i in range(len(values))],
            )
        )
    return records


def _target_index(row: Mapping, choices: int) -> int | None:
    text = str(row.get("target")).strip()
    return int(text) if text.isdecimal() and int(text) < choices else None


def _target_text(row: Mapping, choices: int) -> int | None:
    texts = _choice_texts(row)
    text = str(row.get("target")).strip()
    return texts.index(text) if text in texts and len(texts) == choices else None


def _first_contradiction(rows, best: Sequence[int], golds: Sequence[int | None]) -> tuple[int, str] | None:
    """First row whose ``acc`` is not what its log-probabilities and target give; None where all agree."""
    if all(gold is None for gold in golds):
        return 0, "No target is one of the choices."
    for (number, row), chosen, gold in zip(rows, best, golds, strict=True):
        recorded = as_truth(row.get("acc"))
        if recorded is not None and gold is not None and recorded != (chosen == gold):
            return number, (
                f"acc is {row['acc']:g}, and the largest log-probability is that of choice "
                f"{choice_name(chosen)} where {choice_name(gold)} is right."
            )
    return None


def _by_metric(rows, logs, best, golds, metric: str) -> list[int | None]:
    """Choices that a metric with normalized log-probabilities rests on, by the length that it agrees with.

    Versions differ in whether they divide by characters or bytes, with or without the blank before a choice.
    """
    lengths = (
        lambda text: len(text.strip()), len,
        lambda text: len(text.strip().encode()), lambda text: len(text.encode()),
    )  # fmt: skip
    for length in lengths:
        chosen = []
        for (_, row), values in zip(rows, logs, strict=True):
            ends = [max(length(end), 1) for end in row["ends"]]
            chosen.append(int(np.argmax(values / ends)) if len(ends) == len(values) else None)
        if all(
            gold is None or one is None or (as_truth(row.get(metric)) is True) == (one == gold)
            for (_, row), one, gold in zip(rows, chosen, golds, strict=True)
        ):
            return chosen
    # The metric does not say which choice it took; right or wrong is all that is known.
    return [None] * len(rows)


def question_of(row: Mapping, options: Options) -> str:
    """What a line asks: the column that the study names, a usual key of its document, or else its prompt."""
    if "text" in options.columns:
        return as_text(nested(row, options.columns["text"])) or ""
    doc = row.get("doc")
    found = next((doc[key] for key in QUESTIONS if key in doc), None) if isinstance(doc, Mapping) else None
    return found if isinstance(found, str) else next(iter(row["starts"]), "")
