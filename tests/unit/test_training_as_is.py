"""A checkpoint taken as it stands computes what it computed before, or is refused."""

import json
import os

import pytest
import torch
from safetensors.torch import load_file, save_file

from miniature.inference.classification import load_classifier, predict
from miniature.messages import StudyError
from miniature.models.build import build_model
from miniature.models.checkpoints import load_checkpoint, load_result
from miniature.models.results import check_result_folder
from miniature.tables.sizes import model_size
from miniature.training.as_is import copy_checkpoint
from small_models import change_config, save_classifier, save_encoder, toy_reviews

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


def test_classes_in_another_order_are_predicted_as_themselves(bert):
    reviews = toy_reviews(9)
    options = {"text_settings": TEXT, "feature": "cls", "batch_tokens": 64, "device": "cpu"}
    one, _ = predict(take(bert), reviews, labels=["bad", "good"], **options)
    folder = take(bert, labels={"good": 1, "bad": 0})
    assert json.loads((folder / "config.json").read_text())["id2label"] == {"0": "bad", "1": "good"}
    other, _ = predict(folder, reviews, labels=["good", "bad"], **options)
    assert one["prediction"].tolist() == other["prediction"].tolist()
    assert [p.tolist() for p in one["probabilities"]] == [p.tolist()[::-1] for p in other["probabilities"]]


def test_ten_studies_share_one_file_of_weights(bert):
    more = {"cls.dense.weight": torch.zeros(500, 500)}
    save_file(load_file(bert / "model.safetensors") | more, bert / "model.safetensors", {"format": "pt"})
    size = (bert / "model.safetensors").stat().st_size
    folders = [take(bert).rename(bert.parent / f"study-{number}") for number in range(10)]
    own = sum(f.lstat().st_size for folder in [bert, *folders] for f in folder.iterdir())
    assert own <= 1.2 * size
    for folder in folders:
        assert torch.equal(logits(folder), logits(bert))


def test_a_file_is_known_by_its_bytes(bert, monkeypatch):
    folder, weights = take(bert), bert / "model.safetensors"
    check_result_folder(folder)
    monkeypatch.setattr("miniature.models.results.digest_file", lambda path: pytest.fail("was read"))
    check_result_folder(folder)
    monkeypatch.undo()
    # Another time, the same bytes: read once more, and then known.
    os.utime(weights, (1, 1))
    check_result_folder(folder)
    monkeypatch.setattr("miniature.models.results.digest_file", lambda path: pytest.fail("was read"))
    check_result_folder(folder)


def flip(weights):
    """Another weight, of the same size, with an older time."""
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    os.utime(weights, (1, 1))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (flip, "no longer the file that was taken"),
        (lambda weights: weights.unlink(), "is gone"),
        (lambda weights: weights.write_bytes(b"x"), "no longer the file"),
    ],
)
def test_another_file_behind_the_link_is_noticed(bert, change, words):
    folder = take(bert)
    change(bert / "model.safetensors")
    with pytest.raises(StudyError, match=words) as caught:
        load_result(folder, head="classification")
    assert "run the same snakemake command again" in caught.value.fix
    assert not folder.exists()


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers(bert, number):
    weights = load_file(bert / "model.safetensors")
    weights["bert.encoder.layer.0.output.dense.bias"][3] = number
    save_file(weights, bert / "model.safetensors", {"format": "pt"})
    with pytest.raises(StudyError, match=r"first in bert\.encoder\.layer\.0\.output\.dense\.bias") as caught:
        take(bert)
    assert "learning_rate" not in caught.value.fix


def test_segments_are_left_out_where_the_study_says_so(bert):
    assert json.loads((take(bert, segments=False) / "config.json").read_text())["use_segments"] is False


@pytest.mark.parametrize(
    ("change", "told"),
    [
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
