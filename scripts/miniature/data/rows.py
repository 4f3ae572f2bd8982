"""From rows as a reader found them to a checked table."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import pandas as pd

from miniature.data.commands import without_rows
from miniature.data.labels import correct_labels
from miniature.data.problems import Problems
from miniature.data.tables import classification_frame, cluster_of, question_frame

# Characters. The longest novel has five million; a file whose line breaks were lost has more.
LONGEST_TEXT = 10_000_000

NO_LABEL = {"-1", "-1.0", "-100", "", "nan", "none", "null", "n/a", "na", "-", "?", "unknown", "unlabeled"}
"""Values in files for "no gold label": -1 in SNLI and test sets of GLUE, -100 where losses ignore it."""


@dataclass(slots=True)
class QuestionRow:
    """One question as read from a file."""

    place: str
    id: str
    question: str
    context: str
    answers: list[tuple[str, int | None]]
    answerable: bool | None
    title: str = ""
    aliases: list[str] = field(default_factory=list)


@dataclass(slots=True)
class TextRow:
    """A text, or pair of texts, to classify as read from a file, its label still the file's own value."""

    place: str
    id: str
    text: str
    label: object
    cluster: str | None = None
    text_pair: str | None = None

    @property
    def texts(self) -> dict[str, str]:
        """Its texts by their columns in a data table."""
        pair = {} if self.text_pair is None else {"text_pair": self.text_pair}
        return {"text": self.text, **pair}


def nearest_occurrence(text: str, context: str, start: int | None) -> int:
    """Where `text` occurs in `context`, nearest to `start`; the earlier of two as near; -1 if nowhere."""
    if start is None:
        return context.find(text)
    if start >= 0 and context.startswith(text, start):
        return start
    middle = max(start, 0)
    after = context.find(text, middle)
    # An occurrence before `start` begins at most at start - 1, so it ends at most len(text) later.
    before = context.rfind(text, 0, middle + len(text) - 1) if middle else -1
    if before < 0 or after < 0:
        return max(before, after)
    return before if middle - before <= after - middle else after


def _is_writable(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _too_long(texts: Iterable[str], place: str, problems: Problems) -> bool:
    longest = max(map(len, texts))
    if longest > LONGEST_TEXT:
        problems.error(
            place,
            f"a text of {longest:,} characters, more than {LONGEST_TEXT:,}",
            "one example a row; were the file's line breaks lost?",
        )
    return longest > LONGEST_TEXT


class _Ids:
    def __init__(self, problems: Problems):
        self.problems = problems
        self.first: dict[str, str] = {}

    def check(self, identifier: str, place: str) -> None:
        if not identifier:
            self.problems.error(place, "the id is empty", "give each example an id of its own")
        elif identifier in self.first:
            self.problems.error(
                place,
                f"the id {identifier!r} was used before, at {self.first[identifier]}",
                "give each example an id of its own, or take the second copy out",
            )
        else:
            self.first[identifier] = place


def assemble_questions(rows: Iterable[QuestionRow], problems: Problems) -> pd.DataFrame:
    """Check question rows and make the question-answering table."""
    ids = _Ids(problems)
    records = []
    for row in rows:
        if _too_long((row.id, row.question, row.context), row.place, problems):
            continue
        ids.check(row.id, row.place)
        for what, text in (("question", row.question), ("context", row.context)):
            if not text.strip():
                problems.doubt(
                    row.place,
                    f"the {what} is empty",
                    f"write the {what}, or take the question out",
                    kind=f"empty {what}, kept",
                )
        texts = (row.id, row.title, row.question, row.context, *row.aliases, *(t for t, _ in row.answers))
        if not all(map(_is_writable, texts)):
            problems.error(row.place, "the text has half of a surrogate pair", "save the text as UTF-8")
            continue
        if problems.strict and row.answerable is None:
            problems.error(
                row.place,
                "the answers are withheld, and nothing can be learned from that",
                'if it has no answer, say so: "is_impossible": true',
            )
        answers, starts = _place_answers(row, problems)
        records.append(
            {
                "id": row.id,
                "cluster": cluster_of(row.context),
                "title": row.title,
                "question": row.question,
                "context": row.context,
                "answers": answers,
                "answer_starts": starts,
                "answerable": row.answerable,
            }
        )
    return question_frame(records)


def _place_answers(row: QuestionRow, problems: Problems) -> tuple[list[str], list[int]]:
    answers, starts = [], []
    for text, given in row.answers:
        start = nearest_occurrence(text, row.context, given) if text.strip() else -1
        if not text.strip():
            problems.doubt(
                row.place,
                "an answer is empty",
                'if the question has no answer: "answers": [], "is_impossible": true',
                kind="empty answer, kept for scoring",
            )
        elif start < 0:
            problems.doubt(
                row.place,
                f"the answer {text[:80]!r} is nowhere in the context",
                '{"text": "<words of the context>", "answer_start": <their first character, from 0>}',
                kind="answer nowhere in its context, kept for scoring",
            )
        elif given is None:
            problems.warn("answer without a start, put at its first occurrence", row.place)
        elif start != given:
            problems.warn("answer not at its answer_start, moved to its nearest occurrence", row.place)
        answers.append(text)
        starts.append(start)
    if not problems.strict:
        for text in row.aliases:
            answers.append(text)
            starts.append(nearest_occurrence(text, row.context, None) if text.strip() else -1)
    return answers, starts


def assemble_texts(
    rows: Iterable[TextRow], labels: dict[str, object], problems: Problems, *, column: str = "label"
) -> pd.DataFrame:
    """Check text rows and make the classification table; `column` is that of the labels, for messages."""
    names = {str(value): name for name, value in labels.items()}
    rows = list(rows)
    found = Counter(str(row.label) for row in rows)
    # Where every class occurs, what stands for no label elsewhere is no class here.
    none = (
        {v for v in found if v.strip().casefold() in NO_LABEL and v not in names}
        if found.keys() >= names.keys()
        else set()
    )
    without = without_rows(problems.source, [column], none) if none else None
    correction = correct_labels(labels, [value for value in found if value not in none])
    ids = _Ids(problems)
    records = []
    for row in rows:
        if _too_long((row.id, *row.texts.values()), row.place, problems):
            continue
        ids.check(row.id, row.place)
        if not all(text.strip() for text in row.texts.values()):
            problems.doubt(
                row.place,
                "the text is empty",
                "write the text, or take the row out",
                kind="empty text, kept",
            )
        if not all(map(_is_writable, (row.id, *row.texts.values(), row.cluster or ""))):
            problems.error(row.place, "the text has half of a surrogate pair", "save the text as UTF-8")
            continue
        name = names.get(str(row.label))
        if str(row.label) in none:
            value = str(row.label)
            what = (
                f"the label {value!r} stands for no label, and {found[value]} of {len(rows)} rows have it: "
                "they can be neither right nor wrong"
            )
            problems.error(row.place, what, without or "take these rows out")
            continue
        if name is None:
            same = next((value for value in names if value.casefold() == str(row.label).casefold()), None)
            problems.error(
                row.place,
                f"the label {str(row.label)[:80]!r} is not one of {sorted(names)}"
                + (f": it differs from {same!r} in case only" if same is not None else ""),
                correction,
            )
            continue
        records.append({"id": row.id, "cluster": row.cluster or row.id, "label": name, **row.texts})
    return classification_frame(records)
