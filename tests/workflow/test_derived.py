"""Models made from others: made again when the checkpoint they come from changes, and not otherwise."""

import json

import pandas as pd
import pytest

from projects import copy_project

pytestmark = pytest.mark.workflow

CONFIG = "tests/config/derived.yaml"
KEPT = ("large", "int8", "pruned", "pupil", "pupil-int8")


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    project = copy_project(tmp_path_factory.mktemp("derived"))
    project.edit_config(
        lambda config: config.update(models={name: config["models"][name] for name in KEPT}), CONFIG
    )
    project.run("--cores", "2", configfile=CONFIG)
    return project


def derived(jobs):
    return {wildcards for rule, wildcards in jobs if rule == "derive_model"}


def of(*models):
    return {f"task=reviews, model={model}" for model in models}


def test_a_study_of_derived_models_ends_in_a_scorecard_and_in_costs(finished):
    results = finished.folder / "results" / "derived"
    assert set(pd.read_csv(results / "scorecard.csv")["model"]) == {"int8", "pruned", "pupil", "pupil-int8"}
    costs = pd.read_csv(results / "tables" / "costs.csv").set_index("model")
    assert costs.loc["int8", "bytes"] < costs.loc["large", "bytes"]
    assert costs.loc["pruned", "nonzero"] < 0.75 * costs.loc["large", "nonzero"]
    assert (results / "figures" / "costs.png").stat().st_size > 10_000
    record = json.loads((results / "models/reviews/pruned/derived.json").read_text())
    assert record["parameters"] - record["nonzero"] >= round(0.9 * record["touched"]["weights"])
    assert finished.planned(configfile=CONFIG) == set()


def change(project, edit):
    """Jobs that a changed study would run; the study is put back."""
    file = project.folder / CONFIG
    before = file.read_text()
    try:
        project.edit_config(edit, CONFIG)
        return project.planned(configfile=CONFIG)
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
    file, line = "scripts/miniature/figures/costs.py", "WIDTH, HEIGHT, TOP, BOTTOM = 5.0,"
    finished.edit(file, line, line.replace("5.0", "6.0"))
    try:
        jobs = {rule for rule, _ in finished.planned(configfile=CONFIG)}
    finally:
        finished.edit(file, line.replace("5.0", "6.0"), line)
    assert jobs == {"plot_costs", "all"} | ({"record_provenance", "write_report"} & jobs)
