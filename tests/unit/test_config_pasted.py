"""The line that a message offers is pasted into the study, and then the study is right."""

import copy

import pytest
import yaml

from changed_studies import REMOVED, SCHEMA, TINY, validate
from miniature.config.validate import StudyErrors, validate_study

OTHER = {
    "task": "classification", "format": "jsonl", "labels": {"good": "good", "bad": "bad"},
    "splits": {"train": {"path": "o.jsonl", "examples": 90}, "test": {"path": "p.jsonl", "examples": 9}},
}  # fmt: skip

FAR = {"enabled": True, "bank_examples": 100, "k": [1, 5], "percentile": 95}


def put(config, place, value):
    *parents, last = place
    node = config
    for key in parents:
        node = node[key]
    if value is REMOVED:
        node.pop(last, None)
    else:
        node[last] = value


def refusal(config, tmp_path):
    with pytest.raises(StudyErrors) as caught:
        validate(yaml.safe_dump(config, sort_keys=False), tmp_path)
    return caught.value.errors


# What is wrong, where the offered line is pasted, what it says, and the key that it takes the place of.
CASES = {
    "a text for a verdict": (
        [(("verdict",), "...")],
        (), "verdict: {errors: {task: encyclopedia, measure: jaccard, keep: 0.8}}",
    ),
    "a verdict without k": (
        [(("verdict", "distribution", "k"), REMOVED)], ("verdict", "distribution"), "k: 1",
    ),
    "distribution is not mentioned, and shown in a figure": (
        [(("characteristics", "distribution"), REMOVED)],
        ("characteristics",), "distribution: {enabled: true, tasks: {encyclopedia: [news]}, "
        "bank_examples: 240, k: [1, 5, 10, 50], percentile: 95}",
    ),
    "an unknown task of distribution": (
        [(("characteristics", "distribution", "tasks"), {"encyclopaedia": ["news"]})],
        ("characteristics", "distribution"), "tasks: {encyclopedia: [news]}",
    ),
    "an unknown task among others": (
        [(("characteristics", "errors", "tasks"), ["encyclopedia", "review"])],
        ("characteristics", "errors"), "tasks: [encyclopedia, reviews]",
    ),
    "no recipes": (
        [(("characteristics", "vulnerability", "recipes"), REMOVED),
         (("masked_lms", "words", "architecture", "max_positions"), 128)],
        ("characteristics", "vulnerability"),
        "recipes: {bert-attack: {preset: textattack-48, masked_lm: words, max_masked_lm_length: 128}}",
    ),
    "a misspelled reference": (
        [(("reference",), REMOVED), (("referense",), "big")], (), "reference: small",
    ),
    "a misspelled key keeps its value": (
        [(("reference",), REMOVED), (("referense",), "large")], (), "reference: large",
    ),
    "no reference": ([(("reference",), REMOVED)], (), "reference: small"),
    "a GPU": ([(("compute", "device"), "gpu")], ("compute",), "device: cuda"),
    "no training": ([(("training",), "none")], (), "training: {encyclopedia: {epochs: 3, "),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_the_offered_line_is_right(case, tmp_path):
    edits, place, line = CASES[case]
    config = yaml.safe_load(TINY.read_text())
    for where, value in edits:
        put(config, where, value)
    (error,) = refusal(config, tmp_path)
    assert error.fix.startswith(line)
    ((key, value),) = yaml.safe_load(error.fix).items()
    put(config, (*place, key), value)
    config.pop("referense", None)
    validate(yaml.safe_dump(config, sort_keys=False), tmp_path)


def of_texts(tmp_path, monkeypatch):
    """The tiny study with classification only, and a second dataset of texts."""
    monkeypatch.chdir(tmp_path)
    for name in ("o.jsonl", "p.jsonl"):
        (tmp_path / name).write_text('{"text": "x", "label": "good"}\n')
    config = yaml.safe_load(TINY.read_text())
    config["datasets"] = {"reviews": copy.deepcopy(config["datasets"]["reviews"]), "other": OTHER}
    config["datasets"]["reviews"]["splits"]["calibration"] = {"examples": 40}
    config["vocabulary"]["datasets"] = ["reviews"]
    for key in ("question_answering", "figure1"):
        del config[key]
    del config["training"]["encyclopedia"]
    off = {"enabled": False}
    config["characteristics"] |= {
        "errors": {"enabled": True, "tasks": ["reviews"]}, "representation": off, "distribution": off,
    }  # fmt: skip
    config["verdict"] = {"errors": {"task": "reviews", "measure": "jaccard", "keep": 0.8}}
    return config


def test_a_study_of_texts_needs_no_settings_of_questions(tmp_path, monkeypatch):
    config = of_texts(tmp_path, monkeypatch)
    del config["classification"]
    checked = validate(yaml.safe_dump(config), tmp_path)
    assert checked["classification"] == {"max_length": 256}
    assert "question_answering" not in checked


def test_a_study_of_questions_needs_no_settings_of_texts(tmp_path):
    config = yaml.safe_load(TINY.read_text())
    del config["classification"], config["training"]["reviews"], config["models"]["large"]["training"]
    config["characteristics"]["errors"]["tasks"] = ["encyclopedia"]
    for name in ("vulnerability", "calibration"):
        config["characteristics"][name] = {"enabled": False}
    del config["question_answering"]
    checked = validate(yaml.safe_dump(config), tmp_path)
    assert checked["question_answering"]["max_length"] == 384


def test_an_unknown_task_of_distribution_beside_texts(tmp_path, monkeypatch):
    config = of_texts(tmp_path, monkeypatch)
    block = {**FAR, "tasks": {"review": ["other"]}}
    config["characteristics"]["distribution"] = block
    (error,) = refusal(config, tmp_path)
    assert error.fix == "tasks: {reviews: [other]}"
    block["tasks"] = yaml.safe_load(error.fix)["tasks"]
    validate(yaml.safe_dump(config), tmp_path)


def test_what_cannot_be_measured_is_switched_off(tmp_path, monkeypatch):
    config = of_texts(tmp_path, monkeypatch)
    del config["datasets"]["other"]
    block = {**FAR, "tasks": {"reviews": ["news"]}}
    config["characteristics"]["distribution"] = block
    (error,) = refusal(config, tmp_path)
    assert error.fix == "enabled: false"
    block |= yaml.safe_load(error.fix)
    validate(yaml.safe_dump(config), tmp_path)


def test_recipes_of_a_study_without_masked_language_models(tmp_path):
    config = yaml.safe_load(TINY.read_text())
    del config["masked_lms"], config["characteristics"]["vulnerability"]["recipes"]
    (error,) = refusal(config, tmp_path)
    recipes, masked_lms = map(yaml.safe_load, error.fix.splitlines())
    config["characteristics"]["vulnerability"] |= recipes
    config |= masked_lms
    validate(yaml.safe_dump(config), tmp_path)


SECTIONS = ("training", "models", "datasets", "characteristics", "verdict", "vocabulary")


@pytest.mark.parametrize("name", SECTIONS)
@pytest.mark.parametrize("value", ["none", 3, ["a"], None])
def test_letters_are_no_mistakes_of_their_own(name, value, tmp_path):
    config = yaml.safe_load(TINY.read_text())
    config[name] = value
    path = tmp_path / "study.yaml"
    path.write_text(yaml.safe_dump(config))
    with pytest.raises(StudyErrors) as caught:
        validate_study(config, [path], SCHEMA)
    (error,) = caught.value.errors
    assert "must be a mapping" in error.what
