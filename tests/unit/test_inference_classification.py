import json
import shutil

import numpy as np
import pytest
import torch

from miniature.files import read_parquet, write_parquet
from miniature.inference.classification import predict
from miniature.messages import StudyError
from miniature.models.build import build_model
from miniature.models.checkpoints import load_checkpoint
from miniature.predictions.schemas import CLASSIFICATION_PREDICTIONS_SCHEMA
from small_models import ARCHITECTURE, save_bert_tokenizer, toy_reviews

LABELS = ["bad", "good"]
OPTIONS = {"text_settings": {"max_length": 12}, "feature": "cls", "batch_tokens": 64, "device": "cpu"}


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    model, tokenizer = build_model(
        {"architecture": ARCHITECTURE | {"initializer_range": 0.5}},
        head="classification",
        labels=LABELS,
        vocabulary=save_bert_tokenizer(folder / "vocabulary"),
        seed=1,
    )
    model.save_pretrained(folder / "c")
    tokenizer.save_pretrained(folder / "c")
    return folder / "c"


def test_probabilities_are_the_models(checkpoint, tmp_path):
    table = toy_reviews(20)
    table.loc[3, "text"] = ""
    predictions, embeddings = predict(checkpoint, table, labels=LABELS, **OPTIONS)
    model, tokenizer = load_checkpoint(checkpoint, head="classification")
    for row in range(20):
        inputs = tokenizer(table["text"][row], truncation=True, max_length=12, return_tensors="pt")
        with torch.no_grad():
            output = model(**inputs, output_hidden_states=True)
        witness = output.logits[0].softmax(0).numpy()
        np.testing.assert_allclose(predictions["probabilities"][row], witness, atol=1e-5)
        assert predictions["prediction"][row] == LABELS[witness.argmax()]
        np.testing.assert_allclose(embeddings[row], output.hidden_states[-1][0, 0], atol=1e-5)
    assert predictions["prediction"].nunique() == 2
    assert predictions["label"].tolist() == table["label"].tolist()
    write_parquet(predictions, tmp_path / "p.parquet", CLASSIFICATION_PREDICTIONS_SCHEMA)
    back = read_parquet(tmp_path / "p.parquet")
    assert back["probabilities"][0].dtype == np.float32


def test_a_pair_is_read_as_the_model_reads_it(checkpoint):
    table = toy_reviews(20)
    table["text_pair"] = [f"a {'new ' * (i % 9)}cup" for i in range(20)]
    predictions, embeddings = predict(checkpoint, table, labels=LABELS, **OPTIONS)
    model, tokenizer = load_checkpoint(checkpoint, head="classification")
    for row, pair in enumerate(zip(table["text"], table["text_pair"], strict=True)):
        inputs = tokenizer(*pair, truncation=True, max_length=12, return_tensors="pt")
        assert inputs["token_type_ids"].max() == 1
        with torch.no_grad():
            output = model(**inputs, output_hidden_states=True)
        witness = output.logits[0].softmax(0).numpy()
        np.testing.assert_allclose(predictions["probabilities"][row], witness, atol=1e-5)
        np.testing.assert_allclose(embeddings[row], output.hidden_states[-1][0, 0], atol=1e-5)


def test_batches_and_order_change_nothing(checkpoint):
    table = toy_reviews(30)
    reference, embeddings = predict(checkpoint, table, labels=LABELS, **OPTIONS)
    order = np.random.default_rng(0).permutation(30)
    other, also = predict(
        checkpoint,
        table.iloc[order].reset_index(drop=True),
        labels=LABELS,
        **(OPTIONS | {"batch_tokens": 1}),
    )
    assert other["prediction"].tolist() == reference["prediction"].iloc[order].tolist()
    np.testing.assert_allclose(also, embeddings[order], atol=1e-5)
    np.testing.assert_allclose(
        np.stack(other["probabilities"]), np.stack(reference["probabilities"])[order], atol=1e-5
    )


def test_half_precision_is_that_of_a_model_that_was_cast(checkpoint, tmp_path):
    table = toy_reviews(30)
    exact, _ = predict(checkpoint, table, labels=LABELS, **OPTIONS)
    predictions, embeddings = predict(checkpoint, table, labels=LABELS, precision="bf16", **OPTIONS)
    apart = np.abs(np.stack(predictions["probabilities"]) - np.stack(exact["probabilities"]))
    assert 1e-5 < apart.max() < 0.1
    assert embeddings.dtype == np.float32
    shutil.copytree(checkpoint, tmp_path / "cast")
    said = json.loads((tmp_path / "cast/config.json").read_text())
    (tmp_path / "cast/config.json").write_text(json.dumps(said | {"computed_in": "bf16"}))
    for precision in ("fp32", "bf16"):
        cast, its = predict(tmp_path / "cast", table, labels=LABELS, precision=precision, **OPTIONS)
        assert np.array_equal(np.stack(cast["probabilities"]), np.stack(predictions["probabilities"]))
        assert np.array_equal(its, embeddings)


@pytest.mark.parametrize("labels", [["good", "worse"], ["bad"], ["bad", "good", "other"]])
def test_labels_that_are_not_the_checkpoints(checkpoint, labels):
    with pytest.raises(StudyError, match="classes are bad, good"):
        predict(checkpoint, toy_reviews(2), labels=labels, **OPTIONS)
