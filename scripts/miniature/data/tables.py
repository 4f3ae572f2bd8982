"""The kinds of data table and what holds for each."""

import hashlib

import pandas as pd
import pyarrow as pa

from miniature.messages import StudyError

QA_SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("cluster", pa.string()),
        ("title", pa.string()),
        ("question", pa.string()),
        ("context", pa.string()),
        ("answers", pa.list_(pa.string())),
        ("answer_starts", pa.list_(pa.int32())),
        ("answerable", pa.bool_()),
    ]
)
"""Question answering. ``answers`` are empty for an unanswerable question and for one whose answers are
withheld; ``answerable`` tells them apart (false, null). ``answer_starts`` counts characters of ``context``
from 0; -1 where an answer of a split that is only predicted on does not occur there."""

CLASSIFICATION_SCHEMA = pa.schema(
    [("id", pa.string()), ("cluster", pa.string()), ("text", pa.string()), ("label", pa.string())]
)
"""Classification; ``label`` is the name that the configuration gives."""

PAIRS_SCHEMA = pa.schema([*CLASSIFICATION_SCHEMA, ("text_pair", pa.string())])
"""Classification of pairs of texts, such as premise and hypothesis; ``text_pair`` is the second."""

MULTIPLE_CHOICE_SCHEMA = pa.schema(
    [
        *CLASSIFICATION_SCHEMA,
        ("choices", pa.list_(pa.string())),
        ("names", pa.list_(pa.string())),
    ]
)
"""Multiple choice; ``choices`` are the texts to choose from, ``names`` what they are called, ``label``
the name of the right one."""

SCHEMAS = {
    "question-answering": QA_SCHEMA,
    "classification": CLASSIFICATION_SCHEMA,
    "multiple-choice": MULTIPLE_CHOICE_SCHEMA,
    # ``label`` is the recorded answer; what is right is for the recorded metric to say.
    "generation": CLASSIFICATION_SCHEMA,
}


def schema_of(table: pd.DataFrame, task: str) -> pa.Schema:
    """Schema of a data table of a task."""
    return PAIRS_SCHEMA if task == "classification" and "text_pair" in table else SCHEMAS[task]


def cluster_of(context: str) -> str:
    """Name of the cluster of all questions on one context, the same in every file."""
    return hashlib.sha256(context.encode()).hexdigest()[:16]


def question_frame(records: list[dict]) -> pd.DataFrame:
    """Table with the columns and types of `QA_SCHEMA` from one dict per row."""
    return pd.DataFrame(
        {name: _column(name, [record[name] for record in records]) for name in QA_SCHEMA.names}
    )


def classification_frame(records: list[dict]) -> pd.DataFrame:
    """Table as `CLASSIFICATION_SCHEMA`, or for pairs as `PAIRS_SCHEMA`, from one dict per row."""
    paired = bool(records) and "text_pair" in records[0]
    names = (PAIRS_SCHEMA if paired else CLASSIFICATION_SCHEMA).names
    return pd.DataFrame({name: _column(name, [record[name] for record in records]) for name in names})


def _column(name: str, values: list) -> pd.Series:
    if name == "answerable":
        return pd.Series(values, dtype="boolean")
    if name in ("answers", "answer_starts"):
        return pd.Series(values, dtype=object)
    return pd.Series(values, dtype="str")


def check_table(table: pd.DataFrame, task: str, where: str) -> None:
    """Check that a table is a data table of its task."""
    schema = SCHEMAS.get(task)
    if schema is None:
        raise StudyError(f"There is no task {task!r}.", where=where, fix="task: question-answering")
    missing = [name for name in schema.names if name not in table.columns]
    if missing:
        raise StudyError(
            f"The table lacks the column(s) {', '.join(missing)}.",
            where=where,
            fix=f"columns: {', '.join(schema.names)}",
        )
    for field in schema_of(table, task):
        if pa.types.is_string(field.type) and table[field.name].isna().any():
            row = int(table[field.name].isna().to_numpy().argmax())
            raise StudyError(f"Row {row} has no {field.name}.", where=where, fix=f"fill in {field.name}")
    repeated = table["id"].duplicated()
    if repeated.any():
        example = table["id"][repeated].iloc[0]
        raise StudyError(
            f"{int(repeated.sum())} id(s) are repeated, the first is {example!r}.",
            where=where,
            fix="give each example an id of its own",
        )
    if task == "question-answering":
        _check_answers(table, where)


def _check_answers(table: pd.DataFrame, where: str) -> None:
    columns = zip(
        table["id"],
        table["context"],
        table["answers"],
        table["answer_starts"],
        table["answerable"],
        strict=True,
    )
    for identifier, context, answers, starts, answerable in columns:
        known = not pd.isna(answerable)
        if len(answers) != len(starts):
            what = f"has {len(answers)} answers and {len(starts)} starts"
        elif known and bool(answerable) != (len(answers) > 0):
            what = f"is {'' if answerable else 'not '}answerable and has {len(answers)} answers"
        elif not known and len(answers):
            what = "has answers, and answerable is missing"
        elif any(
            start != -1 and not (start >= 0 and context.startswith(text, start))
            for text, start in zip(answers, starts, strict=True)
        ):
            what = "has an answer that is not at its start"
        else:
            continue
        raise StudyError(
            f"Question {identifier!r} {what}.", where=where, fix="delete the table and build it again"
        )
