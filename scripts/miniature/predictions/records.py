"""What a file of predictions says of each example, whatever its format."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import NamedTuple

from miniature.messages import StudyError

# Probabilities written with two decimals miss 1 by as much.
SUM_TOLERANCE = 0.01


@dataclass(slots=True)
class Record:
    """One model's answer to one example; what the file does not give is None.

    Attributes
    ----------
    place : str
        Line or entry of the file, for messages.
    id : str
    prediction, label : str
        The answer and the right answer, as the file spells them.
    correct : bool
        The recorded judgment.
    probabilities : list of float
        Of the classes of `Recorded.classes`, of the study's classes, or of this example's own choices.
    confidence : float
        Probability of the prediction.
    text, cluster : str
        What was asked, and the group of examples it belongs to.
    choices : list of str
        Texts of a multiple-choice question.
    names : list of str
        What the choices are called; without, the letters A, B, C, ...
    document_hash, prompt_hash : str
        Digests of the document and of the prompt made from it.
    others : mapping
        Further columns of a table, among which ids of another kind may be.
    """

    place: str
    id: str
    prediction: str | None = None
    correct: bool | None = None
    label: str | None = None
    probabilities: list[float] | None = None
    confidence: float | None = None
    text: str | None = None
    cluster: str | None = None
    choices: list[str] | None = None
    names: list[str] | None = None
    document_hash: str | None = None
    prompt_hash: str | None = None
    others: Mapping[str, object] | None = None


@dataclass(slots=True)
class Recorded:
    """All records of a file or folder.

    Attributes
    ----------
    path : Path
        The file read.
    records : list of Record
    notes : list of str
        What was chosen on the reader's behalf; to be told.
    classes : list of str or None
        What the probabilities are of, where the file names it.
    numbered : bool
        Whether the ids are numbers that the format itself counted, and no keys of the data.
    """

    path: Path
    records: list[Record]
    notes: list[str] = field(default_factory=list)
    classes: list[str] | None = None
    numbered: bool = False

    def gives(self, name: str) -> bool:
        """Whether any record has a value for a field."""
        return any(getattr(record, name) is not None for record in self.records)


@dataclass(frozen=True, slots=True)
class Options:
    """What a study may say of a file of predictions beside its path; each has a default.

    Attributes
    ----------
    format : str or None
        A name of `miniature.predictions.formats.FORMATS`; recognized where absent.
    columns : mapping of str to str
        Role (a field of `Record`) to the file's own name for it; a dot leads into a nested mapping.
    benchmark : str or None
        Which task of a folder of several.
    dataset : str or None
        The study's name for the data, which is the benchmark's where a file has one of that name.
    filter, metric : str or None
        Which reading of the answers, and which recorded metric says right or wrong.
    in_order : bool
        Whether row i of the file is row i of the data; then ids are neither needed nor read.
    texts : bool
        Whether questions and choices are wanted, as where the file is the data set.
    """

    format: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    benchmark: str | None = None
    dataset: str | None = None
    filter: str | None = None
    metric: str | None = None
    in_order: bool = False
    texts: bool = False


class Reading(NamedTuple):
    """One way to read a log: a task or group of tasks, and a filter where answers went through several.

    Attributes
    ----------
    name : str
    kind : str
        ``multiple-choice`` or ``generation``: the task of a dataset.
    probabilities : bool
        Whether each choice has one.
    benchmark, filter : str or None
        What a study has to say beside the path; None where nothing.
    weights : str or None
        What the log says of the model's weights.
    """

    name: str
    kind: str
    probabilities: bool
    benchmark: str | None = None
    filter: str | None = None
    weights: str | None = None


def kind_of(choices: bool) -> str:
    """The task of a log of questions with or without choices."""
    return "multiple-choice" if choices else "generation"


ROLES = tuple(f.name for f in fields(Record) if f.name not in ("place", "others", "names"))


def choice_name(index: int) -> str:
    """Letter of a choice counted from 0; past the alphabet its number from 1.

    Examples
    --------
    >>> choice_name(0), choice_name(25), choice_name(26)
    ('A', 'Z', '27')
    """
    return chr(ord("A") + index) if index < 26 else str(index + 1)


def nested(row: Mapping, name: str) -> object:
    """Value of a mapping by its key, or by keys with dots between; None where there is none.

    Examples
    --------
    >>> nested({"doc": {"id": "a7"}}, "doc.id"), nested({"doc.id": 1}, "doc.id"), nested({}, "doc.id")
    ('a7', 1, None)
    """
    if name in row:
        return row[name]
    value: object = row
    for key in name.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


class Number(str):
    """Text of a number or truth value of JSON or parquet: a class may be one, an answer in words may not."""


def as_text(value: object) -> str | None:
    """An answer, label or key as text, as written in the file; nothing for a missing value.

    Examples
    --------
    >>> as_text("a"), as_text(3), as_text(3.0), as_text(None), as_text(["a"])
    ('a', '3', '3.0', None, '["a"]')
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else Number(value)


TRUTH = {
    "1": True,
    "1.0": True,
    "true": True,
    "c": True,
    "0": False,
    "0.0": False,
    "false": False,
    "i": False,
}


def as_truth(value: object) -> bool | None:
    """A judgment: 1, true or C (correct), 0, false or I (incorrect); None for anything else.

    Examples
    --------
    >>> as_truth(1.0), as_truth("False"), as_truth("I"), as_truth(0.5), as_truth(None)
    (True, False, False, None, None)
    """
    return TRUTH.get(str(value).strip().casefold())


def check_records(recorded: Recorded, where: str) -> None:
    """No id twice, probabilities that are such, confidences between 0 and 1.

    Probabilities whose sum misses 1 by rounding are divided by it.

    Raises
    ------
    StudyError
        Naming the first row at fault and the row as it should be.
    """
    first: dict[str, Record] = {}
    for record in recorded.records:
        known = first.setdefault(record.id, record)
        if known is not record:
            repeated = len(recorded.records) - len({r.id for r in recorded.records})
            raise StudyError(
                f"{repeated} ids stand there more than once, the first is {record.id}"
                f" ({known.place} and {record.place}).",
                where=where,
                fix=f"keep one entry of {record.id}",
            )
        if not record.id:
            raise StudyError(
                "An id is empty.", where=f"{where}, {record.place}", fix="give each example its id"
            )
        if record.probabilities is not None:
            record.probabilities = _distribution(record, where)
        if record.confidence is not None and not 0 <= record.confidence <= 1:
            raise StudyError(
                f"The confidence of {record.id} is {record.confidence:g}, and no probability.",
                where=f"{where}, {record.place}",
                fix=f"confidence: {record.confidence / 100:g}"
                if 1 < record.confidence <= 100
                else "confidence: <the probability of the prediction, from 0 to 1>",
            )
    _check_confidences(recorded, where)


def _distribution(record: Record, where: str) -> list[float]:
    given = record.probabilities
    total = math.fsum(given) if all(map(math.isfinite, given)) else math.nan
    if min(given, default=-1) >= 0 and abs(total - 1) <= SUM_TOLERANCE:
        return [value / total for value in given]
    shown = ", ".join(f"{value:g}" for value in given[:10])
    what = f"The probabilities of {record.id} are {shown}"
    if math.isnan(total):
        fix = "write finite numbers from 0 to 1 that sum to 1"
    elif min(given, default=-1) < 0:
        # Logits and log-probabilities are what models output first.
        top = max(given)
        odds = [math.exp(value - top) for value in given]
        shares = ", ".join(f"{value / math.fsum(odds):.6g}" for value in odds)
        fix = f"{shares}   (their softmax, if these are logits or log-probabilities)"
    else:
        shares = ", ".join(f"{value / total:.6g}" for value in given) if total else "..."
        fix = f"{shares}   (each divided by their sum, if no class is left out)"
    raise StudyError(f"{what}, which do not sum to 1.", where=f"{where}, {record.place}", fix=fix)


def _check_confidences(recorded: Recorded, where: str) -> None:
    """A confidence beside probabilities is the largest of them."""
    for record in recorded.records:
        if record.confidence is None or record.probabilities is None:
            continue
        top = max(record.probabilities)
        if abs(top - record.confidence) > SUM_TOLERANCE:
            raise StudyError(
                f"The confidence of {record.id} is {record.confidence:g}, "
                f"and its largest probability {top:.6g}.",
                where=f"{where}, {record.place}",
                fix=f"confidence: {top:.6g}   # or leave the column out: it follows from the probabilities",
            )
