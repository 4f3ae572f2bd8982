"""A copy of the project in a temporary folder, and real Snakemake runs in it."""

import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
TINY = "tests/config/tiny.yaml"


class Project:
    """A working copy that tests may edit.

    Parameters
    ----------
    folder : Path
        Where the copy lies.
    study : str
        Which study of ``tests/config`` is run where no other ``configfile`` is given.
    """

    def __init__(self, folder: Path, study: str = "tiny"):
        self.folder, self.study = folder, study

    @property
    def results(self) -> Path:
        return self.folder / "results" / self.study

    @property
    def configfile(self) -> str:
        return f"tests/config/{self.study}.yaml"

    def command(self, *words, configfile=""):
        configfile = self.configfile if configfile == "" else configfile
        snakemake = [sys.executable, "-m", "snakemake"]
        return [*snakemake, *words, *(["--configfile", configfile] if configfile else [])]

    def run(self, *words, configfile="", check=True, timeout=900, **environment):
        """Run Snakemake to its end; its output comes back with stderr in stdout."""
        done = subprocess.run(
            self.command(*words, configfile=configfile),
            cwd=self.folder, env={**os.environ, **environment}, timeout=timeout,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        if check:
            assert done.returncode == 0, done.stdout[-6000:]
        return done

    def planned(self, *words, configfile=""):
        """Set of (rule, wildcards) that a run would execute."""
        return jobs_in(self.run("-n", *words, configfile=configfile).stdout)

    def edit(self, name, old, new):
        """Replace text in a file; the text must be there."""
        path = self.folder / name
        text = path.read_text()
        assert old in text, f"{name} has no {old!r}"
        path.write_text(text.replace(old, new))

    def edit_config(self, change, name=None):
        """Change a study by a function of its loaded configuration."""
        path = self.folder / (name or self.configfile)
        config = yaml.safe_load(path.read_text())
        change(config)
        path.write_text(yaml.safe_dump(config, sort_keys=False))

    def spoil(self, *words, file, do, nth=1, **environment):
        """Run Snakemake and have a job do harm when it has written a file: see tests/faults/hooks."""
        process = self.start_spoilt(*words, file=file, do=do, nth=nth, **environment)
        output, _ = process.communicate(timeout=900)
        return subprocess.CompletedProcess(process.args, process.returncode, output)

    def start_spoilt(self, *words, file, do, nth=1, **environment):
        """As `spoil`, without waiting for the end."""
        hook = {"PYTHONPATH": str(ROOT / "tests/faults/hooks"), "FAULT_FILE": file, "FAULT_DO": do}
        return subprocess.Popen(
            self.command(*words), cwd=self.folder, start_new_session=True,
            env={**os.environ, **hook, "FAULT_NTH": str(nth), **environment},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip

    def contents(self):
        """SHA-256 of every result whose bytes are promised: no timings, logs or unfinished work."""
        return digests(self.results)

    def log_of(self, name):
        """Log of a job, by rule and wildcards."""
        return (self.results / "logs" / f"{name}.log").read_text()

    def kill_when(self, ready, *words, timeout=300):
        """Start Snakemake and kill it and all its children with -9 once `ready()` is true."""
        process = subprocess.Popen(
            self.command(*words), cwd=self.folder, start_new_session=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        end = time.time() + timeout
        try:
            while not ready():
                if process.poll() is not None:
                    raise AssertionError(
                        "Snakemake ended before it could be killed:\n" + process.stdout.read()[-4000:]
                    )
                assert time.time() < end, "nothing to kill in time"
                time.sleep(0.02)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            process.stdout.close()


def unfinished(results):
    """Files of work that was not ended; the journals of attacks stay, for more examples."""
    partial = results / ".partial"
    return [path for path in partial.rglob("*") if path.is_file() and path.name != "journal.jsonl"]


def digests(folder):
    """Digest of every file of a study whose bytes are promised, by its path in the results folder."""
    kept = {}
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        outside_the_promise = {"logs", "benchmarks", ".partial", "provenance.json"}
        # Times of this machine.
        timed = inside.parts[0] in ("tables", "figures") and inside.stem == "costs"
        timed |= inside.name == "report.html" and (folder / "tables/costs.csv").is_file()
        if (
            path.is_file()
            and not timed
            and inside.parts[0] not in outside_the_promise
            and path.name != ".snakemake_timestamp"
        ):
            kept[inside.as_posix()] = hashlib.sha256(path.read_bytes()).hexdigest()
    return kept


SHARED_BY_MODELS = {"data", "vocabulary", "masked_lms"}
OF_ONE_MODEL = {"models", "predictions", "embeddings", "errors", "neighbors", "ood", "attacks", "calibration"}


def model_of(name):
    """Model that a result belongs to, by its path in the results folder; None where it is not one model's."""
    parts = name.split("/")
    if parts[0] not in OF_ONE_MODEL or parts[-1] == "transfer.csv":
        return None
    if parts[0] == "models":
        return parts[2]
    return re.sub(r"(\.(calibration|ties|settings))?\.\w+$", "", parts[-1])


def target_of(name):
    """What Snakemake is asked for to make a file: itself, or the folder of its model."""
    return "/".join(name.split("/")[:3]) if name.startswith("models/") else name


def take_back(results, *models):
    """Remove every result that compares models, and all results of these models."""
    for name in digests(results):
        model = model_of(name)
        if model in models or (model is None and name.split("/")[0] not in SHARED_BY_MODELS):
            path = results / target_of(name)
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)


def jobs_in(output):
    """Jobs named in Snakemake's output, as a set of (rule, wildcards)."""
    jobs = set()
    for block in re.split(r"\n(?=\[|rule |localrule )", output):
        rule = re.search(r"^(?:local)?rule (\w+):", block, flags=re.M)
        if rule:
            wildcards = re.search(r"^    wildcards: (.*)$", block, flags=re.M)
            jobs.add((rule.group(1), wildcards.group(1) if wildcards else ""))
    return jobs


def finish(folder):
    """Copy the project and run its tiny study to the end; Snakemake's output."""
    return copy_project(folder).run("--cores", "2").stdout


def copy_project(folder, study="tiny"):
    """Copy what git tracks or would track, so that results and environments stay behind."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    for name in listed:
        source = ROOT / name
        if source.is_file():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
    return Project(folder, study)
