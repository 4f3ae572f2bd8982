"""SQuAD 1.1 and 2.0 (Rajpurkar et al. 2016, 2018), and the shapes that other tools give the same questions.

Read are: SQuAD's own nesting; its paragraphs, or its articles, as a plain list (Simple Transformers,
annotation tools); and flat rows with SQuAD's columns, one a question, in any file of rows
(``datasets.to_json``, the examples of Hugging Face, parquet).

Which questions have no answer
  * ``is_impossible`` says so; ``"True"``, ``1`` and the like count as what they say.
  * A question whose list of answers is empty and that does not say is unanswerable where the file marks
    others so, or, in flat rows, where others have answers; otherwise its answers count as withheld.
  * An answer of no character is none. Where no question of a file has any other, the answers are withheld.

A file none of whose questions has an id has them numbered from 0, in file order (flat rows only where no
further column could be the id).
"""

import json
import math
from collections.abc import Iterable
from pathlib import Path

from miniature.data.json_rows import json_rows, read_json_value
from miniature.data.problems import Problems
from miniature.data.rows import QuestionRow
from miniature.data.table_files import id_text, is_missing, list_columns, read_table
from miniature.messages import StudyError

SHAPE = '{"version": "v2.0", "data": [{"title": "...", "paragraphs": [{"context": "...", "qas": [...]}]}]}'
COLUMNS = {name: name for name in ("id", "question", "context", "answers")}
"""Columns of flat rows where the configuration names none."""

SAYS = {"true": True, "1": True, "1.0": True, "false": False, "0": False, "0.0": False}


def read_squad(
    path: str | Path, problems: Problems, columns: dict[str, str] | None = None
) -> list[QuestionRow]:
    """Questions of a file in one of SQuAD's shapes, in file order; see the module for which they are."""
    rows, flat = read_shapes(path, problems, columns)
    return settle_answers(rows, problems, flat=flat)


def read_shapes(
    path: str | Path, problems: Problems, columns: dict[str, str] | None = None, name: str = ""
) -> tuple[list[QuestionRow], bool]:
    """As `read_squad`, answers not settled yet, and whether rows are flat; `name` begins their places."""
    names = {**COLUMNS, **(columns or {})}
    content = read_json_value(path)
    if content is not None:
        articles = _articles(content)
        if articles is not None:
            return nested_questions(articles, problems), False
        if json_rows(content, names.values()) is None:
            raise StudyError(
                "This JSON has no list under 'data', so it is not in SQuAD's layout.",
                where=str(path),
                fix=SHAPE,
            )
    table = read_table(path, problems, wanted=names.values())
    rows = flat_questions(table.rows, f"{name}{table.unit}", problems, names)
    return rows, True


def _articles(content: object) -> list | None:
    """SQuAD's articles; None where the value is of another shape."""
    found = content.get("data") if isinstance(content, dict) else content
    if not isinstance(found, list) or (found and not any(isinstance(item, dict) for item in found)):
        return None
    if any(isinstance(item, dict) and "qas" in item for item in found):
        return [{"paragraphs": found}]
    # Without any entry this is an empty file of the layout that it claims; flat rows have a question each.
    flat = any(isinstance(item, dict) and "question" in item and "paragraphs" not in item for item in found)
    return None if flat else found


def is_nested(content: object) -> bool:
    """Whether a value of JSON has SQuAD's nesting."""
    articles = _articles(content)
    return any(isinstance(article, dict) and "paragraphs" in article for article in articles or ())


def nested_questions(articles: list, problems: Problems) -> list[QuestionRow]:
    """Questions of SQuAD's articles."""
    rows, counted = [], 0
    numbered = not any(
        isinstance(question, dict) and "id" in question
        for article in articles
        for paragraph in _listed(article, "paragraphs")
        for question in _listed(paragraph, "qas")
    )
    for a, article in enumerate(articles, start=1):
        title = article.get("title") if isinstance(article, dict) else None
        title = title if isinstance(title, str) else ""
        place = f"article {a}" + (f" ({title!r})" if title else "")
        paragraphs = _get(article, "paragraphs", list, place, problems)
        for p, paragraph in enumerate(paragraphs or [], start=1):
            inside = f"{place}, paragraph {p}"
            context = _get(paragraph, "context", str, inside, problems)
            questions = _get(paragraph, "qas", list, inside, problems)
            if context is None or questions is None:
                continue
            for q, question in enumerate(questions, start=1):
                spot = f"{inside}, question {q}"
                if numbered and isinstance(question, dict):
                    question = {"id": str(counted), **question}
                    problems.warn(NUMBERED, spot)
                counted += 1
                row = _question(question, context, title, spot, problems)
                if row is not None:
                    rows.append(row)
    return rows


WITHOUT_ID = {"question", "context", "answers", "title", "is_impossible"}
NUMBERED = "no question has an id: they are numbered from 0 in the file's order"


def flat_questions(
    entries: Iterable[tuple[int, dict]], unit: str, problems: Problems, names: dict[str, str]
) -> list[QuestionRow]:
    """Questions of rows with SQuAD's columns, one a row.

    ``answers`` is ``{"text": [...], "answer_start": [...]}``, SQuAD's own list of ``{text, answer_start}``,
    or, as in the Hub's copies of MRQA, a list of texts, each then looked for in the context.
    """
    rows, entries = [], list(entries)
    # Where there are further columns, one of them may be the id under another name.
    numbered = all(entry.keys() <= WITHOUT_ID for _, entry in entries)
    for index, (number, entry) in enumerate(entries):
        place = f"{unit} {number}"
        if numbered and {"question", "context", "answers"} <= entry.keys():
            entry = {"id": str(index), **entry}
            problems.warn(NUMBERED, place)
        absent = [f"{role}: <its column>" for role in COLUMNS if is_missing(entry.get(names[role]))]
        if absent:
            problems.error(
                place,
                f"no {', '.join(part.partition(':')[0] for part in absent)} "
                f"(it has {list_columns(sorted(map(str, entry)))})",
                f"columns: {{{', '.join(absent)}}}",
            )
            continue
        answers = entry[names["answers"]]
        texts = answers.get("text") if isinstance(answers, dict) else None
        if isinstance(texts, list):
            starts = answers.get("answer_start", [None] * len(texts))
            if not isinstance(starts, list) or len(starts) != len(texts):
                problems.error(
                    place,
                    "the columns have other types than SQuAD's",
                    '"answers": {"text": ["..."], "answer_start": [0]}',
                )
                continue
            answers = [{"text": t, "answer_start": s} for t, s in zip(texts, starts, strict=True)]
        elif isinstance(answers, list):
            answers = [{"text": a} if isinstance(a, str) else a for a in answers]
        else:
            problems.error(
                place,
                "the columns have other types than SQuAD's",
                '"answers": {"text": ["..."], "answer_start": [0]}',
            )
            continue
        row = {"id": entry[names["id"]], "question": entry[names["question"]], "answers": answers}
        if not is_missing(entry.get("is_impossible")):
            row["is_impossible"] = entry["is_impossible"]
        context = _get({"context": entry[names["context"]]}, "context", str, place, problems)
        title = entry.get("title")
        if context is not None:
            title = title if isinstance(title, str) else ""
            rows.append(_question(row, context, title, place, problems))
    return [row for row in rows if row is not None]


def settle_answers(rows: list[QuestionRow], problems: Problems, *, flat: bool) -> list[QuestionRow]:
    """Decide what a question without answers means, from the whole file; see the module."""
    if rows and not any(text for row in rows for text, _ in row.answers):
        for row in rows:
            if row.answers:
                problems.warn("every answer of the file is empty: they count as withheld", row.place)
                row.answers, row.answerable = [], None
    marked = any(row.answerable is False for row in rows)
    if marked or (flat and any(row.answers for row in rows)):
        for row in rows:
            if row.answerable is None:
                if not flat:
                    problems.warn(
                        "no answer and not marked, in a file that marks others: read as unanswerable",
                        row.place,
                    )
                row.answerable = False
    return rows


def _question(entry: object, context: str, title: str, place: str, problems: Problems) -> QuestionRow | None:
    identifier = id_text(entry.get("id")) if isinstance(entry, dict) else None
    if identifier is None:
        problems.error(place, "no id", '"id": "<text that no other question has>"')
        return None
    place = f"{place} (id {identifier})"
    question = _get(entry, "question", str, place, problems)
    impossible = entry.get("is_impossible")
    said = SAYS.get(str(impossible).strip().casefold()) if not is_missing(impossible) else False
    if said is None:
        problems.error(
            place,
            f"is_impossible is {impossible!r}, neither true nor false",
            '"is_impossible": <true or false>',
        )
        return None
    if not isinstance(impossible, bool | None):
        problems.warn("is_impossible is no true or false of JSON, read as what it says", place)
    listed = [] if said and "answers" not in entry else _get(entry, "answers", list, place, problems)
    if question is None or listed is None:
        return None
    spans = []
    for answer in listed:
        span = _answer(answer, place, problems)
        if span is None:
            return None
        spans.append(span)
    if said and not any(text for text, _ in spans):
        spans = []
    if said and spans:
        problems.error(
            place,
            f"is_impossible is true, and there are {len(spans)} answers",
            '"is_impossible": false   (or "answers": [])',
        )
        return None
    answerable = True if spans else (False if said else None)
    return QuestionRow(place, identifier, question, context, spans, answerable, title)


def _answer(answer: object, place: str, problems: Problems) -> tuple[str, int | None] | None:
    text = _get(answer, "text", str, place, problems)
    if text is None:
        return None
    start = answer.get("answer_start")
    if isinstance(start, str) and start.strip().removeprefix("-").isdecimal():
        problems.warn("answer_start is a number in quotes, read as the number", place)
        start = int(start)
    elif isinstance(start, float) and math.isfinite(start) and start == int(start):
        start = int(start)
    if start is not None and (isinstance(start, bool) or not isinstance(start, int)):
        fix = json.dumps({"text": text}, ensure_ascii=False)
        problems.error(
            place,
            f"answer_start is {start!r}, no whole number",
            f"{fix}   (without answer_start the text is looked for)",
        )
        return None
    return text, start


def _listed(entry: object, key: str) -> list:
    value = entry.get(key) if isinstance(entry, dict) else None
    return value if isinstance(value, list) else []


def _get(entry: object, key: str, kind: type, place: str, problems: Problems):
    value = entry.get(key) if isinstance(entry, dict) else None
    if isinstance(value, kind):
        return value
    wanted = {list: f'"{key}": [...]', str: f'"{key}": "..."'}[kind]
    problems.error(place, f"no {key!r}" if value is None else f"{key!r} is not a {kind.__name__}", wanted)
    return None
