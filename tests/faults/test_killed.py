"""Processes that are killed or told to stop: run again, and what is missing is done, to the same bytes."""

import re
import shutil

import pytest

from fault_runs import again, hidden, is_locked, take_away

pytestmark = pytest.mark.workflow

MODEL = "results/tiny/models/reviews/small"
ERRORS = "results/tiny/errors/reviews/reviews/test/small.parquet"
ATTACK = "results/tiny/attacks/reviews/bert-attack/small.parquet"
TRAINING_LOG = "finetune_model/reviews/small"
# The optimizer's state and the seal of the second checkpoint: 150 steps, one at 50 and one at 100.
SECOND_SEAL = {"file": "whole.json", "nth": 2}


@pytest.mark.fault
def test_training_process_is_killed(project, table_row):
    before = project.contents()
    path = take_away(project, MODEL)
    done = project.spoil("--cores", "1", MODEL, do="kill job", **SECOND_SEAL)
    assert done.returncode != 0
    assert not is_locked(project)
    assert not path.exists()
    partial = project.results / ".partial/models/reviews/small"
    left = sorted(folder.name for folder in partial.glob("*/*"))
    # Under its unfinished name, because the kill came between the seal and the rename.
    assert left == ["checkpoint-50", "unfinished-100"]
    jobs = again(project, MODEL, before)
    assert "continuing from checkpoint-50 of 150 steps" in project.log_of(TRAINING_LOG)
    assert jobs == ["finetune_model"]
    assert not partial.exists()
    table_row(
        "kill -9 of a training job",
        "Snakemake ends with an error and no lock",
        ", ".join(left),
        "finetune_model, from step 50",
    )


@pytest.mark.fault
def test_training_checkpoint_is_half_there(project, table_row):
    before = project.contents()
    take_away(project, MODEL)
    # The first file of the attempt after the second checkpoint: both are whole.
    project.spoil("--cores", "1", MODEL, file="models/reviews/.small", do="kill job")
    partial = project.results / ".partial/models/reviews/small"
    (newest,) = partial.glob("*/checkpoint-100")
    # The attempt to write the finished model leaves a hidden folder, which nothing reads.
    (hidden_folder,) = (project.results / "models/reviews").glob(".small.*")
    shutil.rmtree(hidden_folder)
    weights = newest / "optimizer.pt"
    weights.write_bytes(weights.read_bytes()[:1000])
    jobs = again(project, MODEL, before)
    log = project.log_of(TRAINING_LOG)
    assert "the training checkpoint of step 100 is damaged; renamed checkpoint-100.damaged" in log
    assert "continuing from checkpoint-50" in log
    assert jobs == ["finetune_model"]
    table_row(
        "half a training checkpoint",
        "named in the log, renamed, the one before is taken",
        "checkpoint-100.damaged until the training is done",
        "finetune_model, from step 50",
    )


@pytest.mark.fault
def test_attack_process_is_killed(project, table_row):
    before = project.contents()
    path = take_away(project, ATTACK)
    done = project.spoil("--cores", "1", ATTACK, file="journal.jsonl", nth=5, do="kill job")
    assert done.returncode != 0
    assert not is_locked(project)
    assert not path.exists()
    (journal,) = project.results.glob(".partial/attacks/reviews/bert-attack/small/*/journal.jsonl")
    lines = journal.read_text().splitlines()
    assert len(lines) == 5  # the key and four examples
    jobs = again(project, ATTACK, before)
    log = project.log_of("attack_model/reviews/bert-attack/small")
    assert "4 of 10 examples were attacked earlier" in log
    assert jobs == ["attack_model"]
    table_row(
        "kill -9 of an attack job",
        "Snakemake ends with an error and no lock",
        "a journal of 4 finished examples of 10",
        "attack_model, from example 5",
    )


@pytest.mark.fault
def test_journal_of_an_attack_is_torn(project, table_row):
    before = project.contents()
    take_away(project, ATTACK)
    project.spoil("--cores", "1", ATTACK, file="journal.jsonl", nth=5, do="kill job")
    (journal,) = project.results.glob(".partial/attacks/reviews/bert-attack/small/*/journal.jsonl")
    journal.write_bytes(journal.read_bytes()[:-40])
    again(project, ATTACK, before)
    log = project.log_of("attack_model/reviews/bert-attack/small")
    assert "line 5 is incomplete; its example is done again" in log
    assert "3 of 10 examples were attacked earlier" in log
    table_row(
        "a torn line in the journal of an attack",
        "named in the log and cut off",
        "the whole lines before it",
        "attack_model, from example 4",
    )


@pytest.mark.fault
def test_job_is_killed_between_writing_a_file_and_naming_it(project, table_row):
    before = project.contents()
    path = take_away(project, ERRORS)
    done = project.spoil("--cores", "1", ERRORS, file="errors/reviews", do="kill job")
    assert done.returncode != 0
    assert not is_locked(project)
    assert not path.exists()
    (left,) = hidden(path.parent)
    assert left.startswith(".small.")
    project.run("--cores", "1", ERRORS)
    after = project.contents()
    assert {name for name in after if not name.rpartition("/")[2].startswith(".")} == set(before)
    assert all(after[name] == before[name] for name in before)
    table_row(
        "kill -9 of a job between writing a file and naming it",
        "Snakemake ends with an error and no lock",
        "a hidden file that nothing reads",
        "find_errors",
    )


@pytest.mark.fault
def test_everything_is_killed_and_the_lock_stays(project, table_row):
    before = project.contents()
    path = take_away(project, ERRORS)
    done = project.spoil("--cores", "1", ERRORS, file="errors/reviews", do="kill all")
    assert done.returncode == -9
    assert is_locked(project)
    assert not path.exists()
    locked = project.run("--cores", "1", ERRORS, check=False)
    assert locked.returncode != 0
    assert "--unlock" in locked.stdout
    assert not path.exists()
    project.run("--unlock")
    for name in hidden(path.parent):
        (path.parent / name).unlink()
    jobs = again(project, ERRORS, before)
    assert jobs == ["find_errors"]
    table_row(
        "a stale lock, after kill -9 of Snakemake and its job",
        "the next run is refused and names --unlock",
        "the lock",
        "find_errors, after --unlock",
    )


@pytest.mark.fault
def test_snakemake_is_killed_and_its_job_lives_on(project, table_row):
    before = project.contents()
    path = take_away(project, ERRORS)
    done = project.spoil("--cores", "1", ERRORS, file="errors/reviews", do="kill snakemake")
    assert done.returncode == -9
    project.run("--unlock")
    jobs = again(project, ERRORS, before)
    assert path.exists()
    assert jobs == ["find_errors"]
    table_row(
        "kill -9 of Snakemake alone",
        "its job ends on its own; the file counts as unfinished and is made anew",
        "the lock, and the orphan's whole file",
        "find_errors, after --unlock",
    )


@pytest.mark.fault
@pytest.mark.parametrize(
    ("do", "name"), [("terminate snakemake", "SIGTERM to Snakemake"), ("interrupt all", "Ctrl-C")]
)
def test_snakemake_is_told_to_stop(project, table_row, do, name):
    before = project.contents()
    path = take_away(project, ERRORS)
    done = project.spoil("--cores", "1", ERRORS, "errors", file="errors/reviews", do=do)
    assert not is_locked(project)
    stopped = path.exists()
    # A signal that comes when the last job is as good as done stops nothing; then all is there.
    assert stopped or done.returncode != 0
    left = hidden(path.parent)
    for file in left:
        (path.parent / file).unlink()
    jobs = again(project, ERRORS, before)
    table_row(
        name,
        "running jobs " + ("end" if stopped else "are stopped") + ", no new ones start, no lock",
        "the finished file" if stopped else "nothing of it",
        ", ".join(jobs) or "none",
    )
    assert jobs == ([] if stopped else ["find_errors"])
    assert not re.search("Traceback", done.stdout)
