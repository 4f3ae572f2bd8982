"""`segments: false`: one segment in training and afterwards, written into the checkpoint and read from it."""

import json

import numpy as np
import pytest
import torch

from miniature.inference.question_answering import predict
from miniature.models.build import build_model
from miniature.models.checkpoints import load_checkpoint, takes_segments
from miniature.training.finetune import FineTuning, finetune
from small_models import QA_SETTINGS, TRAINING, save_encoder, toy_questions

TABLE = toy_questions(24)


def train(folder, source, **spec):
    finetune(
        {"path": str(source), "dropout": 0.0, **spec},
        TABLE,
        FineTuning(
            task="question-answering",
            labels=None,
            settings={**TRAINING, "epochs": 1},
            text_settings=QA_SETTINGS,
            seed=1,
            device="cpu",
            checkpoint_folder=folder.parent / f"{folder.name}.partial",
        ),
        vocabulary=None,
        output_folder=folder,
    )
    return folder


def without_second_segment(folder):
    """The checkpoint with the embedding of the second segment made that of the first: the outside witness."""
    model, _ = load_checkpoint(folder, head="question-answering")
    weights = model.bert.embeddings.token_type_embeddings.weight
    with torch.no_grad():
        weights[1] = weights[0]
    return model


def answers(folder):
    settings = {"text_settings": QA_SETTINGS, "feature": "cls", "batch_tokens": 512, "device": "cpu"}
    return predict(folder, TABLE, **settings)


def test_segments_are_dropped_in_training_and_remembered_by_the_checkpoint(tmp_path):
    source = save_encoder(tmp_path / "encoder")
    kept, dropped = train(tmp_path / "kept", source), train(tmp_path / "dropped", source, segments=False)
    assert "use_segments" not in json.loads((kept / "config.json").read_text())
    assert json.loads((dropped / "config.json").read_text())["use_segments"] is False

    before = build_model({"path": str(source)}, head="question-answering", seed=1)[0]
    second = before.bert.embeddings.token_type_embeddings.weight[1].detach()
    trained = {name: load_checkpoint(path, head="question-answering")[0] for name, path in
               (("kept", kept), ("dropped", dropped))}  # fmt: skip
    rows = {name: model.bert.embeddings.token_type_embeddings.weight[1] for name, model in trained.items()}
    # A segment that no token was in got no gradient; weight decay alone moves it, by far less.
    assert takes_segments(trained["kept"])
    assert not takes_segments(trained["dropped"])
    assert (rows["dropped"] - second).abs().max() < 0.1 * (rows["kept"] - second).abs().max()


def test_inference_of_such_a_checkpoint_uses_one_segment(tmp_path):
    source = save_encoder(tmp_path / "encoder")
    folder = train(tmp_path / "dropped", source, segments=False)
    _, embeddings = answers(folder)
    without_second_segment(folder).save_pretrained(folder, safe_serialization=True)
    file = folder / "config.json"
    config = json.loads(file.read_text())
    file.write_text(json.dumps({**config, "use_segments": True}))
    # With segments, but the second one like the first: the same numbers, reached another way.
    np.testing.assert_allclose(answers(folder)[1], embeddings, atol=1e-6)


def test_a_study_may_switch_segments_on_again_and_encoders_without_them_do_not_mind(tmp_path):
    source = save_encoder(tmp_path / "encoder")
    folder = train(tmp_path / "dropped", source, segments=False)
    for segments, expected in ((None, False), (True, True)):
        spec = {"path": str(folder), **({} if segments is None else {"segments": segments})}
        assert takes_segments(build_model(spec, head="question-answering", seed=1)[0]) is expected
    plain = save_encoder(tmp_path / "distilled", kind="distilbert")
    for segments in (True, False):
        model, _ = build_model({"path": str(plain), "segments": segments}, head="question-answering", seed=1)
        assert not takes_segments(model)


@pytest.mark.parametrize("segments", [True, False])
def test_a_model_from_scratch_has_the_choice_too(tmp_path, segments):
    vocabulary = save_encoder(tmp_path / "vocabulary")
    architecture = {"layers": 1, "hidden": 16, "heads": 2, "intermediate": 16}
    model, _ = build_model(
        {"architecture": architecture, "segments": segments},
        head="question-answering", vocabulary=vocabulary, seed=1,
    )  # fmt: skip
    assert takes_segments(model) is segments
