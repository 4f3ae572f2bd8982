"""What clusters do to jobs: cancelled, out of memory or time, on a lost node; the head process killed."""

import contextlib
import os
import re
import shutil
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import cluster
import pytest
from slurm_projects import SITE, SlurmProject, job_of, slurm_jobs, wait_for

from projects import digests, unfinished

pytestmark = [pytest.mark.slurm, pytest.mark.fault]

# One training for each fault, so that one run of Snakemake meets them all.
CANCELLED, OVER_TIME = ("reviews", "small"), ("reviews", "large")
OVER_MEMORY, NODE_DIED = ("encyclopedia", "small"), ("encyclopedia", "large")
STRUCK = [CANCELLED, OVER_TIME, OVER_MEMORY, NODE_DIED]


def folder_of(model):
    return f"results/tiny/models/{'/'.join(model)}"


def comment_of(model):
    return f"rule_finetune_model_wildcards_{'_'.join(model)}"


def copy_without(finished, folder, models, **site):
    """The finished study without some of its trained models."""
    shutil.copytree(finished.folder, folder, symlinks=True)
    for model in models:
        shutil.rmtree(folder / folder_of(model))
    return SlurmProject(folder, site={**SITE, **site})


def steps_of(job_id):
    """Processes that a running SLURM job has started, the step daemons left out."""
    daemons = [
        pid for pid, command in cluster.processes().items() if command.startswith(f"slurmstepd: [{job_id}.")
    ]
    return sorted({child for pid in daemons for child in cluster.descendants(pid)} - set(daemons))


def hang_in_training(project, model, process):
    """Stop a training's processes in its middle, as a file system does that no longer answers; its SLURM job.

    A training of this study takes a second, so its processes are looked up first.
    """
    partial = project.results / ".partial/models" / "/".join(model)
    wait_for(f"{model} trains", lambda: list(partial.glob("*")), process)
    job = job_of(comment_of(model), project.job_ids())
    steps = steps_of(job["id"])
    while not list(partial.glob("*/checkpoint-*")):
        assert partial.exists(), f"{model} finished before it could be struck"
        time.sleep(0.005)
    for pid in steps:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
    assert not (project.folder / folder_of(model)).exists()
    return job


@pytest.fixture(scope="module")
def struck(finished, tmp_path_factory):
    """Four trainings, each struck by one fault, in one run of the shipped profile."""
    project = copy_without(finished, tmp_path_factory.mktemp("struck") / "project", STRUCK)
    # Too little memory and too little time can only be had by a wrong figure in the rule.
    only = "(wildcards.task, wildcards.model) == {}"
    project.edit(
        "rules/training.smk",
        "mem_mb=memory(900, sources=6, train=100),\n        runtime=minutes(720),",
        "mem_mb=lambda wildcards, input, attempt: memory("
        f"0 if {only.format(OVER_MEMORY)} else 900, sources=6, train=100)(wildcards, input, attempt),\n"
        f"        runtime=lambda wildcards, attempt: attempt * (1 if {only.format(OVER_TIME)} else 720),",
    )
    process = project.start(*map(folder_of, STRUCK))
    try:
        with ThreadPoolExecutor() as pool:
            cancelled, _, died = pool.map(
                lambda model: hang_in_training(project, model, process), (CANCELLED, OVER_TIME, NODE_DIED)
            )
        cluster.run("scancel", cancelled["id"])
        cluster.kill_node(died["node"])
        project.dead = died["node"]
        assert process.wait() == 0, project.log()[-6000:]
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.wait(60)
        if hasattr(project, "dead"):
            cluster.start_node(project.dead)
    print(cluster.list_jobs())
    return project


def attempts(project, model):
    return [
        job for job in slurm_jobs()
        if job["id"] in project.job_ids() and job["comment"] == comment_of(model)
    ]  # fmt: skip


def log_of(project, model):
    return (project.results / f"logs/finetune_model/{'/'.join(model)}.log").read_text()


def test_every_struck_run_ends_with_the_undisturbed_files(struck, finished):
    here, there = digests(finished.results), digests(struck.results)
    assert [name for name in here if here[name] != there.get(name)] == []
    assert unfinished(struck.results) == []
    assert list((struck.folder / ".snakemake/incomplete").glob("*")) == []


def test_cancelled_job_is_noticed_and_goes_on_from_its_checkpoint(struck, table_row):
    first, second = attempts(struck, CANCELLED)
    assert (first["state"], second["state"]) == ("CANCELLED", "COMPLETED")
    assert "status is: 'CANCELLED'" in struck.log()
    assert "continuing from checkpoint-" in log_of(struck, CANCELLED)
    again(table_row, "SLURM: scancel of a training", first, "no model, a checkpoint")


def test_job_over_its_time_gets_more_and_goes_on_from_its_checkpoint(struck, table_row):
    first, *_, last = attempts(struck, OVER_TIME)
    assert (first["state"], last["state"]) == ("TIMEOUT", "COMPLETED")
    assert (first["limit"], last["limit"]) == ("1:00", "2:00")
    assert "continuing from checkpoint-" in log_of(struck, OVER_TIME)
    again(table_row, "SLURM: a training that hangs, over its time", first, "no model, a checkpoint")


def test_job_over_its_memory_gets_more(struck, table_row):
    first, *_, last = attempts(struck, OVER_MEMORY)
    # With cgroups SLURM says OUT_OF_MEMORY, without them FAILED.
    assert first["state"] in ("FAILED", "OUT_OF_MEMORY")
    assert last["state"] == "COMPLETED"
    assert megabytes(last["memory"]) >= 2 * megabytes(first["memory"])
    kept = re.search(rf"log: (\S*/{first['id']}\.log)", struck.log()).group(1)
    with open(kept) as log:
        assert "exceeded memory limit" in log.read()
    again(table_row, "SLURM: a training over its memory", first, "no model")


def test_jobs_of_a_node_that_died_run_on_another(struck, table_row):
    first, second = attempts(struck, NODE_DIED)
    assert (first["state"], second["state"]) == ("NODE_FAIL", "COMPLETED")
    assert first["node"] == struck.dead != second["node"]
    assert "continuing from checkpoint-" in log_of(struck, NODE_DIED)
    again(table_row, "SLURM: a node dies under a training", first, "no model, a checkpoint")


def again(table_row, case, first, left):
    """Row of a job that the same run of Snakemake submitted again."""
    table_row(case, f"{first['state']}, submitted again", left, "none: the same run did the job again")


def test_only_what_was_missing_ran(struck):
    rules = {job["comment"] for job in slurm_jobs() if job["id"] in struck.job_ids()}
    assert rules == {comment_of(model) for model in STRUCK}


@pytest.fixture(scope="module")
def out_of_time(copied):
    """A whole study whose head process is a job of three minutes: a signal ends it two minutes earlier."""
    project = copied()
    project.head = project.start_in_a_job(minutes=3)
    return project


# `out_of_time` is only started here, so that its minute passes meanwhile.
@pytest.mark.usefixtures("out_of_time")
def test_killed_head_process_is_taken_up_again(finished, tmp_path, table_row):
    """kill -9 of Snakemake: cancel what it left, --unlock, and the same command does what is missing."""
    models = [CANCELLED, OVER_TIME]
    project = copy_without(finished, tmp_path / "project", models, gpu="gpu")
    process = project.start(*map(folder_of, models))
    hang_in_training(project, OVER_TIME, process)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    # On a site that asks with --gpus, both are submitted at once: the one GPU of a job is no limit on jobs.
    both = [found.end() for found in re.finditer("has been submitted", project.log())]
    assert len(both) == 2
    assert "Finished jobid" not in project.log()[: both[1]]

    # What the head process had submitted runs on without it; its run's name finds them.
    left = project.job_ids()
    name = re.search(r"SLURM run ID: (\S+)", project.log()).group(1)
    cluster.run("scancel", f"--name={name}")
    wait_for("its jobs are gone", lambda: not [j for j in slurm_jobs() if j["id"] in left and alive(j)])
    before = {p: p.stat().st_mtime_ns for p in project.results.rglob("*.parquet")}
    missing = [model for model in models if not is_whole(project, model)]
    assert OVER_TIME in missing

    locked = project.start(*map(folder_of, models))
    assert locked.wait() != 0
    assert "--unlock" in project.log()
    project.run("--unlock")
    project.submit(*map(folder_of, models))
    jobs = [job for job in slurm_jobs() if job["id"] in project.job_ids()]
    assert {job["comment"] for job in jobs} == {comment_of(model) for model in missing}
    assert {job["gpus"] for job in jobs} == {"gres:gpu:1"}
    assert "continuing from checkpoint-" in log_of(project, OVER_TIME)
    here, there = digests(finished.results), digests(project.results)
    assert [name for name in here if here[name] != there.get(name)] == []
    assert {p: p.stat().st_mtime_ns for p in before} == before
    table_row(
        "SLURM: kill -9 of Snakemake, its jobs cancelled by hand", "the next run names --unlock",
        "a lock, a checkpoint", f"{len(jobs)} finetune_model, from its checkpoint",
    )  # fmt: skip


def test_head_process_out_of_time_cancels_its_jobs_and_leaves_no_lock(out_of_time, table_row):
    head = out_of_time.head
    state = wait_for(
        "the head process ends",
        lambda: next((job["state"] for job in slurm_jobs() if job["id"] == head and not alive(job)), None),
    )
    assert state == "FAILED"
    assert "Terminating processes on user request" in out_of_time.log()
    assert not [job for job in slurm_jobs() if job["id"] in out_of_time.job_ids() and alive(job)]
    assert not list((out_of_time.folder / ".snakemake/locks").glob("*"))
    made = list((out_of_time.results / "data").rglob("*.parquet"))
    assert made
    planned = out_of_time.planned()
    for path in made:
        assert ("build_data", f"dataset={path.parent.name}, split={path.stem}") not in planned
    table_row(
        "SLURM: the head process, a job itself, is out of time",
        "its jobs are cancelled",
        "no lock",
        "the rest",
    )


def test_wrong_site_is_told_by_the_first_job(copied, table_row):
    """Not waited for, as a group would be; nothing is begun."""
    project = copied(partition="nowhere")
    process = project.start("results/tiny/data/news/test.parquet")
    assert process.wait(120) == 1
    assert "invalid partition specified: nowhere" in project.log()
    assert not list((project.results / "data").rglob("*.parquet"))
    assert not list((project.folder / ".snakemake/locks").glob("*"))
    table_row(
        "SLURM: a partition that does not exist", "the first job says so, the run ends", "nothing", "all"
    )


def alive(job):
    return job["state"] in ("RUNNING", "PENDING", "COMPLETING", "CONFIGURING")


def is_whole(project, model):
    """Whether Snakemake counts a model as made: it is there and not marked as begun."""
    planned = project.planned(folder_of(model))
    return ("finetune_model", "task={}, model={}".format(*model)) not in planned


def megabytes(text):
    return float(text.rstrip("MG")) * (1024 if text.endswith("G") else 1)
