"""From a file's answers, in the order of the data, to the predictions table of each kind of task."""

import logging
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from miniature.data.commands import with_empty
from miniature.data.gold import words_for_no_answer
from miniature.messages import StudyError
from miniature.predictions.choices import choices_of_questions
from miniature.predictions.context import (
    Context,
    check_contradictions,
    check_judgments,
    class_text,
    other_data,
    recorded_table,
)
from miniature.predictions.records import Number, Record
from miniature.predictions.score_squad import score_table

logger = logging.getLogger(__name__)

# Standard errors below one in k at which classes are rather exchanged than so badly predicted.
FAR_BELOW = 3.0


def answers_to_questions(records: Sequence[Record], table: pd.DataFrame, context: Context) -> pd.DataFrame:
    """Question answering: scored by exact match and F1, or as recorded where no answer is given."""
    ids = list(table["id"])
    empty = pd.Series(np.full(len(ids), np.nan, dtype=np.float32))
    nothing = {"score": empty, "null_score": empty, "windows": pd.Series([pd.NA] * len(ids), dtype="Int32")}
    given = [record.prediction for record in records]
    if all(value is None for value in given) and all(record.correct is not None for record in records):
        exact = pd.Series([float(record.correct) for record in records], dtype=np.float32)
        return pd.DataFrame(
            {"id": ids, "prediction": pd.Series(given, dtype="str"), "exact": exact, "f1": empty, **nothing}
        )
    for record in records:
        if record.prediction is None:
            n = sum(value is None for value in given)
            many = n > 1 and with_empty(context.path)
            raise context.wrong(
                record,
                f"The prediction for {record.id} is missing (null or NaN), and not text"
                + (f" ({n} of {len(ids)} are)." if n > 1 else "."),
                f"{context.line(record.id, '')}   (an empty text means: no answer)"
                + (f"\n{many}" if many else ""),
            )
        if isinstance(record.prediction, Number):
            raise context.wrong(
                record,
                f"The prediction for {record.id} is {record.prediction}, and not text.",
                context.line(record.id, record.prediction),
            )
    _doubt_words(given, table, context.where)
    scores = score_table(table, {record.id: record.prediction for record in records})
    return pd.DataFrame(
        {
            "id": scores["id"], "prediction": pd.Series(given, dtype="str"), "exact": scores["exact"],
            "f1": scores["f1"], **nothing,
        }
    )  # fmt: skip


def _doubt_words(texts: list[str], table: pd.DataFrame, where: str) -> None:
    """Warn of an abstention in words, which counts as a wrong answer to every question."""
    if table["answerable"].fillna(True).all():
        return
    for text, count in words_for_no_answer(texts, list(table["context"])):
        logger.warning(
            "%s: %r is predicted for %d of %d questions and occurs in none of their contexts. "
            'If it stands for "no answer": only an empty text does, and these count as wrong.',
            where, text[:80], count, len(texts),
        )  # fmt: skip


def classes_of_texts(records: Sequence[Record], table: pd.DataFrame, context: Context) -> pd.DataFrame:
    """Classification: classes by name, value or number; probabilities in the study's order of classes."""
    labels = context.labels
    place = {name: index for index, name in enumerate(labels)}
    given = [None if record.prediction is None else record.prediction.strip() for record in records]
    for record in records:
        if record.prediction is None and record.correct is None and record.probabilities is None:
            raise context.wrong(
                record,
                f"The prediction for {record.id} is missing (null or NaN).",
                context.line(record.id, f"<{' or '.join(labels)}>"),
            )
    meaning, by_number = _meaning(given, records, context)
    named = [None if text is None else meaning[class_text(text)] for text in given]
    gold = [str(label) for label in table["label"]]
    probabilities = _in_class_order(records, context)
    for i, shares in enumerate(probabilities):
        if shares is not None and named[i] is None:
            named[i] = labels[int(np.argmax(shares))]
    if by_number:
        order = ", ".join(f"{i} as {name}" for i, name in enumerate(labels))
        logger.warning("%s: classes are told by number: %s, in the order of the study", context.where, order)
    unordered = by_number or (context.classes is None and any(p is not None for p in probabilities))
    if unordered and not context.stated:
        _check_order(named, gold, context)
    check_contradictions(
        records, probabilities, [None if n is None else place[n] for n in named], labels, context
    )
    _check_gold(records, gold, meaning, context)
    correct = [
        record.correct if name is None else name == right
        for record, name, right in zip(records, named, gold, strict=True)
    ]
    check_judgments(records, named, gold, context)
    return recorded_table(records, table, named, probabilities, correct, None)


def generated_texts(records: Sequence[Record], table: pd.DataFrame, context: Context) -> pd.DataFrame:
    """Generation: right or wrong as the file's metric recorded it."""
    for record in records:
        if record.correct is None and record.prediction is not None:
            raise context.wrong(
                record,
                f"Nothing says whether the answer to {record.id} is right: text is judged by the metric that "
                "was recorded, and is not judged here.",
                "correct: 1   # or 0, in a column of the file",
            )
    given = [record.prediction for record in records]
    return recorded_table(records, table, given, [None] * len(records), [r.correct for r in records], None)


KINDS = {
    "question-answering": answers_to_questions,
    "classification": classes_of_texts,
    "multiple-choice": choices_of_questions,
    "generation": generated_texts,
}


# Classes


def _meaning(given: Sequence[str | None], records, context: Context) -> tuple[dict[str, str], bool]:
    """Class of everything that is predicted, and whether it is told by its number alone.

    Names, the values in the data and numbers in class order are tried; a file is read in one way,
    and two ways that fit and differ are told.
    """
    found = {class_text(text) for text in given if text is not None}
    ways = {
        "by name": {class_text(name): name for name in context.labels},
        "by value": {class_text(v): name for name, v in zip(context.labels, context.values, strict=False)},
        "by number": {str(i): name for i, name in enumerate(context.labels)},
    }
    if context.stated:
        ways = {"as stated": {class_text(value): name for name, value in context.stated.items()}}
    fitting = {way: meaning for way, meaning in ways.items() if found <= set(meaning)}
    if not fitting:
        raise _no_class(given, records, ways, context)
    way, meaning = next(iter(fitting.items()))
    for other, different in fitting.items():
        clash = sorted(text for text in found if meaning[text] != different[text])
        if clash:
            stated = ", ".join(f"{name}: {value}" for value, name in meaning.items())
            raise StudyError(
                f"What {clash[0]!r} means is open: "
                f"{way} it is {meaning[clash[0]]}, {other} {different[clash[0]]}.",
                where=context.where,
                fix=f"labels: {{{stated}}}   # beside the path; or the other way round",
            )
    named_too = "by name" in fitting or "by value" in fitting or "as stated" in fitting
    return meaning, not named_too


def _no_class(given, records, ways: Mapping[str, Mapping], context: Context) -> StudyError:
    best = max(
        ways.values(), key=lambda meaning: sum(t is not None and class_text(t) in meaning for t in given)
    )
    i = next(i for i, text in enumerate(given) if text is not None and class_text(text) not in best)
    known = ", ".join(context.labels)
    values = sorted({str(v) for v in context.values} - set(context.labels))
    return StudyError(
        f"{given[i]!r} is predicted for {records[i].id}, which is not a class of {context.dataset}.",
        where=f"{context.where}, {records[i].place}",
        fix=context.line(records[i].id, f"<{' or '.join(context.labels)}>")
        + f"   (one of {known}{'; or, in all rows, ' + ', '.join(values) if values else ''})",
    )


def _in_class_order(records: Sequence[Record], context: Context) -> list[list[float] | None]:
    labels = context.labels
    if context.classes is not None:
        # Every class has its column, told in one of the ways that predictions are.
        meaning, _ = _meaning(
            context.classes, [Record("the header", "the columns")] * len(context.classes), context
        )
        columns = [meaning[class_text(name)] for name in context.classes]
        lacking = [name for name in labels if name not in columns]
        if lacking:
            raise StudyError(
                f"There is no column of the probability of {lacking[0]}.",
                where=context.where,
                fix=",".join(["id", *(f"p_{name}" for name in labels)]) + "   (in the header)",
            )
        order = [columns.index(name) for name in labels]
        return [[r.probabilities[i] for i in order] if r.probabilities is not None else None for r in records]
    for record in records:
        if record.probabilities is not None and len(record.probabilities) != len(labels):
            raise context.wrong(
                record,
                f"{record.id} has {len(record.probabilities)} probabilities for {len(labels)} classes.",
                f"one probability for each of {', '.join(labels)}, in this order",
            )
    return [record.probabilities for record in records]


def _check_order(named: Sequence[str | None], gold: Sequence[str], context: Context) -> None:
    """Classes told by their number alone, and predicted far worse than by guessing, are in another order."""
    from scipy.optimize import linear_sum_assignment

    known = [(a, b) for a, b in zip(named, gold, strict=True) if a is not None and b in context.labels]
    k, n = len(context.labels), len(known)
    if not n:
        return
    place = {name: i for i, name in enumerate(context.labels)}
    counts = np.zeros((k, k))
    np.add.at(counts, ([place[a] for a, _ in known], [place[b] for _, b in known]), 1)
    accuracy, chance = np.trace(counts) / n, 1 / k
    rows, columns = linear_sum_assignment(-counts)
    best = counts[rows, columns].sum() / n
    error = np.sqrt(chance * (1 - chance) / n)
    if accuracy < chance - FAR_BELOW * error and best > chance + FAR_BELOW * error:
        stated = ", ".join(f"{context.labels[columns[i]]}: {i}" for i in range(k))
        raise StudyError(
            f"The classes seem to be in another order: as the study has them {accuracy:.1%} of the "
            f"predictions of {context.model} are right, in another order {best:.1%}.",
            where=context.where,
            fix=f"labels: {{{stated}}}   # beside the path: which number is which class (or as in the study, "
            "if the model is so bad)",
        )


def _check_gold(records, gold: Sequence[str], meaning: Mapping[str, str], context: Context) -> None:
    """The file's own labels, where it has them in the same words, are those of the data."""
    if any(r.label is not None and class_text(r.label) not in meaning for r in records):
        return
    for record, label in zip(records, gold, strict=True):
        if record.label is not None and meaning[class_text(record.label)] != label:
            raise other_data(record, meaning[class_text(record.label)], label, context)


# Choices
