"""The timing of the analysis runs every compare script there is on its synthetic study, and can fail."""

import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

import measure_analysis  # noqa: E402
from analysis_study import HIDDEN  # noqa: E402

SMALL = ["--examples", "150", "--k-max", "12", "--widest", "16", "--resamples", "50", "--threads", "1"]


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    done = subprocess.run(
        [sys.executable, ROOT / "benchmarks" / "measure_analysis.py", *SMALL, "--folder", folder],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr + done.stdout
    return folder, done.stdout


@pytest.mark.slow
def test_every_compare_script_and_the_scorecard_is_measured(measured):
    _, output = measured
    lines = {
        m[1]: m.groups()[1:] for m in re.finditer(r"^(\w+) +([\d.]+) +([\d.]+) +(\d+)", output, flags=re.M)
    }
    scripts = {path.stem for path in (ROOT / "scripts").glob("compare_*.py")} | {"score_models"}
    assert scripts <= set(lines)
    counted = [line for job, line in lines.items() if job in scripts]
    assert float(lines["all"][1]) == pytest.approx(sum(float(line[1]) for line in counted), abs=0.05)
    assert int(lines["all"][2]) == max(int(line[2]) for line in counted)
    assert output.splitlines()[-1] == "Within 240 s and 4096 MB, without torch."


@pytest.mark.slow
def test_the_scorecard_has_every_model_and_characteristic(measured):
    folder, _ = measured
    card = pd.read_csv(folder / "scorecard.csv")
    assert set(card["characteristic"]) == set(measure_analysis.VERDICT)
    others = {name for name in HIDDEN if "." not in name} - {"large"}
    assert others <= set(card["model"])
    assert card["agreement"].notna().all()


@pytest.mark.slow
def test_limits_are_kept_to(measured, monkeypatch, capsys):
    folder, _ = measured
    options = ["--folder", str(folder), "--threads", "1", "--resamples", "50", "--jobs", "score_models"]
    monkeypatch.setattr(sys, "argv", ["measure_analysis.py", *options])
    monkeypatch.setattr(measure_analysis, "MOST_MEGABYTES", 10)
    assert measure_analysis.main() == 1
    assert "MB are more than 10" in capsys.readouterr().out
