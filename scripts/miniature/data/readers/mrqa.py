"""MRQA 2019 shared task files (Fisch et al. 2019): one context a line, after a header line."""

from pathlib import Path

from miniature.data.json_rows import json_lines
from miniature.data.problems import Problems
from miniature.data.rows import QuestionRow
from miniature.messages import StudyError


def read_mrqa(path: str | Path, problems: Problems) -> list[QuestionRow]:
    """Questions of an MRQA ``.jsonl`` or ``.jsonl.gz`` file, in file order."""
    rows = []
    for number, entry in json_lines(path, problems):
        if "header" in entry and "context" not in entry:
            continue
        place = f"line {number}"
        if {"context", "question", "answers"} <= entry.keys() and "qas" not in entry:
            raise StudyError(
                "These are rows with SQuAD's columns, one question a line, not MRQA's contexts with qas.",
                where=f"{path}, {place}",
                fix="format: squad",
            )
        context, questions = entry.get("context"), entry.get("qas")
        if not isinstance(context, str) or not isinstance(questions, list):
            problems.error(place, "no 'context' text or no 'qas' list", '{"context": "...", "qas": [...]}')
            continue
        for q, question in enumerate(questions, start=1):
            row = _question(question, context, f"{place}, question {q}", problems)
            if row is not None:
                rows.append(row)
    return rows


def _question(entry: object, context: str, place: str, problems: Problems) -> QuestionRow | None:
    entry = entry if isinstance(entry, dict) else {}
    identifier = entry.get("qid", entry.get("id"))
    if not isinstance(identifier, str | int) or isinstance(identifier, bool):
        problems.error(place, "no qid", '"qid": "<text that no other question has>"')
        return None
    place = f"{place} (qid {identifier})"
    question = entry.get("question")
    if not isinstance(question, str):
        problems.error(place, "no 'question' text", '"question": "..."')
        return None
    spans = []
    form = '"detected_answers": [{"text": "...", "char_spans": [[<first>, <last>]]}]'
    listed = entry.get("detected_answers") or []
    if not isinstance(listed, list):
        problems.error(place, "'detected_answers' is not a list", form)
        return None
    for detected in listed:
        span = _span(detected, context)
        if span is None:
            problems.error(place, "a detected answer has no text or no span", form)
            return None
        if span not in spans:
            spans.append(span)
    accepted = entry.get("answers") or []
    if not isinstance(accepted, list) or not all(isinstance(text, str) for text in accepted):
        problems.error(place, "'answers' is not a list of texts", '"answers": ["..."]')
        return None
    spelled = {text for text, _ in spans}
    aliases = [text for text in dict.fromkeys(accepted) if text not in spelled]
    if not spans and aliases:
        # Nothing was detected, so the accepted answers are all there is to train on.
        spans, aliases = [(text, None) for text in aliases], []
    return QuestionRow(
        place, str(identifier), question, context, spans, True if spans else None, aliases=aliases
    )


def _span(detected: object, context: str) -> tuple[str, int] | None:
    if not isinstance(detected, dict):
        return None
    text, places = detected.get("text"), detected.get("char_spans")
    if not isinstance(places, list) or not places:
        return None
    place = places[0]
    if not isinstance(place, list) or len(place) != 2 or not all(type(edge) is int for edge in place):
        return None
    start, last = place
    if isinstance(text, str) and not context.startswith(text, max(start, 0)):
        # The text may differ from the context in capitals or spaces; the context's own spelling is used
        # where it is the same words, otherwise the text stands and is looked for.
        spelling = context[max(start, 0) : last + 1]
        if "".join(spelling.lower().split()) != "".join(text.lower().split()):
            return text, start
        return spelling, start
    return (text, start) if isinstance(text, str) else None
