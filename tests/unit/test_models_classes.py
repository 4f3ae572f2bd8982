"""A trained head is never given other class names than those that it was trained to mean."""

import json

import pytest
import torch
import yaml

from changed_studies import changed, validate
from miniature.config.validate import StudyErrors
from miniature.messages import StudyError
from miniature.models.build import build_model
from miniature.models.classes import check_classes, trained_classes
from small_models import change_config, save_classifier

SENTIMENT = {"negative": 0, "positive": 1}


@pytest.fixture(scope="module")
def classifier(tmp_path_factory):
    return save_classifier(tmp_path_factory.mktemp("classes") / "model", ["negative", "positive"])


def renamed(folder, *names):
    change_config(folder, id2label={str(i): name for i, name in enumerate(names)}, label2id=None)
    return folder


@pytest.mark.parametrize("kind", ["bert", "distilbert", "roberta", "electra"])
def test_classes_are_read_from_the_head(tmp_path, kind):
    folder = save_classifier(tmp_path / "model", ["a", "b", "c"], kind)
    assert trained_classes(folder) == ["a", "b", "c"]
    change_config(folder, id2label=None, label2id=None)
    assert trained_classes(folder) == ["LABEL_0", "LABEL_1", "LABEL_2"]
    assert trained_classes(tmp_path / "model-encoder") is None


def test_a_head_for_single_tokens_is_no_head_for_texts(classifier):
    change_config(classifier, architectures=["BertForTokenClassification"])
    try:
        assert trained_classes(classifier) is None
        change_config(classifier, architectures=None)
        assert trained_classes(classifier) == ["negative", "positive"]
    finally:
        change_config(classifier, architectures=["BertForSequenceClassification"])


@pytest.mark.parametrize(
    ("names", "labels"),
    [
        (("negative", "positive"), SENTIMENT),
        (("NEGATIVE", " Positive "), SENTIMENT),
        (("LABEL_0", "LABEL_1"), SENTIMENT),
        (("LABEL_0", "LABEL_1"), {"positive": 1, "negative": 0}),
        (("0", "1"), SENTIMENT),
        (("1 star", "5 stars"), {"1-star": 1, "5-stars": 5}),
        (("neg", "pos"), {"negative": "neg", "positive": "pos"}),
        (("-1", "1"), {"against": -1, "for": 1}),
        (("negative", "positive"), ["negative", "positive"]),
    ],
)
def test_the_same_classes(classifier, names, labels):
    check_classes(renamed(classifier, *names), labels)


@pytest.mark.parametrize(
    ("names", "labels", "line"),
    [
        # As they are named, or as the files name them.
        (("negative", "positive"), {"positive": 1, "negative": 0}, {"negative": 0, "positive": 1}),
        (("Negative", "POSITIVE"), {"positive": "p", "negative": "no"}, {"negative": "no", "positive": "p"}),
        (("0", "1"), {"positive": 1, "negative": 0}, {"negative": 0, "positive": 1}),
        (("true", "false"), {"no": False, "yes": True}, {"yes": True, "no": False}),
        (("LABEL_0", "LABEL_1"), {"LABEL_1": 1, "LABEL_0": 0}, {"LABEL_0": 0, "LABEL_1": 1}),
        (("1", "-1"), {"against": -1, "for": 1}, {"for": 1, "against": -1}),
    ],
)
def test_another_order_is_refused_with_the_line_to_paste(classifier, names, labels, line):
    with pytest.raises(StudyError, match="another order") as caught:
        check_classes(renamed(classifier, *names), labels)
    assert caught.value.where == str(classifier / "config.json")
    pasted = yaml.safe_load(caught.value.fix)["labels"]
    assert list(pasted.items()) == list(line.items())
    check_classes(classifier, pasted)


def test_other_names_are_refused(classifier):
    with pytest.raises(StudyError, match="other names") as caught:
        check_classes(renamed(classifier, "World", "sport news"), SENTIMENT, where="study.yaml:3")
    assert caught.value.where == "study.yaml:3"
    line, other = caught.value.fix.split("\n")
    assert "save_pretrained" in other
    assert yaml.safe_load(line) == {"labels": {"World": 0, "sport-news": 1}}
    check_classes(classifier, yaml.safe_load(line)["labels"])


def test_another_number_is_refused(classifier):
    renamed(classifier, "negative", "positive")
    for labels in ({**SENTIMENT, "neutral": 2}, ["negative"]):
        with pytest.raises(StudyError, match="tells 2 classes apart"):
            check_classes(classifier, labels)


@pytest.mark.parametrize(
    "given", [{"positive": "positive", "negative": "negative"}, ["positive", "negative"]]
)
def test_a_head_is_not_trained_on_with_its_classes_swapped(classifier, given):
    renamed(classifier, "negative", "positive")
    with pytest.raises(StudyError, match="another order"):
        build_model({"path": classifier}, head="classification", labels=given, seed=0)
    model, _ = build_model({"path": classifier}, head="classification", labels=SENTIMENT, seed=0)
    assert model.config.id2label == {0: "negative", 1: "positive"}
    again, _ = build_model({"path": classifier}, head="classification", labels=SENTIMENT, seed=1)
    assert torch.equal(model.classifier.weight, again.classifier.weight)
    assert json.loads((classifier / "config.json").read_text())["id2label"]["0"] == "negative"


def test_a_head_for_classes_does_not_matter_to_another_task(classifier):
    build_model({"path": renamed(classifier, "x", "y")}, head="question-answering", seed=0)


def test_a_study_with_a_local_checkpoint_is_told_before_any_job(classifier, tmp_path):
    renamed(classifier, "positive", "negative")
    text = changed((("models", "small"), {"path": str(classifier)}))
    with pytest.raises(StudyErrors) as caught:
        validate(text, tmp_path)
    told = [error for error in caught.value.errors if "classes" in str(error)]
    assert len(told) == 1
    assert "datasets.reviews.labels" in told[0].where
    assert "models.small" in told[0].where
    assert told[0].fix == "labels: {positive: positive, negative: negative}"
