"""What SLURM and the starting of jobs on nodes cost: one study run twice, here and through profiles/slurm.

    sudo python tests/slurm/cluster.py up
    python benchmarks/measure_overhead.py --test-cluster --cores 2    # the embedded study; or --configfile
    sudo python tests/slurm/cluster.py down

Both runs start from nothing, in copies of this project. Overhead is the part of the SLURM run's wall time
that the same study does not take without SLURM on as many processors:

    overhead = 1 - wall(local) / wall(SLURM)

Submitting, waiting in the queue, starting Snakemake on the node, and noticing that a job has ended are all
in it. `--cores` must be the processors that the nodes have: on the test cluster, whose four nodes share
this machine, those of the machine. Without --test-cluster the profile's site lines count as they stand.
`--local FOLDER` takes the first run from a project where it was made from nothing in one go (by `make`,
say), and its wall time from Snakemake's log there.
"""

import argparse
import datetime
import re
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd
import yaml

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "slurm"))

from slurm_projects import SITE, SlurmProject

from projects import ROOT, Project, copy_project


def main(arguments=None):
    """Run both and print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--configfile", default="config.yaml")
    parser.add_argument("--cores", type=int, required=True, help="processors that the nodes have in all")
    parser.add_argument("--local", type=Path, help="a project in which the study was run whole just now")
    parser.add_argument("--test-cluster", action="store_true", help="fill in the site of tests/slurm")
    parser.add_argument("--limit", type=int, default=3600, help="seconds that one run may take")
    options = parser.parse_args(arguments)
    study = yaml.safe_load((ROOT / options.configfile).read_text())["study"]

    with tempfile.TemporaryDirectory(prefix="overhead-") as folder:
        here = Project(options.local) if options.local else copy_project(Path(folder) / "local")
        if options.local:
            local = wall_of_whole_run(here.folder)
        else:
            start = time.monotonic()
            done = here.run(
                "--cores",
                str(options.cores),
                configfile=options.configfile,
                check=False,
                timeout=options.limit,
            )
            local = time.monotonic() - start
            if done.returncode:
                sys.exit(done.stdout[-4000:])

        there = SlurmProject(
            copy_project(Path(folder) / "slurm").folder,
            site=SITE if options.test_cluster else {},
            limit=options.limit,
        )
        start = time.monotonic()
        log = there.submit(configfile=options.configfile)
        slurm = time.monotonic() - start
        submitted = len(there.job_ids())
        tables = [benchmarks(project.folder / "results" / study) for project in (here, there)]

    print(f"| `{study}` | jobs | wall, s | job seconds | processor seconds of jobs |")
    print("|---|---:|---:|---:|---:|")
    for name, jobs, wall, table in (
        (f"local, {options.cores} cores", f"{len(tables[0])}", local, tables[0]),
        ("SLURM", f"{len(tables[1])} in {submitted}", slurm, tables[1]),
    ):
        print(f"| {name} | {jobs} | {wall:.0f} | {table['s'].sum():.0f} | {table['cpu_time'].sum():.0f} |")
    again = len(re.findall(r"^Trying to restart job", log, flags=re.M))
    print(f"\nOverhead: 1 - {local:.0f} / {slurm:.0f} = {1 - local / slurm:.0%}; jobs tried again: {again}")


def wall_of_whole_run(folder):
    """Seconds from the start to the end of the first run in a project, which must have made everything."""
    log = min((folder / ".snakemake/log").glob("*.snakemake.log"))
    text = log.read_text()
    if not re.search(r"^(\d+) of \1 steps \(100%\) done", text, flags=re.M):
        sys.exit(f"The first run in {folder} did not make everything in one go: see {log}")
    start = datetime.datetime.strptime(log.name.removesuffix(".snakemake.log"), "%Y-%m-%dT%H%M%S.%f")
    return log.stat().st_mtime - start.timestamp()


def benchmarks(results):
    """One row for each job that wrote a benchmark file."""
    return pd.concat(
        [pd.read_csv(path, sep="\t") for path in sorted((results / "benchmarks").rglob("*.tsv"))]
    )


if __name__ == "__main__":
    main()
