"""Mistakes that would show after hours, or never, are told before any job; valid studies stay valid."""

import re

import pytest

from changed_studies import REMOVED, changed, validate, write_encoder
from miniature.characteristics.declared import DECLARED, measures_of
from miniature.config.validate import StudyErrors
from miniature.measures.registry import MEASURES
from miniature.names import CONFIG_NAME, REVISION


@pytest.mark.parametrize("name", ["plain_text", "20220301.en", "default", "v1.0.0"])
def test_configurations_of_a_hub_dataset(name):
    assert re.fullmatch(CONFIG_NAME, name)


@pytest.mark.parametrize("name", ["", "..", "a..b", "a/b", "a.", ".a", "a b"])
def test_no_configurations_of_a_hub_dataset(name):
    assert not re.fullmatch(CONFIG_NAME, name)


@pytest.mark.parametrize("name", ["main", "refs/convert/parquet", "v1.0", "0" * 40])
def test_revisions(name):
    assert re.fullmatch(REVISION, name)


@pytest.mark.parametrize("name", ["", "..", "a/../b", "/a", "a/", "a//b", "-a", "a b"])
def test_no_revisions(name):
    assert not re.fullmatch(REVISION, name)


def test_measures_of_a_verdict_are_agreements_of_two_models():
    named = {measure for name in DECLARED for measure in measures_of(name)}
    # A corrected form is not defined where chance and ceiling meet, and a margin on it means another thing.
    agreements = {name for name, measure in MEASURES.items() if measure.closer}
    assert named == {name for name in agreements if not name.endswith("_corrected")}


LENGTH = ("architecture", "max_positions")
HUB = {"task": "question-answering", "format": "hub", "hub": "me/data", "revision": "main"}
HUB_TEST = {"test": {"hub_split": "test", "examples": 5}}
SAME = {"path": "/nowhere/all.json", "examples": 5}
PANEL = {"characteristic": "representation", "measure": "jaccard", "pairs": "reference"}
OOD_PANEL = {"characteristic": "distribution", "measure": "jaccard_ood", "pairs": "reference"}
BOTH = {"encyclopedia": ["news", "other"]}
OTHER = (
    ("datasets", "other"),
    {
        "task": "question-answering",
        "format": "world",
        "domain": "news",
        "splits": {"test": {"examples": 9}, "train": {"examples": 99}},
    },
)
SEVERAL = (("characteristics", "distribution", "tasks"), BOTH)
CASES = {
    # What the verdict and the panels are read from.
    "unknown measure": (
        [(("verdict", "errors", "measure"), "jacard")],
        ["no measure 'jacard'", "verdict.errors.measure", "measure: jaccard"],
    ),
    "measure of another characteristic": (
        [(("verdict", "distribution", "measure"), "kappa")],
        ["'distribution' has no measure 'kappa'", "measure: jaccard_ood"],
    ),
    "measure that is no agreement": (
        [(("verdict", "distribution", "measure"), "auroc")],
        ["'auroc' is no agreement of two models", "measure: jaccard_ood"],
    ),
    "verdict on a corrected measure": (
        [(("verdict", "errors", "measure"), "jaccard_corrected")],
        ["A verdict rests on the agreement itself, not on 'jaccard_corrected'", "measure: jaccard"],
    ),
    "verdict on one model's calibration": (
        [(("verdict", "calibration", "measure"), "brier")],
        ["'brier' is no agreement of two models", "brier_difference"],
    ),
    "k of calibration": ([(("verdict", "calibration", "k"), 10)], ["'k' means nothing for 'calibration'"]),
    "k of errors": (
        [(("verdict", "errors", "k"), 10)],
        ["'k' means nothing for 'errors', which is not measured against K", "remove k"],
    ),
    "k of vulnerability": ([(("verdict", "vulnerability", "k"), 10)], ["'k' means nothing", "remove k"]),
    "recipe of errors": ([(("verdict", "errors", "recipe"), "x")], ["'recipe' means nothing for 'errors'"]),
    "panel with an unknown measure": (
        [(("figure1", "panels", "c", "measure"), "jaccard")],
        ["'distribution' has no measure 'jaccard'", "figure1.panels.c.measure", "measure: jaccard_"],
    ),
    "panel of an unmeasured task": (
        [(("figure1", "panels", "a", "task"), "reviews")],
        ["'representation' is not measured with the task 'reviews'", "task: encyclopedia"],
    ),
    "panel of an unmeasured ood dataset": (
        [(("figure1", "panels", "c", "ood_dataset"), "new")],
        ["not measured with the ood_dataset 'new'", "ood_dataset: news"],
    ),
    "panel of a representation with an ood dataset": (
        [(("figure1", "panels", "a", "ood_dataset"), "news")],
        ["'ood_dataset' means nothing for 'representation'", "remove ood_dataset"],
    ),
    "panel that does not say which task": (
        [(("characteristics", "representation", "tasks"), ["encyclopedia", "reviews"])],
        ["Panel a shows one task", "task: encyclopedia   # or reviews"],
    ),
    "panel that does not say which ood dataset": (
        [OTHER, SEVERAL],
        ["Panel c shows one ood_dataset", "ood_dataset: news   # or other"],
    ),
    "nothing measured": (
        [
            (("characteristics",), {name: {"enabled": False} for name in DECLARED}),
            (("figure1", "panels"), {}),
        ],
        ["Nothing is measured", "errors: {enabled: true, tasks: [encyclopedia]}"],
    ),
    # Lengths.
    "questions longer than a model": (
        [(("models", "small", *LENGTH), 64)],
        ["max_length is 96, more tokens than 'small' takes (64)", "question_answering.max_length",
         "max_length: 64", "max_positions: 96"],
    ),
    "questions longer than BERT": (
        [(("question_answering", "max_length"), 600)],
        ["'large' takes (512)", "'small' takes (512)", "max_length: 512"],
    ),
    "texts longer than a model": (
        [(("models", "small", *LENGTH), 32)],
        ["max_length is 64, more tokens than 'small' takes (32)", "classification.max_length"],
    ),
    "masked lm trained on longer texts": (
        [(("masked_lms", "words", "training", "max_length"), 513)],
        ["max_length is 513, more tokens than 'words' takes (512)", "masked_lms.words.training.max_length"],
    ),
    "preset longer than the masked lm": (
        [(("masked_lms", "words", *LENGTH), 128)],
        ["max_masked_lm_length is 512, more tokens than 'words' takes (128)", "max_masked_lm_length: 128"],
    ),
    "bank above the training examples": (
        [(("characteristics", "distribution", "bank_examples"), 241)],
        ["needs at least that many train examples; 'encyclopedia' has 240", "bank_examples: 240"],
    ),
    # Keys that mean nothing where they stand.
    "labels of questions": (
        [(("datasets", "news", "labels"), {"a": 0, "b": 1})],
        ["'labels' means nothing for question-answering", "remove it, or task: classification"],
    ),
    "columns that nothing reads": (
        [(("datasets", "news", "columns"), {"id": "id"})],
        ["'columns' means nothing for the format 'world'"],
    ),
    "unanswerable texts": (
        [(("datasets", "reviews", "unanswerable"), True)],
        ["'unanswerable' means nothing for classification"],
    ),
    "length of a task": (
        [(("training", "reviews", "max_length"), 64)],
        ["'max_length' under 'training' of a task", "classification: {max_length: 64, ...}"],
    ),
    "mask probability of a task": (
        [(("models", "small", "training"), {"encyclopedia": {"mask_probability": 0.2}})],
        ["'mask_probability' under 'training' of a task", "models.small.training.encyclopedia",
         "masked_lms: {<name>: {training: {mask_probability: 0.2, ...}}}"],
    ),
    "masked lm with a teacher's settings": (
        [(("masked_lms", "words", "training", "distillation"), {"temperature": 2.0, "alpha": 0.5})],
        ["'distillation' belongs to the training of a task"],
    ),
    "path of the world": (
        [(("datasets", "news", "splits", "test", "path"), "x.json")],
        ["'path' belongs to a split of the formats squad", "is of the format 'world'", "remove path"],
    ),
    "path of a hub split": (
        [(("datasets", "news"), {**HUB, "splits": {"test": {**HUB_TEST["test"], "path": "x"}}})],
        ["'path' belongs to a split", "is of the format 'hub'"],
    ),
    "hub split of a file": (
        [
            (
                ("datasets", "news"),
                {
                    "task": "question-answering",
                    "format": "squad",
                    "splits": {"test": {"path": "x.json", "hub_split": "test", "examples": 5}},
                },
            )
        ],
        ["'hub_split' belongs to a split of the format hub", "remove hub_split"],
    ),
    "layers of a masked lm used as it is": (
        [(("masked_lms", "words"), {"hub": "a/b", "revision": "main", "layers": 2})],
        ["'layers' belongs to a model that is trained", "remove layers, or add datasets"],
    ),
    "dropout of a masked lm used as it is": (
        [(("masked_lms", "words"), {"hub": "a/b", "revision": "main", "dropout": 0.0})],
        ["'dropout' belongs to a model that is trained"],
    ),
    # Splits.
    "vocabulary of a dataset without train": (
        [(("vocabulary", "datasets"), ["news", "reviews"])],
        ["train split of 'news', which has none", "datasets: [reviews]"],
    ),
    "masked lm on a dataset without train": (
        [(("masked_lms", "words", "datasets"), ["news"])],
        ["'words' is trained on the train split of 'news'", "datasets: [encyclopedia, reviews]"],
    ),
    "one file for two splits": (
        [
            (
                ("datasets", "news"),
                {
                    "task": "question-answering",
                    "format": "squad",
                    "splits": {"test": SAME, "train": {**SAME, "path": "/nowhere/../nowhere/all.json"}},
                },
            )
        ],
        ["'test' and 'train' read the same rows", "test: {held_out_from: train, examples: 5}"],
    ),
    "one hub split for two splits": (
        [
            (
                ("datasets", "news"),
                {**HUB, "splits": {**HUB_TEST, "calibration": {"hub_split": "test", "examples": "all"}}},
            )
        ],
        ["'test' and 'calibration' read the same rows (hub_split test)",
         "calibration: {held_out_from: train, examples: 500}"],
    ),
    "one pinned file for two splits": (
        [
            (
                ("datasets", "news"),
                {
                    "task": "question-answering",
                    "format": "squad",
                    "splits": {
                        split: {"source": {"url": f"https://a/{split}", "sha256": "f" * 64}, "examples": 5}
                        for split in ("train", "test")
                    },
                },
            )
        ],
        ["'train' and 'test' read the same rows"],
    ),
    # Values.
    "infinite number": (
        [(("training", "reviews", "learning_rate"), float("inf"))],
        ["'learning_rate' is inf, but must be a finite number", "learning_rate: 3.0e-05"],
    ),
    "no number": ([(("verdict", "errors", "keep"), float("nan"))], ["'keep' is nan", "keep: 0.8"]),
    "margin of an agreement": (
        [(("verdict", "errors", "margin"), 0.05)], ["'jaccard' is judged by the share", "keep: 0.8"]
    ),
    "share of a level": (
        [(("verdict", "calibration", "keep"), 0.8)], ["'brier_difference' is judged", "margin: 0.02"]
    ),
    "tolerance out of range": (
        [(("tolerance",), {"newly_wrong": 1.5})], ["'newly_wrong' is 1.5", "newly_wrong: 0.02"]
    ),
    "infinite axis": ([(("figure1", "y_max"), float("inf"))], ["'y_max' is inf", "y_max: 1.0"]),
    "infinity as text": ([(("training", "reviews", "weight_decay"), "inf")], ["'inf', but must be a number"]),
    "infinite share of words": (
        [
            (
                ("characteristics", "vulnerability", "recipes", "bert-attack", "max_words_changed"),
                float("inf"),
            )
        ],
        ["'max_words_changed' is inf, but must be a finite number", "max_words_changed: 0.4"],
    ),
    "revision that leads elsewhere": (
        [(("models", "small"), {"hub": "a/b", "revision": "../../x"})],
        ["'revision' is '../../x'", "must look like main", "revision: main"],
    ),
    "configuration with a slash": (
        [(("datasets", "news"), {**HUB, "config_name": "a/b", "splits": HUB_TEST})],
        ["must look like plain_text"],
    ),
    # The generated world.
    "reviews as questions": (
        [(("datasets", "news", "domain"), "reviews")],
        ["The domain 'reviews' of the generated world is for classification", "domain: encyclopedia"],
    ),
    "news as reviews": (
        [(("datasets", "reviews", "domain"), "news")],
        ["The domain 'news' of the generated world is for question-answering", "domain: reviews"],
    ),
    "other names for the labels of the world": (
        [(("datasets", "reviews", "labels"), {"bad": "negative", "good": "positive"})],
        ["are negative or positive, and called so", "labels: {negative: negative, positive: positive}"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "expected"), [("bert", None), ("roberta", "more tokens than 'small' takes (94)")]
)
def test_length_of_a_model_at_hand(kind, expected, tmp_path):
    encoder = write_encoder(tmp_path / "encoder", model_type=kind, max_position_embeddings=96)
    text = changed((("models", "small"), {"path": str(encoder)}))
    if expected is None:
        validate(text, tmp_path)
    else:
        with pytest.raises(StudyErrors, match=re.escape(expected)):
            validate(text, tmp_path)


VALID = {
    "no panels": [(("figure1", "panels"), {})],
    "errors alone": [
        (("characteristics", name), {"enabled": False})
        for name in ("representation", "distribution", "vulnerability", "calibration")
    ]
    + [(("figure1", "panels"), {})],
    "panels that say which": [
        OTHER,
        SEVERAL,
        (("characteristics", "representation", "tasks"), ["encyclopedia", "reviews"]),
        (
            ("figure1", "panels"),
            {"a": {**PANEL, "task": "reviews"}, "b": {**OOD_PANEL, "ood_dataset": "other"}},
        ),
    ],
    "other measures": [
        (("verdict", "errors", "measure"), "negative_flips"),
        (("verdict", "vulnerability", "measure"), "kappa"),
    ],
    "a length that only an unmeasured task has": [
        (("characteristics", "errors", "tasks"), ["encyclopedia"]),
        (("characteristics", "vulnerability"), {"enabled": False}),
        (("characteristics", "calibration"), {"enabled": False}),
        (("classification", "max_length"), 600),
    ],
    "dropout of a masked lm that is trained further": [
        (("masked_lms", "words", "architecture"), REMOVED),
        (("masked_lms", "words", "hub"), "a/b"),
        (("masked_lms", "words", "revision"), "refs/convert/x"),
        (("masked_lms", "words", "dropout"), 0.0),
    ],
    "a dotted configuration of a hub dataset": [
        (("datasets", "news"), {**HUB, "config_name": "20220301.en", "splits": HUB_TEST}),
    ],
    "held out of the file that is trained on": [
        (
            ("datasets", "news"),
            {
                **HUB,
                "splits": {
                    "train": {"hub_split": "train", "examples": "all"},
                    "calibration": {"held_out_from": "train", "examples": 5},
                    "test": {"held_out_from": "train", "examples": 5},
                },
            },
        )
    ],
}


@pytest.mark.parametrize("case", VALID)
def test_what_is_no_mistake(case, tmp_path):
    validate(changed(*VALID[case]), tmp_path)


@pytest.mark.parametrize("case", CASES)
def test_mistake_is_told_before_it_costs_anything(case, tmp_path):
    edits, expected = CASES[case]
    with pytest.raises(StudyErrors) as caught:
        validate(changed(*edits), tmp_path)
    message = str(caught.value)
    assert all(part in message for part in expected), message
    assert "study.yaml" in message
