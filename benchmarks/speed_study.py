"""A whole study beside its own jobs: what starting them and Snakemake itself cost."""

import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
from measure_overhead import wall_of_whole_run
from race import children

ROOT = Path(__file__).resolve().parents[1]
# Rules with a row of their own.
MOST = 8
# What scripts import only once they know that there is something to do.
LATER = {"attack_model": "; import miniature.attack.search.load"}


def study_lines(project: Path, study: str) -> list[str]:
    """Lines about a study that was run from nothing to its end, in one go, in a project's folder."""
    jobs = read_jobs(project / "results" / study / "benchmarks")
    wall, cores = wall_of_whole_run(project), cores_of_run(project)
    rules = jobs.groupby("rule").agg(jobs=("s", "size"), wall=("s", "sum"), cpu=("cpu_time", "sum"))
    rules["start"] = [start_of(rule) for rule in rules.index]
    # A job that ends between two looks of Snakemake's has no more than it took to start.
    rules["own"] = (rules["wall"] - rules["jobs"] * rules["start"]).clip(lower=0)
    whole = wall * cores
    rows = rules.sort_values("wall", ascending=False)
    rest = rows.iloc[MOST:]
    last = {"jobs": rest["jobs"].sum(), "wall": rest["wall"].sum(), "cpu": rest["cpu"].sum(),
            "start": (rest["jobs"] * rest["start"]).sum() / max(1, rest["jobs"].sum()),
            "own": rest["own"].sum()}  # fmt: skip
    listed = [*rows.head(MOST).iterrows(), (f"{len(rest)} others", last)]
    return [
        f"`{study}`: {len(jobs)} jobs in {wall:.0f} s on {cores} cores, {whole:.0f} core seconds. Jobs "
        f"ran in {rules['wall'].sum() / whole:.0%} of them, and beyond the imports of their scripts in "
        f"{rules['own'].sum() / whole:.0%}.\n",
        "| rule | jobs | wall, s | CPU, s | start of one, CPU s | beyond starts, share of core seconds |",
        "|---|---:|---:|---:|---:|---:|",
        *(
            f"| {rule} | {row['jobs']:.0f} | {row['wall']:.0f} | {row['cpu']:.0f} | {row['start']:.2f} | "
            f"{row['own'] / whole:.1%} |"
            for rule, row in listed
        ),
    ]


def read_jobs(folder: Path) -> pd.DataFrame:
    """One row a job, from Snakemake's benchmark files."""
    found = []
    for path in sorted(folder.rglob("*.tsv")):
        rule = path.relative_to(folder).parts[0].removesuffix(".tsv")
        found.append(pd.read_csv(path, sep="\t").assign(rule=rule))
    return pd.concat(found)


def cores_of_run(project: Path) -> int:
    """Cores that Snakemake was given in the first run of a project."""
    log = min((project / ".snakemake/log").glob("*.snakemake.log"))
    return int(re.search(r"^Provided cores: (\d+)", log.read_text(), flags=re.M)[1])


def empty_job(rule: str) -> str:
    """A program that does what a rule's job does before and after its work."""
    return (
        "import sys; sys.path.insert(0, 'scripts'); "
        f"snakemake = type('S', (), {{'rule': {rule!r}, 'log': [], 'params': {{}}}})(); "
        f"import {rule}{LATER.get(rule, '')}; from _job import run_job; run_job(lambda _: None, snakemake)"
    )


def start_of(rule: str) -> float:
    """Processor seconds of a rule's job with nothing to do."""
    began = children()
    subprocess.run([sys.executable, "-c", empty_job(rule)], cwd=ROOT, check=True)
    return children() - began
