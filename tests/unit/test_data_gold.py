"""Gold answers that are cut, empty, or words for having none."""

import json
import os
from pathlib import Path

import pytest

from miniature.data.build import build_split
from miniature.data.gold import doubt_positions, in_word, words_for_no_answer
from miniature.data.problems import Problems
from miniature.data.tables import question_frame
from miniature.messages import StudyError

CONTEXT = "In the year 1900, Ada opened a small mill near Oslo."


def questions(answers, context=CONTEXT):
    return question_frame(
        [
            {"id": f"q{i}", "cluster": "c", "title": "", "question": "?", "context": context,
             "answers": [text], "answer_starts": [start], "answerable": True}
            for i, (text, start) in enumerate(answers)
        ]
    )  # fmt: skip


def answers_of(words, shift=0):
    return [(CONTEXT[s + shift : s + shift + len(w)], s + shift) for w in words for s in [CONTEXT.index(w)]]


WORDS = ["Ada", "1900", "Oslo", "small", "mill", "year", "near", "opened", "the year"]


def test_whole_words_raise_no_doubt():
    problems = Problems("f", strict=False)
    doubt_positions(questions(answers_of(WORDS) * 5), problems)
    assert not problems.n_errors
    assert not problems.warnings


@pytest.mark.parametrize("shift", [-2, -1, 1, 2])
def test_positions_of_another_copy_are_refused_whichever_way_they_are_off(shift):
    problems = Problems("f", strict=False)
    doubt_positions(questions(answers_of(WORDS, shift)), problems)
    with pytest.raises(StudyError, match="begin or end inside a word") as caught:
        problems.finish()
    assert "same version, the same line ends" in caught.value.fix


def test_some_cut_answers_are_a_warning_with_their_number():
    problems = Problems("f", strict=False)
    doubt_positions(questions(answers_of(WORDS) * 3 + answers_of(WORDS[:4], 1)), problems)
    assert not problems.n_errors
    (what,) = problems.warnings
    assert what.startswith("4 of 31 gold answers")


def test_scripts_without_blanks_between_words_raise_no_doubt():
    problems = Problems("f", strict=False)
    text = "東京都は日本の首都である"
    doubt_positions(questions([(text[i : i + 2], i) for i in range(8)], text), problems)
    assert not problems.n_errors
    assert not problems.warnings


def test_edges():
    assert not in_word("Oslo", 0)
    assert not in_word("Oslo", 4)
    assert in_word("naïve", 2)
    assert in_word("a1", 1)


@pytest.mark.skipif("MINIATURE_REAL_DATA" not in os.environ, reason="MINIATURE_REAL_DATA is not set")
def test_real_questions_raise_no_doubt(caplog):
    path = Path(os.environ["MINIATURE_REAL_DATA"]) / "squad2" / "test.json"
    entry = {"task": "question-answering", "format": "squad", "splits": {"test": {"path": str(path)}}}
    table = build_split(entry, "test", name="squad", seed=0)
    assert "inside a word" not in caplog.text
    cut = sum(
        in_word(row.context, start) or in_word(row.context, start + len(text))
        for row in table.itertuples()
        for text, start in zip(row.answers, row.answer_starts, strict=True)
    )
    assert cut < 0.01 * table["answers"].map(len).sum()


def test_an_abstention_in_words_is_found_and_a_frequent_answer_is_not():
    texts = ["unanswerable"] * 4 + ["Oslo"] * 6
    contexts = ["a", "b", "c", "d"] + ["in Oslo"] * 6
    assert list(words_for_no_answer(texts, contexts)) == [("unanswerable", 4)]
    assert list(words_for_no_answer(["No Answer", "no"], ["x", "y"])) == []


@pytest.mark.parametrize(
    "answers", [[{"text": "", "answer_start": -1}], [{"text": "", "answer_start": 0}] * 2]
)
def test_a_file_of_empty_answers_has_them_withheld(tmp_path, answers, caplog):
    path = tmp_path / "dev.json"
    qas = [{"id": f"q{i}", "question": "?", "answers": answers, "is_impossible": False} for i in range(3)]
    path.write_text(json.dumps({"data": [{"paragraphs": [{"context": CONTEXT, "qas": qas}]}]}))
    entry = {"task": "question-answering", "format": "squad", "splits": {"test": {"path": str(path)}}}
    table = build_split(entry, "test", name="d", seed=0)
    assert table["answerable"].isna().all()
    assert "every answer of the file is empty: they count as withheld: 3" in caplog.text
