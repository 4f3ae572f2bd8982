"""The command `miniature`: what it writes, refuses and returns."""

import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from types import SimpleNamespace

import pandas as pd
import pytest
import yaml

from loopback_hub import LoopbackHub, serve_hub
from miniature.cli import gate
from miniature.cli.audit import shorten_answer
from miniature.cli.main import main
from miniature.cli.write import model_names
from miniature.config import plan
from miniature.config.resolve import write_resolved
from miniature.config.validate import resolve_and_check
from small_models import save_classifier, toy_reviews


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory):
    folder = tmp_path_factory.mktemp("checkpoints")
    return [save_classifier(folder / name, ["bad", "good"]) for name in ("large", "small", "again")]


@pytest.fixture
def here(tmp_path, monkeypatch, checkpoints):
    """A folder with small classifiers and a test file."""
    monkeypatch.chdir(tmp_path)
    for folder in checkpoints:
        shutil.copytree(folder, tmp_path / folder.name)
    toy_reviews(40).to_csv(tmp_path / "test.csv", index=False)
    return tmp_path


def new(*words):
    return main(["new", *words])


def told(capsys):
    return capsys.readouterr().err


def test_one_line_makes_a_study_of_eight_lines_without_a_mistake(here, capsys):
    assert new("large", "small", "--again", "again", "--data", "test.csv", "--study", "shipping") == 0
    lines = [line for line in (here / "shipping.yaml").read_text().splitlines() if line and line[0] != "#"]
    assert len(lines) == 8
    assert main(["check", "shipping.yaml"]) == 0
    assert main(["check", "shipping"]) == 0
    config = yaml.safe_load((here / "shipping.yaml").read_text())
    resolved = resolve_and_check(config, [here / "shipping.yaml"]).config
    assert plan.trainings_of(resolved, "large") == ["again"]
    assert resolved["datasets"]["test"]["labels"] == {"bad": "bad", "good": "good"}


def test_names_come_from_the_last_folders_that_differ(tmp_path):
    assert model_names(["runs/large/best", "runs/small/best"]) == ["large-best", "small-best"]
    assert model_names(["large", "onnx/small/model.onnx"]) == ["large", "small"]
    (tmp_path / "bert.v2").mkdir()
    assert model_names([str(tmp_path / "bert.v2"), "small.jsonl.gz"]) == ["bert-v2", "small"]
    (tmp_path / "large").symlink_to(tmp_path / "bert.v2")
    assert model_names([str(tmp_path / "large"), str(tmp_path / "x/../small")]) == ["large", "small"]


def test_a_study_of_that_name_is_kept(here, capsys):
    assert new("large", "small", "--data", "test.csv", "--study", "ours") == 0
    before = (here / "ours.yaml").read_text()
    assert new("large", "small", "--data", "test.csv", "--study", "ours") == 0
    capsys.readouterr()
    assert new("large", "again", "--data", "test.csv", "--study", "ours") == 3
    message = told(capsys)
    assert "ours.yaml" in message
    assert "--study ours-2" in message
    assert (here / "ours.yaml").read_text() == before
    assert new("large", "again", "--data", "test.csv", "--study", "ours-2") == 0


# What is done to the folder, what is given, and words of the one message, with its line.
MISTAKES = {
    "a folder that is not there": (lambda f: None, ["larg", "small"], ["nothing at larg", "large"]),
    "no test file": (lambda f: None, ["large", "small", None], ["--data test.csv"]),
    "one model": (lambda f: None, ["large"], ["miniature audit large models/small --data test.csv"]),
    "a folder that is no checkpoint": (
        lambda f: (f / "small" / "config.json").unlink(), ["large", "small"], ["no config.json", "small"],
    ),
    "weights that are cut short": (
        lambda f: (f / "small" / "model.safetensors").write_bytes(b"1234567890"),
        ["large", "small"], ["damaged"],
    ),
    "no labels": (
        lambda f: toy_reviews(40)[["id", "text"]].to_csv(f / "test.csv", index=False), ["large", "small"],
        ["no column of labels", "id,text,label"],
    ),
    "two columns of texts": (
        lambda f: (
            toy_reviews(40).rename(columns={"text": "review"}).assign(comment="x").to_csv(f / "test.csv")
        ),
        ["large", "small"], ["'review' or 'comment'", "columns: {text: review}"],
    ),
    "one class": (
        lambda f: toy_reviews(40).assign(label="good").to_csv(f / "test.csv", index=False),
        ["large", "small"], ["one class, 'good'", "test.csv"],
    ),
    "an id twice": (
        lambda f: toy_reviews(40).assign(id="same").to_csv(f / "test.csv", index=False), ["large", "small"],
        ["same", "test.csv"],
    ),
    "another separator": (
        lambda f: toy_reviews(40).to_csv(f / "test.csv", index=False, sep=";"), ["large", "small"],
        ["';'", "commas-test.csv"],
    ),
    "labels of no class": (
        lambda f: toy_reviews(40).assign(label=lambda t: t["label"].map({"good": 1, "bad": -1})).to_csv(
            f / "test.csv", index=False
        ),
        ["large", "small"], ["labels: {bad: -1, good: 1}", "or labels: {bad: 1, good: -1}"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_is_told_in_one_round(here, capsys, case):
    spoil, models, words = MISTAKES[case]
    spoil(here)
    data = [] if None in models else ["--data", "test.csv"]
    status = new(*filter(None, models), *data, "--study", "ours")
    if status == 0:
        status = main(["check", "ours.yaml"])
    message = told(capsys)
    assert status == 3
    assert all(word in message for word in words), message
    assert "fix:" in message
    assert "Traceback" not in message
    assert not (here / "results").exists()


@pytest.fixture
def hub(here, monkeypatch):
    """The checkpoints on a hub, and none of them here."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    served = LoopbackHub()
    for name in ("large", "small"):
        served.add("model", f"me/{name}", {file.name: file.read_bytes() for file in (here / name).iterdir()})
        shutil.rmtree(here / name)
    with serve_hub(served) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
        yield hub


def test_models_of_the_hub_are_pinned_and_their_classes_written(here, hub, capsys):
    numbers = toy_reviews(40).assign(label=lambda t: t["label"].map({"bad": 0, "good": 1}))
    numbers.to_csv(here / "test.csv", index=False)
    words = ["me/large", "me/small@main", "--again", "again", "--data", "test.csv", "--study", "ours"]
    assert new(*words) == 0
    study = yaml.safe_load((here / "ours.yaml").read_text())
    assert study["models"]["small"] == {"hub": "me/small", "revision": "a" * 40}
    assert study["datasets"]["test"]["labels"] == {"bad": 0, "good": 1}
    assert len([line for line in (here / "ours.yaml").read_text().splitlines() if line[:1] not in "#"]) <= 8
    assert main(["check", "ours.yaml"]) == 0, told(capsys)
    # The same words again ask the hub for nothing, and mean the same study.
    hub.broken = True
    assert new(*words) == 0


def test_what_is_neither_here_nor_on_the_hub(here, hub, capsys):
    assert new("me/large", "me/smal", "--data", "test.csv", "--study", "ours") == 3
    message = told(capsys)
    assert "no folder me/smal here" in message
    assert "The Hub has no such model" in message
    assert not (here / "ours.yaml").exists()
    (here / "models").mkdir()
    assert new("models/large", "again", "--data", "test.csv") == 3
    assert "There is nothing at models/large" in told(capsys)


def test_wrong_predictions_are_found_before_any_job(here, capsys):
    reviews = toy_reviews(40)
    reviews.assign(prediction=reviews["label"]).to_csv(here / "large.csv", index=False)
    reviews.assign(prediction="fine")[:39].to_csv(here / "small.csv", index=False)
    assert new("large.csv", "small.csv", "--data", "test.csv", "--study", "ours") == 0
    assert main(["check", "ours.yaml"]) == 3
    message = told(capsys)
    assert "1 of 40 examples of test have no prediction" in message
    assert "model small" in message


@pytest.mark.slow
def test_python_m_miniature_config_is_check(here):
    new("large", "small", "--data", "test.csv", "--study", "ours")
    done = subprocess.run(
        [sys.executable, "-m", "miniature.config", "ours.yaml"], capture_output=True, text=True,
        env={"PYTHONPATH": str(gate.__file__.split("/miniature/")[0])},
    )  # fmt: skip
    assert done.stdout == "ours.yaml: no mistake found\n", done.stderr


@pytest.fixture
def finished(here):
    """A study whose results say what a test wants."""
    new("large", "small", "--data", "test.csv", "--study", "ours")
    results = here / "results" / "ours"
    results.mkdir(parents=True)

    def write(**verdicts):
        rows = [
            {"model": "small", "characteristic": name, "verdict": verdict, "reason": "because <b>|"}
            for name, verdict in verdicts.items()
        ]
        pd.DataFrame(rows).to_csv(results / "scorecard.csv", index=False)

    return write


@pytest.mark.parametrize(
    ("verdicts", "status"),
    [
        ({"errors": "miniature", "calibration": "within"}, 0),
        ({"errors": "miniature", "calibration": "not-measured"}, 0),
        ({"errors": "miniature", "calibration": "undecided"}, 2),
        ({"errors": "undecided", "calibration": "beyond"}, 1),
        ({"errors": "not-miniature", "calibration": "within"}, 1),
        ({"errors": "not-measured", "calibration": "uninformative"}, 2),
    ],
)
def test_gate_is_an_exit_status(finished, here, verdicts, status):
    finished(**verdicts)
    assert main(["gate", "ours.yaml", "--junit", "gate.xml", "--markdown", "gate.md"]) == status
    cases = ElementTree.parse(here / "gate.xml").getroot().iter("testcase")
    kinds = {case.get("name"): [child.tag for child in case] for case in cases}
    tags = {
        "miniature": [],
        "within": [],
        "beyond": ["failure"],
        "not-miniature": ["failure"],
        "undecided": ["error"],
    }
    assert kinds == {name: tags.get(verdict, ["skipped"]) for name, verdict in verdicts.items()}
    text = (here / "gate.md").read_text()
    assert "<b>" not in text
    assert text.count("\n| small ") == len(verdicts)


def test_gate_on_named_rows(finished, capsys):
    finished(errors="miniature", calibration="not-miniature")
    assert main(["gate", "ours.yaml", "--only", "small:errors"]) == 0
    assert main(["gate", "ours.yaml", "--only", "small"]) == 1
    capsys.readouterr()
    assert main(["gate", "ours.yaml", "--only", "small:error"]) == 3
    assert "--only small:errors" in told(capsys)


def test_gate_reads_tolerances_with_their_bounds(finished, here, capsys):
    finished(errors="undecided")
    row = {
        "model": "small",
        "measure": "newly_wrong",
        "value": 0.0712345,
        "low": 0.05,
        "high": 0.09,
        "limit": 0.02,
    }
    pd.DataFrame([row | {"verdict": "beyond", "reason": ""}]).to_csv(
        here / "results/ours/tolerance.csv", index=False
    )
    assert main(["gate", "ours.yaml"]) == 1
    assert "small: newly_wrong (0.0712, 0.05 to 0.09; limit 0.02)" in capsys.readouterr().out
    assert main(["gate", "ours.yaml", "--only", "small:errors"]) == 2


def test_gate_of_a_study_that_has_changed_or_has_not_run(finished, here, capsys):
    assert main(["gate", "ours.yaml"]) == 3
    assert "miniature audit" in told(capsys)
    finished(errors="miniature")
    resolved = resolve_and_check(yaml.safe_load((here / "ours.yaml").read_text()), [here / "ours.yaml"])
    (here / "results" / "ours" / "study.yaml").write_text(write_resolved(resolved.config, resolved.sources))
    assert main(["gate", "ours.yaml"]) == 0
    with (here / "ours.yaml").open("a") as file:
        file.write("seed: 3\n")
    assert main(["gate", "ours.yaml"]) == 3
    assert "has changed" in told(capsys)


def test_every_subcommand_shows_an_example(capsys):
    for command in ("audit", "new", "check", "gate", "plan"):
        with pytest.raises(SystemExit):
            main([command, "--help"])
        shown = capsys.readouterr().out
        assert f"example:\n  miniature {command} " in shown
    with pytest.raises(SystemExit):
        main(["--print-completion", "bash"])
    assert "complete" in capsys.readouterr().out


def test_names_of_rows():
    rows = [gate.Row("a", "errors", "miniature", ""), gate.Row("b", "errors", "undecided", "")]
    assert gate.status_of(gate.choose_rows(rows, ["a"])) == 0
    assert gate.status_of(gate.choose_rows(rows, [":errors"])) == 2
    assert SimpleNamespace(rows=gate.choose_rows(rows, [])).rows == rows


def test_plan_of_a_size(capsys):
    assert main(["plan", "--examples", "5000", "--replicates", "3", "--spread", "0.03"]) == 0
    assert "0.72 / 0.88" in capsys.readouterr().out
    assert main(["plan", "--replicates", "1"]) == 3
    assert "fix:" in told(capsys)


def test_a_long_answer_is_shortened_and_its_warnings_stay():
    for count, details in ((8, True), (15, False)):
        models = [(f"- **m{i}**: undecided", f"  changes {i} % of decisions") for i in range(count)]
        text = "\n".join(
            ["**s**: models", "", *sum(models, ()), "", "Look: there", "Warning: swapped labels"]
        )
        lines = shorten_answer(text, "answer.md").splitlines()
        assert len(lines) <= 24
        assert lines[-1] == "Warning: swapped labels"
        assert all(any(f"m{i}:" in line for line in lines) for i in range(count))
        assert any("changes" in line for line in lines) == details
    assert shorten_answer("**s**: one", "answer.md") == "s: one"


def test_ids_are_there_before_the_embeddings_that_follow_them(tmp_path, capsys):
    (tmp_path / "test.jsonl").write_text(
        '{"id": "b", "text": "x", "label": 1}\n{"id": "a", "text": "y", "label": 0}\n'
    )
    study = tmp_path / "s.yaml"
    study.write_text(
        "study: s\nreference: large\nmodels:\n"
        "  large: {embeddings: {reviews: {test: {path: large.npy}}}}\n"
        "  small: {embeddings: {reviews: {test: {path: small.npy}}}}\n"
        "datasets:\n  reviews:\n    task: classification\n    format: jsonl\n"
        "    labels: {bad: 0, good: 1}\n    columns: {id: id}\n"
        f"    splits: {{test: {{path: {tmp_path / 'test.jsonl'}, examples: all}}}}\n"
        "characteristics: {representation: {tasks: [reviews], k_max: 1}}\n"
    )
    assert main(["check", str(study)]) == 3
    told = capsys.readouterr().err
    assert "There is no file large.npy" in told
    assert "miniature ids <this file> --dataset reviews --split test > ids.csv" in told
    assert main(["ids", str(study)]) == 0
    assert capsys.readouterr().out == "id,prediction\nb,\na,\n"
    assert main(["ids", str(study), "--dataset", "news"]) == 3
    assert "--dataset reviews --split test" in capsys.readouterr().err
