"""Data tables from logs that hold their questions and right answers, and from tables of multiple choice."""

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pandas as pd

from miniature.data.tables import SCHEMAS, classification_frame, cluster_of
from miniature.messages import StudyError
from miniature.predictions.choices import choice_reading
from miniature.predictions.formats import read_recorded
from miniature.predictions.records import Options, Record, choice_name

logger = logging.getLogger(__name__)


def read_gold(path: str | Path, kind: str, options: Options, labels: Mapping[str, object]) -> pd.DataFrame:
    """Data table of a file of predictions, or of a table with the same columns and none.

    Parameters
    ----------
    path : path
        A log, a folder of logs, or a table with ``id``, ``text``, ``label`` and, for multiple choice,
        ``choices`` (a list of texts, or a mapping of name to text).
    kind : str
        ``multiple-choice``, ``generation`` or ``classification``.
    options : Options
        What the study says of the file.
    labels : mapping of str to object
        Class names and the value in the file for each, for classification.

    Returns
    -------
    DataFrame
        As the kind's schema of `miniature.data.tables.SCHEMAS`, rows in the file's order. Documents of one
        subject, category, title or context are one cluster.

    Raises
    ------
    StudyError
        As `read_recorded`; a row has no right answer, or one that is none of its choices or classes.
    """
    where = f"{path}, read as {kind}"
    recorded = read_recorded(path, options, where=where)
    for note in recorded.notes:
        logger.warning("%s: %s", where, note)
    records = recorded.records
    found = {
        "id": [record.id for record in records],
        "cluster": [
            record.id if record.cluster is None else cluster_of(record.cluster) for record in records
        ],
        "text": [record.text or "" for record in records],
    }
    if kind == "classification":
        found["label"] = _classes(records, labels, where)
        return classification_frame(
            [dict(zip(found, row, strict=True)) for row in zip(*found.values(), strict=True)]
        )
    if kind == "multiple-choice":
        found |= _choices(records, where)
    else:
        found["label"] = [record.label or "" for record in records]
    return pd.DataFrame(found, columns=SCHEMAS[kind].names)


def log_reader(name: str) -> Callable[[str, Mapping], pd.DataFrame]:
    """What `miniature.data.build.build_split` reads a log with, from its path and the dataset's entry.

    Parameters
    ----------
    name : str
        The dataset's name in the study.
    """

    def read(path: str, dataset: Mapping) -> pd.DataFrame:
        said = {key: dataset[key] for key in ("columns", "benchmark", "metric") if key in dataset}
        options = Options(**said, dataset=name, texts=True)
        return read_gold(path, dataset["task"], options, dataset.get("labels", {}))

    return read


def _lacking(record: Record, what: str, where: str, fix: str) -> StudyError:
    return StudyError(f"{record.id} has no {what}.", where=f"{where}, {record.place}", fix=fix)


def _classes(records: Sequence[Record], labels: Mapping[str, object], where: str) -> list[str]:
    meaning = {str(value).strip(): name for name, value in labels.items()}
    found = []
    for record in records:
        if record.label is None:
            raise _lacking(record, "right answer", where, "columns: {label: <the column of the classes>}")
        if record.label.strip() not in meaning:
            raise StudyError(
                f"The right answer of {record.id} is {record.label[:80]!r}, none of {', '.join(meaning)}.",
                where=f"{where}, {record.place}",
                fix="task: multiple-choice   # if the choices are each example's own"
                if record.names
                else f"labels: {{..., {record.label.strip()[:40]}: {record.label.strip()[:40]}}}",
            )
        found.append(meaning[record.label.strip()])
    return found


def _choices(records: Sequence[Record], where: str) -> dict[str, list]:
    for record in records:
        if not record.names:
            raise _lacking(
                record, "choices", where, "columns: {choices: <the column of the answers to choose from>}"
            )
        if record.label is None:
            raise _lacking(
                record, "right answer", where, "columns: {label: <the column of the right answer>}"
            )
    names = [record.names for record in records]
    texts = [record.choices or record.names for record in records]
    given = [record.label.strip() for record in records]

    def refuse(i: int) -> StudyError:
        return StudyError(
            f"The right answer of {records[i].id} is {given[i][:80]!r}, which is none of its choices.",
            where=f"{where}, {records[i].place}",
            fix=f"label: {names[i][0]}   # one of {', '.join(names[i])}, its number from 0, or its text",
        )

    read = choice_reading(given, names, texts, refuse)
    # Where a file has no names, the letters are said to be the names.
    return {
        "choices": texts,
        "names": [
            list(n) if n else [choice_name(i) for i in range(len(t))]
            for n, t in zip(names, texts, strict=True)
        ],
        "label": [names[i][read(text, i)] for i, text in enumerate(given)],
    }
