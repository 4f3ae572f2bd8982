"""Models made from others: made again when the checkpoint they come from changes, and not otherwise."""

import json
import shutil

import pandas as pd
import pytest

from fault_runs import again, is_locked, take_away
from projects import Project, copy_project

pytestmark = pytest.mark.workflow

KEPT = ("large", "int8", "pruned", "pupil", "pupil-int8")


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    project = copy_project(tmp_path_factory.mktemp("derived"), "derived")
    project.edit_config(lambda config: config.update(models={name: config["models"][name] for name in KEPT}))
    project.run("--cores", "2")
    return project


def derived(jobs):
    return {wildcards for rule, wildcards in jobs if rule == "derive_model"}


def of(*models):
    return {f"task=reviews, model={model}" for model in models}


def test_a_study_of_derived_models_ends_in_a_scorecard_and_in_costs(finished):
    results = finished.results
    assert set(pd.read_csv(results / "scorecard.csv")["model"]) == {"int8", "pruned", "pupil", "pupil-int8"}
    costs = pd.read_csv(results / "tables" / "costs.csv").set_index("model")
    assert costs.loc["int8", "bytes"] < costs.loc["large", "bytes"]
    assert costs.loc["pruned", "nonzero"] < 0.75 * costs.loc["large", "nonzero"]
    assert (results / "figures" / "costs.png").stat().st_size > 10_000
    record = json.loads((results / "models/reviews/pruned/derived.json").read_text())
    assert record["parameters"] - record["nonzero"] >= round(0.9 * record["touched"]["weights"])
    assert finished.planned() == set()


def change(project, edit):
    """Jobs that a changed study would run; the study is put back."""
    file = project.folder / project.configfile
    before = file.read_text()
    try:
        project.edit_config(edit)
        return project.planned()
    finally:
        file.write_text(before)


def test_another_training_of_the_reference_makes_all_anew(finished):
    jobs = change(finished, lambda c: c["models"]["large"].update(training={"reviews": {"epochs": 2}}))
    assert derived(jobs) == of("int8", "pruned", "pupil", "pupil-int8")


def test_another_sparsity_is_that_model_s_business_alone(finished):
    jobs = change(finished, lambda c: c["models"]["pruned"]["derive"]["prune"].update(sparsity=0.5))
    assert derived(jobs) == of("pruned")
    assert {w for rule, w in jobs if rule == "cost_model"} == of("pruned")
    assert "finetune_model" not in {rule for rule, _ in jobs}


def test_a_link_of_a_chain_makes_what_comes_after_it(finished):
    jobs = change(finished, lambda c: c["models"]["pupil"]["derive"]["distill"].update(temperature=4.0))
    assert derived(jobs) == of("pupil", "pupil-int8")


def test_a_restyled_figure_makes_no_model_and_times_none(finished):
    file, line = "scripts/miniature/figures/costs.py", "PANEL, BETWEEN = (350.0,"
    finished.edit(file, line, line.replace("350", "360"))
    try:
        jobs = {rule for rule, _ in finished.planned()}
    finally:
        finished.edit(file, line.replace("350", "360"), line)
    assert jobs == {"plot_costs", "all"} | ({"record_provenance", "write_report"} & jobs)


@pytest.fixture
def project(finished, tmp_path):
    """An editable copy of the finished project."""
    shutil.copytree(finished.folder, tmp_path / "project", symlinks=True)
    return Project(tmp_path / "project", "derived")


@pytest.mark.fault
def test_derivation_is_killed(project, table_row):
    before, wanted = project.contents(), "results/derived/models/reviews/pupil"
    path = take_away(project, wanted)
    # The seal of the second checkpoint: 50 steps, one at 20 and one at 40.
    done = project.spoil("--cores", "1", wanted, file="whole.json", nth=2, do="kill job")
    assert done.returncode != 0
    assert not is_locked(project)
    assert not path.exists()
    partial = project.results / ".partial/models/reviews/pupil"
    left = sorted(folder.name for folder in partial.glob("*/*"))
    assert left == ["checkpoint-20", "unfinished-40"]
    assert again(project, wanted, before) == ["derive_model"]
    assert "continuing from checkpoint-20 of 50 steps" in project.log_of("derive_model/reviews/pupil")
    assert not partial.exists()
    table_row(
        "kill -9 of a distillation",
        "Snakemake ends with an error and no lock",
        ", ".join(left),
        "derive_model, from step 20",
    )


@pytest.mark.fault
def test_measurement_of_costs_is_killed(project, table_row):
    before, wanted = project.contents(), "results/derived/benchmarks/costs/reviews/pupil.json"
    path = take_away(project, wanted)
    done = project.spoil("--cores", "1", wanted, file="costs/reviews", do="kill job")
    assert done.returncode != 0
    assert not is_locked(project)
    assert not path.exists()
    assert again(project, wanted, before) == ["cost_model"]
    assert json.loads(path.read_text())["latency_ms"] > 0
    table_row(
        "kill -9 of a measurement of costs",
        "Snakemake ends with an error and no lock",
        "a hidden file that nothing reads",
        "cost_model",
    )
