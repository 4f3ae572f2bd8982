"""The page on speed: ratios in words that a reader can check, and a stop where two ways do not agree."""

import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import speed_study
from race import Race
from speed_analysis import exponent_of


def spend(seconds, result):
    def way():
        end = time.process_time() + seconds
        while time.process_time() < end:
            pass
        return result

    return way


def test_a_race_gives_the_ratio_of_processor_times():
    race = Race("sum", spend(0.05, 3), {"slow": spend(0.1, 3)}, lambda a, b: f"{a} and {b}", spend(0.025, 3))
    (row,) = race.run(2)
    name, other, ours, its, ratio, over, same = (cell.strip() for cell in row.strip("| ").split("|"))
    assert (name, other, same) == ("sum", "slow", "3 and 3")
    assert float(ratio.split()[0]) == pytest.approx(2, rel=0.2)
    assert float(its) / float(ours) == pytest.approx(2, rel=0.3)
    assert float(over) == pytest.approx(2, rel=0.2)


def test_a_race_stops_where_answers_differ():
    def same(mine, other):
        if mine != other:
            raise SystemExit("other answers")

    with pytest.raises(SystemExit, match="other answers"):
        Race("sum", lambda: 1, {"wrong": lambda: 2}, same).run(1)


def test_exponent_is_that_of_a_power():
    assert exponent_of((10, 20, 40), [3 * n**1.5 for n in (10, 20, 40)]) == pytest.approx(1.5)


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A study of three jobs that took ten seconds on two cores."""
    for name, seconds in {"predict_split/a": 5, "predict_split/b": 3, "find_errors/a": 1}.items():
        path = tmp_path / f"results/tiny/benchmarks/{name}.tsv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"s\th:m:s\tcpu_time\n{seconds}\t0:00:0{seconds}\t{seconds - 0.5}\n")
    log = tmp_path / ".snakemake/log/2026-01-01T000000.000000.snakemake.log"
    log.parent.mkdir(parents=True)
    log.write_text("Provided cores: 2\n3 of 3 steps (100%) done\n")
    monkeypatch.setattr(speed_study, "wall_of_whole_run", lambda _: 10.0)
    monkeypatch.setattr(speed_study, "start_of", {"predict_split": 2.0, "find_errors": 1.5}.get)
    return tmp_path


def test_a_study_is_divided_into_work_and_starts(project):
    text, _, _, *rows = speed_study.study_lines(project, "tiny")
    # 9 of 20 core seconds in jobs; 8 - 2 x 2 of them, and none of 1 - 1.5, are beyond starts.
    assert "3 jobs in 10 s on 2 cores, 20 core seconds" in text
    assert "45% of them" in text
    assert text.rstrip().endswith("in 20%.")
    assert rows[0] == "| predict_split | 2 | 8 | 7 | 2.00 | 20.0% |"
    assert rows[1].startswith("| find_errors | 1 | 1 |")
    assert rows[1].endswith("| 1.50 | 0.0% |")


def test_start_of_a_script_is_the_imports_of_its_own_job():
    assert 0.02 < speed_study.start_of("find_errors") < 20
