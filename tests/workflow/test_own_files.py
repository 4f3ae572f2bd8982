"""A user's own files: replaced by older ones, and in a folder whose name has a blank."""

import json
import os
import subprocess
import sys

import pandas as pd
import pytest
import yaml

from projects import copy_project, jobs_in

pytestmark = pytest.mark.workflow

WORDS = ["good film", "bad film", "good plot", "bad plot"] * 10
LABELS = ["good", "bad"] * 20


def write_study(folder):
    """Two models by their predictions, on forty texts."""
    rows = [
        {"id": f"r{i}", "text": t, "label": n} for i, (t, n) in enumerate(zip(WORDS, LABELS, strict=True))
    ]
    (folder / "test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    right = {row["id"]: row["label"] for row in rows}
    wrong = {key: "bad" if int(key[1:]) < 30 else name for key, name in right.items()}
    for name, given in (("large", right), ("small", right), ("older", wrong)):
        (folder / f"{name}.json").write_text(json.dumps(given))
    os.utime(folder / "older.json", (1_500_000_000, 1_500_000_000))
    study = {
        "study": "own", "reference": "large",
        "models": {n: {"predictions": {"reviews": {"path": f"{n}.json"}}} for n in ("large", "small")},
        "datasets": {
            "reviews": {
                "task": "classification", "format": "jsonl", "labels": {"good": "good", "bad": "bad"},
                "columns": {"id": "id", "text": "text", "label": "label"},
                "splits": {"test": {"path": "test.jsonl", "examples": "all"}},
            }
        },
    }  # fmt: skip
    (folder / "own.yaml").write_text(yaml.safe_dump(study, sort_keys=False))


def test_an_older_file_is_read_and_a_blank_in_the_folder_is_no_hindrance(tmp_path):
    project = copy_project(tmp_path / "a clone")
    (project.folder / ".venv").symlink_to(sys.prefix)
    write_study(project.folder)

    def run(*words):
        python = str(project.folder / ".venv" / "bin" / "python")
        command = [
            python,
            "-m",
            "snakemake",
            "--cores",
            "1",
            "--configfile",
            "own.yaml",
            *words,
            "--",
            "errors",
        ]
        done = subprocess.run(
            command,
            cwd=project.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=900,
        )
        assert done.returncode == 0, done.stdout[-4000:]
        return done.stdout

    run()
    errors = project.folder / "results" / "own" / "errors" / "reviews" / "reviews" / "test" / "small.parquet"
    assert not pd.read_parquet(errors)["error"].any()
    assert "Nothing to be done" in run()
    # As cp -p does: other bytes, and a time long before the results.
    os.replace(project.folder / "older.json", project.folder / "small.json")
    planned = {rule for rule, _ in jobs_in(run("-n"))}
    assert "import_predictions" in planned
    assert "build_data" not in planned
    run()
    assert pd.read_parquet(errors)["error"].sum() == 15
