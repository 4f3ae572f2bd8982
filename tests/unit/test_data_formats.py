"""MRQA, NewsQA, labeled texts, and files retrieved from the Hub."""

import csv
import gzip
import json
import logging

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from miniature.data.build import build_split
from miniature.data.problems import Problems
from miniature.data.readers.hub import find_split_files
from miniature.data.readers.newsqa import COLUMNS, count_votes, decide
from miniature.data.table_files import read_table
from miniature.data.text_files import read_json
from miniature.messages import StudyError
from miniature.retrieval import datasets
from miniature.retrieval.datasets import HUB_SUFFIXES

LABELS = {"negative": 0, "positive": 1}


def build(kind, path, split="test", task="question-answering", entry=(), **options):
    place = {"path": str(path)}
    if kind == "hub":
        options, place = {**options, **place}, {}
    splits = {split: {**place, "examples": "all", **dict(entry)}}
    return build_split(
        {"task": task, "format": kind, "splits": splits, **options}, split, name="mine", seed=0
    )


def texts(kind, path, split="test", labels=LABELS, **options):
    return build(kind, path, split, task="classification", labels=labels, **options)


# MRQA


MRQA = [
    {"header": {"dataset": "Mine", "split": "dev"}},
    {
        "context": "[PAR] The Nile is long. The Nile is wide.",
        "qas": [
            {
                "qid": "q1",
                "question": "Which river?",
                "answers": ["the nile", "Nil"],
                "detected_answers": [
                    {"text": "the nile", "char_spans": [[6, 13], [24, 31]]},
                    {"text": "Nile", "char_spans": [[10, 13]]},
                ],
            }
        ],
    },
]


@pytest.mark.parametrize("packed", [False, True])
def test_mrqa_spans_come_first_and_accepted_words_outside_the_context_still_score(tmp_path, packed):
    content = "\n".join(map(json.dumps, MRQA)).encode() + b"\n"
    path = tmp_path / ("mrqa.jsonl.gz" if packed else "mrqa.jsonl")
    path.write_bytes(gzip.compress(content) if packed else content)
    table = build("mrqa", path)
    # The span's last character is included, and the context's own capitals are used.
    assert table["answers"][0] == ["The Nile", "Nile", "the nile", "Nil"]
    assert table["answer_starts"][0] == [6, 10, -1, 10]
    assert table["answerable"][0]
    train = build("mrqa", path, "train")
    assert train["answers"][0] == ["The Nile", "Nile"]


def test_mrqa_bad_lines_are_all_named(tmp_path):
    path = tmp_path / "mrqa.jsonl"
    path.write_text('[]\n{"context": "x"}\n{"context": "x", "qas": [{"question": "?"}]}\n{"context": "cut')
    with pytest.raises(StudyError) as caught:
        build("mrqa", path)
    message = str(caught.value)
    for words in (
        "line 1: not a JSON object",
        "line 2: no 'context'",
        "line 3, question 1: no qid",
        "line 4: the line is cut",
    ):
        assert words in message


@pytest.mark.parametrize("detected", [5, "the nile", {"text": "the nile"}, True])
def test_mrqa_detected_answers_that_are_no_list_are_told(tmp_path, detected):
    path = tmp_path / "mrqa.jsonl"
    question = {"qid": "q1", "question": "?", "detected_answers": detected}
    path.write_text(json.dumps({"context": "The Nile.", "qas": [question]}) + "\n")
    with pytest.raises(StudyError, match="'detected_answers' is not a list"):
        build("mrqa", path)


# NewsQA


def newsqa(tmp_path, *rows):
    path = tmp_path / "combined-newsqa-data-v1.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        for row in rows:
            blank = dict.fromkeys(COLUMNS, "")
            writer.writerow(
                {
                    **blank,
                    "story_id": "./cnn/stories/s1.story",
                    "question": "Who?",
                    "story_text": STORY,
                    **row,
                }
            )
    return path


STORY = 'LONDON -- "Ann Lee"\n\nwon, said Bob.\n'


def test_newsqa_gold_answers_follow_the_votes(tmp_path, caplog):
    start, end = STORY.index("Ann"), STORY.index("Lee") + 3
    path = newsqa(
        tmp_path,
        {"answer_char_ranges": f"{start}:{end}|{start}:{end},0:6|None", "is_question_bad": "0.0"},
        {"answer_char_ranges": "0:6", "validated_answers": '{"none": 2, "0:6": 1}'},
        {"answer_char_ranges": "0:6", "validated_answers": '{"bad_question": 2}'},
        {"answer_char_ranges": "0:6|None", "is_question_bad": "0.5"},
        {"answer_char_ranges": f"{start}:{end}|0:7"},
        {"answer_char_ranges": f"{end + 1}:{end + 6}", "is_question_bad": "?"},
    )
    with caplog.at_level(logging.WARNING):
        table = build("newsqa", path)
    # Two bad questions are left out, and the numbers of the others do not depend on it.
    assert list(table["id"]) == ["s1/0", "s1/1", "s1/4", "s1/5"]
    assert list(table["answers"]) == [["Ann Lee"], [], ["LONDON", "Ann Lee"], ["won"]]
    assert table["answerable"].tolist() == [True, False, True, True]
    assert list(table["answer_starts"])[3] == [STORY.index("won")]
    assert "left out: 2" in caplog.text


def test_newsqa_votes():
    assert decide(count_votes('{"3:4": 1, "none": 1, "bad_question": 1}', "")) == [(3, 4)]
    assert decide(count_votes("", "None|None|3:4")) == "none"
    assert decide(count_votes('{"bad_question": 2, "none": 1}', "")) == "bad_question"


def test_newsqa_ranges_outside_the_story_or_of_another_form_are_refused(tmp_path):
    path = newsqa(tmp_path, {"answer_char_ranges": "5:900"}, {"answer_char_ranges": "five"})
    with pytest.raises(StudyError) as caught:
        build("newsqa", path)
    assert "5:900 lies outside the story" in str(caught.value)
    assert "'five' is not of the form 196:228" in str(caught.value)


def test_newsqa_without_its_stories_says_how_to_combine_them(tmp_path):
    path = tmp_path / "newsqa-data-v1.csv"
    path.write_text(
        "story_id,question,answer_char_ranges,is_answer_absent,is_question_bad,validated_answers\na,b,c,d,e,f\n"
    )
    with pytest.raises(StudyError, match="No column story_text") as caught:
        build("newsqa", path)
    assert "combined-newsqa-data-v1.csv" in caught.value.fix


def test_newsqa_missing_columns_and_a_ragged_row_are_both_told(tmp_path):
    path = tmp_path / "other.csv"
    path.write_text("question,answer\na,b\na,b,c\n")
    with pytest.raises(StudyError) as caught:
        build("newsqa", path)
    assert "line 3: 3 fields where the header has 2" in str(caught.value)
    assert "line 1: no column story_id" in str(caught.value)


@pytest.mark.parametrize("count", ["null", "[]", "Infinity", '"two"', "{}"])
def test_newsqa_votes_that_are_no_number_are_told(tmp_path, count):
    path = newsqa(tmp_path, {"validated_answers": f'{{"1:2": {count}}}'})
    with pytest.raises(StudyError, match=r"The answers cannot be understood.*not a number of validators"):
        build("newsqa", path)


# Labeled texts


def test_csv_and_jsonl_give_the_same_table(tmp_path):
    rows = [("r1", 'a "good", long\nfilm', 1), ("r2", "bad", 0)]
    as_csv, as_json, packed = tmp_path / "t.csv", tmp_path / "t.jsonl", tmp_path / "t.jsonl.gz"
    with as_csv.open("w", newline="") as file:
        csv.writer(file).writerows([("key", "body", "mark"), *rows])
    lines = "".join(json.dumps({"key": i, "body": t, "mark": m}) + "\n" for i, t, m in rows)
    as_json.write_text(lines)
    packed.write_bytes(gzip.compress(lines.encode()))
    columns = {"id": "key", "text": "body", "label": "mark"}
    tables = [
        texts(kind, path, columns=columns)
        for kind, path in (("csv", as_csv), ("jsonl", as_json), ("jsonl", packed))
    ]
    assert tables[0].to_dict("list") == {
        "id": ["r1", "r2"],
        "cluster": ["r1", "r2"],
        "text": ['a "good", long\nfilm', "bad"],
        "label": ["positive", "negative"],
    }
    assert tables[1].equals(tables[0])
    assert tables[2].equals(tables[0])


def test_cluster_column_and_numbered_ids(tmp_path):
    path = tmp_path / "t.jsonl"
    path.write_text("".join(json.dumps({"text": t, "label": 0, "film": "F"}) + "\n" for t in "ab"))
    table = texts("jsonl", path, columns={"cluster": "film"})
    assert list(table["id"]) == ["0", "1"]
    assert list(table["cluster"]) == ["F", "F"]


def test_unknown_label_is_named_with_the_line_to_paste(tmp_path):
    path = tmp_path / "t.jsonl"
    path.write_text('{"text": "a", "label": 0}\n{"text": "b", "label": 2}\n')
    with pytest.raises(StudyError) as caught:
        texts("jsonl", path)
    assert "'2' is not one of ['0', '1']" in str(caught.value)
    assert f"{path}, line 2" in caught.value.where
    assert caught.value.fix == "labels: {negative: 0, positive: 2}"


def test_missing_column_names_those_there_are(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("body,label\na,0\n")
    with pytest.raises(StudyError, match=r"No column 'text'.*body, label"):
        texts("csv", path)
    other = tmp_path / "t.jsonl"
    other.write_text('{"body": "a", "label": 0}\n')
    with pytest.raises(StudyError, match=r"(?i)no 'text' \(it has body, label\)"):
        texts("jsonl", other)


def test_broken_csv_is_told_by_line(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text('text,label\na,0\nb,c,0\n"open,1\n')
    with pytest.raises(StudyError) as caught:
        texts("csv", path)
    assert "line 3: 3 fields where the header has 2" in str(caught.value)
    assert "not CSV" in str(caught.value)


def test_empty_text_is_kept_in_a_test_split_only(tmp_path):
    path = tmp_path / "t.jsonl"
    path.write_text('{"text": "", "label": 0}\n{"text": "b", "label": 1}\n')
    assert list(texts("jsonl", path)["text"]) == ["", "b"]
    with pytest.raises(StudyError, match=r"(?i)the text is empty"):
        texts("jsonl", path, "train")


def test_aclimdb_folders_alternate_by_number(tmp_path):
    labels = {"negative": "neg", "positive": "pos"}
    for folder, name, text in [
        ("pos", "10_8", "ten"),
        ("pos", "2_7", "two"),
        ("neg", "2_1", "zwei"),
        ("neg", "3_1", ""),
    ]:
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / f"{name}.txt").write_text(text)
    (tmp_path / "unsup").mkdir()
    table = texts("aclimdb", tmp_path, labels=labels)
    assert list(table["id"]) == ["neg/2_1", "pos/2_7", "neg/3_1", "pos/10_8"]
    assert list(table["label"]) == ["negative", "positive", "negative", "positive"]
    (tmp_path / "pos" / "4_1.txt").write_bytes(b"\xff")
    with pytest.raises(StudyError, match=r"(?i)not utf-8") as caught:
        texts("aclimdb", tmp_path, labels=labels)
    assert "pos/4_1" in caught.value.where
    with pytest.raises(StudyError, match=r"no \.txt files"):
        texts("aclimdb", tmp_path, labels={"negative": "bad", "positive": "pos"})


# Any file


@pytest.mark.parametrize("content", [b"\xef\xbb\xbf", b"\xef\xbb\xbf\n \n"])
def test_a_csv_of_a_byte_order_mark_alone_is_empty(tmp_path, content):
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    with pytest.raises(StudyError, match="is empty"):
        read_table(path, Problems(path, strict=False))


def test_a_number_of_thousands_of_digits_is_told(tmp_path):
    path = tmp_path / "t.json"
    path.write_text('{"data": ' + "1" * 5000 + "}")
    with pytest.raises(StudyError, match="a number that cannot be read") as caught:
        read_json(path)
    assert caught.value.where == str(path)
    with pytest.raises(StudyError, match=r"(?i)a number that cannot be read"):
        texts("jsonl", path)


# Retrieved from the Hub


QUESTIONS = {
    "id": ["a", "b"],
    "title": ["T", "T"],
    "question": ["Who?", "Why?"],
    "context": ["Ann won.", "Ann won."],
    "answers": [{"text": ["Ann"], "answer_start": [0]}, {"text": [], "answer_start": []}],
}
HUB_TYPES = pa.struct([("text", pa.list_(pa.string())), ("answer_start", pa.list_(pa.int32()))])


def hub_questions(**change):
    columns = {**QUESTIONS, **change}
    return pa.table(
        {k: pa.array(v, HUB_TYPES) if k == "answers" else pa.array(v) for k, v in columns.items()}
    )


def test_hub_parquet_of_several_files_and_splits(tmp_path):
    folder = tmp_path / "squad_v2"
    folder.mkdir()
    pq.write_table(hub_questions(), folder / "validation-00000-of-00002.parquet")
    pq.write_table(hub_questions(id=["c", "d"]), folder / "validation-00001-of-00002.parquet")
    pq.write_table(hub_questions(id=["x", "y"]), folder / "train-00000-of-00001.parquet")
    table = build("hub", tmp_path, entry={"hub_split": "validation"})
    assert list(table["id"]) == ["a", "b", "c", "d"]
    assert table["answerable"].tolist() == [True, False, True, False]
    assert list(build("hub", tmp_path, "train")["id"]) == ["x", "y"]
    with pytest.raises(StudyError, match="No data file of the split 'test'"):
        build("hub", tmp_path)


def test_hub_split_without_any_answer_has_them_withheld(tmp_path):
    none = [{"text": [], "answer_start": []}] * 2
    pq.write_table(hub_questions(answers=none), tmp_path / "test.parquet")
    assert build("hub", tmp_path)["answerable"].isna().all()


def test_hub_texts_of_parquet_json_lines_and_a_json_list_are_the_same(tmp_path):
    rows = [{"text": "a", "label": 1}, {"text": "b", "label": 0}]
    tables = []
    for name in ("p", "l", "j", "n", "z"):
        (tmp_path / name).mkdir()
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "p" / "test-0.parquet")
    (tmp_path / "l" / "test.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (tmp_path / "j" / "test.json").write_text(json.dumps(rows))
    (tmp_path / "n" / "test.json").write_text("\n".join(map(json.dumps, rows)))
    (tmp_path / "z" / "test.json.gz").write_bytes(gzip.compress(json.dumps(rows).encode()))
    tables = [texts("hub", tmp_path / name) for name in ("p", "l", "j", "n", "z")]
    assert list(tables[0]["label"]) == ["positive", "negative"]
    assert all(table.equals(tables[0]) for table in tables)


def test_every_file_that_is_retrieved_is_one_that_is_found(tmp_path):
    for suffix in HUB_SUFFIXES:
        (tmp_path / f"test{suffix}").touch()
    assert len(find_split_files(tmp_path, "test")) == len(HUB_SUFFIXES)
    assert datasets.HUB_SUFFIXES is HUB_SUFFIXES


def test_hub_damaged_parquet_and_other_columns(tmp_path):
    pq.write_table(hub_questions(), tmp_path / "test.parquet")
    whole = (tmp_path / "test.parquet").read_bytes()
    (tmp_path / "test.parquet").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(StudyError, match="damaged or cut short"):
        build("hub", tmp_path)
    pq.write_table(pa.table({"text": ["a"], "label": [0]}), tmp_path / "test.parquet")
    with pytest.raises(StudyError, match=r"(?i)no id, question, context, answers \(it has label, text\)"):
        build("hub", tmp_path)


def test_hub_questions_with_other_column_names_and_answers_as_a_list_of_texts(tmp_path):
    rows = [
        {
            "key": "k1",
            "question": "Who won?",
            "context": "Ann won.",
            "answers": ["Ann", "Ann won"],
            "labels": [],
        },
        {"key": "k2", "question": "Why?", "context": "Ann won.", "answers": [], "labels": []},
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "validation-0.parquet")
    entry = {"hub_split": "validation"}
    with pytest.raises(StudyError, match=r"(?i)no id \(it has answers, context, key") as caught:
        build("hub", tmp_path, entry=entry)
    assert "columns: {id: <its column>}" in str(caught.value)
    table = build("hub", tmp_path, entry=entry, columns={"id": "key"})
    assert list(table["id"]) == ["k1", "k2"]
    assert [list(starts) for starts in table["answer_starts"]] == [[0, 0], []]
    assert table["answerable"].tolist() == [True, False]
