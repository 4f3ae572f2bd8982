"""A checkpoint taken as it stands computes what it computed before, or is refused."""

import json

import pytest
import torch

from miniature.inference.classification import load_classifier
from miniature.messages import StudyError
from miniature.models.build import build_model
from miniature.models.checkpoints import load_checkpoint
from miniature.tables.sizes import model_size
from miniature.training.as_is import copy_checkpoint
from small_models import change_config, save_classifier, save_encoder

LABELS = {"bad": 0, "good": 1}
TEXT = {"max_length": 32}
TOKENS = {"input_ids": torch.tensor([[2, 6, 7, 8, 3]]), "attention_mask": torch.ones(1, 5, dtype=torch.long)}


@pytest.fixture(params=["bert", "distilbert", "roberta", "electra"])
def source(request, tmp_path):
    return save_classifier(tmp_path / "source", list(LABELS), request.param)


@pytest.fixture
def bert(tmp_path):
    return save_classifier(tmp_path / "source", list(LABELS))


def take(source, task="classification", labels=LABELS, text=TEXT, **spec):
    copy_checkpoint(
        {"path": source, **spec}, source.parent / "copy", task=task, labels=labels, text_settings=text
    )
    return source.parent / "copy"


def logits(folder):
    model, _ = load_checkpoint(folder, head="classification")
    with torch.no_grad():
        return model(**TOKENS).logits


def test_same_logits_same_weights_same_size(source):
    folder = take(source)
    assert torch.equal(logits(folder), logits(source))
    weights = "model.safetensors"
    assert (folder / weights).read_bytes() == (source / weights).read_bytes()
    assert model_size(folder) == model_size(source)
    load_classifier(folder, labels=list(LABELS), text_settings=TEXT)
    assert str(source) not in "".join(f.read_text() for f in folder.iterdir() if f.suffix == ".json")
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    take(source)
    assert before == {file.name: file.read_bytes() for file in folder.iterdir()}


def test_half_precision_stays_as_small_as_it_is(bert):
    model, _ = load_checkpoint(bert, head="classification")
    model.to(torch.float16).save_pretrained(bert)
    folder = take(bert)
    assert model_size(folder) == model_size(bert)
    assert model_size(folder)["bytes"] < 3 * model_size(folder)["parameters"]
    assert torch.equal(logits(folder), logits(bert))


def test_weights_in_several_files(bert):
    model, _ = load_checkpoint(bert, head="classification")
    (bert / "model.safetensors").unlink()
    model.save_pretrained(bert, max_shard_size="10KB")
    folder = take(bert)
    assert len(list(folder.glob("*.safetensors"))) > 1
    assert torch.equal(logits(folder), logits(bert))


@pytest.mark.parametrize("names", [("LABEL_0", "LABEL_1"), ("BAD", "Good")])
def test_classes_are_called_as_in_the_study(bert, names):
    change_config(bert, id2label=dict(enumerate(names)), label2id=None)
    config = json.loads((take(bert) / "config.json").read_text())
    assert config["id2label"] == {"0": "bad", "1": "good"}
    assert config["label2id"] == {"bad": 0, "good": 1}


def test_segments_are_left_out_where_the_study_says_so(bert):
    assert json.loads((take(bert, segments=False) / "config.json").read_text())["use_segments"] is False


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"labels": {"good": 1, "bad": 0}}, "another order"),
        ({"labels": {"sport": 0, "news": 1}}, "other names"),
        ({"labels": {"bad": 0, "good": 1, "so-so": 2}}, "tells 2 classes apart"),
        ({"task": "question-answering", "labels": None}, "for another task: BertForSequenceClassification"),
        ({"text": {"max_length": 65}}, "longer than the 64"),
    ],
)
def test_another_model_than_the_study_asks_for(bert, change, told):
    with pytest.raises(StudyError, match=told):
        take(bert, **change)
    assert not (bert.parent / "copy").exists()


def test_an_encoder_without_a_head_or_a_folder_without_safe_weights(bert, tmp_path):
    with pytest.raises(StudyError, match="for another task: BertModel"):
        take(save_encoder(tmp_path / "encoder"))
    (bert / "model.safetensors").rename(bert / "pytorch_model.bin")
    with pytest.raises(StudyError, match="can run code"):
        take(bert)


def test_a_checkpoint_that_answers_questions(tmp_path):
    encoder = save_encoder(tmp_path / "encoder")
    model, tokenizer = build_model({"path": encoder}, head="question-answering", seed=1)
    for saved in (model, tokenizer):
        saved.save_pretrained(tmp_path / "source")
    folder = take(tmp_path / "source", task="question-answering", labels=None)
    its, _ = load_checkpoint(folder, head="question-answering")
    assert torch.equal(its.qa_outputs.weight, model.qa_outputs.weight)
