"""SQuAD 1.1 and 2.0 JSON (Rajpurkar et al. 2016, 2018), and whatever has the same shape."""

from pathlib import Path

from miniature.data.problems import Problems
from miniature.data.rows import QuestionRow
from miniature.data.text_files import read_json
from miniature.messages import StudyError

SHAPE = '{"version": "v2.0", "data": [{"title": "...", "paragraphs": [{"context": "...", "qas": [...]}]}]}'


def read_squad(path: str | Path, problems: Problems) -> list[QuestionRow]:
    """Questions of a file in SQuAD's JSON layout, in file order."""
    return squad_rows(read_json(path), path, problems)


def squad_rows(content: object, path: str | Path, problems: Problems) -> list[QuestionRow]:
    """As `read_squad`, from JSON already read."""
    articles = content.get("data") if isinstance(content, dict) else None
    if not isinstance(articles, list):
        raise StudyError(
            "This JSON has no list under 'data', so it is not in SQuAD's layout.", where=str(path), fix=SHAPE
        )
    rows = []
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
                row = _question(question, context, title, f"{inside}, question {q}", problems)
                if row is not None:
                    rows.append(row)
    return rows


def _question(entry: object, context: str, title: str, place: str, problems: Problems) -> QuestionRow | None:
    identifier = entry.get("id") if isinstance(entry, dict) else None
    if isinstance(identifier, str | int) and not isinstance(identifier, bool):
        identifier = str(identifier)
        place = f"{place} (id {identifier})"
    else:
        problems.error(place, "no id", '"id": "<text that no other question has>"')
        return None
    question = _get(entry, "question", str, place, problems)
    if "answers" not in entry and entry.get("is_impossible") is True:
        answers = []
    else:
        answers = _get(entry, "answers", list, place, problems)
    if question is None or answers is None:
        return None
    impossible = entry.get("is_impossible", False)
    if not isinstance(impossible, bool):
        problems.error(place, "is_impossible is neither true nor false", '"is_impossible": false')
        return None
    if impossible and answers:
        problems.error(
            place,
            f"is_impossible is true, and there are {len(answers)} answers",
            '"is_impossible": false   (or "answers": [])',
        )
        return None
    spans = []
    for answer in answers:
        text = _get(answer, "text", str, place, problems)
        if text is None:
            return None
        start = answer.get("answer_start")
        if start is not None and (isinstance(start, bool) or not isinstance(start, int)):
            problems.error(place, "answer_start is not a whole number", '"answer_start": 0')
            return None
        spans.append((text, start))
    answerable = True if spans else (False if impossible else None)
    return QuestionRow(place, identifier, question, context, spans, answerable, title)


def _get(entry: object, key: str, kind: type, place: str, problems: Problems):
    value = entry.get(key) if isinstance(entry, dict) else None
    if isinstance(value, kind):
        return value
    wanted = {list: f'"{key}": [...]', str: f'"{key}": "..."'}[kind]
    problems.error(place, f"no {key!r}" if value is None else f"{key!r} is not a {kind.__name__}", wanted)
    return None
