"""SQuAD files: what is read, what is mended, what is refused and how it is said."""

import gzip
import json
import logging

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from miniature.data.build import build_split
from miniature.data.rows import nearest_occurrence
from miniature.messages import StudyError


def question(identifier, answers=(), **more):
    return {
        "id": identifier,
        "question": f"What is {identifier}?",
        "answers": [{"text": text, "answer_start": start} for text, start in answers],
        **more,
    }


def squad(*questions, context="Rome is old. Rome is big.", title="Rome"):
    return {
        "version": "v2.0",
        "data": [{"title": title, "paragraphs": [{"context": context, "qas": list(questions)}]}],
    }


def read(path, split="test", **options):
    dataset = {
        "task": "question-answering",
        "format": "squad",
        "splits": {split: {"path": str(path), "examples": "all"}},
    }
    return build_split({**dataset, **options}, split, name="mine", seed=0)


@pytest.fixture
def write(tmp_path):
    def write(content, name="data.json"):
        path = tmp_path / name
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return path

    return write


def test_answerable_unanswerable_and_withheld_are_told_apart(write):
    table = read(
        write(
            squad(
                question("a", [("Rome", 13)], is_impossible=False),
                question("b", is_impossible=True, plausible_answers=[{"text": "old", "answer_start": 8}]),
                question("c"),
            )
        )
    )
    assert list(table["id"]) == ["a", "b", "c"]
    assert list(table["answers"]) == [["Rome"], [], []]
    assert list(table["answer_starts"]) == [[13], [], []]
    # Where others are marked, no answer and no mark is no answer; where none is, the answers are withheld.
    assert table["answerable"].tolist() == [True, False, False]
    alone = read(write(squad(question("a", [("Rome", 13)]), question("c"))))
    assert alone["answerable"].isna().tolist() == [False, True]
    assert set(table["title"]) == {"Rome"}
    assert table["cluster"].nunique() == 1


def test_same_context_in_two_articles_is_one_cluster(write):
    one, two = squad(question("a", [("Rome", 0)])), squad(question("b", [("big", 21)]), title="Other")
    one["data"] += two["data"] + squad(question("c"), context="Elsewhere.")["data"]
    clusters = list(read(write(one))["cluster"])
    assert clusters[0] == clusters[1] != clusters[2]


def test_answer_at_a_wrong_start_moves_to_the_nearest_occurrence_and_is_counted(write, caplog):
    path = write(
        squad(question("a", [("Rome", 11)]), question("b", [("Rome", 2)]), question("c", [("Rome", 0)]))
    )
    with caplog.at_level(logging.WARNING):
        table = read(path, "train")
    assert list(table["answer_starts"]) == [[13], [0], [0]]
    assert (
        "moved to its nearest occurrence: 2 (first: article 1 ('Rome'), paragraph 1, question 1"
        in caplog.text
    )


def test_answer_nowhere_in_its_context_stops_training_and_still_scores_in_a_test(write, caplog):
    path = write(squad(question("a", [("Oslo", 3)]), question("b", is_impossible=True)))
    with pytest.raises(StudyError) as caught:
        read(path, "train")
    assert "'Oslo' is nowhere in the context" in str(caught.value)
    assert "question 1 (id a)" in str(caught.value)
    assert str(path) in str(caught.value)
    with caplog.at_level(logging.WARNING):
        table = read(path, "test")
    assert table["answers"][0] == ["Oslo"]
    assert table["answer_starts"][0] == [-1]
    assert "kept for scoring: 1" in caplog.text


@pytest.mark.parametrize("empty", ["question", "context"])
def test_empty_text_stops_training_and_is_kept_elsewhere(write, caplog, empty):
    content = squad(question("a", is_impossible=True), context="" if empty == "context" else "Rome.")
    if empty == "question":
        content["data"][0]["paragraphs"][0]["qas"][0]["question"] = "  "
    path = write(content)
    with pytest.raises(StudyError, match=f"(?i)the {empty} is empty"):
        read(path, "train")
    with caplog.at_level(logging.WARNING):
        assert len(read(path, "test")) == 1
    assert f"empty {empty}, kept: 1" in caplog.text


def test_all_problems_come_at_once_first_ten_and_a_count(write):
    questions = [question("same", [("Rome", 0)]) for _ in range(14)] + [{"question": "no id"}]
    with pytest.raises(StudyError) as caught:
        read(write(squad(*questions)))
    message = str(caught.value)
    assert message.startswith("14 problems in this file")
    assert message.count("was used before, at article 1 ('Rome'), paragraph 1, question 1") == 9
    assert "question 15: no id" in message  # shape problems are seen before ids are compared
    assert "... and 4 more" in message
    assert "fix:" in message


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"is_impossible": True}, "is_impossible is true, and there are 1 answers"),
        ({"is_impossible": "no"}, "neither true nor false"),
        ({"answers": None}, "no 'answers'"),
        ({"answers": [{"text": "Rome", "answer_start": "first"}]}, "no whole number"),
        ({"answers": [{"answer_start": 0}]}, "no 'text'"),
        ({"question": 3}, "'question' is not a str"),
        ({"question": "half \ud800"}, "surrogate"),
    ],
)
def test_contradictions_and_wrong_types_are_refused_in_any_split(write, change, words):
    entry = {**question("a", [("Rome", 0)]), **change}
    with pytest.raises(StudyError, match=f"(?i){words}"):
        read(write(squad(entry)))


def test_withheld_answers_cannot_be_trained_on(write):
    with pytest.raises(StudyError, match="withheld"):
        read(write(squad(question("a"))), "train")


@pytest.mark.parametrize("keep", [0.2, 0.5, 0.9])
def test_truncated_json_is_called_cut_short_with_line_and_column(write, keep):
    whole = json.dumps(squad(question("a", [("Rome", 0)])), indent=1)
    path = write(whole[: int(len(whole) * keep)])
    with pytest.raises(StudyError) as caught:
        read(path)
    assert f"{path}, line " in caught.value.where
    assert "column" in caught.value.where


def test_files_that_are_not_what_they_should_be(write, tmp_path):
    with pytest.raises(StudyError, match="does not exist"):
        read(tmp_path / "absent.json")
    with pytest.raises(StudyError, match="folder"):
        read(tmp_path)
    with pytest.raises(StudyError, match="is empty"):
        read(write(" \n"))
    with pytest.raises(StudyError, match="not in SQuAD's layout"):
        read(write([1, 2]))
    with pytest.raises(StudyError, match="no examples"):
        read(write({"data": []}))
    latin = tmp_path / "latin.json"
    latin.write_bytes(b'{\n"data": "caf\xe9"}')
    with pytest.raises(StudyError, match="byte 0xe9 on line 2"):
        read(latin)
    damaged = tmp_path / "data.json.gz"
    damaged.write_bytes(gzip.compress(json.dumps(squad(question("a"))).encode())[:-12])
    with pytest.raises(StudyError, match="damaged or cut short"):
        read(damaged)


def test_gzip_and_byte_order_mark_are_read(tmp_path):
    path = tmp_path / "data.json.gz"
    path.write_bytes(gzip.compress(b"\xef\xbb\xbf" + json.dumps(squad(question("a"))).encode()))
    assert len(read(path)) == 1


@given(st.text("ab ", min_size=1, max_size=30), st.text("ab ", min_size=1, max_size=3), st.integers(-5, 40))
@example("aba", "a", 1)
@example("aba", "a", 9)
def test_nearest_occurrence_is_the_nearest_of_all(context, text, start):
    places = [i for i in range(len(context)) if context.startswith(text, i)]
    expected = min(places, key=lambda place: (abs(place - max(start, 0)), place), default=-1)
    assert nearest_occurrence(text, context, start) == expected


@given(
    st.lists(
        st.tuples(st.text(st.characters(codec="utf-8"), min_size=1, max_size=20), st.booleans()),
        min_size=1,
        max_size=5,
    )
)
def test_any_text_survives_the_file(tmp_path_factory, drawn):
    # Contexts of any characters, an answer that is the whole context or none.
    articles = []
    for number, (context, has) in enumerate(drawn):
        answers = [(context, 0)] if has else []
        entry = question(str(number), answers, is_impossible=not has)
        articles += squad(entry, context=context)["data"]
    path = tmp_path_factory.mktemp("any") / "data.json"
    path.write_text(json.dumps({"data": articles}), encoding="utf-8")
    table = read(path)
    assert list(table["context"]) == [context for context, _ in drawn]
    assert [list(answers) for answers in table["answers"]] == [[c] if has else [] for c, has in drawn]
    assert table["answerable"].tolist() == [has for _, has in drawn]
