"""Second trainings are models of their own, and the control is the reference's checkpoint run again."""

import re

import pytest
import yaml

from changed_studies import REMOVED, ROOT, changed, validate
from miniature.config import plan, replicates
from miniature.config.validate import StudyErrors, validate_study
from miniature.names import MODEL, control_of, replicate_of


@pytest.fixture
def tiny(tmp_path):
    return replicates.expand_replicates(validate(changed(), tmp_path))


def test_replicates_follow_their_model_and_the_reference_comes_first(tiny):
    assert list(tiny["models"]) == ["small", "large", "large.seed1", "large.seed2", "pupil"]
    assert plan.model_names(tiny) == ["large", "large.seed1", "large.seed2", "small", "pupil"]
    assert plan.trained_models(tiny) == plan.model_names(tiny)
    assert replicates.original_models(tiny) == ["large", "small", "pupil"]
    assert replicates.replicates_of(tiny, "large") == ["large.seed1", "large.seed2"]
    assert replicates.replicates_of(tiny, "small") == []


def test_a_replicate_has_the_settings_of_its_model(tiny):
    assert tiny["models"]["large.seed1"] == tiny["models"]["large"]
    for task in ("encyclopedia", "reviews"):
        own = plan.training_settings(tiny, task, "large")
        assert plan.training_settings(tiny, task, "large.seed2") == own
    assert plan.training_settings(tiny, "reviews", "large.seed1")["learning_rate"] == 3.0e-3


def test_a_replicate_of_a_distilled_model_keeps_its_teacher(tmp_path):
    text = changed((("models", "pupil", "replicates"), 1), (("models", "large", "replicates"), REMOVED))
    study = replicates.expand_replicates(validate(text, tmp_path))
    assert list(study["models"]) == ["small", "large", "pupil", "pupil.seed1"]
    assert study["models"]["pupil.seed1"]["teacher"] == "large"
    assert "distillation" in plan.training_settings(study, "reviews", "pupil.seed1")


def test_asking_for_more_changes_nothing_of_the_models_that_are_there(tmp_path):
    studies = [
        replicates.expand_replicates(validate(changed((("models", "large", "replicates"), n)), tmp_path))
        for n in (1, 3)
    ]
    for name, entry in studies[0]["models"].items():
        assert studies[1]["models"][name] == entry
    assert set(studies[1]["models"]) - set(studies[0]["models"]) == {"large.seed2", "large.seed3"}


def test_a_study_without_replicates_is_left_as_it_is(tmp_path):
    study = validate(changed((("models", "large", "replicates"), REMOVED)), tmp_path)
    assert replicates.expand_replicates(study) == study


def test_the_control_is_compared_and_has_settings_of_its_own(tiny):
    assert replicates.control_model(tiny) == "large.control"
    assert replicates.compared_models(tiny, "errors", "reviews")[-1] == "large.control"
    assert "large.control" not in plan.model_names(tiny)
    usual = {"batch_tokens": 2048, "feature": "cls", "precision": "fp32"}
    assert replicates.inference_settings(tiny, "large.control") == usual | {"batch_tokens": 512}
    assert replicates.inference_settings(tiny, "large") == usual
    assert replicates.inference_threads(tiny, "large.control") == 2
    assert replicates.inference_threads(tiny, "large.seed1") == 1


def test_a_control_tells_what_another_precision_changes(tmp_path):
    text = changed((("inference", "precision"), "bf16"), (("control", "precision"), "fp32"))
    study = replicates.expand_replicates(validate(text, tmp_path))
    precisions = [replicates.inference_settings(study, m)["precision"] for m in ("large", "large.control")]
    assert precisions == ["bf16", "fp32"]


def test_no_control_unless_asked_for(tmp_path):
    study = replicates.expand_replicates(validate(changed((("control",), REMOVED)), tmp_path))
    assert replicates.control_model(study) is None
    assert replicates.compared_models(study, "errors", "reviews") == plan.model_names(study)


@pytest.mark.parametrize("name", ["large.seed1", "a_b.seed12", "large.control", "large"])
def test_names_of_replicates_and_controls_are_wildcards(name):
    assert re.fullmatch(MODEL, name)
    assert (replicate_of(name) is None) == (".seed" not in name)
    assert (control_of(name) is None) == (".control" not in name)


def test_only_trainings_are_repeated_or_controlled(tmp_path):
    (tmp_path / "e.json").write_text("[]")
    artifact = {"errors": {"encyclopedia": {"path": str(tmp_path / "e.json")}}}
    text = changed(
        (("models", "small"), {**artifact, "replicates": 2}),
        (("models", "large"), artifact),
        (("models", "pupil", "teacher"), REMOVED),
    )
    with pytest.raises(StudyErrors) as caught:
        validate(text, tmp_path)
    message = str(caught.value)
    assert "cannot be trained again" in message
    assert "models.small.replicates" in message
    assert "remove replicates" in message
    assert "'large' has none here" in message
    assert "remove control" in message


def test_the_studies_for_readers_have_the_replicates_that_a_verdict_needs():
    for file in ("config.yaml", "config/paper.yaml"):
        study = validate_study(yaml.safe_load((ROOT / file).read_text()), [ROOT / file])
        assert study["models"][study["reference"]]["replicates"] >= 3
        assert study["control"]["threads"] != study["compute"]["threads"]
