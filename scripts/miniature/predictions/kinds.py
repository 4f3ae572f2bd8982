"""From a file's answers, in the order of the data, to the predictions table of each kind of task."""

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import pandas as pd

from miniature.data.commands import with_empty
from miniature.data.gold import words_for_no_answer
from miniature.messages import StudyError
from miniature.predictions.records import Number, Record, choice_name
from miniature.predictions.score_squad import score_table

logger = logging.getLogger(__name__)

# A prediction may be a hair less probable than another class: files round.
TIE = 1e-6
# Standard errors below one in k at which classes are rather exchanged than so badly predicted.
FAR_BELOW = 3.0


class Context(NamedTuple):
    """What a study says of the task, and what messages say of the file.

    Attributes
    ----------
    labels : list of str
        Class names in class order; empty where choices differ by example.
    values : list
        Value in the data for each of them.
    stated : mapping of str to object
        Value in this file for each of them, where the study says so.
    classes : list of str or None
        What the file's probabilities are of, where it says so.
    model, dataset, where : str
        For messages.
    line : callable
        From an id and a prediction to the line of the file.
    path : path
        The file.
    """

    labels: list[str]
    values: list[object]
    stated: Mapping[str, object]
    classes: list[str] | None
    model: str
    dataset: str
    where: str
    line: Callable[[str, str], str]
    path: str | os.PathLike = ""

    def wrong(self, record: Record, what: str, fix: str) -> StudyError:
        """A mistake in one record."""
        return StudyError(what, where=f"{self.where}, {record.place}", fix=fix)


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
    named = [None if text is None else meaning[_plain(text)] for text in given]
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
    _check_contradictions(
        records, probabilities, [None if n is None else place[n] for n in named], labels, context
    )
    _check_gold(records, gold, meaning, context)
    correct = [
        record.correct if name is None else name == right
        for record, name, right in zip(records, named, gold, strict=True)
    ]
    _check_judgments(records, named, gold, context)
    return _recorded(records, table, named, probabilities, correct, None)


def choices_of_questions(records: Sequence[Record], table: pd.DataFrame, context: Context) -> pd.DataFrame:
    """Multiple choice: each example has choices of its own, told by name, by number from 0 or by text."""
    names = [list(found) for found in table["names"]]
    texts = [list(found) for found in table["choices"]]
    given = [None if record.prediction is None else record.prediction.strip() for record in records]
    read = _predicted_choices(given, records, names, texts, context)
    chosen, correct, probabilities = [], [], []
    for i, record in enumerate(records):
        place = read(given[i], i)
        if record.probabilities is not None and len(record.probabilities) != len(names[i]):
            raise context.wrong(
                record,
                f"{record.id} has {len(record.probabilities)} probabilities for {len(names[i])} choices.",
                f"one probability for each of {', '.join(names[i])}",
            )
        if place is None and given[i] is None and record.probabilities is not None and record.correct is None:
            place = int(np.argmax(record.probabilities))
        chosen.append(place)
        probabilities.append(record.probabilities)
    gold = [
        found.index(label) if label in found else None
        for found, label in zip(names, table["label"], strict=True)
    ]
    _check_contradictions(records, probabilities, chosen, None, context, names=names)
    _check_choice_gold(records, gold, names, context)
    picked = [None if place is None else names[i][place] for i, place in enumerate(chosen)]
    _check_judgments(records, picked, list(table["label"]), context)
    for i, record in enumerate(records):
        judged = None if gold[i] is None else chosen[i] == gold[i]
        answered = given[i] is not None or record.probabilities is not None
        correct.append(record.correct if record.correct is not None else judged if answered else None)
    return _recorded(records, table, picked, probabilities, correct, names)


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
    return _recorded(records, table, given, [None] * len(records), [r.correct for r in records], None)


KINDS = {
    "question-answering": answers_to_questions,
    "classification": classes_of_texts,
    "multiple-choice": choices_of_questions,
    "generation": generated_texts,
}


def _recorded(records, table, named, probabilities, correct, names) -> pd.DataFrame:
    confidence = [
        record.confidence if record.confidence is not None else None if shares is None else max(shares)
        for record, shares in zip(records, probabilities, strict=True)
    ]
    return pd.DataFrame(
        {
            "id": pd.Series([record.id for record in records], dtype="str"),
            "label": table["label"].reset_index(drop=True),
            "prediction": pd.Series(named, dtype="str"),
            "probabilities": pd.Series(probabilities, dtype=object),
            "confidence": pd.Series(confidence, dtype=np.float64),
            "correct": pd.array(correct, dtype="boolean"),
            "choices": pd.Series(names if names is not None else [None] * len(records), dtype=object),
            "document_hash": pd.Series([record.document_hash for record in records], dtype="str"),
            "prompt_hash": pd.Series([record.prompt_hash for record in records], dtype="str"),
        }
    )


# Classes


@lru_cache(maxsize=4096, typed=True)
def _plain(text: object) -> str:
    """A class as text, whole numbers without a point, so that 1.0 of a float column is class 1."""
    text = str(text).strip()
    try:
        number = float(text)
    except ValueError:
        return text
    return str(int(number)) if number.is_integer() and abs(number) < 1e15 else text


def _meaning(given: Sequence[str | None], records, context: Context) -> tuple[dict[str, str], bool]:
    """Class of everything that is predicted, and whether it is told by its number alone.

    Names, the values in the data and numbers in class order are tried; a file is read in one way,
    and two ways that fit and differ are told.
    """
    found = {_plain(text) for text in given if text is not None}
    ways = {
        "by name": {_plain(name): name for name in context.labels},
        "by value": {_plain(v): name for name, v in zip(context.labels, context.values, strict=False)},
        "by number": {str(i): name for i, name in enumerate(context.labels)},
    }
    if context.stated:
        ways = {"as stated": {_plain(value): name for name, value in context.stated.items()}}
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
    best = max(ways.values(), key=lambda meaning: sum(t is not None and _plain(t) in meaning for t in given))
    i = next(i for i, text in enumerate(given) if text is not None and _plain(text) not in best)
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
        columns = [meaning[_plain(name)] for name in context.classes]
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
    if any(r.label is not None and _plain(r.label) not in meaning for r in records):
        return
    for record, label in zip(records, gold, strict=True):
        if record.label is not None and meaning[_plain(record.label)] != label:
            raise _other_data(record, meaning[_plain(record.label)], label, context)


def _other_data(record: Record, own: str, label: str, context: Context) -> StudyError:
    return context.wrong(
        record,
        f"The right answer of {record.id} is {own} in this file, and {label} in {context.dataset}: the ids "
        "stand for other examples.",
        "columns: {id: <the column that has the ids of the data>}   # beside the path",
    )


def _check_judgments(records, named: Sequence[str | None], gold: Sequence[str], context: Context) -> None:
    for record, name, right in zip(records, named, gold, strict=True):
        if record.correct is not None and name is not None and record.correct != (name == right):
            raise context.wrong(
                record,
                f"{record.id} is said to be {'right' if record.correct else 'wrong'}, and its prediction is "
                f"{name} where {right} is right.",
                f"correct: {int(name == right)}   # or leave the column out: it follows from the prediction",
            )


def _check_contradictions(
    records, probabilities, chosen: Sequence[int | None], labels: Sequence[str] | None, context: Context,
    names: Sequence[Sequence[str]] | None = None,
) -> None:  # fmt: skip
    """A prediction is the class of the largest probability."""
    told = [(i, p) for i, p in enumerate(probabilities) if p is not None and chosen[i] is not None]
    against = [(i, p) for i, p in told if p[chosen[i]] < max(p) - TIE]
    if not against:
        return
    i, shares = against[0]
    called = list(labels if labels is not None else names[i])
    best = int(np.argmax(shares))
    fix = context.line(records[i].id, called[best])
    if 2 * len(against) > len(told):
        fix = f"write the probabilities in the order {', '.join(called[:10])}: they seem to be in another"
        if context.classes is not None:
            swapped = ",".join(f"p_{name}" for name in reversed(context.classes))
            fix = f"{swapped}   (in the header: its names seem to be exchanged)"
    raise context.wrong(
        records[i],
        f"{called[chosen[i]]} is predicted for {records[i].id}, and {called[best]} is the most probable "
        f"({shares[chosen[i]]:.4g} and {shares[best]:.4g}); so it is in {len(against)} of {len(told)} rows.",
        fix,
    )


# Choices


def choice_reading(
    given: Sequence[str | None],
    names: Sequence[Sequence[str]],
    texts: Sequence[Sequence[str]],
    refuse: Callable[[int], StudyError],
) -> Callable[[str | None, int], int | None]:
    """How a file names choices: by name, by number from 0, or by text, one way for all rows.

    Parameters
    ----------
    given : sequence of str or None, [examples]
        What the file says.
    names, texts : sequence of sequence of str, [examples]
        Names and texts of each example's choices.
    refuse : callable
        The error for an example whose choice cannot be told.

    Returns
    -------
    callable
        From what is said of an example, and the example's number, to the choice's number.

    Raises
    ------
    StudyError
        No way fits all rows.
    """

    def by_number(text: str, i: int) -> int | None:
        plain = _plain(text)
        return int(plain) if plain.isdecimal() and int(plain) < len(names[i]) else None

    ways = {
        "name": lambda text, i: names[i].index(text) if text in names[i] else None,
        "number": by_number,
        "text": lambda text, i: texts[i].index(text) if texts[i].count(text) == 1 else None,
    }
    failed = {}
    for way, read in ways.items():
        failed[way] = [i for i, text in enumerate(given) if text is not None and read(text, i) is None]
        if not failed[way]:
            return lambda text, i, read=read: None if text is None else read(text, i)
    raise refuse(min(failed.values(), key=len)[0])


def _predicted_choices(
    given, records, names, texts, context: Context
) -> Callable[[str | None, int], int | None]:
    if all(record.names is not None for record in records):
        # A log's own letters stand for positions, whatever the data calls its choices.
        return lambda text, i: records[i].names.index(text) if text in records[i].names else None

    def refuse(i: int) -> StudyError:
        return StudyError(
            f"{given[i][:80]!r} is predicted for {records[i].id}, which is none of its choices.",
            where=f"{context.where}, {records[i].place}",
            fix=context.line(records[i].id, f"<{' or '.join(names[i])}>")
            + "   (their names, or their numbers from 0, or their texts, in all rows)",
        )

    return choice_reading(given, names, texts, refuse)


def _check_choice_gold(records, gold: Sequence[int | None], names, context: Context) -> None:
    for i, record in enumerate(records):
        if record.names is None or record.label not in record.names or gold[i] is None:
            continue
        if len(record.names) != len(names[i]):
            raise context.wrong(
                record,
                f"{record.id} has {len(record.names)} choices in this file, and {len(names[i])} in "
                f"{context.dataset}: the ids stand for other examples.",
                "columns: {id: <the column that has the ids of the data>}   # beside the path",
            )
        own = record.names.index(record.label)
        if own != gold[i]:
            raise _other_data(record, choice_name(own), choice_name(gold[i]), context)
