"""Seconds and memory of everything right of the per-model results, for nine models at the size of SQuAD.

    python benchmarks/measure_analysis.py
    python benchmarks/measure_analysis.py --examples 2000 --k-max 200 --threads 1

Writes a synthetic study, then runs the `main` of each compare script and of the scorecard's on it, each in a
process of its own, as the workflow does. Fails where the whole takes more than four minutes or a process more
than 4 GB, or where one imports torch. Seconds depend on what else the machine does, CPU seconds less so.
"""

import argparse
import importlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

SCRIPTS = Path(__file__).resolve().parents[1] / "scripts"
# The limits that the project sets itself for two cores. Most of the time goes into intervals of neighbors,
# and grows with their number: at the 100 of config/paper.yaml it is a fifth of that at 1000.
MOST_SECONDS, MOST_MEGABYTES = 240, 4096
JOBS = (
    "measure_calibration", "compare_errors", "compare_representation", "compare_distribution",
    "compare_vulnerability", "compare_calibration", "compare_attribution", "score_models",
)  # fmt: skip
# Jobs of single models that only bring a job's input; the workflow counts them among the per-model ones.
PREPARING = ("measure_calibration",)
REVIEWS = {"task": "reviews", "measure": "jaccard", "keep": 0.8}
VERDICT = {
    "errors": REVIEWS,
    "representation": {"task": "questions", "measure": "jaccard", "k": 10, "keep": 0.8},
    "distribution": {
        "task": "questions", "ood_dataset": "news", "measure": "jaccard_ood", "k": 50, "keep": 0.8,
    },
    "vulnerability": REVIEWS | {"recipe": "synonyms"},
    "calibration": {"task": "reviews", "measure": "brier_difference", "margin": 0.02},
    "attribution": REVIEWS | {"k": 3},
}  # fmt: skip


class Files(SimpleNamespace):
    """Named files of a job, also by number and with a default, as Snakemake gives them."""

    def __getitem__(self, number: int) -> object:
        return list(vars(self).values())[number]

    def items(self) -> list[tuple[str, object]]:
        """Names and files."""
        return list(vars(self).items())

    def get(self, name: str, default: object = None) -> object:
        """File or files of a name."""
        return getattr(self, name, default)


def describe_job(
    job: str, folder: Path, models: list[str], resampling: dict, threads: int = 1
) -> tuple[Files, ...]:
    """Input, output, parameters and wildcards of a job, as its rule would give them."""
    characteristic = job.removeprefix("compare_")
    agreement = folder / "agreement"
    out = Files(
        agreement=agreement / f"{characteristic}.csv",
        resamples=agreement / f"{characteristic}.resamples.parquet",
    )
    verdict = VERDICT.get(characteristic, {})
    shared = {"reference": models[0], "resampling": resampling, "verdict": verdict}
    common = {"models": models, "comparing": shared}
    wildcards = {key: verdict[key] for key in ("task", "ood_dataset", "recipe") if key in verdict}

    def of_models(place: str, ending: str = ".parquet") -> list[Path]:
        return [folder / place / f"{model}{ending}" for model in models]

    review_table, answers = folder / "data/reviews/test.parquet", "reviews/reviews/test"
    if job == "compare_errors":
        given = Files(errors=of_models(f"errors/{answers}"), predictions=of_models(f"predictions/{answers}"),
                      table=review_table)  # fmt: skip
        more = {"predicting": models, "labels": ["negative", "positive"], "kind": "classification"}
    elif job == "compare_calibration":
        given = Files(confidences=of_models("calibration"), table=review_table)
        more = {"bins": 15}
    elif job == "compare_vulnerability":
        given = Files(attacks=of_models("attacks/reviews/synonyms"), table=review_table)
        more = {}
    elif job == "compare_attribution":
        given = Files(attributions=of_models("attributions/reviews/reviews/test"), table=review_table)
        more = {"method": "integrated_gradients", "k_max": 10}
    elif job == "compare_representation":
        place = "questions/questions/test"
        given = Files(
            neighbors=of_models(f"neighbors/{place}", ".npy"),
            rankings=of_models(f"neighbors/{place}", ".ranking.npy"),
            ties=of_models(f"neighbors/{place}", ".ties.parquet"),
            embeddings=of_models(f"embeddings/{place}", ".npy"),
            table=folder / "data/questions/test.parquet",
        )
        more = {"compute_threads": threads}
        shared["feature"] = "cls"
    elif job == "compare_distribution":
        given = Files(
            ood=of_models("ood/questions/news"),
            calibration=of_models("ood/questions/news", ".calibration.parquet"),
            test_table=folder / "data/questions/test.parquet",
            ood_table=folder / "data/news/test.parquet",
            calibration_table=[folder / "data/questions/calibration.parquet"],
        )
        more = {"percentile": 95}
        shared["feature"] = "cls"
    else:
        names = [name for name in VERDICT if (agreement / f"{name}.csv").exists()]
        given = Files(
            agreement=[agreement / f"{name}.csv" for name in names],
            resamples=[agreement / f"{name}.resamples.parquet" for name in names],
        )
        out = Files(card=folder / "scorecard.csv")
        floor = [
            {"model": m, "kind": "retrained", "of": models[0], "origin": m}
            for m in models
            if m.startswith(f"{models[0]}.seed")
        ]
        verdict = {name: VERDICT[name] for name in names}
        more = {
            "reference": models[0],
            "resampled": names,
            "verdict": verdict,
            "floor": floor,
            "family": "model",
        }
    return given, out, Files(**(common | more)), Files(**wildcards)


def run_job(job: str, folder: Path, threads: int, resampling: dict) -> dict:
    """Run one script in this process and say what it cost."""
    start = time.perf_counter()
    sys.path.insert(0, str(SCRIPTS))
    from miniature.job.compute import set_threads

    set_threads(threads)
    script = importlib.import_module(job)
    import numpy  # noqa: F401  # its threads can be set only once it is there

    set_threads(threads)
    models = json.loads((folder / "models.json").read_text())
    for parts in models if job in PREPARING else [models]:
        if job in PREPARING:
            place = folder / "predictions/reviews/reviews/test" / f"{parts}.parquet"
            given, out = Files(predictions=place), Files(table=folder / "calibration" / f"{parts}.parquet")
            params, wildcards = Files(labels=["negative", "positive"]), Files()
        else:
            given, out, params, wildcards = describe_job(job, folder, parts, resampling, threads)
        script.main(SimpleNamespace(input=given, output=out, params=params, wildcards=wildcards))
    used, shared = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return {
        "job": job,
        "seconds": round(time.perf_counter() - start, 2),
        "cpu_seconds": round(used.ru_utime + used.ru_stime + shared.ru_utime + shared.ru_stime, 2),
        # Of a process that shares the work, which reads most of it where its parent has it, too.
        "megabytes": round(max(used.ru_maxrss, shared.ru_maxrss) / 1024),
        "torch": "torch" in sys.modules,
    }


def main() -> int:
    """Measure every job and say whether the limits hold."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--examples", type=int, default=12_000)
    parser.add_argument("--k-max", type=int, default=1000)
    parser.add_argument("--widest", type=int, default=1024, help="no embeddings wider than this")
    parser.add_argument("--resamples", type=int, default=2000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--jobs", nargs="*", default=list(JOBS), choices=JOBS)
    parser.add_argument("--folder", type=Path, help="keep the synthetic study here, and use the one that is")
    parser.add_argument("--in-process", dest="job", help=argparse.SUPPRESS)
    options = parser.parse_args()
    resampling = {"resamples": options.resamples, "blocks": 20, "rsa_examples": 1000, "seed": 0}
    if options.job:
        print(json.dumps(run_job(options.job, options.folder, options.threads, resampling)))
        return 0
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        if not (folder / "models.json").exists():
            sys.path.insert(0, str(SCRIPTS))
            from analysis_study import HIDDEN, Sizes, write_study

            write_study(folder, Sizes(options.examples, options.k_max, options.widest), seed=0)
            (folder / "models.json").write_text(json.dumps(list(HIDDEN)))
        return measure_jobs(folder, options, resampling)


def measure_jobs(folder: Path, options: argparse.Namespace, resampling: dict) -> int:
    """Run the jobs one after the other and print a line for each and one for all."""
    environment = os.environ | {"OMP_NUM_THREADS": str(options.threads)}
    command = [
        sys.executable, __file__, "--folder", str(folder), "--threads", str(options.threads),
        "--resamples", str(resampling["resamples"]), "--in-process",
    ]  # fmt: skip
    print(f"load average {os.getloadavg()[0]:.2f} on {os.cpu_count()} cores, {options.threads} threads a job")
    print(f"{'job':<24}{'seconds':>10}{'CPU seconds':>14}{'MB':>8}")
    measured = []
    for job in options.jobs:
        done = subprocess.run([*command, job], env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            print(done.stderr, file=sys.stderr)
            return 1
        found = json.loads(done.stdout.splitlines()[-1])
        note = "  (per model, not counted)" if job in PREPARING else ""
        print(f"{job:<24}{found['seconds']:>10.2f}{found['cpu_seconds']:>14.2f}{found['megabytes']:>8}{note}")
        if job not in PREPARING:
            measured.append(found)
    seconds, cpu = (sum(f[name] for f in measured) for name in ("seconds", "cpu_seconds"))
    most = max(f["megabytes"] for f in measured)
    print(f"{'all':<24}{seconds:>10.2f}{cpu:>14.2f}{most:>8}")
    torch = [f["job"] for f in measured if f["torch"]]
    problems = [
        *([f"{seconds:.0f} s are more than {MOST_SECONDS}."] if seconds > MOST_SECONDS else []),
        *([f"{most} MB are more than {MOST_MEGABYTES}."] if most > MOST_MEGABYTES else []),
        *([f"torch was imported by {', '.join(torch)}."] if torch else []),
    ]
    print("\n".join(problems) or f"Within {MOST_SECONDS} s and {MOST_MEGABYTES} MB, without torch.")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
