"""Part of the small study over a real SLURM: the same bytes, all nodes, two GPU jobs at once, few jobs."""

import re
import shutil
import time
from collections import Counter
from pathlib import Path

import cluster
import pandas as pd
import pytest
from slurm_projects import SITE, SlurmProject, job_of, slurm_jobs

from projects import digests, take_back, unfinished

pytestmark = pytest.mark.slurm

# Of what a job asks for, this is left to the two Snakemakes that start it on its node.
STARTERS_MB = 300
PREDICTION = ".predict_split.py"


@pytest.fixture(scope="module")
def over_slurm(finished, tmp_path_factory):
    """Two of the tiny study's models, with their trainings and attacks, and all that compares models.

    Through the shipped profile, on a site that asks for GPUs by gres. The head process is a job too, as
    docs/slurm.md shows. SLURM ends it after its time; Snakemake on its own can wait forever for a job that
    SLURM no longer knows.
    """
    folder = tmp_path_factory.mktemp("slurm") / "project"
    shutil.copytree(finished.folder, folder, symlinks=True)
    project = SlurmProject(folder, site={**SITE, "gpu": "gpu:1", "gpu_partition": "gpu"})
    take_back(project.results, "small", "pupil")
    head = project.start_in_a_job(minutes=25)
    project.gpu_jobs_at_once = project.predictions_in_one_job = 0
    while state_of(head) in ("PENDING", "RUNNING", "COMPLETING"):
        running = [job for job in slurm_jobs() if job["state"] == "RUNNING" and "gpu" in job["gres"]]
        project.gpu_jobs_at_once = max(project.gpu_jobs_at_once, len(running))
        predicting = Counter(
            slurm_job_of(pid) for pid, command in cluster.processes().items() if PREDICTION in command
        )
        del predicting[None]
        project.predictions_in_one_job = max(project.predictions_in_one_job, *predicting.values(), 0)
        time.sleep(0.5)
    assert state_of(head) == "COMPLETED", project.log()[-6000:]
    print(cluster.list_jobs())
    ids = project.job_ids()
    project.jobs = [job for job in slurm_jobs() if job["id"] in ids]
    return project


def state_of(job_id):
    """State of a SLURM job."""
    return next(job["state"] for job in slurm_jobs() if job["id"] == job_id)


def slurm_job_of(pid):
    """Id of the SLURM job that a process belongs to; None for one that has ended or belongs to none."""
    try:
        environment = Path(f"/proc/{pid}/environ").read_text(errors="replace").split("\0")
    except OSError:
        return None
    return dict(entry.partition("=")[::2] for entry in environment).get("SLURM_JOB_ID")


def test_same_bytes_as_without_slurm(over_slurm, finished):
    """Left of agreement, agreement, scorecard, figures, tables: every file whose bytes are promised."""
    here, there = digests(finished.results), digests(over_slurm.results)
    assert any(name.startswith("agreement/") for name in here)
    assert here.keys() == there.keys()
    assert [name for name in here if here[name] != there[name]] == []


def test_nothing_unfinished_is_left(over_slurm):
    assert unfinished(over_slurm.results) == []
    assert list((over_slurm.folder / ".snakemake/incomplete").glob("*")) == []
    assert slurm_jobs_alive(over_slurm) == []


def slurm_jobs_alive(project):
    return [job for job in project.jobs if job["state"] in ("RUNNING", "PENDING", "COMPLETING")]


def test_every_node_works_and_every_job_succeeds_at_once(over_slurm):
    assert {job["state"] for job in over_slurm.jobs} == {"COMPLETED"}
    assert {job["node"] for job in over_slurm.jobs} == set(cluster.NODES)


def test_two_gpu_jobs_run_at_once(over_slurm):
    assert over_slurm.gpu_jobs_at_once >= 2


def test_jobs_that_share_a_gpu_take_turns(over_slurm):
    assert over_slurm.predictions_in_one_job == 1


def test_gpus_are_asked_for_by_what_needs_them_and_no_other(over_slurm):
    for job in over_slurm.jobs:
        rule = job["comment"].removeprefix("rule_")
        on_gpu = rule.startswith(("finetune", "train_masked_lm", "attack", "transfer", "model_"))
        assert (job["gres"] == "gres:gpu:1") == on_gpu, job
        assert (job["node"] in cluster.GPU_NODES) or not on_gpu, job


def test_short_jobs_share_one(over_slurm):
    """Jobs of SLURM are half as many as Snakemake's; what is made of the agreement tables is one."""
    done = over_slurm.log().count("Finished jobid")
    assert len(over_slurm.jobs) <= 0.55 * done, (len(over_slurm.jobs), done)
    assert len([job for job in over_slurm.jobs if job["comment"].startswith("rule_pages_")]) == 1
    # The executor never reports a group that it cannot submit, so a single job goes first.
    first = re.search(r"has been submitted with SLURM jobid \d+ \(log: \S+?/(rule|group)_", over_slurm.log())
    assert first.group(1) == "rule"


def test_requests_are_above_what_was_measured(over_slurm):
    """A job alone in its SLURM job stayed below the memory it asked for, less what its starters take."""
    checked = 0
    for path in (over_slurm.results / "benchmarks").rglob("*.tsv"):
        inside = path.relative_to(over_slurm.results / "benchmarks").with_suffix("").parts
        comment = "_".join(["rule", inside[0], *(["wildcards", *inside[1:]] if len(inside) > 1 else [])])
        job = job_of(comment, over_slurm.job_ids())
        if job:
            asked = float(job["memory"].rstrip("MG")) * (1024 if job["memory"].endswith("G") else 1)
            assert pd.read_csv(path, sep="\t")["max_rss"].iloc[0] + STARTERS_MB <= asked, path
            checked += 1
    assert checked >= 10
