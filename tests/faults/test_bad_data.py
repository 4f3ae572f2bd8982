"""Data files that cannot be used: told with place and remedy, no table written, nothing else touched."""

import gzip
import json
import shutil

import pytest
import yaml

from miniature.messages import StudyError
from pasting import run_offered
from refusals import refused, run_script

CONTEXT = "The Nile flows north through Cairo."


def squad(**changes):
    question = {
        "id": "q1", "question": "Where does the Nile flow?", "is_impossible": False,
        "answers": [{"text": "north", "answer_start": 15}],
    } | changes  # fmt: skip
    return {
        "version": "v2.0",
        "data": [{"title": "Nile", "paragraphs": [{"context": CONTEXT, "qas": [question]}]}],
    }


def two_questions_of_one_id():
    content = squad()
    questions = content["data"][0]["paragraphs"][0]["qas"]
    questions.append(questions[0])
    return json.dumps(content).encode()


def lines(*rows):
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


GOOD = {"text": "fine", "label": "good"}
REVIEWS = lines(GOOD, {"text": "poor", "label": "bad"})
SQUAD = {"task": "question-answering", "format": "squad", "suffix": ".json"}
JSONL = {"task": "classification", "format": "jsonl", "suffix": ".jsonl"}
CSV = {"task": "classification", "format": "csv", "suffix": ".csv"}
NEWSQA = {"task": "question-answering", "format": "newsqa", "suffix": ".csv"}
MRQA = {"task": "question-answering", "format": "mrqa", "suffix": ".jsonl"}
ESCAPES = "\x1b]0;owned\x07\x1b[31m<script>alert(1)</script>"

# What -> format, bytes of the file, words of the message, settings of the split.
CASES = {
    "JSON that was cut short": (
        SQUAD,
        json.dumps(squad()).encode()[:120],
        ["cut short", "line 1, column"],
        {},
    ),
    "JSON that is none": (SQUAD, b"{'data': []}", ["This is not JSON", "json.tool"], {}),
    "JSON of another form": (SQUAD, b'["a", "b"]', ["data"], {}),
    "JSON nested 100,000 deep": (SQUAD, b"[" * 100_000, ["nested too deeply"], {}),
    "a number of 5,000 digits": (
        SQUAD,
        b'{"data": ' + b"1" * 5000 + b"}",
        ["a number that cannot be read"],
        {},
    ),
    "two questions with one id": (SQUAD, two_questions_of_one_id(), ["'q1' was used before"], {}),
    "an answer that is not in its context": (
        SQUAD,
        json.dumps(squad(answers=[{"text": "south", "answer_start": 3}])).encode(),
        ["'south' is nowhere in the context", "answer_start"],
        {},
    ),
    "an empty question to learn from": (
        SQUAD,
        json.dumps(squad(question=" ")).encode(),
        ["question is empty"],
        {},
    ),
    "a question without an answer, said to have one": (
        SQUAD,
        json.dumps(squad(answers=[])).encode(),
        ["withheld"],
        {},
    ),
    "no unanswerable question where they are asked for": (
        SQUAD,
        json.dumps(squad()).encode(),
        ["unanswerable"],
        {"unanswerable": True},
    ),
    "more examples asked for than there are": (SQUAD, json.dumps(squad()).encode(), ["1"], {"examples": 7}),
    "fewer examples than K needs": (
        JSONL,
        REVIEWS,
        ["has 2 examples", "needs 20", "k_max: 1"],
        {"k_max": 19},
    ),
    "a file that is empty": (SQUAD, b"", ["empty"], {}),
    "a file that is not UTF-8": (CSV, b"text,label\ncaf\xe9,good\n", ["not UTF-8", "line 2", "iconv"], {}),
    "a line that is not JSON": (JSONL, REVIEWS + b"{oops}\n", ["not JSON", "line 3"], {}),
    "a last line that was cut short": (JSONL, REVIEWS + b'{"text": "fi', ["cut short", "line 3"], {}),
    "a line that is no object": (JSONL, REVIEWS + b"[1]\n", ["Not a JSON object", "line 3"], {}),
    "a label outside the set": (
        JSONL,
        REVIEWS + lines({"text": "so", "label": "ugly"}),
        ["'ugly' is not one of", "labels: {"],
        {},
    ),
    "a label with terminal escapes and HTML": (
        JSONL,
        REVIEWS + lines({"text": "so", "label": ESCAPES}),
        ["x1b]0;owned", "is not one of"],
        {},
    ),
    "an empty text to learn from": (
        JSONL,
        REVIEWS + lines({"text": " ", "label": "good"}),
        ["text is empty"],
        {},
    ),
    "half of a surrogate pair": (
        JSONL,
        REVIEWS + b'{"text": "so \\ud83d", "label": "good"}\n',
        ["surrogate", "saves the text as UTF-8"],
        {},
    ),
    "a text that is a number": (
        JSONL,
        REVIEWS + lines({"text": 5, "label": "good"}),
        ["'text' is not text"],
        {},
    ),
    "a missing column": (CSV, b"body,label\nfine,good\n", ["No column 'text'", "columns: {text:"], {}),
    "a row with too many cells": (CSV, b"text,label\na,b,good\n", ["3 fields where the header has 2"], {}),
    "a quote that is never closed": (
        CSV,
        b'text,label\n"a,good\n',
        ["Not CSV", "close every double quote"],
        {},
    ),
    "NewsQA without its stories": (
        NEWSQA,
        b"story_id,question,answer_char_ranges\na,b,1:2\n",
        ["stor"],
        {},
    ),
    "MRQA without its header's questions": (
        MRQA,
        b'{"header": {}}\n{"context": "x"}\n',
        ["qas"],
        {},
    ),
    "a gzip file that was cut short": (
        {**JSONL, "suffix": ".jsonl.gz"},
        gzip.compress(REVIEWS * 50)[:-9],
        ["damaged or cut short"],
        {},
    ),
}


def build(tmp_path, kind, content, *, unanswerable=None, examples="all", k_max=0, **keys):
    folder = tmp_path / "data"
    folder.mkdir()
    # Neighbors are those of the test split; a mistake is the same in any.
    split = "test" if k_max else "train"
    file = folder / f"{split}{kind['suffix']}"
    file.write_bytes(content) if isinstance(content, bytes) else content(file)
    dataset = {
        "task": kind["task"], "format": kind["format"],
        "splits": {split: {"path": str(file), "examples": examples}},
    }  # fmt: skip
    if kind["task"] == "classification":
        dataset["labels"] = {"good": "good", "bad": "bad"}
    dataset |= keys
    if unanswerable is not None:
        dataset["unanswerable"] = unanswerable
    return lambda: run_script(
        "build_data",
        file=str(file),
        output=str(tmp_path / "results/train.parquet"),
        wildcards={"dataset": "mine", "split": split},
        params={"dataset": dataset, "bank_examples": None, "seed": 1},
        config={
            "characteristics": {
                "representation": {"enabled": bool(k_max), "tasks": ["mine"], "k_max": k_max},
                "vulnerability": {"enabled": False},
            }
        },
    )


@pytest.mark.bad_input
@pytest.mark.parametrize("what", CASES)
def test_data_are_refused(what, tmp_path, table_row):
    kind, content, parts, settings = CASES[what]
    job = build(tmp_path, kind, content, **settings)
    with refused(tmp_path, "test" if "k_max" in settings else "train", *parts) as told:
        job()
    table_row(what, told.message.splitlines()[0][:150], told.left)


# Only the file's owner can mend these: its content is lost, or nobody else knows what was meant.
BY_HAND = {
    "JSON that was cut short", "JSON that is none", "JSON of another form", "JSON nested 100,000 deep",
    "a number of 5,000 digits", "two questions with one id", "an answer that is not in its context",
    "an empty question to learn from", "a question without an answer, said to have one",
    "a file that is empty", "a line that is not JSON", "a last line that was cut short",
    "a line that is no object", "an empty text to learn from", "a text that is a number",
    "a quote that is never closed", "NewsQA without its stories", "MRQA without its header's questions",
    "a gzip file that was cut short",
}  # fmt: skip


@pytest.mark.parametrize("what", CASES)
def test_the_offered_line_mends_the_data(what, tmp_path, monkeypatch):
    """Pasted into the study, or run as it stands, it makes data of the file; or it is to be done by hand."""
    kind, content, _, settings = CASES[what]
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StudyError) as caught:
        build(tmp_path, kind, content, **settings)()
    fix = caught.value.fix
    if what in BY_HAND:
        assert not fix.startswith(("iconv ", "labels: ", "columns: ", "examples: "))
        return
    changes = {}
    if fix.startswith(("python ", "iconv ")):
        path = run_offered(fix)
        content = path.read_bytes()
    else:
        ((key, value),) = yaml.safe_load(fix.split("   (")[0]).items()
        changes = {key: value} if key in ("labels", "columns") else {}
        settings = settings | ({} if changes else {key: value})
    shutil.rmtree(tmp_path / "data")
    build(tmp_path, kind, content, **settings, **changes)()


@pytest.mark.bad_input
def test_gzip_bomb(tmp_path, table_row):
    # 200 MB of spaces in 200 kB; what fills a memory is 50 of them.
    job = build(
        tmp_path, {**JSONL, "suffix": ".jsonl.gz"}, gzip.compress(b" " * 200_000_000, compresslevel=9)
    )
    with refused(tmp_path, "unpacks to more than", "head -c") as told:
        job()
    table_row("a gzip bomb", told.message.splitlines()[0][:150], told.left)


@pytest.mark.bad_input
@pytest.mark.parametrize("kind", [JSONL, CSV], ids=["jsonl", "csv"])
def test_line_of_a_hundred_megabytes(tmp_path, table_row, kind):
    text = b"word " * 20_000_000
    if kind is CSV:
        content = b"text,label\nfine,good\n" + text + b",good\n"
    else:
        content = REVIEWS + b'{"text": "' + text + b'", "label": "good"}\n'
    job = build(tmp_path, kind, content)
    with refused(tmp_path, "A text of ", "more than 10,000,000", "line breaks lost") as told:
        job()
    if kind is JSONL:
        table_row("a line of 100 MB", told.message.splitlines()[0][:150], told.left)
