"""Predictions, error lists and embeddings of models that were run elsewhere."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from miniature.data.tables import classification_frame, question_frame
from miniature.messages import StudyError
from miniature.predictions import score_classification as classification
from miniature.predictions import score_squad as squad
from miniature.predictions.embeddings import read_embeddings
from miniature.predictions.formats import read_recorded
from miniature.predictions.match import match_errors, match_predictions, summarize_errors
from miniature.predictions.read import read_error_ids
from miniature.predictions.records import Record, Recorded

QUESTIONS = question_frame(
    [
        {"id": "q1", "cluster": "p", "title": "t", "question": "where?", "context": "In Rome.",
         "answers": ["Rome"], "answer_starts": [3], "answerable": True},
        {"id": "q2", "cluster": "p", "title": "t", "question": "who?", "context": "In Rome.",
         "answers": [], "answer_starts": [], "answerable": False},
        {"id": "q3", "cluster": "p", "title": "t", "question": "what?", "context": "In Rome.",
         "answers": ["In Rome"], "answer_starts": [0], "answerable": True},
    ]
)  # fmt: skip
REVIEWS = classification_frame(
    [{"id": f"r{i}", "cluster": f"r{i}", "text": "x", "label": label} for i, label in enumerate("ppn")]
)


def recorded(predictions, path="served.json"):
    records = [Record(f"key {key}", key, prediction) for key, prediction in predictions.items()]
    return Recorded(Path(path), records)


def read_file(path, model="m"):
    return read_recorded(path, where=f"{path}, predictions of model {model}")


def read_predictions(path, model):
    return {record.id: record.prediction for record in read_file(path, model).records}


def matched(predictions, table=QUESTIONS, kind="question-answering", labels=None):
    return match_predictions(
        recorded(predictions), table, kind=kind, labels=labels, model="served", dataset="wiki"
    )


@pytest.mark.parametrize("suffix", [".json", ".csv", ".jsonl", ".parquet"])
def test_every_format_says_the_same(tmp_path, suffix):
    given = {"q1": "Rome", "q2": "", "q3": 'quoted, "comma"\nand line'}
    path = tmp_path / f"p{suffix}"
    rows = [{"id": key, "prediction": value, "more": 1} for key, value in given.items()]
    if suffix == ".json":
        path.write_text(json.dumps(given))
    elif suffix == ".jsonl":
        path.write_text("\n".join(map(json.dumps, rows)))
    elif suffix == ".csv":
        pd.DataFrame(rows).to_csv(path, index=False)
    else:
        pd.DataFrame(rows).to_parquet(path)
    assert read_predictions(path, model="m") == given


def test_question_answering_is_scored_and_what_only_the_model_knows_is_missing():
    table = matched({"q3": "rome", "q2": "", "q1": "the Rome!"})
    assert table["id"].tolist() == ["q1", "q2", "q3"]
    assert table["exact"].tolist() == [1, 1, 0]
    assert table["f1"].tolist() == pytest.approx([1, 1, 2 / 3])
    assert table[["score", "null_score", "windows"]].isna().all(axis=None)


def test_classification_is_matched_by_id():
    table = matched({"r2": "n", "r1": "n", "r0": "p"}, REVIEWS, "classification", ["n", "p"])
    assert table["prediction"].tolist() == ["p", "n", "n"]
    assert table["label"].tolist() == ["p", "p", "n"]
    assert table["probabilities"].isna().all()


def told(error):
    return f"{error.value.what} | {error.value.where} | {error.value.fix}"


@pytest.mark.parametrize(
    ("predictions", "parts"),
    [
        ({"q1": "Rome", "q2": ""}, ["1 of 3 examples of wiki", "q3", "served.json", "model served", '"q3":']),
        (
            {"q1": "", "q2": "", "q3": "", "q4": "", "q5": "", "q6": "", "q7": ""},
            ["4 of 7 ids are not in", "q4", "model served", "remove"],
        ),
    ],
)
def test_missing_and_unknown_ids_are_named(predictions, parts):
    with pytest.raises(StudyError) as error:
        matched(predictions)
    assert all(part in told(error) for part in parts), told(error)


def test_predictions_for_more_than_the_split_are_passed_over_with_a_warning(caplog):
    table = matched({"q1": "Rome", "q2": "", "q3": "In Rome", "qX": ""})
    assert table["exact"].tolist() == [1, 1, 1]
    assert "not read: 1 of 4 predictions, whose ids are not in the test split of wiki" in caplog.text
    # Where rows are numbered, one prediction too many may mean that the numbers are off by one.
    with pytest.raises(StudyError, match="1 of 4 ids are not in"):
        match_predictions(
            recorded({"r0": "p", "r1": "p", "r2": "n", "r3": "n"}), REVIEWS, kind="classification",
            labels=["n", "p"], model="m", dataset="d", columns={},
        )  # fmt: skip


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda i: f"{i}.0", "'100.0' stands there, '100' in the data"),
        (lambda i: f" {i}", "' 100' stands there"),
        (lambda i: f"00{i}", "'00100' stands there"),
    ],
)
@pytest.mark.parametrize("suffix", [".json", ".csv", ".tsv", ".jsonl", ".parquet", ".csv.gz"])
def test_ids_in_another_spelling_are_changed_by_the_offered_command(tmp_path, change, said, suffix):
    table = QUESTIONS.assign(id=["100", "101", "102"])
    path = tmp_path / f"p{suffix}"
    given = {change(key): text for key, text in zip(table["id"], ("Rome", "", "a, b"), strict=True)}
    rows = pd.DataFrame({"id": list(given), "prediction": list(given.values())})
    match suffix:
        case ".json":
            path.write_text(json.dumps(given))
        case ".jsonl":
            rows.to_json(path, orient="records", lines=True)
        case ".parquet":
            rows.to_parquet(path)
        case _:
            rows.to_csv(path, index=False, sep="\t" if ".tsv" in suffix else ",")
    with pytest.raises(StudyError) as error:
        match_predictions(
            read_file(path), table, kind="question-answering", labels=None, model="m", dataset="d"
        )
    assert said in error.value.what
    run_offered(error.value.fix, tmp_path)
    (new,) = tmp_path.glob("ids-p*")
    assert read_predictions(new, model="m") == {"100": "Rome", "101": "", "102": "a, b"}


def test_a_class_that_is_none_is_named():
    with pytest.raises(StudyError) as error:
        matched({"r0": "p", "r1": "P", "r2": "n"}, REVIEWS, "classification", ["n", "p"])
    assert "'P' is predicted" in told(error)
    assert "one of n, p" in told(error)


@pytest.mark.parametrize(
    ("name", "content", "part"),
    [
        ("p.json", '{"q1": "a", "q1": "b"}', "more than once, the first is q1"),
        ("p.json", '["q1"]', "no mapping of id to answer"),
        ("p.json", '{"q1": {"text": "a", "text": "b"}}', "more than once, the first is text"),
        ("p.json", '{"q1": "a"', "cut short"),
        ("p.json", "", "is empty"),
        ("p.csv", "id,answer\nq1,a\n", "lacks the column prediction; it has id, answer"),
        ("p.csv", "id,prediction\nq1,a\nq1,b\n", "more than once"),
        ("p.jsonl", '{"id": "q1"}\n', "lacks the column prediction"),
        ("p.csv", "id,prediction,prediction\nq1,a,b\n", "The column 'prediction' stands 2 times"),
        ("p.csv", "id,prediction\nq1,March 3, 1950\n", "3 fields where the header has 2"),
        ("p.tsv", "id\tprediction\nq1\n", "1 fields where the header has 2"),
        ("p.jsonl", '{"id": "q1"}\n{"id": "q2", "prediction": "a"}\n', "No 'prediction' (it has id)"),
        ("p.json", '{"q1": "cut \\ud83d"}', "half of a surrogate pair at q1"),
        ("p.parquet", "no parquet", "damaged or cut short"),
    ],
)
def test_a_file_that_is_no_predictions_is_told(tmp_path, name, content, part):
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(StudyError) as error:
        read_predictions(path, model="served")
    assert part in told(error)
    assert str(path) in told(error)
    assert "model served" in told(error)


@pytest.mark.parametrize(
    ("name", "content", "value", "line"),
    [
        ("p.json", '{"q1": 1950, "q2": "", "q3": ""}', "1950", '"q1": "1950"'),
        (
            "p.json",
            '{"q1": null, "q2": "", "q3": ""}',
            "missing (null",
            '"q1": ""   (an empty text means: no answer)',
        ),
        (
            "p.jsonl",
            '{"id": "q1", "prediction": NaN}\n',
            "missing (null or NaN)",
            '{"id": "q1", "prediction": ""}',
        ),
    ],
)
def test_an_answer_that_is_no_text_is_told_with_the_line_as_it_must_be(tmp_path, name, content, value, line):
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(StudyError) as error:
        match_predictions(
            read_file(path), QUESTIONS.iloc[: 3 if name == "p.json" else 1],
            kind="question-answering", labels=None, model="m", dataset="wiki",
        )  # fmt: skip
    assert f"The prediction for q1 is {value}" in told(error)
    assert "and not text" in told(error)
    assert error.value.fix.startswith(line)


def test_classes_may_be_given_by_their_values_in_the_data():
    given = {"r0": "1", "r1": "1.0", "r2": "0"}
    options = {"kind": "classification", "labels": ["n", "p"], "values": [0, 1]}
    options |= {"model": "m", "dataset": "d"}
    assert match_predictions(recorded(given), REVIEWS, **options)["prediction"].tolist() == ["p", "p", "n"]
    with pytest.raises(StudyError, match="'p' is predicted for r0"):
        match_predictions(recorded({**given, "r0": "p"}), REVIEWS, **options)


def test_error_lists_mark_every_example(tmp_path):
    path = tmp_path / "wrong.json"
    path.write_text('["q3", "q1"]')
    ids = read_error_ids(path, model="m")
    table = match_errors(ids, QUESTIONS, model="m", dataset="wiki", path=path)
    assert table["error"].tolist() == [True, False, True]
    assert str(table["error"].dtype) == "boolean"


@pytest.mark.parametrize(
    ("content", "part"),
    [('["q1", "q2", "q1"]', "more than once"), ('{"q1": 1}', "no JSON list"), ("[1, null]", "None is no id")],
)
def test_error_lists_with_duplicates_or_no_list_are_told(tmp_path, content, part):
    path = tmp_path / "wrong.json"
    path.write_text(content)
    with pytest.raises(StudyError) as error:
        read_error_ids(path, model="served")
    assert part in told(error)
    assert "served" in told(error)


def test_error_lists_with_unknown_ids_are_told():
    with pytest.raises(StudyError) as error:
        match_errors(["q1", "qX"], QUESTIONS, model="served", dataset="wiki", path="wrong.json")
    assert all(part in told(error) for part in ("1 of 2 ids", "qX", "wrong.json", "served", "wiki"))


def test_embeddings_come_back_as_float32(tmp_path):
    path = tmp_path / "e.npy"
    np.save(path, np.arange(6.0).reshape(3, 2))
    array = read_embeddings(path, 3, model="m", table="t.parquet")
    assert array.dtype == np.float32
    np.testing.assert_array_equal(array, np.arange(6).reshape(3, 2))
    assert read_embeddings(path, None, model="m", table=None).shape == (3, 2)


@pytest.mark.parametrize(
    ("array", "part"),
    [
        (np.zeros((2, 4)), "2 rows of embeddings for 3 examples"),
        (np.zeros(3), "shape [3]"),
        (np.zeros((3, 0)), "shape [3, 0]"),
        (np.array([["a"], ["b"], ["c"]]), "<U1"),
        (np.array([[1.0], [np.nan], [np.inf]]), "2 rows of embeddings hold NaN or infinity"),
        (np.array([[1.0], [1e300], [0.0]]), "row 1"),
        (np.array([{}, {}, {}], dtype=object), "cannot be read"),
    ],
)
def test_embeddings_that_do_not_fit_are_told(tmp_path, array, part):
    path = tmp_path / "e.npy"
    np.save(path, array, allow_pickle=True)
    with pytest.raises(StudyError) as error:
        read_embeddings(path, 3, model="served", table="data/wiki/test.parquet")
    assert part in told(error)
    assert str(path) in told(error)
    assert "model served" in told(error)


def test_an_error_list_gives_the_scores_that_predictions_would():
    predictions = matched({"q1": "Rome", "q2": "x", "q3": "no"})
    errors = pd.DataFrame({"id": predictions["id"], "error": predictions["exact"] == 0})
    found = summarize_errors(errors, QUESTIONS, "question-answering")
    wanted = squad.summarize(predictions, QUESTIONS["answerable"])
    assert found == {key: wanted[key] for key in found}
    assert "f1" not in found
    labelled = matched({"r0": "n", "r1": "p", "r2": "n"}, REVIEWS, "classification", ["n", "p"])
    errors = pd.DataFrame({"id": labelled["id"], "error": labelled["prediction"] != labelled["label"]})
    assert summarize_errors(errors, REVIEWS, "classification") == pytest.approx(
        classification.summarize(labelled)
    )


REVIEW_IDS = {"t0": "p", "t1": "n"}


@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        ("p.csv", "id,prediction\nr0,p\nr1,n\n", "r2,<n or p>"),
        ("p.csv", "prediction,score,id\np,1,r0\nn,1,r1\n", "<n or p>,,r2"),
        ("p.json", '{"r0": "p", "r1": "n"}', '"r2": "<n or p>"'),
        ("p.jsonl", '{"id": "r0", "prediction": "p"}\n{"id": "r1", "prediction": "n"}\n',
         '{"id": "r2", "prediction": "<n or p>"}'),
    ],
)  # fmt: skip
def test_the_line_of_a_missing_prediction_can_be_pasted(tmp_path, name, content, line):
    path = tmp_path / name
    path.write_text(content)
    options = {"kind": "classification", "labels": ["n", "p"], "model": "m", "dataset": "d"}
    with pytest.raises(StudyError) as error:
        match_predictions(read_file(path), REVIEWS, **options)
    offered = error.value.fix.split("   (or")[0]
    assert offered == line
    offered = offered.replace("<n or p>", "n")
    path.write_text(content.replace("}", f", {offered}}}") if name == "p.json" else content + offered + "\n")
    table = match_predictions(read_file(path), REVIEWS, **options)
    assert table["prediction"].tolist() == ["p", "n", "n"]


def test_rows_that_are_numbered_for_want_of_a_column_of_ids_are_told():
    table = REVIEWS.assign(id=["0", "1", "2"])
    options = {"model": "m", "dataset": "d", "columns": {"text": "body"}}
    classes = {"kind": "classification", "labels": ["n", "p"]}
    for match in (
        lambda: match_predictions(recorded(REVIEW_IDS), table, **classes, **options),
        lambda: match_errors(["t0"], table, path="p.csv", **options),
    ):
        with pytest.raises(StudyError) as error:
            match()
        assert "no column of ids is named for them, so their rows are numbered" in error.value.what
        assert error.value.fix == "columns: {id: id, text: body, label: label}   # in the dataset"
    with pytest.raises(StudyError, match="2 of 3 examples of d have no prediction"):
        match_predictions(recorded({"1": "p"}), table, **classes, **options)
    assert match_errors([], table, path="p.csv", **options)["error"].tolist() == [False] * 3


def run_offered(line, folder):
    subprocess.run(["bash", "-c", line.replace("python ", f"{sys.executable} ", 1)], cwd=folder, check=True)


@pytest.mark.parametrize("name", ["p.csv", "p.json"])
def test_predictions_in_utf_16_become_utf_8_by_the_offered_command(tmp_path, name):
    content = "id,prediction\nq1,caf\u00e9\n" if name == "p.csv" else '{"q1": "caf\u00e9"}'
    (tmp_path / name).write_text(content, encoding="utf-16")
    with pytest.raises(StudyError) as error:
        read_predictions(tmp_path / name, model="m")
    assert "This file is not UTF-8" in error.value.what
    run_offered(error.value.fix, tmp_path)
    assert read_predictions(tmp_path / f"utf8-{name}", model="m") == {"q1": "caf\u00e9"}


@pytest.mark.parametrize("separator", [";", "\t"])
def test_another_separator_is_replaced_by_the_offered_command(tmp_path, separator):
    path = tmp_path / "p.csv"
    path.write_text(separator.join(["id", "prediction"]) + "\n" + separator.join(["q1", "a, b"]) + "\n")
    with pytest.raises(StudyError) as error:
        read_predictions(path, model="m")
    assert f"The separator seems to be {separator!r}" in error.value.what
    run_offered(error.value.fix, tmp_path)
    assert read_predictions(tmp_path / "commas-p.csv", model="m") == {"q1": "a, b"}


def test_columns_that_are_not_read_are_named(tmp_path):
    path = tmp_path / "p.csv"
    path.write_text("id,prediction,weight,p_negative,p_positive\nr0,p,3,0.1,0.9\n")
    assert read_file(path).notes == ["not read: the column weight"]
