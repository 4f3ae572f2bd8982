"""What reruns after an edit, and what does not."""

import shutil

import pytest

pytestmark = pytest.mark.workflow

# The resolved study is written whenever a study changes.
TAIL = {"record_provenance", "write_report", "all", "record_study"}


def rules(jobs):
    return {rule for rule, _ in jobs}


def test_figure_option_reruns_the_figure_only(project):
    project.edit_config(lambda config: config["figure1"].update(width=9.0))
    before = (project.results / "figures" / "figure1.png").read_bytes()
    jobs = project.planned()
    assert rules(jobs) == {"plot_figure1"} | TAIL
    project.run("--cores", "2")
    assert (project.results / "figures" / "figure1.png").read_bytes() != before
    assert project.planned() == set()


COMPARISONS = {
    "compare_errors", "compare_representation", "compare_distribution", "compare_vulnerability",
    "compare_calibration", "join_agreement",
    "measure_tolerance", "tabulate_tolerance", "tabulate_planning", "tabulate_noise",
    "write_answer",
    "score_models", "plot_figure1", "tabulate_models", "tabulate_errors", "tabulate_attacks",
    "transfer_attacks", "plot_transfer", "plot_scorecard", "tabulate_scorecard",
    "tabulate_control",
}  # fmt: skip


def test_new_model_runs_its_own_jobs_and_the_comparisons_only(project):
    project.edit_config(lambda config: config["models"].update(extra={**config["models"]["small"]}))
    jobs = project.planned()
    per_model = {job for job in jobs if "model=" in job[1]}
    assert per_model
    assert all("model=extra" in wildcards for _, wildcards in per_model)
    assert rules(jobs - per_model) == TAIL | COMPARISONS


@pytest.mark.parametrize(
    ("model", "count", "new"), [("large", 3, ["large.seed3"]), ("pupil", 1, ["pupil.seed1"])]
)
def test_more_replicates_run_their_own_jobs_and_the_comparisons_only(project, model, count, new):
    project.edit_config(lambda config: config["models"][model].update(replicates=count))
    jobs = project.planned()
    per_model = {job for job in jobs if "model=" in job[1]}
    assert {rule for rule, _ in per_model} == {
        "finetune_model", "predict_split", "find_errors", "find_neighbors", "detect_ood", "attack_model",
        "measure_calibration",
    }  # fmt: skip
    assert {wildcards.rpartition("model=")[2] for _, wildcards in per_model} == set(new)
    assert rules(jobs - per_model) <= TAIL | COMPARISONS
    assert {"score_models", "compare_errors"} <= rules(jobs)


def test_a_control_with_other_settings_reruns_its_own_jobs_only(project):
    project.edit_config(lambda config: config["control"].update(batch_tokens=256))
    per_model = {job for job in project.planned() if "model=" in job[1]}
    assert {rule for rule, _ in per_model} == {
        "predict_split", "find_errors", "find_neighbors", "detect_ood", "measure_calibration",
    }  # fmt: skip
    assert all("model=large.control" in wildcards for _, wildcards in per_model)


def test_a_model_s_rows_are_the_same_bytes_in_other_company(project):
    def rows(model):
        return {
            name: [
                line for line in (project.results / name).read_bytes().splitlines() if line.startswith(model)
            ]
            for name in ("scorecard.csv", "tolerance.csv")
        }

    together = rows(b"small,")
    assert all(together.values())
    project.edit_config(lambda config: config["models"].pop("pupil"))
    project.run("--cores", "2", *(f"results/tiny/{name}" for name in together))
    assert not any(rows(b"pupil,").values())
    assert rows(b"small,") == together


def test_another_bar_reruns_the_scorecard_only(project):
    project.edit_config(lambda config: config["verdict"]["errors"].update(keep=0.9))
    assert rules(project.planned()) == (
        {
            "score_models",
            "plot_scorecard",
            "tabulate_scorecard",
            "tabulate_planning",
            "tabulate_noise",
            "write_answer",
        }
        | TAIL
    )


def test_more_attacked_examples_and_neighbors_rerun_what_counts_them_only(project):
    def more(config):
        config["characteristics"]["vulnerability"]["examples"] += 5
        config["characteristics"]["representation"]["k_max"] += 5

    project.edit_config(more)
    planned = rules(project.planned())
    assert {"attack_model", "find_neighbors"} <= planned
    assert not planned & {"build_data", "finetune_model", "train_masked_lm", "predict_split", "find_errors"}


def test_more_attacked_examples_cost_the_new_ones_only(project):
    project.edit_config(lambda config: config["characteristics"]["vulnerability"].update(examples=14))
    wanted = "results/tiny/attacks/reviews/bert-attack/small.parquet"
    project.run("--cores", "1", wanted)
    assert "10 of 14 examples were attacked earlier" in project.log_of(
        "attack_model/reviews/bert-attack/small"
    )
    continued = (project.folder / wanted).read_bytes()
    shutil.rmtree(project.results / ".partial/attacks")
    (project.folder / wanted).unlink()
    project.run("--cores", "1", wanted)
    assert "attacked earlier" not in project.log_of("attack_model/reviews/bert-attack/small")
    assert (project.folder / wanted).read_bytes() == continued


def test_training_setting_of_one_model_reruns_that_model(project):
    project.edit_config(
        lambda config: config["models"]["small"].update(training={"reviews": {"learning_rate": 3.0e-3}})
    )
    jobs = project.planned()
    assert {wildcards for rule, wildcards in jobs if rule == "finetune_model"} == {
        "task=reviews, model=small"
    }
    assert not any("task=encyclopedia" in wildcards for _, wildcards in jobs)


def test_edits_that_change_no_result_rerun_nothing(project):
    a_name_that_nothing_refers_to = "_EDITED = 1\n\n\ndef set_measures("
    project.edit("scripts/miniature/measures/sets.py", "def set_measures(", a_name_that_nothing_refers_to)
    docstring = project.folder / "scripts/miniature/figures/figure1.py"
    docstring.write_text(docstring.read_text().replace('"""', '"""Edited. ', 1))
    assert project.planned() == set()


def test_edited_library_function_reruns_the_rules_that_use_it(project):
    path = project.folder / "scripts/miniature/measures/sets.py"
    text = path.read_text()
    head, _, body = text.partition("def set_measures(")
    assert body
    # A new statement at the start of the body, after the docstring.
    signature, quote, rest = body.partition('"""')
    docstring, _, code = rest.partition('"""')
    path.write_text(f'{head}def set_measures({signature}{quote}{docstring}"""\n    edited = 1{code}')
    expensive = {
        "finetune_model",
        "predict_split",
        "attack_model",
        "find_neighbors",
        "build_data",
        "find_errors",
    }
    planned = project.planned()
    assert "compare_errors" in rules(planned)
    assert not rules(planned) & expensive
    assert "compare_representation" not in rules(planned)


def test_edited_training_function_reruns_training(project):
    path = project.folder / "scripts/miniature/training/finetune.py"
    text = path.read_text()
    signature = text.index('"""', text.index("\ndef finetune("))
    end = text.index('"""', signature + 3) + 3
    path.write_text(text[:end] + "\n    edited = 1" + text[end:])
    planned = project.planned()
    assert "finetune_model" in rules(planned)
    assert "build_data" not in rules(planned)
    assert "train_masked_lm" not in rules(planned)


def test_changed_data_reruns_what_reads_it(project):
    project.edit_config(lambda config: config["datasets"]["news"]["splits"]["test"].update(examples=30))
    jobs = project.planned()
    assert "finetune_model" not in rules(jobs)
    assert {wildcards for rule, wildcards in jobs if rule == "build_data"} == {"dataset=news, split=test"}
    assert {"detect_ood", "compare_distribution", "plot_figure1"} <= rules(jobs)
    assert not {"find_neighbors", "attack_model", "find_errors"} & rules(jobs)
