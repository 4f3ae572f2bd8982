"""Predictions in the formats that people have: real files where at hand, and small ones made here."""

import gzip
import json
import os
import shutil
import struct
import zipfile
import zlib
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from miniature.data.tables import classification_frame
from miniature.messages import StudyError
from miniature.predictions.formats import NAMES, read_recorded
from miniature.predictions.gold import read_gold
from miniature.predictions.match import match_predictions
from miniature.predictions.records import Options

REAL = os.environ.get("MINIATURE_REAL_DATA")
needs_real = pytest.mark.skipif(not REAL, reason="MINIATURE_REAL_DATA names no folder with real files")
LABELS = {"labels": ["neg", "pos"], "values": [0, 1]}
TEXTS = classification_frame(
    [
        {"id": f"t{i}", "cluster": f"t{i}", "text": "x", "label": label}
        for i, label in enumerate(["neg", "pos", "pos"])
    ]
)


def read(path, **options):
    return read_recorded(path, Options(**options), where=f"{path}, predictions of model m")


def classes(path, table=TEXTS, in_order=False, columns=None, **more):
    recorded = read(path, in_order=in_order, columns=columns or {})
    options = {**LABELS, "model": "m", "dataset": "d", "in_order": in_order, **more}
    return match_predictions(recorded, table, kind="classification", **options)


def told(call, *parts):
    with pytest.raises(StudyError) as error:
        call()
    text = str(error.value)
    assert all(part in text for part in parts), text
    return error.value


# One small file for each format, and what it must say of its first example: id, prediction, judgment, label.


def sample(i=0, *, chosen=1, target=1, **more):
    logs = [["-2.0", "False"], ["-1.0", "True"]] if chosen else [["-1.0", "True"], ["-2.0", "False"]]
    return {
        "doc_id": i, "doc": {"id": f"k{i}", "question": f"q{i}", "subject": "s"}, "target": str(target),
        "arguments": {f"gen_args_{c}": {"arg_0": f"q{i}", "arg_1": t} for c, t in enumerate([" no", " yes"])},
        "resps": [[x] for x in logs], "filtered_resps": logs, "filter": "none", "metrics": ["acc"],
        "doc_hash": f"d{i}", "prompt_hash": f"p{i}", "target_hash": "t", "acc": float(chosen == target),
        **more,
    }  # fmt: skip


def write_lines(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def lm_eval_folder(folder, rows, date="2026-01-01T00-00-00.000001", task="t", **results):
    folder.mkdir(exist_ok=True)
    write_lines(folder / f"samples_{task}_{date}.jsonl", rows)
    if results:
        (folder / f"results_{date}.json").write_text(json.dumps(results))
    return folder


def zipped(path, entries, header):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, value in entries.items():
            archive.writestr(name, json.dumps(value))
        archive.writestr("header.json", json.dumps(header))
    return path


INSPECT_HEADER = {"status": "success", "eval": {"dataset": {"sample_ids": ["a"]}}}
INSPECT_SAMPLE = {
    "id": "a", "epoch": 1, "input": "q", "choices": ["x", "y"], "target": "A",
    "scores": {"choice": {"value": "I", "answer": "B"}},
}  # fmt: skip
EVERY = {
    "model_id": "o/m", "evaluation_name": "t", "evaluation_result_id": "acc", "sample_id": "0",
    "input": {"raw": "q", "reference": ["1"], "choices": ["no", "yes"]}, "output": {"raw": ["no"]},
    "evaluation": {"score": 0.0, "is_correct": False}, "metadata": {"prompt_hash": "p"},
}  # fmt: skip
MAKE = {
    "lm-eval": (lambda p: lm_eval_folder(p / "run", [sample()]), ("0", "B", True, "B")),
    "inspect": (
        lambda p: zipped(p / "l.eval", {"samples/a_epoch_1.json": INSPECT_SAMPLE}, INSPECT_HEADER),
        ("a", "B", False, "A"),
    ),
    "every-eval-ever": (lambda p: write_lines(p / "x_samples.jsonl", [EVERY]), ("0", "A", False, "B")),
    "mmlu-pro": (
        lambda p: wrote(
            p / "m.json", [{"question_id": 7, "answer": "C", "pred": None, "options": ["a", "b", "c"]}]
        ),
        ("7", None, False, "C"),
    ),
    "opencompass": (
        lambda p: wrote(
            p / "o.json", {"0": {"origin_prompt": [{"prompt": "q"}], "prediction": "A", "gold": "B"}}
        ),
        ("0", "A", None, "B"),
    ),
    "opencompass-details": (
        lambda p: wrote(p / "d.json", opencompass_details(50.0)),
        ("0", "A", False, "B"),
    ),
    "squad": (lambda p: wrote(p / "s.json", {"q1": "Rome"}), ("q1", "Rome", None, None)),
    "without-header": (lambda p: text(p / "p.txt", "3\t1\n12\t0\n"), ("3", "1", None, None)),
    "table": (lambda p: text(p / "p.csv", "id,prediction,correct,label\na,x,0,y\n"), ("a", "x", False, "y")),
}


def opencompass_details(accuracy):
    rows = {"0": ("A", False), "1": ("B", True)}
    details = {
        key: {
            "prompt": "q",
            "origin_prediction": "...",
            "predictions": a,
            "references": "B",
            "correct": right,
        }
        for key, (a, right) in rows.items()
    }
    return {"accuracy": accuracy, "details": {"type": "GEN", **details}}


def test_rows_of_opencompass_that_are_not_all_there(tmp_path):
    path = wrote(tmp_path / "d.json", opencompass_details(75.0))
    told(lambda: read(path), "50.00 % of the rows are right", "says 75")


def wrote(path, value):
    path.write_text(json.dumps(value))
    return path


def text(path, content):
    path.write_text(content)
    return path


def test_every_format_has_its_file_here():
    assert set(MAKE) | {"n-best"} == set(NAMES)


@pytest.mark.parametrize("name", MAKE)
def test_a_format_is_recognized_and_says_what_it_says_when_it_is_named(tmp_path, name):
    make, expected = MAKE[name]
    path = make(tmp_path)
    for options in ({}, {"format": name}):
        first = read(path, **options).records[0]
        assert (first.id, first.prediction, first.correct, first.label) == expected


@pytest.mark.parametrize("packed", ["", ".gz"])
@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl", "json", "parquet"])
def test_tables_of_every_kind_say_the_same(tmp_path, kind, packed):
    rows = pd.DataFrame({"id": ["t0", "t1", "t2"], "p_pos": [0.25, 0.75, 0.5], "p_neg": [0.75, 0.25, 0.5]})
    plain = tmp_path / f"p.{kind}"
    if kind in ("csv", "tsv"):
        rows.to_csv(plain, index=False, sep="," if kind == "csv" else "\t")
    elif kind == "parquet":
        rows.to_parquet(plain)
    else:
        rows.to_json(plain, orient="records", lines=kind == "jsonl")
    path = plain
    if packed:
        path = tmp_path / f"p.{kind}.gz"
        path.write_bytes(gzip.compress(plain.read_bytes()))
    found = classes(path)
    # Classes are told by the columns' names, in whatever order.
    assert found["probabilities"].tolist() == [[0.75, 0.25], [0.25, 0.75], [0.5, 0.5]]
    assert found["prediction"].tolist() == ["neg", "pos", "neg"]
    assert found["correct"].tolist() == [True, True, False]
    assert found["confidence"].tolist() == [0.75, 0.75, 0.5]


@pytest.mark.parametrize("given", [["neg", "pos", "neg"], ["0", "1", "0"], ["0.0", "1.0", "0.0"]])
def test_classes_by_name_value_and_number(tmp_path, given):
    lines = "".join(f"t{i},{value}\n" for i, value in enumerate(given))
    assert classes(text(tmp_path / "p.csv", "id,prediction\n" + lines))["prediction"].tolist() == [
        "neg",
        "pos",
        "neg",
    ]


def test_right_or_wrong_alone_is_enough_and_confidence_alone_stays_alone(tmp_path):
    found = classes(text(tmp_path / "p.csv", "id,correct,confidence\nt0,1,0.9\nt1,0,0.6\nt2,1,0.7\n"))
    assert found["correct"].tolist() == [True, False, True]
    assert found["confidence"].tolist() == [0.9, 0.6, 0.7]
    assert found["prediction"].isna().all()
    assert found["probabilities"].isna().all()


def test_rows_in_the_order_of_the_data(tmp_path):
    path = wrote(
        tmp_path / "run.json", {"model": "m", "preds": ["neg", "pos", "pos"], "confs": [0.5, 0.6, 1.0]}
    )
    columns = {"prediction": "preds", "confidence": "confs"}
    found = classes(path, in_order=True, columns=columns)
    assert found["id"].tolist() == ["t0", "t1", "t2"]
    assert found["confidence"].tolist() == [0.5, 0.6, 1.0]
    short = TEXTS.iloc[:2]
    told(
        lambda: classes(path, short, in_order=True, columns=columns),
        "3 rows for the 2 examples",
        "columns: {id:",
    )
    lines = text(tmp_path / "y.txt", "0\n1\n1\n")
    assert classes(lines, in_order=True)["correct"].all()


# What a file must not do, each told with the row and a line that is right.


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        ("id,p_neg,p_pos\nt0,0.7,0.7\nt1,0.1,0.9\nt2,0.5,0.5\n", ["t0 are 0.7, 0.7", "line 2", "0.5, 0.5"]),
        ("id,p_neg,p_pos\nt0,-1.2,-0.4\nt1,0.1,0.9\nt2,0.5,0.5\n", ["t0", "softmax", "0.310026, 0.689974"]),
        ("id,p_neg,p_pos\nt0,0.3,0.7\nt1,nan,0.9\nt2,0.5,0.5\n", ["p_neg is 'nan'", "line 3"]),
        ("id,prediction,p_neg,p_pos\nt0,neg,0.2,0.8\nt1,pos,0.1,0.9\nt2,pos,0.4,0.6\n",
         ["neg is predicted for t0, and pos is the most probable", "1 of 3 rows", "t0,pos"]),
        ("id,prediction,p_neg,p_pos\nt0,neg,0.2,0.8\nt1,pos,0.9,0.1\nt2,pos,0.4,0.6\n",
         ["2 of 3 rows", "p_pos,p_neg   (in the header"]),
        ("id,prediction,correct\nt0,neg,1\nt1,pos,1\nt2,neg,1\n", ["t2 is said to be right", "line 4", "0"]),
        ("id,prediction,label\nt0,neg,neg\nt1,pos,neg\nt2,pos,pos\n", ["answer of t1 is neg", "pos in d"]),
        ("id,prediction\nt0,neg\nt1,pos\nt1,pos\nt2,pos\n", ["more than once", "t1 (line 3 and line 4)"]),
        ("id,confidence,correct\nt0,97,1\nt1,50,0\nt2,80,1\n", ["of t0 is 97", "confidence: 0.97"]),
        ("id,correct\nt0,yes!\nt1,0\nt2,1\n", ["'yes!', not right or wrong", "line 2", "correct: 1"]),
        ("id,p_neg\nt0,1\nt1,1\nt2,1\n", ["no column of the probability of pos", "id,p_neg,p_pos"]),
        ("id,p_neg,p_neutral\nt0,1,0\nt1,1,0\nt2,1,0\n", ["'neutral' is predicted", "the header"]),
        ("row,prediction\nt0,neg\n", ["lacks the column id", "id,prediction"]),
        ("id,prediction\nt0,\nt1,pos\nt2,pos\n", ["'' is predicted for t0"]),
        ("id,prediction,probabilities\nt0,neg,[0.9 0.1]\nt1,pos,[1.0]\nt2,pos,0.1 0.9\n",
         ["t1 has 1 probabilities for 2 classes", "neg, pos, in this order"]),
    ],
)  # fmt: skip
def test_tables_that_are_wrong(tmp_path, content, parts):
    told(lambda: classes(text(tmp_path / "p.csv", content)), "p.csv", *parts)


def test_names_that_are_also_values_of_other_classes_are_asked_about(tmp_path):
    path = text(tmp_path / "p.csv", "id,prediction\nt0,0\nt1,1\nt2,1\n")
    error = told(lambda: classes(path, values=[1, 0]), "What '0' means is open", "labels: {neg: 1, pos: 0}")
    assert "by value it is pos, by number neg" in error.what
    assert classes(path, values=[1, 0], stated={"neg": 0, "pos": 1})["correct"].all()


def test_classes_in_another_order_are_noticed(tmp_path):
    rng = np.random.default_rng(0)
    gold = rng.integers(0, 2, 200)
    names = np.array(["neg", "pos"])
    table = classification_frame(
        [{"id": str(i), "cluster": str(i), "text": "x", "label": names[g]} for i, g in enumerate(gold)]
    )
    shares = [[0.9, 0.1] if g else [0.1, 0.9] for g in gold]  # of pos, then of neg
    rows = pd.DataFrame({"id": [str(i) for i in range(200)], "probabilities": shares})
    rows.to_json(tmp_path / "p.jsonl", orient="records", lines=True)
    told(
        lambda: classes(tmp_path / "p.jsonl", table),
        "another order",
        "0.0%",
        "100.0%",
        "labels: {pos: 0, neg: 1}",
    )
    assert not classes(tmp_path / "p.jsonl", table, stated={"neg": 0, "pos": 1})["correct"].any()


def test_ids_that_are_row_numbers_in_one_file_and_keys_in_the_other(tmp_path):
    numbered = text(tmp_path / "p.tsv", "index\tprediction\n0\tneg\n1\tpos\n2\tpos\n")
    told(lambda: classes(numbered), "numbers of rows", "the first is t0", "order: data")
    path = text(tmp_path / "p.csv", "id,name,prediction\n5,t2,pos\n6,t0,neg\n7,t1,pos\n")
    told(lambda: classes(path), "None of the ids", "its name are", "columns: {id: name}")
    assert classes(path, columns={"id": "name"})["correct"].all()
    folder = lm_eval_folder(tmp_path / "run", [sample(i) for i in range(3)])
    keyed = pd.DataFrame(
        {"id": [f"k{i}" for i in range(3)], "cluster": "c", "text": "q", "label": ["B"] * 3,
         "choices": [["no", "yes"]] * 3, "names": [["A", "B"]] * 3}
    )  # fmt: skip

    def match(**options):
        recorded = read(folder, **options)
        return match_predictions(recorded, keyed, kind="multiple-choice", labels=None, model="m", dataset="d")

    told(match, "its doc.id are", "columns: {id: doc.id}")
    assert match(columns={"id": "doc.id"})["correct"].all()


def test_nbest_files_are_told_apart(tmp_path):
    path = tmp_path / "nbest_predictions.json"
    wrote(path, {"q1": [{"text": "a", "probability": 0.9}], "q2": [{"text": ""}]})
    told(lambda: read(path), "n best answers", "best-nbest_predictions.json")
    wrote(tmp_path / "predictions.json", {"q1": "a", "q2": ""})
    told(lambda: read(path), f"path: {tmp_path / 'predictions.json'}")


# lm-evaluation-harness


def test_the_newest_run_of_a_task_is_read_and_said(tmp_path):
    folder = lm_eval_folder(tmp_path / "run", [sample(chosen=0)], date="2026-01-01T00-00-00.1")
    lm_eval_folder(folder, [sample(chosen=1)], date="2026-02-01T00-00-00.1")
    recorded = read(folder)
    assert recorded.records[0].prediction == "B"
    assert "2 runs of t: the newest is read, samples_t_2026-02-01" in recorded.notes[0]


def test_groups_of_tasks_are_one_benchmark_with_subjects_as_clusters(tmp_path):
    folder = tmp_path / "run"
    groups = {"group_subtasks": {"mmlu": ["mmlu_stem"], "mmlu_stem": ["mmlu_a", "mmlu_b"]}}
    lm_eval_folder(folder, [sample(0), sample(1)], task="mmlu_a", **groups)
    lm_eval_folder(folder, [sample(0)], task="mmlu_b", **groups)
    told(lambda: read(folder), "mmlu_a, mmlu_b", "benchmark: mmlu_a")
    recorded = read(folder, benchmark="mmlu", texts=True)
    assert [r.id for r in recorded.records] == ["mmlu_a/0", "mmlu_a/1", "mmlu_b/0"]
    table = read_gold(folder, "multiple-choice", Options(benchmark="mmlu", texts=True), {})
    assert table["cluster"].nunique() == 2
    assert table["choices"].tolist() == [["no", "yes"]] * 3


def filters(answers):
    base = {k: v for k, v in sample().items() if k not in ("acc", "metrics")}
    return [
        {**base, "doc_id": i, "filtered_resps": [answer], "filter": name, "metrics": ["em"], "em": score}
        for name, scores in answers.items()
        for i, (answer, score) in enumerate(scores)
    ]


def test_filters_are_never_mixed(tmp_path):
    rows = filters({"strict": [("a", 1.0), ("b", 0.0)], "loose": [("a!", 1.0), ("b!", 1.0)]})
    folder = lm_eval_folder(tmp_path / "run", rows)
    recorded = read(folder)
    assert [(r.prediction, r.correct) for r in recorded.records] == [("a", True), ("b", False)]
    assert "of the filters strict, loose, 'strict' is read" in recorded.notes
    assert [r.correct for r in read(folder, filter="loose").records] == [True, True]
    told(lambda: read(folder, filter="none"), "no filter 'none'", "filter: strict")


@pytest.mark.parametrize(
    ("rows", "results", "parts"),
    [
        ([sample(acc=0.0)], {}, ["acc is 0", "choice B where B is right"]),
        ([sample(0)], {"n-samples": {"t": {"effective": 3}}}, ["answered 3 documents", "has 1"]),
        (
            [sample(0), sample(1, chosen=0)],
            {"results": {"t": {"acc,none": 0.75}}},
            ["mean acc is 0.5", "0.75"],
        ),
        ([sample(0), sample(0, chosen=0)], {}, ["document 0 stands there twice", "lines 1 and 2"]),
        (filters({"none": [("a", 0.5), ("b", 1.0)]}), {}, ["No metric is right or wrong", "metric: em"]),
        ([{"id": 1}], {}, ["no sample of lm-evaluation-harness", "--log_samples"]),
    ],
)
def test_runs_that_are_wrong(tmp_path, rows, results, parts):
    folder = lm_eval_folder(tmp_path / "run", rows, **results)
    told(lambda: read(folder), "samples_t_", *parts)


def test_rows_appended_by_a_second_run_within_the_second_are_read_once(tmp_path):
    recorded = read(lm_eval_folder(tmp_path / "run", [sample(0), sample(1), sample(0), sample(1)]))
    assert [r.id for r in recorded.records] == ["0", "1"]
    assert "2 rows stand there twice" in recorded.notes[0]


def test_a_run_that_was_cut_off_in_a_line(tmp_path):
    folder = lm_eval_folder(tmp_path / "run", [sample(0), sample(1)])
    [path] = folder.glob("samples_*")
    path.write_bytes(path.read_bytes()[:-40])
    told(lambda: read(folder), "cut off in the middle of line 2", path.name)


def test_targets_may_be_numbers_or_texts_and_both_at_once(tmp_path):
    # Choices "1" and "0": the target "1" is the text of the first choice or the number of the second.
    arguments = {f"gen_args_{c}": {"arg_0": "q", "arg_1": t} for c, t in enumerate([" 1", " 0"])}
    rows = [sample(0, chosen=0, target=1, acc=1.0, arguments=arguments)]
    [record] = read(lm_eval_folder(tmp_path / "run", rows)).records
    assert (record.prediction, record.label, record.correct) == ("A", "A", True)


def test_versions_before_0_4_3_wrote_one_array(tmp_path):
    old = {k: v for k, v in sample().items() if not k.endswith("hash") and k not in ("filter", "metrics")}
    old["arguments"] = [["q", " no"], ["q", " yes"]]
    path = tmp_path / "pretrained__x_arc_easy.jsonl"
    path.write_text(json.dumps([old], indent=4))
    [record] = read(path).records
    assert (record.id, record.prediction, record.correct) == ("0", "B", True)


def test_other_prompts_and_other_documents_are_refused(tmp_path):
    first, second = (
        [sample(i, **{key: f"{key}{i}"}) for i in range(3)] for key in ("doc_hash", "prompt_hash")
    )
    plain = [sample(i) for i in range(3)]
    table = read_gold(lm_eval_folder(tmp_path / "a", plain), "multiple-choice", Options(texts=True), {})

    def match(rows, name, **more):
        recorded = read(lm_eval_folder(tmp_path / name, rows))
        return match_predictions(
            recorded, table, kind="multiple-choice", labels=None, model="m", dataset="d", **more
        )

    reference = match(plain, "a")
    assert reference["correct"].all()
    told(
        lambda: match(second, "b", reference=reference),
        "3 of 3 prompts",
        "first is 0",
        "line 1",
        "floor: prompt",
    )
    assert match(second, "b", reference=reference, other_prompts=True)["correct"].all()
    told(lambda: match(first, "c", reference=reference, other_prompts=True), "3 of 3 documents")


def test_other_examples_under_the_same_numbers_are_noticed_by_their_right_answers(tmp_path):
    table = read_gold(lm_eval_folder(tmp_path / "a", [sample(0)]), "multiple-choice", Options(texts=True), {})
    other = read(lm_eval_folder(tmp_path / "b", [sample(0, chosen=0, target=0)]))
    match = {"kind": "multiple-choice", "labels": None, "model": "m", "dataset": "d"}
    told(lambda: match_predictions(other, table, **match), "right answer of 0 is A", "B in d")


# Inspect and Every Eval Ever


def test_inspect_logs_that_are_wrong(tmp_path):
    samples = {"samples/a_epoch_1.json": INSPECT_SAMPLE}
    unfinished = {"status": "started", "eval": {"dataset": {"sample_ids": ["a", "b"]}}}
    path = zipped(tmp_path / "l.eval", samples, unfinished)
    told(lambda: read(path), "did not finish", "1 samples of 2", "inspect eval-retry")
    (tmp_path / "cut.eval").write_bytes(path.read_bytes()[:200])
    told(lambda: read(tmp_path / "cut.eval"), "no whole .eval archive", "inspect")
    two = {**INSPECT_SAMPLE, "scores": {"a": {"value": "C"}, "b": {"value": "I"}}}
    path = zipped(tmp_path / "two.eval", {"samples/a_epoch_1.json": two}, INSPECT_HEADER)
    told(lambda: read(path), "2 scorers: a, b", "metric: a")
    assert read(path, metric="b").records[0].correct is False


def test_a_zip_bomb_is_no_log(tmp_path):
    path = tmp_path / "bomb.eval"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("samples/a_epoch_1.json", b" " * (200 << 20))
        archive.writestr("header.json", json.dumps(INSPECT_HEADER))
    assert path.stat().st_size < 1 << 20
    told(lambda: read(path), "unpacks to more than", "samples/a_epoch_1.json")


def test_inspect_entries_packed_with_zstd_are_read(tmp_path):
    """Newer versions pack so (method 93), which zipfile cannot write: the archive is put together by hand."""
    stored, directory = b"", b""
    for name, value in {"samples/a_epoch_1.json": INSPECT_SAMPLE, "header.json": INSPECT_HEADER}.items():
        content = json.dumps(value).encode()
        packed = pa.compress(content, codec="zstd", asbytes=True)
        sizes = struct.pack("<IIIHH", zlib.crc32(content), len(packed), len(content), len(name), 0)
        directory += (
            b"PK\x01\x02" + struct.pack("<HHHHHH", 63, 63, 0, 93, 0, 0) + sizes
            + struct.pack("<HHHII", 0, 0, 0, 0, len(stored)) + name.encode()
        )  # fmt: skip
        stored += b"PK\x03\x04" + struct.pack("<HHHHH", 63, 0, 93, 0, 0) + sizes + name.encode() + packed
    end = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 2, 2, len(directory), len(stored), 0)
    path = tmp_path / "z.eval"
    path.write_bytes(stored + directory + end)
    assert read(path).records[0].prediction == "B"


def test_every_eval_ever_has_a_line_for_each_metric_and_filter(tmp_path):
    loose = {**EVERY, "evaluation_name": "t/loose"}
    normalized = {**EVERY, "evaluation_result_id": "acc_norm", "evaluation": {"is_correct": True}}
    path = write_lines(tmp_path / "x_samples.jsonl", [EVERY, loose, normalized])
    told(lambda: read(path), "t, t/loose", "benchmark: t")
    recorded = read(path, benchmark="t")
    assert [r.correct for r in recorded.records] == [False]
    assert recorded.notes == ["of the metrics acc, acc_norm, 'acc' is read"]
    path = write_lines(path, [EVERY, {**EVERY, "model_id": "o/other"}])
    told(lambda: read(path), "2 models: o/m, o/other", "select(.model_id")


def test_a_line_of_a_hundred_megabytes_is_refused_in_bounded_memory(tmp_path):
    path = tmp_path / "run.jsonl.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(json.dumps(sample()).encode()[:-1] + b', "more": "')
        for _ in range(100):
            file.write(os.urandom(1 << 19).hex().encode())
        file.write(b'"}\n')
    told(lambda: read(path), "Line 1 is longer than", "line 1", "jq -c")


# Real files


def independent(path):
    """Answers and judgments of a file of samples, read without the project."""
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    return [
        (max(range(2), key=lambda c: float(row["filtered_resps"][c][0])), row["acc"], row["target"])
        for row in rows
    ]


@needs_real
@pytest.mark.parametrize("name", ["fp32", "fp32-batch1", "rtn-w8", "rtn-w4"])
def test_real_runs_of_lm_eval(name):
    folder = Path(REAL, "lm-eval", f"smollm2-135m-{name}")
    [path] = folder.glob("samples_imdb_local_*")
    rows = independent(path)
    records = read(folder, benchmark="imdb_local").records
    assert [r.prediction for r in records] == ["AB"[chosen] for chosen, _, _ in rows]
    assert [r.correct for r in records] == [acc == 1 for _, acc, _ in rows]
    assert all(r.correct == (r.prediction == r.label) for r in records)
    [results] = folder.glob("results_*.json")
    wanted = json.loads(results.read_text())["results"]["imdb_local"]["acc,none"]
    assert abs(np.mean([r.correct for r in records]) - wanted) < 1e-9
    assert not any(r.correct for r in read(folder, benchmark="squad_local").records)
    # An independent count of changed answers.
    [reference] = Path(REAL, "lm-eval", "smollm2-135m-fp32").glob("samples_imdb_local_*")
    changed = sum(a[0] != b[0] for a, b in zip(rows, independent(reference), strict=True))
    first = read(reference).records
    assert sum(a.prediction != b.prediction for a, b in zip(records, first, strict=True)) == changed
    assert changed == {"fp32": 0, "fp32-batch1": 0, "rtn-w8": 0, "rtn-w4": 15}[name]


@needs_real
def test_a_real_run_that_was_cut_off_and_one_with_another_template(tmp_path):
    told(lambda: read(Path(REAL, "lm-eval", "every-eval-ever")), "answered 5000 documents", "has 10")
    source = Path(REAL, "lm-eval", "smollm2-135m-rtn-w8")
    other = tmp_path / "other"
    shutil.copytree(source, other)
    other.chmod(0o755)
    for file in other.iterdir():
        file.chmod(0o644)
        file.write_text(file.read_text().replace('"prompt_hash": "', '"prompt_hash": "0'))
    options = Options(benchmark="imdb_local", texts=True)
    fp32 = Path(REAL, "lm-eval", "smollm2-135m-fp32")
    table = read_gold(fp32, "multiple-choice", options, {})
    match = {"kind": "multiple-choice", "labels": None, "model": "m", "dataset": "d"}
    reference = match_predictions(read(fp32, benchmark="imdb_local"), table, **match)
    same = match_predictions(read(source, benchmark="imdb_local"), table, reference=reference, **match)
    assert same["correct"].notna().all()
    recorded = read(other, benchmark="imdb_local")
    told(lambda: match_predictions(recorded, table, reference=reference, **match), "120 of 120 prompts")


@needs_real
def test_real_logs_of_inspect():
    [cancelled] = Path(REAL, "inspect").glob("*.json")
    recorded = read(cancelled)
    assert [r.correct for r in recorded.records] == [True, True, False]
    assert "status of the run is 'cancelled'" in recorded.notes[0]
    [record] = read(Path(REAL, "inspect", "mmlu-summary-choices.eval"), texts=True).records
    assert (record.prediction, record.label, record.correct, record.cluster) == (
        "C",
        "A",
        False,
        "college_physics",
    )
    [yes_no] = Path(REAL, "inspect").glob("2025-02*.eval")
    assert Counter(r.correct for r in read(yes_no).records) == {None: 10}


@needs_real
def test_real_predictions_of_code_without_a_header():
    rows = Path(REAL, "code-defect", "predictions", "int8.txt").read_text().split("\n")[:-1]
    records = read(Path(REAL, "code-defect", "predictions", "int8.txt")).records
    assert [f"{r.id}\t{r.prediction}" for r in records] == rows
