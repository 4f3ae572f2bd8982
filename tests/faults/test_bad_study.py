"""Studies that cannot be meant, and studies that mean harm: refused before any job, all mistakes told."""

import copy
import importlib.util
import json
import subprocess
import sys

import pytest
import yaml

from changed_studies import ROOT, SCHEMA, changed, validate, write_encoder
from miniature.config.lines import read_positions
from miniature.config.validate import StudyErrors, validate_study
from miniature.models import derived as derived_models
from refusals import refused, tree

MODEL = {"architecture": {"layers": 1, "hidden": 4, "heads": 1, "intermediate": 4}}
ANY_FILE = {"task": "question-answering", "format": "squad"}


def model(name):
    return [(("models", name), MODEL)]


def news_from(path):
    return [(("datasets", "news"), {**ANY_FILE, "splits": {"test": {"path": path, "examples": 5}}})]


def derived(**how):
    return [(("models", "made"), {"derive": {"from": "large", **how}})]


PANEL = {"characteristic": "representation", "measure": "jaccard", "pairs": "others"}
NO_NAME = "is not a name that may stand here"
CASES = {
    "a name that leads out of the folder": (model("../../etc"), [NO_NAME, "etc: ..."]),
    "a name with a space": (model("my model"), [NO_NAME, "my-model: ..."]),
    "a name with a quote": (model("it's"), [NO_NAME, "it-s: ..."]),
    "a name with a shell command": (model("a; touch b"), [NO_NAME, "a-touch-b: ..."]),
    "a name with a line break": (model("a\nb"), [NO_NAME, "a-b: ..."]),
    "a name with a NUL": (model("a\0b"), [NO_NAME, "a-b: ..."]),
    "a name in letters that look like others": (model("l\u0430rge"), [NO_NAME, "l-rge: ..."]),
    "a name of 300 letters": (model("a" * 300), [NO_NAME]),
    "a name that is kept for second trainings": (model("large.seed1"), [NO_NAME, "large-seed1: ..."]),
    "a path with a brace": (news_from("{a}.json"), ["a brace or a control character", "path: -a-.json"]),
    "a path with a NUL": (news_from("a\0b.json"), ["a brace or a control character", "path: a-b.json"]),
    "recipes that are switched on and empty": (
        [(("characteristics", "vulnerability", "recipes"), {})],
        ["'recipes' is empty; 'vulnerability' is enabled", "vulnerability.recipes",
         "recipes: {bert-attack: {preset: textattack-48, masked_lm: words}}"],
    ),
    "datasets far away that are switched on and empty": (
        [(("characteristics", "distribution", "tasks"), {})],
        ["'tasks' is empty; 'distribution' is enabled", "tasks: {encyclopedia: [news]}"],
    ),
    "one text where a list belongs": (
        [(("vocabulary", "datasets"), "reviews")], ["must be a list", "datasets: [reviews]"],
    ),
    "derive: a model from itself": (
        derived(**{"from": "made", "cast": "bf16"}), ["in a circle: made <- made", "from: large"],
    ),
    "derive: from a model of another name": (
        derived(**{"from": "larg", "cast": "bf16"}), ["no model 'larg'", "from: large"],
    ),
    "derive: a sparsity of 1.5": (derived(prune={"sparsity": 1.5}), ["'sparsity'", "1.5", "sparsity: 0.9"]),
    "derive: a head that there is not": (
        derived(prune_heads=[[0, 99]]), ["no head 99 in layer 0", "prune_heads: [[0, 1]]"],
    ),
    "derive: a layer that there is not": (
        derived(drop_layers=[9]), ["no layer 9 to drop", "drop_layers: [1]"],
    ),
    "derive: another kind of quantization": (derived(quantize="int2"), ["int2", "quantize: int8"]),
    "derive: gradients of a quantized model": (
        [
            *derived(quantize="int8"),
            (("characteristics", "attribution"), {"enabled": True, "tasks": ["reviews"], "examples": 10}),
        ],
        ["'made' is a graph of ONNX", "integrated-gradients", "method: occlusion"],
    ),
}  # fmt: skip


@pytest.mark.bad_input
@pytest.mark.parametrize("what", CASES)
def test_mistakes_in_a_study(what, tmp_path, table_row):
    edits, parts = CASES[what]
    (tmp_path / "study.yaml").write_text(changed(*edits))
    with refused(tmp_path, "study.yaml:", *parts) as told:
        validate(changed(*edits), tmp_path)
    table_row(what, told.message.splitlines()[1].removeprefix("1. "), told.left)


def mistakes(config, tmp_path):
    try:
        validate(yaml.safe_dump(config, sort_keys=False), tmp_path)
    except StudyErrors as error:
        return error.errors
    return []


@pytest.mark.parametrize("what", CASES)
def test_the_offered_line_mends_the_study(what, tmp_path):
    """Where a key is to be called otherwise its value stays; a path is one that nobody has yet."""
    config = yaml.safe_load(changed(*CASES[what][0]))
    (error,) = mistakes(config, tmp_path)
    ((key, value),) = yaml.safe_load(error.fix.partition(", then ")[2] or error.fix).items()
    *parents, last = error.where.partition(": ")[2].split(".")
    if value == "...":
        known = {**MODEL, **yaml.safe_load(changed())["models"]}
        (old,) = config["models"].keys() - known.keys()
        config["models"][key] = config["models"].pop(old)
    else:
        node = config
        for parent in parents:
            node = node[parent]
        node[key if last not in node or last == key else last] = value
    left = [e.what for e in mistakes(config, tmp_path)]
    assert left == ([f"There is no file {value}."] if key == "path" else [])


def test_mistakes_of_form_and_of_sense_are_told_together(tmp_path):
    edits = [
        (("sead",), 3),
        (("compute", "threads"), "two"),
        (("characteristics", "errors", "enabled"), "yes please"),
        (("figure1", "panels", "aa"), PANEL),
        (("figure1", "y_max"), 2),
        (("reference",), "larg"),
        (("models", "small", "architecture", "heads"), 3),
        (("models", "pupil", "teacher"), "lrge"),
        (("characteristics", "representation", "k_max"), 600),
        (("verdict", "errors", "measure"), "jacard"),
    ]  # fmt: skip
    (tmp_path / "study.yaml").write_text(changed(*edits))
    with refused(
        tmp_path, "10 mistakes", "'seed' is there already", "threads: 1", "enabled: true",
        "(one small letter)", "a: ...", "must be a number, above 0, at most 1 or the word auto",
        "reference: large", "heads: 2", "teacher: large", "k_max: 59", "measure: jaccard",
    ) as told:  # fmt: skip
        validate(changed(*edits), tmp_path)
    assert told.message.count("study.yaml:") == told.message.count("fix:") == 10


LAUGHS = "".join(
    f"{name}: &{name} [{', '.join([f'*{before}' if before else 'lol'] * 9)}]\n"
    for before, name in zip(["", *"abcdefgh"], "abcdefghi", strict=True)
)
FILES = {
    "YAML that builds objects": (
        "study: !!python/object/apply:os.system ['touch {canary}']\n", ["python/object/apply", "study.yaml"],
    ),
    "YAML that grows to 400 million entries": (LAUGHS, ["more than 1,000,000 entries", "study.yaml:7"]),
    "YAML that holds itself": ("models: &m {large: *m}\n", ["refers to itself", "study.yaml:1"]),
    "a study that is a program": (
        "__use_yte__: true\n__definitions__:\n- import os\n- os.system('touch {canary}')\nstudy: x\n",
        ["A study is data", "study.yaml:1", "remove __use_yte__"],
    ),
    "a study nested 2,000 deep": ("a: " + "[" * 2000 + "]" * 2000, ["nested too deeply", "study.yaml"]),
    "a study that is not YAML": ("study: [a\nseed: 1\n", ["not YAML", "study.yaml:"]),
    "a key written twice": (changed() + "seed: 7\n", ["'seed' is written twice", "remove one of the two"]),
    "an empty file for a study": ("", ["'reference' is missing", "reference: large"]),
    "a list for a study": ("- a\n- b\n", ["'reference' is missing"]),
}  # fmt: skip


@pytest.mark.bad_input
@pytest.mark.parametrize("what", FILES)
def test_files_that_are_no_studies(what, tmp_path, table_row):
    text, parts = FILES[what]
    folder = tmp_path / "project"
    folder.mkdir()
    canary = tmp_path / "canary"
    (folder / "study.yaml").write_text(text.replace("{canary}", str(canary)))
    before = tree(folder)
    # The command by which somebody looks at a study of somebody else before Snakemake reads it.
    done = subprocess.run(
        [sys.executable, "-m", "miniature.config", "study.yaml"], cwd=folder, capture_output=True, text=True,
        timeout=60, env={"PYTHONPATH": str(ROOT / "scripts"), "PYTHONDONTWRITEBYTECODE": "1"}, check=False,
    )  # fmt: skip
    assert done.returncode == 3, done.stderr
    for part in parts:
        assert part in done.stderr, done.stderr
    assert "Traceback" not in done.stderr
    assert not canary.exists()
    assert tree(folder) == before
    first = done.stderr.splitlines()
    table_row(
        what, first[0] if "mistake" not in first[0] else first[1].removeprefix("1. "), "everything as it was"
    )


def test_looking_at_a_good_study(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "miniature.config", "config.yaml"], cwd=ROOT, capture_output=True, text=True,
        env={"PYTHONPATH": "scripts"}, check=False,
    )  # fmt: skip
    assert done.stdout == "config.yaml: no mistake found\n", done.stderr
    assert done.returncode == 0


def test_thousand_models_are_checked_and_a_mistake_among_them_is_found(tmp_path):
    config = yaml.safe_load(changed())
    config["models"] |= {f"m{i}": copy.deepcopy(MODEL) for i in range(997)}
    config["models"]["m500"]["teacher"] = "m5000"
    text = yaml.safe_dump(config, sort_keys=False)
    (tmp_path / "study.yaml").write_text(text)
    with refused(tmp_path, "1 mistake in", "no model 'm5000'", "and 980 more", "teacher: m500"):
        validate_study(yaml.safe_load(text), [tmp_path / "study.yaml"], SCHEMA)
    assert len(read_positions([tmp_path / "study.yaml"]).lines) > 5000


@pytest.mark.workflow
@pytest.mark.bad_input
def test_text_that_would_steer_a_terminal(fresh, table_row):
    escapes = "\x1b]0;owned\x07\x1b[31m<script>alert(1)</script>"
    rows = [{"text": escapes, "label": "good"}, {"text": "x", "label": escapes}]
    (fresh.folder / "mine.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))

    def use(config):
        config["datasets"]["mine"] = {
            "task": "classification", "format": "jsonl", "labels": {"good": "good", "bad": "bad"},
            "splits": {"test": {"path": "mine.jsonl", "examples": "all"}},
        }  # fmt: skip

    fresh.edit_config(use)
    done = fresh.run("--cores", "1", "results/tiny/data/mine/test.parquet", check=False)
    log = fresh.log_of("build_data/mine/test")
    for text in (done.stdout, log):
        assert "\\x1b]0;owned" in text
        assert all(c in "\n\t" or c.isprintable() for c in text)
    assert not (fresh.results / "data/mine/test.parquet").exists()
    table_row(
        "a text with terminal escapes and HTML, in a run",
        "shown as text by terminal and log",
        "no table, its log",
    )


READER = {"architectures": ["BertForQuestionAnswering"]}
STUDENT = {"derive": {"from": "given", "distill": {"layers": [0, 1]}}}
ORIGINS = {
    "derive: a teacher of another task": (
        READER, ["The checkpoint is for another task", "architecture ends in ForSequenceClassification"],
    ),
    "derive: from a kind of model that nothing is known of": (
        {"model_type": "albert"}, ["'albert' are not supported", "bert, distilbert"],
    ),
}  # fmt: skip


@pytest.mark.bad_input
@pytest.mark.parametrize("what", ORIGINS)
def test_models_that_others_are_derived_from(what, tmp_path, table_row):
    more, parts = ORIGINS[what]
    folder = write_encoder(tmp_path / "given", **more)
    study = changed(
        (("models",), {"given": {"path": str(folder), "as_is": True}, "pupil": STUDENT}),
        (("reference",), "given"),
    )
    (tmp_path / "study.yaml").write_text(study)
    with refused(tmp_path, *parts) as told:
        validate(study, tmp_path)
    first = next(line for line in told.message.splitlines() if parts[0] in line)
    table_row(what, first.split(". ", 1)[1].replace(str(tmp_path), "..."), told.left)


@pytest.mark.bad_input
def test_a_package_that_is_not_installed(tmp_path, monkeypatch, table_row):
    there = importlib.util.find_spec
    monkeypatch.setattr(derived_models, "find_spec", lambda name: None if name == "onnx_ir" else there(name))
    with refused(tmp_path, "needs onnx_ir, which is not installed", "pip install onnx_ir") as told:
        derived_models.check_installed({"from": "a", "quantize": "int4-weights"}, where="models: derive")
    table_row("derive: a package that is not installed", told.message.splitlines()[0], told.left)
