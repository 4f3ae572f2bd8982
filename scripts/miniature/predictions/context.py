"""What every kind of task's reading of a file shares: what the study says, and checks against the data."""

import os
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import pandas as pd

from miniature.messages import StudyError
from miniature.predictions.records import Record

# A prediction may be a hair less probable than another class: files round.
TIE = 1e-6


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


def recorded_table(records, table, named, probabilities, correct, names) -> pd.DataFrame:
    """Predictions table of answers that were recorded, of whichever kind."""
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


@lru_cache(maxsize=4096, typed=True)
def class_text(text: object) -> str:
    """A class as text, whole numbers without a point, so that 1.0 of a float column is class 1."""
    text = str(text).strip()
    try:
        number = float(text)
    except ValueError:
        return text
    return str(int(number)) if number.is_integer() and abs(number) < 1e15 else text


def other_data(record: Record, own: str, label: str, context: Context) -> StudyError:
    """A file whose right answers are not those of the data."""
    return context.wrong(
        record,
        f"The right answer of {record.id} is {own} in this file, and {label} in {context.dataset}: the ids "
        "stand for other examples.",
        "columns: {id: <the column that has the ids of the data>}   # beside the path",
    )


def check_judgments(records, named: Sequence[str | None], gold: Sequence[str], context: Context) -> None:
    """A recorded judgment is what the prediction and the right answer give."""
    for record, name, right in zip(records, named, gold, strict=True):
        if record.correct is not None and name is not None and record.correct != (name == right):
            raise context.wrong(
                record,
                f"{record.id} is said to be {'right' if record.correct else 'wrong'}, and its prediction is "
                f"{name} where {right} is right.",
                f"correct: {int(name == right)}   # or leave the column out: it follows from the prediction",
            )


def check_contradictions(
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
