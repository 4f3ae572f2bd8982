"""`miniature audit` and plain Snakemake do the same work: one command to an answer, and the same bytes."""

import os
import shlex
import shutil
import subprocess
import sys

import pandas as pd
import pytest

from pages import commands
from projects import ROOT, digests
from small_models import save_classifier, toy_reviews

pytestmark = [pytest.mark.workflow, pytest.mark.slow]

SECRET = "zanzibar"
# What README tells to type.
TYPED = [shlex.split(line) for line in commands((ROOT / "README.md").read_text(encoding="utf-8"))]


def command(folder, *words, check=True):
    done = subprocess.run(
        [sys.executable, "-m", "miniature.cli", *words], cwd=folder, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT / "scripts")},
    )  # fmt: skip
    assert not check or done.returncode == 0, done.stderr[-3000:]
    return done


@pytest.fixture(scope="module")
def audited(tmp_path_factory):
    """README's own command, on two checkpoints and another training of the first."""
    folder = tmp_path_factory.mktemp("audit")
    words = next(line for line in TYPED if line[1] == "audit")[1:]
    (folder / "models").mkdir()
    for name in ("large", "small", "large-seed2"):
        save_classifier(
            folder / "models" / name, ["bad", "good"], "distilbert" if name == "small" else "bert"
        )
    reviews = toy_reviews(40)
    reviews["text"] += f" {SECRET}"
    reviews.to_csv(folder / "test.csv", index=False)
    return folder, words, command(folder, *words, "--cores", "2")


def test_what_readme_says_works_in_its_order(audited):
    folder, words, done = audited
    after = [line[1:] for line in TYPED if line[0] == "miniature"]
    assert [line[0] for line in after] == ["audit", "check", "audit", "gate", "plan"]
    assert after[0] == words
    for line in after[1:]:
        status = command(folder, *line, check=False)
        assert status.returncode in ((0, 1, 2) if line[0] == "gate" else (0,)), status.stderr
        # Nothing is left to do, and the answer is printed all the same.
        assert line[0] != "audit" or status.stdout == done.stdout
    report = (folder / "results" / "shipping" / "report.html").read_text()
    assert 'id="changed-decisions"' in report
    assert report.count('<th scope="row">') == 1
    card = (folder / "results/shipping/cards/small.md").read_text()
    assert card.startswith("## Behavior compared with large")


def test_the_answer_is_printed_in_few_lines(audited):
    folder, words, done = audited
    lines = done.stdout.splitlines()
    assert 0 < len(lines) <= 15
    assert "small" in done.stdout
    assert "Error" not in done.stderr
    # The whole command again writes no other study and gives the same answer.
    assert command(folder, *words).stdout == done.stdout


def test_changed_decisions_are_listed(audited):
    folder, _, _ = audited
    results = folder / "results" / "shipping"
    changed = pd.read_csv(results / "tables" / "changed_small.csv")
    predictions = {
        name: pd.read_parquet(results / f"predictions/test/test/test/{name}.parquet")["prediction"]
        for name in ("large", "small")
    }
    assert len(changed) == int((predictions["large"] != predictions["small"]).sum())
    assert changed["text"].str.contains(SECRET).all()


def test_plain_snakemake_gives_the_same_bytes_once_texts_may_be_shown(audited, tmp_path):
    """First without the texts of the data, which stand nowhere then; then with them, as the audit."""
    folder, _, _ = audited
    for name in ("shipping.yaml", "test.csv"):
        shutil.copy2(folder / name, tmp_path)
    shutil.copytree(folder / "models", tmp_path / "models")
    results = tmp_path / "results" / "shipping"

    def snakemake():
        words = [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile"]
        words += ["--workflow-profile", ROOT / "profiles" / "default", "--cores", "1"]
        subprocess.run(
            [*words, "--configfile", "shipping.yaml"], cwd=tmp_path, check=True, capture_output=True
        )

    study = (tmp_path / "shipping.yaml").read_text()
    (tmp_path / "shipping.yaml").write_text(f"{study}texts: false\n")
    snakemake()
    shown = [
        path
        for path in results.rglob("*")
        if path.suffix in (".md", ".csv", ".tex", ".html", ".svg", ".json", ".yaml", ".log")
        and path.is_file()
        and "models" not in path.parts
    ]
    assert len(shown) > 20
    assert not [path for path in shown if SECRET in path.read_text(errors="replace")]
    (tmp_path / "shipping.yaml").write_text(study)
    snakemake()
    shipping, theirs = digests(folder / "results" / "shipping"), digests(results)
    assert len(shipping) > 40
    assert shipping == theirs


def test_a_job_that_fails_says_why_at_the_end_and_loses_nothing(audited, tmp_path):
    folder, words, done = audited
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy, symlinks=True)
    predictions = copy / "results/shipping/predictions/test/test/test"
    kept = (predictions / "large.parquet").stat().st_mtime_ns
    (predictions / "small.parquet").write_bytes(b"PAR1 cut short")
    (copy / "results/shipping/errors/test/test/test/small.parquet").unlink()
    failed = command(copy, *words, check=False)
    assert failed.returncode == 1
    # Which of the jobs that read it comes first is the scheduler's choice.
    assert ": The file is damaged" in failed.stderr, failed.stderr
    assert "small.parquet (renamed small.parquet.damaged)" in failed.stderr
    assert failed.stderr.strip().splitlines()[-2].strip().startswith("again: miniature audit shipping.yaml")
    assert command(copy, *words).stdout == done.stdout
    assert (predictions / "large.parquet").stat().st_mtime_ns == kept
