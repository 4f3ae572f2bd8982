# ruff: noqa: E501  (a table of files is easier to read in whole lines)
"""Further files of the kinds that people have: read, warned about, or refused with a line that works."""

import gzip
import json

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from pasting import exact_match, look, paste

TEXTS = ["a fine film", 'she said "no", twice', "dull, cold", "plain", "so-so; really", "the end"]
LABELS = ["good", "bad", "bad", "good", "good", "bad"]
ROWS = [{"id": f"r{i}", "text": t, "label": n} for i, (t, n) in enumerate(zip(TEXTS, LABELS, strict=True))]
RIGHT = {row["id"]: row["label"] for row in ROWS}
CONTEXT = "Ada opened a mill near Oslo in 1900, and Bram closed it in Lima."
ANSWERS = ["Ada", "Oslo", "1900", "Bram", "Lima", "a mill"]


def csv_of(rows, separator=",", **options):
    return pd.DataFrame(rows).to_csv(index=False, sep=separator, lineterminator="\n", **options)


def parquet_of(table):
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    return sink.getvalue().to_pybytes()


def write_study(folder, data_name, data, predicted_name, predicted, task="classification", **keys):
    for name, content in ((data_name, data), (predicted_name, predicted)):
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    texts = {
        "format": "csv", "labels": {"bad": "bad", "good": "good"},
        "columns": {"id": "id", "text": "text", "label": "label"},
    }  # fmt: skip
    other = "same.json"
    questions = {"format": "squad"}
    same = RIGHT if task == "classification" else {f"q{i}": a for i, a in enumerate(ANSWERS)}
    (folder / other).write_text(json.dumps(same))
    study = {
        "study": "further", "reference": "same",
        "models": {
            "same": {"predictions": {"mine": {"path": other}}},
            "theirs": {"predictions": {"mine": {"path": predicted_name}}},
        },
        "datasets": {
            "mine": {
                "task": task, **(texts if task == "classification" else questions), **keys,
                "splits": {"test": {"path": data_name, "examples": "all"}},
            }
        },
    }  # fmt: skip
    path = folder / "study.yaml"
    path.write_text(yaml.safe_dump(study, sort_keys=False))
    return path


LINES = "".join(json.dumps(row) + "\n" for row in ROWS)
PREDICTED = [{"id": key, "prediction": name} for key, name in RIGHT.items()]
NONE = [*ROWS, {"id": "r6", "text": "no label", "label": "-100"}]
DATA = {  # name, content, words of what is told ("" where nothing is), whether the offered line can be pasted
    "TSV with quotes as GLUE has them": ("t.tsv", csv_of(ROWS, "\t", quoting=3, escapechar=None), "", True),
    "TSV with quotes as pandas writes them": ("t.tsv", csv_of(ROWS, "\t"), "", True),
    "sep=; before the header": ("t.csv", "sep=;\r\n" + csv_of(ROWS, ";"), "", True),
    "pandas' JSON of columns": ("t.json", pd.DataFrame(ROWS).to_json(), "", True),
    "pandas' JSON, split": ("t.json", pd.DataFrame(ROWS).to_json(orient="split"), "", True),
    "JSON lines called .json": ("t.json", LINES, "", True),
    "gzipped JSON lines called .ndjson.gz": ("t.ndjson.gz", gzip.compress(LINES.encode()), "", True),
    "parquet": ("t.parquet", parquet_of(pa.Table.from_pylist(ROWS)), "", True),
    "a CSV of classic Mac OS": ("t.csv", csv_of(ROWS).replace("\n", "\r"), "", True),
    "a CSV with another separator": ("t.csv", csv_of(ROWS, ";"), "the separator seems to be ';'", True),
    "a CSV in UTF-16": ("t.csv", csv_of(ROWS).encode("utf-16"), "not UTF-8", True),
    "a CSV in Windows' letters": ("t.csv", csv_of(ROWS).replace("plain", "schön").encode("cp1252"), "UTF-8", True),
    "quotes after a backslash": ("t.csv", csv_of(ROWS).replace('""', '\\"'), "not CSV", True),
    "a comma in no quotes": ("t.csv", csv_of(ROWS).replace('"dull, cold"', "dull, cold"), "4 fields", True),
    "a row too short": ("t.csv", csv_of(ROWS).replace("r3,plain,good", "r3,plain"), "2 fields", False),
    "a NUL": ("t.csv", csv_of(ROWS).replace("plain", "pl\0ain"), "a NUL character", False),
    "a key twice in JSON lines": ("t.jsonl", LINES.replace('"label": "bad"', '"text": "x", "label": "bad"', 1),
                                  "1 key more than once, the first is text", False),
    "rows with the label -100": ("t.csv", csv_of(NONE), "'-100' stands for no label, and 1 of 7 rows", True),
    "rows with the label None": ("t.jsonl", LINES + json.dumps({**NONE[-1], "label": "None"}),
                                 "'None' stands for no label", True),
    "rows with a null for a label": ("t.json", json.dumps([*ROWS, {**NONE[-1], "label": None}]),
                                     "the 'label' is null", True),
    "half of an emoji": ("t.jsonl", LINES.replace("plain", "plain \\ud83d"), "half of a surrogate pair", True),
    "labels in other capitals": ("t.csv", csv_of(ROWS).replace(",good", ",Good"), "'Good' is not one of", True),
}  # fmt: skip
GIVEN = {
    "TSV": ("p.tsv", csv_of(PREDICTED, "\t"), "", True),
    "id<TAB>prediction": ("p.tsv", csv_of(PREDICTED, "\t", header=False), "", True),
    "a gzipped CSV": ("p.csv.gz", gzip.compress(csv_of(PREDICTED).encode()), "", True),
    "pandas' JSON of columns": ("p.json", pd.DataFrame(PREDICTED).to_json(), "", True),
    "prediction_text": ("p.json", json.dumps([{"id": k, "prediction_text": v} for k, v in RIGHT.items()]), "", True),
    "a column twice, in TSV": ("p.tsv", csv_of(PREDICTED, "\t").replace("prediction\n", "prediction\tid\n", 1)
                               .replace("good\n", "good\tx\n").replace("bad\n", "bad\tx\n"),
                               "'id' stands 2 times", True),
    "a column twice, in parquet": ("p.parquet", parquet_of(pa.table([list(RIGHT), list(RIGHT.values()), ["x"] * 6],
                                                                    names=["id", "prediction", "id"])),
                                   "'id' stands 2 times", False),
    "ids with blanks": ("p.json", json.dumps({f"{k} ": v for k, v in RIGHT.items()}), "blanks around them", True),
    "ids in capitals": ("p.csv", csv_of([{**r, "id": r["id"].upper()} for r in PREDICTED]), "capitals", True),
    "an id twice": ("p.csv", csv_of([*PREDICTED, PREDICTED[0]]), "more than once", False),
    "a gzip file cut short": ("p.json.gz", gzip.compress(json.dumps(RIGHT).encode())[:-9], "cut short", False),
    "a null": ("p.json", json.dumps({**RIGHT, "r2": None}), "missing (null or NaN)", False),
}  # fmt: skip


def check(study, words, works, table_row, what):
    seen = look(study)
    if not words:
        assert not seen.errors, seen.text
        assert exact_match(seen.config, "theirs") == 1
        return
    assert words.casefold() in seen.text.casefold(), seen.text
    lines = seen.errors[0].what.splitlines()
    table_row(what, lines["problems in this file" in lines[0]].strip()[:150], "everything as it was")
    if not works:
        return
    told = {error.what for error in seen.errors}
    for _ in range(4):
        paste(study, seen.errors[0])
        seen = look(study)
        assert {error.what for error in seen.errors} <= told, seen.text
        if not seen.errors:
            break
    assert not seen.errors, seen.text
    assert exact_match(seen.config, "theirs") == 1


@pytest.mark.bad_input
@pytest.mark.parametrize("what", DATA)
def test_texts(what, tmp_path, monkeypatch, table_row):
    monkeypatch.chdir(tmp_path)
    name, content, words, works = DATA[what]
    study = write_study(tmp_path, name, content, "p.json", json.dumps(RIGHT))
    check(study.relative_to(tmp_path), words, works, table_row, f"data: {what}")


@pytest.mark.bad_input
@pytest.mark.parametrize("what", GIVEN)
def test_predictions(what, tmp_path, monkeypatch, table_row):
    monkeypatch.chdir(tmp_path)
    name, content, words, works = GIVEN[what]
    study = write_study(tmp_path, "t.jsonl", LINES, name, content)
    check(study.relative_to(tmp_path), words, works, table_row, f"predictions: {what}")


def question(i, answer, shift=0, **change):
    return {
        "id": f"q{i}", "question": "?",
        "answers": [{"text": answer, "answer_start": CONTEXT.index(answer) + shift}], **change,
    }  # fmt: skip


NESTED = [{"context": CONTEXT, "qas": [question(i, a) for i, a in enumerate(ANSWERS)]}]
FLAT = [{"context": CONTEXT, **row} for row in NESTED[0]["qas"]]
QUESTIONS = {
    "a list of paragraphs": ("d.json", json.dumps(NESTED)),
    "a list of articles": ("d.json", json.dumps([{"title": "t", "paragraphs": NESTED}])),
    "rows in JSON lines": ("d.jsonl", "".join(json.dumps(row) + "\n" for row in FLAT)),
    "rows in parquet": ("d.parquet", parquet_of(pa.Table.from_pylist(FLAT))),
    "rows under data": ("d.json", json.dumps({"version": "1", "data": FLAT})),
    "is_impossible as 0": ("d.json", json.dumps([{"context": CONTEXT, "qas": [
        question(i, a, is_impossible=0) for i, a in enumerate(ANSWERS)]}])),
    "is_impossible as null": ("d.json", json.dumps([{"context": CONTEXT, "qas": [
        question(i, a, is_impossible=None) for i, a in enumerate(ANSWERS)]}])),
    "answer_start as 5.0": ("d.json", json.dumps([{"context": CONTEXT, "qas": [
        question(i, a, shift=0.0) for i, a in enumerate(ANSWERS)]}])),
}  # fmt: skip


@pytest.mark.parametrize("what", QUESTIONS)
def test_questions(what, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    name, content = QUESTIONS[what]
    given = json.dumps({f"q{i}": answer for i, answer in enumerate(ANSWERS)})
    study = write_study(tmp_path, name, content, "p.json", given, task="question-answering")
    seen = look(study.relative_to(tmp_path))
    assert not seen.errors, seen.text
    assert exact_match(seen.config, "theirs") == 1


def test_a_stray_quote_that_swallows_rows_is_warned_about(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = 'id,text,label\nr0,a,good\nr1,"b,bad\nr2,c,bad\nr3,d",good\n'
    data = {key: RIGHT[key] for key in ("r0", "r1")}
    study = write_study(tmp_path, "t.csv", text, "p.json", json.dumps({**data, "r2": "bad"}))
    seen = look(study.relative_to(tmp_path))
    assert "a cell of several lines that would each be a row" in seen.text
