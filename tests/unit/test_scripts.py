"""Every rule has a script of its name that imports without Snakemake, and a log and benchmark of its name."""

import ast
import importlib
import logging
import logging.config
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from _job import run_job
from miniature.messages import StudyError

ROOT = Path(__file__).parents[2]
RULES = {
    re.match(r"rule (\w+):", rule).group(1): rule
    for file in sorted((ROOT / "rules").glob("*.smk"))
    for rule in re.split(r"^(?=rule )", file.read_text(), flags=re.M)[1:]
    if "    script:" in rule
}
LIGHT = ("compare_", "measure_", "score_", "tabulate_", "plot_", "find_", "detect_", "record_")


@pytest.mark.parametrize("rule", RULES)
def test_rule_script_log_and_benchmark_share_a_name(rule):
    text = RULES[rule]
    assert f'"../scripts/{rule}.py"' in text
    assert re.search(rf'"(<logs>|logs)/{rule}[/.]', text)
    assert (ROOT / "scripts" / f"{rule}.py").is_file()
    if "<benchmarks>" in text:
        assert f'"<benchmarks>/{rule}' in text
    if "retrieve" not in rule:
        assert f'code=code("{rule}")' in text


def test_no_script_without_a_rule():
    scripts = {path.stem for path in (ROOT / "scripts").glob("*.py")} - {"_job"}
    assert scripts == set(RULES)


def test_nothing_right_of_inference_imports_torch():
    rules = [name for name in RULES if name.startswith(LIGHT)]
    assert len(rules) > 15
    # One process imports all of them; the first that brings torch ends it.
    program = (
        "import sys, importlib; sys.path.insert(0, 'scripts')\n"
        f"for rule in {rules}:\n"
        "    importlib.import_module(rule)\n"
        "    if 'torch' in sys.modules: sys.exit(f'{rule} imports torch')"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("rule", RULES)
def test_script_has_a_main_that_takes_snakemake(rule):
    tree = ast.parse((ROOT / "scripts" / f"{rule}.py").read_text())
    main = next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "main")
    assert [argument.arg for argument in main.args.args] == ["snakemake"]


def test_a_job_takes_the_library_beside_its_script_and_no_other_that_is_installed(tmp_path):
    import subprocess

    (tmp_path / "miniature").mkdir()
    (tmp_path / "miniature" / "__init__.py").write_text("raise ImportError('another copy')\n")
    # As Snakemake has it: the script's folder is the last one.
    program = (
        f"import sys; sys.path[:0] = [{str(tmp_path)!r}]; sys.path.append('scripts'); import find_errors"
    )
    subprocess.run([sys.executable, "-P", "-c", program], cwd=ROOT, check=True)


def test_main_can_be_called_without_snakemake(tmp_path):
    import pandas as pd

    module = importlib.import_module("find_errors")
    pd.DataFrame(
        {"id": ["a", "b"], "label": ["x", "y"], "prediction": ["x", "x"], "probabilities": [[1.0], [1.0]]}
    ).to_parquet(tmp_path / "p.parquet")
    module.main(
        SimpleNamespace(
            input=[tmp_path / "p.parquet"],
            output=[tmp_path / "e.parquet"],
            params=SimpleNamespace(kind="classification"),
        )
    )
    assert pd.read_parquet(tmp_path / "e.parquet")["error"].tolist() == [False, True]


class Fake(SimpleNamespace):
    """What `run_job` reads of Snakemake's object."""


def test_users_mistake_is_told_without_a_traceback(tmp_path, capsys):
    def main(snakemake):
        raise StudyError("No such file.", where="a.json", fix="path: b.json")

    log = tmp_path / "job.log"
    with pytest.raises(SystemExit) as caught:
        run_job(main, Fake(log=[str(log)], params={}, rule="build_data"))
    logging.shutdown()
    assert caught.value.code == 1
    assert "No such file." in log.read_text()
    assert "path: b.json" in log.read_text()
    assert "Traceback" not in log.read_text() + capsys.readouterr().err


def test_a_fault_of_ours_keeps_its_traceback(tmp_path):
    def main(snakemake):
        raise ZeroDivisionError

    log = tmp_path / "job.log"
    with pytest.raises(ZeroDivisionError):
        run_job(main, Fake(log=[str(log)], params={}, rule="build_data"))
    assert "Traceback" in log.read_text()


def test_the_log_goes_on_after_a_library_has_set_logging_up(tmp_path):
    """As flair does when TextAttack imports it: every handler is closed."""
    log = tmp_path / "job.log"
    log.write_text("of a run before\n")

    def main(snakemake):
        logging.info("first")
        logging.config.dictConfig({"version": 1, "disable_existing_loggers": False})
        logging.info("second")

    run_job(main, Fake(log=[str(log)], params={}, rule="build_data"))
    assert [line.split()[-1] for line in log.read_text().splitlines()] == ["first", "second"]
