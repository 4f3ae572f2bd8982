"""`miniature audit` and plain Snakemake do the same work: one command to an answer, and the same bytes."""

import os
import shutil
import subprocess
import sys

import pandas as pd
import pytest

from projects import ROOT, digests
from small_models import save_classifier, toy_reviews

pytestmark = [pytest.mark.workflow, pytest.mark.slow]

SECRET = "zanzibar"


def command(folder, *words, check=True):
    done = subprocess.run(
        [sys.executable, "-m", "miniature.cli", *words], cwd=folder, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT / "scripts")},
    )  # fmt: skip
    assert not check or done.returncode == 0, done.stderr[-3000:]
    return done


@pytest.fixture(scope="module")
def audited(tmp_path_factory):
    """Two checkpoints and another training of the first, audited from a folder of their own."""
    folder = tmp_path_factory.mktemp("audit")
    for name in ("large", "small", "again"):
        save_classifier(folder / name, ["bad", "good"], "distilbert" if name == "small" else "bert")
    reviews = toy_reviews(40)
    reviews["text"] += f" {SECRET}"
    reviews.to_csv(folder / "test.csv", index=False)
    words = ["audit", "large", "small", "--again", "again", "--data", "test.csv", "--study", "ours"]
    return folder, words, command(folder, *words, "--cores", "2")


def test_the_answer_is_printed_in_few_lines(audited):
    folder, words, done = audited
    lines = done.stdout.splitlines()
    assert 0 < len(lines) <= 15
    assert "small" in done.stdout
    assert "Error" not in done.stderr
    # Nothing is left to do, and the answer is printed all the same.
    assert command(folder, *words).stdout == done.stdout
    assert command(folder, "audit", "ours.yaml").stdout == done.stdout
    status = command(folder, "gate", "ours.yaml", check=False).returncode
    assert status in (0, 1, 2)


def test_plain_snakemake_gives_the_same_bytes(audited, tmp_path):
    folder, _, _ = audited
    for name in ("ours.yaml", "test.csv"):
        shutil.copy2(folder / name, tmp_path)
    for name in ("large", "small", "again"):
        shutil.copytree(folder / name, tmp_path / name)
    snakemake = [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile"]
    profile = ["--workflow-profile", ROOT / "profiles" / "default"]
    subprocess.run(
        [*snakemake, *profile, "--cores", "1", "--configfile", "ours.yaml"], cwd=tmp_path, check=True,
        capture_output=True,
    )  # fmt: skip
    ours, theirs = digests(folder / "results" / "ours"), digests(tmp_path / "results" / "ours")
    assert len(ours) > 40
    assert ours == theirs


def test_changed_decisions_are_listed_and_texts_can_be_kept_out(audited):
    folder, _, _ = audited
    tables = folder / "results" / "ours" / "tables"
    changed = pd.read_csv(tables / "changed_small.csv")
    predictions = {
        name: pd.read_parquet(folder / f"results/ours/predictions/test/test/test/{name}.parquet")[
            "prediction"
        ]
        for name in ("large", "small")
    }
    assert len(changed) == int((predictions["large"] != predictions["small"]).sum())
    assert changed["text"].str.contains(SECRET).all()
    (folder / "private.yaml").write_text(
        (folder / "ours.yaml").read_text().replace("ours", "private") + "texts: false\n"
    )
    command(folder, "audit", "private.yaml", "--cores", "2")
    results = folder / "results" / "private"
    shown = [
        path
        for path in results.rglob("*")
        if path.suffix in (".md", ".csv", ".tex", ".html", ".svg", ".json", ".yaml", ".log")
        and path.is_file()
    ]
    assert len(shown) > 20
    assert not [
        path for path in shown if SECRET in path.read_text(errors="replace") and "models" not in path.parts
    ]


def test_a_job_that_fails_says_why_at_the_end_and_loses_nothing(audited, tmp_path):
    folder, words, done = audited
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy, symlinks=True)
    predictions = copy / "results/ours/predictions/test/test/test"
    kept = (predictions / "large.parquet").stat().st_mtime_ns
    (predictions / "small.parquet").write_bytes(b"PAR1 cut short")
    (copy / "results/ours/errors/test/test/test/small.parquet").unlink()
    failed = command(copy, *words, check=False)
    assert failed.returncode == 1
    # Which of the jobs that read it comes first is the scheduler's choice.
    assert ": The file is damaged" in failed.stderr, failed.stderr
    assert "small.parquet (renamed small.parquet.damaged)" in failed.stderr
    assert failed.stderr.strip().splitlines()[-2].strip().startswith("again: miniature audit ours.yaml")
    assert command(copy, *words).stdout == done.stdout
    assert (predictions / "large.parquet").stat().st_mtime_ns == kept
