"""Outputs that mean nothing are refused for both tasks, in words that fit who trained the model."""

import pytest
import torch

from miniature.inference import classification, question_answering
from miniature.messages import StudyError
from miniature.models.build import build_model
from small_models import QA_SETTINGS, save_encoder, toy_questions, toy_reviews

LABELS = ["bad", "good"]
OPTIONS = {"feature": "cls", "batch_tokens": 64, "device": "cpu"}


@pytest.fixture(params=["classification", "question-answering"])
def task(request):
    return request.param


def predict(folder, task, table=None):
    if task == "classification":
        table = toy_reviews(6) if table is None else table
        return classification.predict(
            folder, table, labels=LABELS, text_settings={"max_length": 24}, **OPTIONS
        )
    return question_answering.predict(folder, toy_questions(6), text_settings=QA_SETTINGS, **OPTIONS)


def save(tmp_path, task, change=lambda model: None):
    labels = LABELS if task == "classification" else None
    model, tokenizer = build_model({"path": save_encoder(tmp_path / "e")}, head=task, labels=labels, seed=0)
    with torch.no_grad():
        change(model)
    for part in (model, tokenizer):
        part.save_pretrained(tmp_path / "model")
    return tmp_path / "model"


def refuse(folder, task, words):
    with pytest.raises(StudyError, match=words) as caught:
        predict(folder, task)
    assert str(folder) in caught.value.where
    assert "learning_rate" not in caught.value.fix
    (folder / "training.json").write_text("{}")
    with pytest.raises(StudyError, match=words) as caught:
        predict(folder, task)
    assert "lower learning_rate" in caught.value.fix


def one_token(model):
    model.base_model.embeddings.word_embeddings.weight[6:].fill_(float("nan"))


def everything(model):
    next(model.base_model.parameters()).fill_(float("inf"))


def constant(model):
    # Whatever is read, each layer adds its bias to the same vector.
    model.base_model.embeddings.LayerNorm.weight.fill_(0)


@pytest.mark.parametrize("change", [one_token, everything])
def test_outputs_that_are_no_numbers(tmp_path, task, change):
    refuse(save(tmp_path, task, change), task, "NaN or infinite for 6 of 6 examples, the first is [rq]0")


def test_the_same_outputs_whatever_is_read(tmp_path, task):
    refuse(save(tmp_path, task, constant), task, "each of 6 examples the same outputs")


def test_texts_that_are_the_same_may_have_the_same_outputs(tmp_path):
    table = toy_reviews(6).assign(text="the red box is old .")
    predictions, _ = predict(save(tmp_path, "classification"), "classification", table)
    assert predictions["prediction"].nunique() == 1


def test_a_usual_model_passes(tmp_path, task):
    predict(save(tmp_path, task), task)
