"""Answers to questions of multiple choice, where each example has choices of its own."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from miniature.messages import StudyError
from miniature.predictions.context import (
    Context,
    check_contradictions,
    check_judgments,
    class_text,
    other_data,
    recorded_table,
)
from miniature.predictions.records import Record, choice_name


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
    check_contradictions(records, probabilities, chosen, None, context, names=names)
    _check_choice_gold(records, gold, names, context)
    picked = [None if place is None else names[i][place] for i, place in enumerate(chosen)]
    check_judgments(records, picked, list(table["label"]), context)
    for i, record in enumerate(records):
        judged = None if gold[i] is None else chosen[i] == gold[i]
        answered = given[i] is not None or record.probabilities is not None
        correct.append(record.correct if record.correct is not None else judged if answered else None)
    return recorded_table(records, table, picked, probabilities, correct, names)


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
        plain = class_text(text)
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
            raise other_data(record, choice_name(own), choice_name(gold[i]), context)
