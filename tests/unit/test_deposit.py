"""A deposited study: what is small and anyone's, described file by file."""

import hashlib
import json
from types import SimpleNamespace

import pytest

from miniature.cli import deposit
from miniature.messages import StudyError

LICENSE = "https://example.org/cc-by"


@pytest.fixture
def study(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    results = tmp_path / "results" / "trial"
    for name in (
        "provenance.json", "agreement/errors.csv", "agreement/errors.resamples.parquet", "report.html",
        "tables/changed_small.csv", "tables/scorecard.md", "models/t/small/model.safetensors",
        "data/t/test.parquet", "attacks/t/r/small.parquet", "logs/x.log",
    ):  # fmt: skip
        (results / name).parent.mkdir(parents=True, exist_ok=True)
        (results / name).write_text(f"{{}} {name}")
    monkeypatch.setattr(deposit, "finished_results", lambda given: (results.relative_to(tmp_path), "trial"))
    return SimpleNamespace(study="trial.yaml", folder="crate", license=LICENSE, texts=False)


def test_the_crate_describes_every_file_and_holds_no_text(study, tmp_path):
    assert deposit.run_deposit(study) == 0
    crate = tmp_path / "crate"
    described = {
        item["@id"]: item for item in json.loads((crate / "ro-crate-metadata.json").read_text())["@graph"]
    }
    files = {path.relative_to(crate).as_posix() for path in crate.rglob("*") if path.is_file()}
    ours = {name for name in files if name.startswith("results/")}
    assert ours == {
        f"results/trial/{name}"
        for name in (
            "provenance.json", "agreement/errors.csv", "agreement/errors.resamples.parquet",
            "tables/scorecard.md",
        )
    }  # fmt: skip
    assert files - ours == {"ro-crate-metadata.json", "Snakefile"}
    table = "results/trial/agreement/errors.csv"
    assert described[table]["sha256"] == hashlib.sha256((crate / table).read_bytes()).hexdigest()
    assert described[table]["encodingFormat"] == "text/csv"
    assert described["./"]["license"] in (LICENSE, {"@id": LICENSE})
    assert described["./"]["mainEntity"] == {"@id": "Snakefile"}
    assert "ComputationalWorkflow" in described["Snakefile"]["@type"]


def test_texts_are_deposited_where_that_is_asked_for(study, tmp_path):
    study.texts = True
    deposit.run_deposit(study)
    assert (tmp_path / "crate/results/trial/report.html").is_file()
    assert not (tmp_path / "crate/results/trial/data").exists()


def test_nothing_is_overwritten_and_nothing_unfinished_deposited(study, tmp_path):
    (tmp_path / "crate").mkdir()
    with pytest.raises(StudyError, match="there already"):
        deposit.run_deposit(study)
    (tmp_path / "results/trial/provenance.json").unlink()
    with pytest.raises(StudyError, match="no results/trial/provenance"):
        deposit.run_deposit(study)
