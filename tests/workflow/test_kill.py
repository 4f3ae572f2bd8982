"""kill -9 in the middle of a job: run again, and only what is missing is done, to the same bytes."""

import json
import re
import shutil

import pytest

pytestmark = pytest.mark.workflow


def slow(config):
    """Make one training and one attack long enough to be killed in the middle."""
    config["training"]["reviews"].update(epochs=8, checkpoint_every=40)
    config["characteristics"]["vulnerability"]["examples"] = 40


def read_log(project, name):
    return (project.results / "logs" / name).read_text()


def test_training_continues_from_its_last_checkpoint(project):
    project.edit_config(slow)
    target = project.results / "models/reviews/small"
    wanted = "results/tiny/models/reviews/small"
    project.run("--cores", "1", wanted)
    undisturbed = (target / "model.safetensors").read_bytes()
    shutil.rmtree(target)

    partial = project.results / ".partial/models/reviews/small"
    project.kill_when(lambda: list(partial.glob("*/checkpoint-80")), "--cores", "1", wanted)
    assert not target.exists()
    locked = project.run("--cores", "1", wanted, check=False)
    assert locked.returncode != 0
    assert "unlock" in locked.stdout
    project.run("--unlock")
    project.run("--cores", "1", wanted)
    assert "continuing from checkpoint-" in read_log(project, "finetune_model/reviews/small.log")
    assert (target / "model.safetensors").read_bytes() == undisturbed
    assert not partial.exists()


def test_attack_continues_from_its_last_finished_example(project):
    project.edit_config(slow)
    wanted = "results/tiny/attacks/reviews/bert-attack/small.parquet"
    output = project.folder / wanted
    project.run("--cores", "1", wanted)
    undisturbed = output.read_bytes()
    output.unlink()
    partial = project.results / ".partial/attacks/reviews/bert-attack/small"
    shutil.rmtree(partial)

    def lines():
        return [line for path in partial.glob("*/*.jsonl") for line in path.read_text().splitlines()]

    project.kill_when(lambda: len(lines()) >= 6, "--cores", "1", wanted)
    assert not output.exists()
    finished = [json.loads(line)["id"] for line in lines() if _is_row(line)]
    assert 4 <= len(finished) < 40
    project.run("--unlock")
    project.run("--cores", "1", wanted)
    assert output.read_bytes() == undisturbed
    log = read_log(project, "attack_model/reviews/bert-attack/small.log")
    assert re.search(r"[1-9]\d* of 40 examples were attacked earlier", log), log


def _is_row(line):
    try:
        return "id" in json.loads(line)
    except json.JSONDecodeError:
        return False


def test_damaged_file_is_set_aside_and_rebuilt(project):
    path = project.results / "predictions/reviews/reviews/test/small.parquet"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    done = project.run("--cores", "1", "errors", check=False)
    assert done.returncode != 0
    assert "damaged" in done.stdout
    assert "Traceback" not in read_log(project, "find_errors/reviews/reviews/test/small.log")
    assert not path.exists()
    assert path.with_name("small.parquet.damaged").exists()
    project.run("--cores", "2", "errors")
    assert path.read_bytes() == whole


def test_mistake_in_the_data_costs_no_finished_work(project):
    path = project.folder / "broken.json"
    path.write_text('{"version": "v2.0", "data": [{"title": "x", "paragraphs": [')
    before = {p: p.stat().st_mtime_ns for p in project.results.rglob("*.parquet")}

    def use_broken(config):
        config["datasets"]["news"] = {
            "task": "question-answering", "format": "squad",
            "splits": {"test": {"path": "broken.json", "examples": "all"}},
        }  # fmt: skip

    project.edit_config(use_broken)
    done = project.run("--cores", "2", check=False)
    assert done.returncode != 0
    assert "broken.json" in done.stdout
    after = {p: p.stat().st_mtime_ns for p in project.results.rglob("*.parquet")}
    lost = {p for p in before if after.get(p) != before[p] and "news" not in p.as_posix()}
    assert lost == set()
