"""Machines that refuse: a full disk, no memory, no permission, a clock set back, two runs in one folder."""

import functools
import os
import resource
import shlex
import shutil
import subprocess
import time

import pytest

from fault_runs import again, hidden, is_locked, take_away
from projects import jobs_in

pytestmark = pytest.mark.workflow

NEIGHBORS = "results/tiny/neighbors/encyclopedia/encyclopedia/test/small.npy"
ERRORS = "results/tiny/errors/reviews/reviews/test/small.parquet"
MODEL = "results/tiny/models/reviews/small"


@functools.cache
def own_mounts():
    """Command that runs another where it may mount what it likes; skips the test where there is none."""
    if shutil.which("unshare"):
        for command in (["unshare", "--mount"], ["unshare", "--user", "--map-root-user", "--mount"]):
            if subprocess.run([*command, "true"], capture_output=True).returncode == 0:
                return command
    pytest.skip("mounting a small or a read-only disk needs root or user namespaces (unshare)")


def run_mounted(project, script):
    """Run shell lines in the project with mounts of their own, `snakemake` standing for the usual command."""
    snakemake = shlex.join(project.command("--cores", "1"))
    lines = f'snakemake() {{ {snakemake} -- "$@"; }}\n{script}'
    return subprocess.run(
        [*own_mounts(), "sh", "-c", lines], cwd=project.folder, text=True, timeout=300,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


@pytest.mark.fault
def test_the_disk_is_full(project, table_row):
    before = project.contents()
    folder = (project.folder / NEIGHBORS).parent
    done = run_mounted(
        project,
        f"""
        mount -t tmpfs -o size=4k tmpfs {folder} || exit 9
        touch {folder}/of-another-model
        snakemake {NEIGHBORS}
        echo "first run: $?"
        echo "left: $(find {folder} -type f | wc -l)"
        mount -o remount,size=1m {folder} || exit 9
        snakemake {NEIGHBORS}
        echo "second run: $?"
        cp {folder}/small.npy {folder}/small.ties.parquet .
        """,
    )
    assert done.returncode == 0, done.stdout
    assert "first run: 1" in done.stdout
    assert "The disk is full." in done.stdout
    assert "make room there" in done.stdout
    assert "Traceback" not in done.stdout
    assert "left: 1" in done.stdout
    assert "second run: 0" in done.stdout
    for name in ("small.npy", "small.ties.parquet"):
        assert (project.folder / name).read_bytes() == (folder / name).read_bytes()
    assert project.contents() == before
    table_row("a full disk", "the job says so and fails", "nothing of its files", "find_neighbors")


@pytest.mark.fault
def test_files_may_not_grow(project, table_row):
    before = project.contents()
    path = take_away(project, MODEL)
    done = limited(project, MODEL, resource.RLIMIT_FSIZE, 30_000)
    assert done.returncode != 0
    assert "exceed the allowed size" in done.stdout
    assert not path.exists()
    partial = project.results / ".partial/models/reviews/small"
    assert not list(partial.glob("*/checkpoint-*"))
    jobs = again(project, MODEL, before)
    assert jobs == ["finetune_model"]
    assert "continuing" not in project.log_of("finetune_model/reviews/small")
    table_row(
        "a quota in the middle of a training",
        "the job says so and fails",
        "an unfinished checkpoint, which is not taken",
        "finetune_model, from the start",
    )


def limited(project, wanted, what, limit):
    return subprocess.run(
        project.command("--cores", "1", wanted), cwd=project.folder, text=True, timeout=300,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        preexec_fn=lambda: resource.setrlimit(what, (limit, limit)),
    )  # fmt: skip


@pytest.mark.fault
def test_memory_is_short(project, table_row):
    before = project.contents()
    path = take_away(project, ERRORS)
    done = project.spoil("--cores", "1", ERRORS, file="errors/reviews", do="no memory")
    assert done.returncode != 0
    assert "There is not enough memory." in done.stdout
    assert "mem_mb" in done.stdout
    assert "Traceback" not in done.stdout
    assert not is_locked(project)
    assert not path.exists()
    assert not hidden(path.parent)
    jobs = again(project, ERRORS, before)
    assert jobs == ["find_errors"]
    table_row(
        "a job without enough memory", "the job says so and fails", "nothing of its files", "find_errors"
    )


@pytest.mark.fault
def test_results_can_only_be_read(project, table_row):
    before = project.contents()
    path = take_away(project, ERRORS)
    done = run_mounted(
        project,
        f"""
        mount --bind results results && mount -o remount,bind,ro results || exit 9
        snakemake {ERRORS}
        echo "status: $?"
        """,
    )
    assert "status: 1" in done.stdout, done.stdout
    assert "Read-only file system" in done.stdout
    assert not path.exists()
    assert not is_locked(project)
    jobs = again(project, ERRORS, before)
    assert jobs == ["find_errors"]
    table_row(
        "a results folder that can only be read",
        "Snakemake names the file that it may not write",
        "everything as it was",
        "find_errors",
    )


@pytest.mark.fault
def test_two_runs_at_once(project, table_row):
    before = project.contents()
    take_away(project, ERRORS)
    first = project.start_spoilt("--cores", "1", ERRORS, file="errors/reviews", do="wait")
    try:
        end = time.monotonic() + 120
        while not (project.folder / "job-waits").exists():
            assert first.poll() is None
            assert time.monotonic() < end
            time.sleep(0.05)
        second = project.run("--cores", "1", "errors", check=False)
    finally:
        (project.folder / "job-may-go-on").touch()
        first.communicate(timeout=120)
    assert second.returncode != 0
    assert "locked" in second.stdout
    assert jobs_in(second.stdout) == set()
    assert first.returncode == 0
    assert project.contents() == before
    assert not is_locked(project)
    table_row(
        "two runs at once",
        "the second is told that the folder is locked and runs nothing",
        "the first run's files, whole",
        "none",
    )


@pytest.mark.fault
def test_results_vanish_under_a_running_job(project, table_row):
    before = project.contents()
    wanted = "results/tiny/data/reviews/test.parquet"
    take_away(project, wanted)
    done = project.spoil("--cores", "1", wanted, "results/tiny/data/news/test.parquet",
                         file="data/reviews", do="remove results")  # fmt: skip
    assert done.returncode != 0
    done = project.run("--cores", "1", wanted, "results/tiny/data/news/test.parquet")
    after = project.contents()
    assert after == {name: before[name] for name in ("data/news/test.parquet", "data/reviews/test.parquet")}
    jobs = [rule for rule, _ in jobs_in(done.stdout)]
    assert jobs == ["build_data", "build_data"]
    table_row(
        "the results folder is removed during a run",
        "the job fails",
        "nothing",
        "all that is asked for: 2 build_data",
    )


@pytest.mark.fault
def test_clock_is_set_back(project, table_row):
    future = time.time() + 30 * 86400
    prediction = project.results / "predictions/reviews/reviews/test/small.parquet"
    os.utime(prediction, (future, future))
    # Small files are compared by content, so that a time alone reruns nothing.
    assert project.planned("errors") <= {("errors", "")}
    table_row(
        "a clock set back: a file from the future",
        "its content is compared, not its time alone",
        "everything",
        "none",
    )


@pytest.mark.fault
def test_records_of_snakemake_are_lost(project, table_row):
    before = project.contents()
    shutil.rmtree(project.folder / ".snakemake")
    done = project.run("--cores", "1", "errors")
    assert project.contents() == before
    jobs = {rule for rule, _ in jobs_in(done.stdout)}
    assert jobs <= {"errors"}
    table_row("the folder .snakemake is lost", "files are judged by their times", "everything", "none")
