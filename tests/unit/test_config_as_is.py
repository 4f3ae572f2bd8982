"""Checkpoints that are used as they stand: what their studies may leave out, and mistakes told with a fix."""

import copy
import json

import pytest
import yaml

from changed_studies import SCHEMA, changed, untrained_study, validate, write_encoder
from miniature.config import plan
from miniature.config.validate import StudyErrors, validate_study
from miniature.scorecard.floor import FloorModel, trainings_of

CLASSIFIER = {"architectures": ["BertForSequenceClassification"]}


@pytest.fixture
def study(tmp_path):
    """Two checkpoints for one classification task, without a training block and without a train split."""
    (tmp_path / "test.jsonl").write_text(json.dumps({"text": "fine", "label": 1}) + "\n")
    for name in ("large", "small", "again"):
        write_encoder(tmp_path / name, **CLASSIFIER)
    reviews = {
        "task": "classification",
        "format": "jsonl",
        "labels": {"negative": 0, "positive": 1},
        "splits": {"test": {"path": str(tmp_path / "test.jsonl"), "examples": "all"}},
    }
    return untrained_study(
        "ours",
        {name: {"path": str(tmp_path / name), "as_is": True} for name in ("large", "small")},
        {"reviews": reviews},
        {"errors": {"tasks": ["reviews"]}, "calibration": {"tasks": ["reviews"], "bins": 10}},
        verdict={"errors": {"task": "reviews", "measure": "jaccard", "keep": 0.8}},
        classification={"max_length": 64},
        inference={"batch_tokens": 2048, "feature": "cls"},
    )


def check(study, tmp_path):
    path = tmp_path / "study.yaml"
    path.write_text(yaml.safe_dump(study, sort_keys=False))
    return validate_study(study, [path], SCHEMA)


def refused(study, tmp_path):
    with pytest.raises(StudyErrors) as caught:
        check(study, tmp_path)
    return caught.value.errors


def test_neither_training_nor_a_train_split_is_needed(study, tmp_path):
    checked = check(study, tmp_path)
    assert plan.as_is_models(checked) == plan.trained_models(checked) == ["large", "small"]
    assert plan.finetuned_models(checked) == []
    assert plan.all_tasks(checked) == ["reviews"]


def test_a_checkpoint_of_the_hub(study, tmp_path):
    study["models"]["small"] = {"hub": "me/small", "revision": "main", "as_is": True, "segments": False}
    check(study, tmp_path)


def test_other_seeds_of_ones_own_are_a_noise_floor(study, tmp_path):
    for n in (2, 3):
        study["models"][f"large-{n}"] = {"path": str(tmp_path / "again"), "as_is": True, "floor": "retrained"}
    checked = check(study, tmp_path)
    floor = [FloorModel(**entry) for entry in plan.floor_models(checked)]
    expected = ("retrained", {"large": "large", "large-2": "large-2", "large-3": "large-3"})
    assert trainings_of(floor, "large") == expected
    assert plan.judged_models(checked) == ["small"]


def test_checkpoints_by_others_are_a_floor_of_another_kind(study, tmp_path):
    study["models"]["large"]["origin"] = "us"
    for n, mark in ((2, {"floor": "origin"}), (3, {"same_as_reference": True})):
        study["models"][f"large-{n}"] = {
            "path": str(tmp_path / "again"), "as_is": True, "origin": f"group-{n}", **mark,
        }  # fmt: skip
    checked = check(study, tmp_path)
    floor = [FloorModel(**entry) for entry in plan.floor_models(checked)]
    assert trainings_of(floor, "large")[0] == "origin"
    assert plan.origins(checked) == {"large": "us", "large-2": "group-2", "large-3": "group-3"}
    study["models"]["large-2"]["origin"] = "us"
    assert "one origin, 'us'" in str(refused(study, tmp_path)[0])


@pytest.mark.parametrize(
    ("change", "what", "fix"),
    [
        ({"floor": "requantized"}, "nothing says of which quantized model", "of: small"),
        ({"of": "small"}, "'floor' is missing", "floor: retrained"),
        ({"floor": "rerun", "of": "lager"}, "lager", "of: large"),
        ({"floor": "rerun", "same_as_reference": True, "origin": "x"}, "two noise floors", "floor: rerun"),
        ({"floor": "rerun", "verdict": False}, "no verdict is given", "remove verdict"),
        ({"original": "lager"}, "lager", "original: large"),
    ],
)
def test_whose_floor_a_model_is_part_of_is_said_once(study, tmp_path, change, what, fix):
    study["models"]["again"] = {"path": str(tmp_path / "again"), "as_is": True, **change}
    told = refused(study, tmp_path)[0]
    assert what in told.what
    assert told.fix.startswith(fix)


def test_a_verdict_is_switched_off_for_a_model(study, tmp_path):
    study["models"]["other"] = {"path": str(tmp_path / "again"), "as_is": True, "verdict": False}
    checked = check(study, tmp_path)
    assert plan.judged_models(checked) == ["small"]
    assert plan.subject_models(checked) == ["small", "other"]


def test_a_model_that_is_fine_tuned_beside_one_that_is_not(study, tmp_path):
    study["models"]["small"]["as_is"] = False
    (tmp_path / "train.jsonl").write_text((tmp_path / "test.jsonl").read_text())
    told = "\n".join(map(str, refused(study, tmp_path)))
    assert "'training' is missing" in told
    study["question_answering"] = {
        "max_length": 384, "stride": 128, "max_question_length": 64, "max_answer_length": 30, "n_best": 20,
        "null_threshold": 0.0,
    }  # fmt: skip
    study["training"] = yaml.safe_load(changed())["training"]
    del study["training"]["encyclopedia"]
    told = "\n".join(map(str, refused(study, tmp_path)))
    assert "has no train split" in told
    study["datasets"]["reviews"]["splits"]["train"] = {
        "path": str(tmp_path / "train.jsonl"), "examples": "all",
    }  # fmt: skip
    checked = check(study, tmp_path)
    assert plan.as_is_models(checked) == ["large"]
    assert plan.finetuned_models(checked) == ["small"]


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("layers", 2, "remove layers"),
        ("dropout", 0.0, "acts in training only"),
        ("teacher", "large", "remove teacher"),
        ("replicates", 2, "floor: retrained"),
        ("training", {"reviews": {"epochs": 1}}, "remove training"),
    ],
)
def test_nothing_that_makes_another_model(study, tmp_path, key, value, words):
    study["models"]["small"][key] = value
    told = [error for error in refused(study, tmp_path) if f"'{key}' beside 'as_is'" in error.what]
    assert len(told) == 1
    assert f"models.small.{key}" in told[0].where
    assert words in told[0].fix


def test_nothing_from_scratch_and_nothing_without_weights(study, tmp_path):
    other = copy.deepcopy(study)
    shape = {"layers": 1, "hidden": 16, "heads": 2, "intermediate": 16}
    study["models"]["small"] = {"as_is": True, "architecture": shape}
    assert any("'architecture' beside 'as_is'" in error.what for error in refused(study, tmp_path))
    (tmp_path / "p.json").write_text("{}")
    other["models"]["small"] = {"as_is": True, "predictions": {"reviews": {"path": str(tmp_path / "p.json")}}}
    assert any("'as_is' beside 'predictions'" in error.what for error in refused(other, tmp_path))


def test_a_checkpoint_has_one_head(study, tmp_path):
    study["datasets"]["others"] = study["datasets"]["reviews"]
    study["characteristics"]["calibration"]["tasks"] = ["others"]
    told = refused(study, tmp_path)
    assert len(told) == 2
    assert "2 are measured (reviews, others)" in told[0].what
    assert "tasks: [reviews]" in told[0].fix


def test_the_head_is_that_of_the_task(study, tmp_path):
    (tmp_path / "small" / "config.json").unlink()
    (tmp_path / "small" / "model.safetensors").unlink()
    (tmp_path / "small" / "tokenizer.json").unlink()
    (tmp_path / "small").rmdir()
    write_encoder(tmp_path / "small", architectures=["BertForQuestionAnswering"])
    (error,) = refused(study, tmp_path)
    assert "BertForQuestionAnswering where a model for classification is needed" in error.what
    assert "ForSequenceClassification" in error.fix
    study["models"]["small"]["as_is"] = False
    assert not any("another task" in error.what for error in refused(study, tmp_path))


def test_a_bank_is_still_cut_from_the_train_split(study, tmp_path):
    study["datasets"]["far"] = study["datasets"]["reviews"]
    study["characteristics"]["distribution"] = {
        "enabled": True, "tasks": {"reviews": ["far"]}, "bank_examples": 5, "k": [1], "percentile": 95,
    }  # fmt: skip
    told = [error.what for error in refused(study, tmp_path)]
    assert "The bank is a sample of the train split, which 'reviews' does not have." in told


def test_mistakes_elsewhere_are_still_told(study, tmp_path):
    study["characteristics"]["errors"]["tasks"] = ["review"]
    study["models"]["small"]["path"] = "nowhere"
    told = [error.what for error in refused(study, tmp_path)]
    assert len(told) == 2
    assert any("There is no dataset 'review'" in what for what in told)


def test_the_smallest_study_is_as_it_was(tmp_path):
    checked = validate(changed(), tmp_path)
    assert plan.as_is_models(checked) == []
    assert plan.finetuned_models(checked) == plan.trained_models(checked)
