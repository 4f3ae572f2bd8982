"""A trained head is never given other class names than those that it was trained to mean."""

import json

import pytest
import torch
import yaml

from changed_studies import changed, validate
from miniature.config.validate import StudyErrors
from miniature.messages import StudyError
from miniature.models.build import build_model
from miniature.models.checkpoints import load_checkpoint, order_outputs
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
    ("names", "labels"),
    [
        # As they are named, or as the files name them.
        (("negative", "positive"), {"positive": 1, "negative": 0}),
        (("Negative", "POSITIVE"), {"positive": "p", "negative": "no"}),
        (("true", "false"), {"no": False, "yes": True}),
        (("neg", "pos"), {"positive": "pos", "negative": "neg"}),
    ],
)
def test_another_order_is_brought_into_the_study_s(classifier, names, labels):
    assert check_classes(renamed(classifier, *names), labels) == list(labels)[::-1]


@pytest.mark.parametrize(
    ("names", "labels", "line"),
    [
        # Numbers may be names or nothing but places.
        (("0", "1"), {"positive": 1, "negative": 0}, {"negative": 0, "positive": 1}),
        (("LABEL_0", "LABEL_1"), {"LABEL_1": 1, "LABEL_0": 0}, {"LABEL_0": 0, "LABEL_1": 1}),
        (("1", "-1"), {"against": -1, "for": 1}, {"for": 1, "against": -1}),
    ],
)
def test_another_order_of_numbers_is_refused_with_the_line_to_paste(classifier, names, labels, line):
    with pytest.raises(StudyError, match="another order") as caught:
        check_classes(renamed(classifier, *names), labels)
    assert caught.value.where == str(classifier / "config.json")
    pasted = yaml.safe_load(caught.value.fix)["labels"]
    assert list(pasted.items()) == list(line.items())
    check_classes(classifier, pasted)


def told_of(classifier, labels=SENTIMENT, **changes):
    change_config(classifier, **changes)
    with pytest.raises(StudyError) as caught:
        check_classes(classifier, labels)
    return str(caught.value)


@pytest.mark.parametrize(
    ("named", "order"),
    [
        ({"label2id": {"positive": 0, "negative": 1}}, ["positive", "negative"]),
        ({"label2id": {"negative": "0", "positive": "1"}}, ["negative", "positive"]),
        ({"id2label": {"1": "negative", "0": "positive"}}, ["positive", "negative"]),
        ({"id2label": {"0": "POSITIVE", "1": "NEGATIVE"}, "label2id": {"POSITIVE": 0, "NEGATIVE": 1}},
         ["positive", "negative"]),
    ],
)  # fmt: skip
def test_outputs_are_named_in_either_direction(classifier, named, order):
    change_config(classifier, **{"id2label": None, "label2id": None} | named)
    assert check_classes(classifier, SENTIMENT) == order


@pytest.mark.parametrize(
    "named",
    [
        {"id2label": ["negative", "positive"], "label2id": None},
        {"id2label": {"0": "negative"}, "label2id": None},
        {"id2label": {"0": "same", "1": "same"}, "label2id": None},
        {"id2label": {"a": "negative", "b": "positive"}, "label2id": None},
        {"id2label": {"1": "negative", "2": "positive"}, "label2id": None},
        {"id2label": None, "label2id": {"negative": 0, "positive": 0}},
        {"id2label": {"0": "negative", "1": "positive"}, "label2id": {"positive": 0, "negative": 1}},
    ],
)
def test_outputs_that_nothing_names_once(classifier, named):
    told = told_of(classifier, **named)
    assert '"id2label": {"0": "' in told


@pytest.mark.parametrize("problem", ["multi_label_classification", "regression"])
def test_outputs_that_are_no_probabilities_of_classes(classifier, problem):
    renamed(classifier, "negative", "positive")
    try:
        assert "predictions: " in told_of(classifier, problem_type=problem)
        change_config(classifier, problem_type="single_label_classification")
        check_classes(classifier, SENTIMENT)
    finally:
        change_config(classifier, problem_type=None)


def test_one_output_is_no_class(tmp_path):
    assert "gives one number" in told_of(save_classifier(tmp_path / "one", ["x"]))


@pytest.mark.parametrize("kind", ["bert", "distilbert", "roberta", "electra"])
def test_outputs_in_the_study_s_order_are_the_same_outputs(tmp_path, kind):
    folder = save_classifier(tmp_path / "model", ["a", "b", "c"], kind)
    model, tokenizer = load_checkpoint(folder, head="classification")
    tokens = tokenizer("the red box", return_tensors="pt")
    with torch.no_grad():
        before = model(tokens["input_ids"]).logits
        order_outputs(model, ["c", "a", "b"])
        after = model(tokens["input_ids"]).logits
    assert torch.equal(after, before[:, [2, 0, 1]])
    assert model.config.id2label == {0: "c", 1: "a", 2: "b"}


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
def test_a_head_is_trained_on_with_its_classes_where_they_belong(classifier, given):
    renamed(classifier, "negative", "positive")
    model, _ = build_model({"path": classifier}, head="classification", labels=given, seed=0)
    assert model.config.id2label == {0: "positive", 1: "negative"}
    again, _ = build_model({"path": classifier}, head="classification", labels=SENTIMENT, seed=1)
    assert again.config.id2label == {0: "negative", 1: "positive"}
    assert torch.equal(model.classifier.weight, again.classifier.weight[[1, 0]])
    assert json.loads((classifier / "config.json").read_text())["id2label"]["0"] == "negative"


def test_a_head_for_classes_does_not_matter_to_another_task(classifier):
    build_model({"path": renamed(classifier, "x", "y")}, head="question-answering", seed=0)


def test_a_study_with_a_local_checkpoint_is_told_before_any_job(classifier, tmp_path):
    renamed(classifier, "world", "sport")
    text = changed((("models", "small"), {"path": str(classifier)}))
    with pytest.raises(StudyErrors) as caught:
        validate(text, tmp_path)
    told = [error for error in caught.value.errors if "classes" in str(error)]
    assert len(told) == 1
    assert "datasets.reviews.labels" in told[0].where
    assert "models.small" in told[0].where
    assert told[0].fix.startswith("labels: {world: ")
