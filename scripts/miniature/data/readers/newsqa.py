"""NewsQA (Trischler et al. 2017) as Maluuba's own tool writes it: combined-newsqa-data-v1.csv.

The file has one line per question with several people's opinions of it; a gold answer is our decision,
made as follows.

1. Votes. Where ``validated_answers`` is filled in (JSON, option to number of validators) it alone counts:
   validators saw all proposed answers and chose. Otherwise each person in ``answer_char_ranges`` (separated
   by ``|``) has one vote, ``None`` being a vote for "no answer".
2. The option with the most votes wins; of equal options an answer comes before "no answer", and that before
   "bad question". Without validation, a question that at least half of the readers called bad
   (``is_question_bad``) is bad.
3. A question that is bad by the data set's own vote is not an example, and is left out; their number is
   logged. Where "no answer" wins the question is unanswerable.
4. Otherwise every answer with as many votes as the best one is gold, by position in the story. Where a
   person marked several pieces (separated by ``,``) the first piece is the answer, since both the
   data set's consensus and an extractive model name one span.
5. Spaces and line breaks at the edges of a marked span are left out of the answer.
"""

import json
from pathlib import Path

from miniature.data.problems import Problems
from miniature.data.rows import QuestionRow
from miniature.data.table_files import read_table

COLUMNS = (
    "story_id",
    "question",
    "answer_char_ranges",
    "is_answer_absent",
    "is_question_bad",
    "validated_answers",
    "story_text",
)
NO_ANSWER, BAD_QUESTION = "none", "bad_question"


def read_newsqa(path: str | Path, problems: Problems) -> list[QuestionRow]:
    """Questions of Maluuba's combined NewsQA CSV, in file order; see the module for how gold is decided."""
    table = read_table(path, problems)
    header, lines = table.columns, table.rows
    missing = [name for name in COLUMNS if name not in header]
    if missing:
        for _ in lines:  # so that what is wrong with them is told as well
            pass
        # Without a header the file is no CSV at all, which has been noted.
        if header or not problems.n_errors:
            problems.error(
                "line 1",
                f"no column {', '.join(missing)}: this is not the combined CSV",
                "run Maluuba's newsqa tool with the CNN stories and name its combined-newsqa-data-v1.csv",
            )
        return []
    rows = []
    numbers: dict[str, int] = {}
    for number, line in lines:
        story = Path(line["story_id"]).name.removesuffix(".story")
        index = numbers.get(story, 0)
        numbers[story] = index + 1
        place = f"line {number} (story {story}, question {index})"
        try:
            votes = count_votes(line["validated_answers"], line["answer_char_ranges"])
            bad_share = float(line["is_question_bad"] or 0) if line["is_question_bad"] != "?" else 0.0
        except ValueError as error:
            problems.error(
                place, f"the answers cannot be understood: {error}", 'answer_char_ranges: "196:228|None"'
            )
            continue
        validated = line["validated_answers"].strip() not in ("", "{}", "null")
        winner = decide(votes)
        if winner == BAD_QUESTION or (not validated and bad_share >= 0.5):
            problems.warn("bad question by the data set's own vote, left out", place)
            continue
        spans = []
        text = line["story_text"]
        if isinstance(winner, list):
            for start, end in winner:
                if not 0 <= start < end <= len(text):
                    problems.error(
                        place,
                        f"the answer {start}:{end} lies outside the story of {len(text)} characters",
                        "combine the questions with the stories again, by the version Maluuba names",
                    )
                    continue
                span = trim(text, start, end)
                if span not in spans:
                    spans.append(span)
        rows.append(
            QuestionRow(
                place, f"{story}/{index}", line["question"], text, spans, isinstance(winner, list), story
            )
        )
    return rows


def count_votes(validated_answers: str, answer_char_ranges: str) -> dict[tuple[int, int] | str, int]:
    """Votes for each option of one question."""
    if validated_answers.strip() not in ("", "{}", "null"):
        try:
            options = json.loads(validated_answers)
        except RecursionError:
            raise ValueError("validated_answers is nested too deeply") from None
        if not isinstance(options, dict):
            raise ValueError("validated_answers is not a JSON object")
        named = [(option, _count(count)) for option, count in options.items()]
    else:
        named = [(option, 1) for option in answer_char_ranges.split("|")]
    votes: dict[tuple[int, int] | str, int] = {}
    for option, count in named:
        key = _option(option.strip())
        votes[key] = votes.get(key, 0) + count
    return votes


def _count(value: object) -> int:
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{str(value)[:40]!r} is not a number of validators") from None


def _option(text: str) -> tuple[int, int] | str:
    if text.lower() in ("none", ""):
        return NO_ANSWER
    if text.lower() in ("bad_question", "badquestion"):
        return BAD_QUESTION
    start, colon, end = text.split(",")[0].partition(":")
    if not colon or not start.strip().isdecimal() or not end.strip().isdecimal():
        raise ValueError(f"{text[:40]!r} is not of the form 196:228")
    return int(start), int(end)


def decide(votes: dict[tuple[int, int] | str, int]) -> list[tuple[int, int]] | str:
    """Choose the winning answers, by position, or `NO_ANSWER`, or `BAD_QUESTION`."""
    spans = {option: count for option, count in votes.items() if isinstance(option, tuple)}
    best = max(spans.values(), default=0)
    absent, bad = votes.get(NO_ANSWER, 0), votes.get(BAD_QUESTION, 0)
    if best and best >= max(absent, bad):
        return sorted(span for span, count in spans.items() if count == best)
    return NO_ANSWER if absent >= bad else BAD_QUESTION


def trim(text: str, start: int, end: int) -> tuple[str, int]:
    """Take the words between two positions of a text, without space at the edges, and their start."""
    marked = text[start:end]
    words = marked.strip()
    return (words, start + len(marked) - len(marked.lstrip())) if words else (marked, start)
