"""A record of what produced some results: code, settings, packages, machine, digests, time."""

import csv
import datetime
import json
import os
import platform
import subprocess
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path

from miniature.job.partial import digest_file

PACKAGES = (
    "snakemake", "torch", "transformers", "tokenizers", "datasets", "textattack", "numpy",
    "scipy", "pandas", "pyarrow", "scikit-learn", "matplotlib", "huggingface-hub",
)  # fmt: skip


def collect_provenance(
    *,
    config: Mapping,
    results: Iterable[Path],
    made_from: Iterable[Path],
    retrieved: Iterable[Path],
    benchmarks: Path,
    repository: Path,
) -> dict[str, object]:
    """Everything needed to trace where results come from.

    Parameters
    ----------
    config : mapping
        The validated study.
    results : iterable of Path
        Files to record with their SHA-256.
    made_from : iterable of Path
        Data tables and checkpoints behind them, recorded in the same way.
    retrieved : iterable of Path
        Retrieval records (id, resolved revision, digests, license); kept unchanged.
    benchmarks : Path
        Folder of Snakemake's benchmark tables; read for seconds and peak memory of each job.
    repository : Path
        A folder inside the project's checkout.

    Returns
    -------
    dict
        Plain values, for JSON. Contains times, so its bytes differ between runs.
    """
    jobs = read_benchmarks(benchmarks)
    return {
        "study": config["study"],
        "seed": config["seed"],
        "same_bytes_when_run_again": not timed_recipes(config),
        "recipes_with_time_budget": timed_recipes(config),
        "code": _checkout(repository),
        "config": config,
        "packages": {name: _version(name) for name in PACKAGES},
        "machine": {
            "python": platform.python_version(),
            "system": platform.system(),
            "processor": _processor(),
            "cores": os.cpu_count(),
        },
        "written": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "results": {path.as_posix(): digest_file(path) for path in results},
        "made_from": {path.as_posix(): digest_file(path) for path in made_from},
        "retrieved": {path.as_posix(): json.loads(path.read_text("utf-8")) for path in retrieved},
        "jobs": jobs,
        "job_seconds": round(sum(job["seconds"] for job in jobs), 1),
    }


def timed_recipes(config: Mapping) -> list[str]:
    """Attacks with a time budget: their results depend on the speed of the machine."""
    block = config["characteristics"].get("vulnerability", {})
    recipes = block.get("recipes", {}) if block.get("enabled", bool(block)) else {}
    return [name for name, recipe in recipes.items() if recipe.get("max_seconds") is not None]


def read_benchmarks(folder: Path) -> list[dict[str, object]]:
    """Seconds and peak memory of each finished job, sorted by name."""
    jobs = []
    for path in sorted(folder.rglob("*.tsv")):
        with path.open(newline="") as file:
            for row in csv.DictReader(file, delimiter="\t"):
                memory = row.get("max_rss", "")
                jobs.append(
                    {
                        "job": path.relative_to(folder).with_suffix("").as_posix(),
                        "seconds": float(row["s"]),
                        "max_rss_mb": float(memory) if memory.replace(".", "", 1).isdigit() else None,
                    }
                )
    return jobs


def _version(package: str) -> str | None:
    """Version of a package; None if this job's environment does not include it."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _checkout(folder: Path) -> dict[str, object]:
    """Commit and whether files differ from it; both None outside a checkout."""

    def git(*words):
        try:
            done = subprocess.run(
                ["git", "-C", str(folder), *words], capture_output=True, text=True, timeout=20
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    status = git("status", "--porcelain", "--untracked-files=no")
    return {"commit": git("rev-parse", "HEAD"), "modified": None if status is None else bool(status)}


def _processor() -> str:
    """Model name of the processor: results are identical only on one processor type."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
