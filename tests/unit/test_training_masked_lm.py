import hashlib
import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer
from tokenizers.models import Unigram
from tokenizers.processors import TemplateProcessing
from transformers import PreTrainedTokenizerFast

from miniature.messages import StudyError
from miniature.models.checkpoints import load_checkpoint
from miniature.training import loop
from miniature.training.masked_lm import copy_masked_lm, mask_tokens, masked_lm_loss, train_masked_lm
from small_models import ARCHITECTURE, TRAINING, save_bert_tokenizer, save_encoder, toy_questions

TEXTS = toy_questions(24)["context"].tolist()


def train(tmp_path, name, spec, vocabulary=None, **settings):
    train_masked_lm(
        spec,
        TEXTS,
        settings=TRAINING | {"max_length": 32} | settings,
        vocabulary=vocabulary,
        seed=1,
        device="cpu",
        checkpoint_folder=tmp_path / f"{name}.partial",
        output_folder=tmp_path / name,
    )
    return tmp_path / name


def digests(folder):
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(folder.iterdir())}


def test_masks_as_bert_does():
    tokens = np.random.default_rng(0).integers(0, 200, (500, 200))
    tokens[:, 150:] = 0
    special = np.arange(5)
    shown, wanted = mask_tokens(
        tokens,
        random=np.random.default_rng(1),
        special=special,
        mask_token=4,
        vocabulary_size=200,
        share=0.15,
    )
    allowed = ~np.isin(tokens, special)
    chosen = wanted != -100
    assert not (chosen & ~allowed).any()
    assert (shown == tokens)[~chosen].all()
    assert (wanted == tokens)[chosen].all()
    n = chosen.sum()
    assert n / allowed.sum() == pytest.approx(0.15, abs=0.01)
    assert (shown[chosen] == 4).mean() == pytest.approx(0.8, abs=0.02)
    assert (shown[chosen] == tokens[chosen]).mean() == pytest.approx(0.1, abs=0.02)


def test_one_token_is_always_predicted_if_there_is_one():
    for seed in range(20):
        _, wanted = mask_tokens(
            np.array([[2, 9, 3]]),
            random=np.random.default_rng(seed),
            special=np.arange(5),
            mask_token=4,
            vocabulary_size=10,
            share=0.01,
        )
        assert wanted.tolist() == [[-100, 9, -100]]


@pytest.mark.parametrize("kind", ["bert", "distilbert", "roberta"])
def test_loss_is_that_of_transformers(tmp_path, kind):
    folder = train(tmp_path, "out", {"path": save_encoder(tmp_path / kind, kind)}, epochs=0.5)
    model, _ = load_checkpoint(folder, head="masked-lm")
    torch.manual_seed(0)
    tokens = torch.randint(5, 40, (3, 10))
    labels = torch.where(torch.rand(3, 10) < 0.3, tokens, -100)
    mask, types = torch.ones_like(tokens), torch.zeros_like(tokens)
    batch = {"input_ids": tokens, "attention_mask": mask, "token_type_ids": types, "labels": labels}
    expected = model(input_ids=tokens, attention_mask=mask, labels=labels).loss
    assert torch.allclose(masked_lm_loss(model, batch), expected)
    nothing = masked_lm_loss(model, batch | {"labels": torch.full_like(tokens, -100)})
    nothing.backward()
    assert nothing.item() == 0


@pytest.mark.slow
def test_it_learns_and_resumes_to_the_same_bytes(tmp_path, monkeypatch):
    vocabulary = save_bert_tokenizer(tmp_path / "vocabulary")
    spec = {"architecture": ARCHITECTURE}
    settings = {"epochs": 20, "learning_rate": 5e-3, "checkpoint_every": 20}
    whole = train(tmp_path, "whole", spec, vocabulary, **settings)
    curve = json.loads((whole / "training.json").read_text())["learning_curve"]
    assert curve[-1]["loss"] < 0.7 * curve[0]["loss"]

    class Killed(Exception):
        pass

    class Stopping(loop.Progress):
        def on_step_end(self, args, state, control, **kwargs):
            if state.global_step == 37:
                raise Killed
            return super().on_step_end(args, state, control, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(loop, "Progress", Stopping)
        with pytest.raises(Killed):
            train(tmp_path, "resumed", spec, vocabulary, **settings)
    resumed = train(tmp_path, "resumed", spec, vocabulary, **settings)
    assert digests(resumed) == digests(whole)


def test_an_encoder_without_the_head_keeps_its_weights(tmp_path):
    encoder = save_encoder(tmp_path / "encoder")
    folder = train(tmp_path, "out", {"path": encoder}, learning_rate=0.0)
    before, after = load_file(encoder / "model.safetensors"), load_file(folder / "model.safetensors")
    kept = [name for name in before if not name.startswith("pooler.")]
    assert all(torch.equal(before[name], after[f"bert.{name}"]) for name in kept)
    model, _ = load_checkpoint(folder, head="masked-lm")
    assert model.get_output_embeddings().weight is model.get_input_embeddings().weight


def test_taken_as_it_is(tmp_path):
    encoder = save_encoder(tmp_path / "encoder")
    with pytest.raises(StudyError, match="another task"):
        copy_masked_lm({"path": encoder}, tmp_path / "copy")
    folder = train(tmp_path, "out", {"path": encoder}, epochs=1)
    copy_masked_lm({"path": folder}, tmp_path / "copy")
    ours, its = load_file(tmp_path / "copy/model.safetensors"), load_file(folder / "model.safetensors")
    assert ours.keys() == its.keys()
    assert all(torch.equal(ours[name], its[name]) for name in its)


def test_a_tokenizer_that_no_attack_can_use_is_refused_before_any_training(tmp_path):
    folder = train(tmp_path, "out", {"path": save_encoder(tmp_path / "encoder")}, epochs=1)
    known = json.loads((folder / "tokenizer.json").read_text())["model"]["vocab"]
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(Unigram([(token, -1.0) for token in known], 0)),
        **{"unk_token": "[UNK]", "mask_token": "[MASK]", "pad_token": "[PAD]"},
    )
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).unlink(missing_ok=True)
    tokenizer.save_pretrained(folder)
    with pytest.raises(StudyError, match="Unigram"):
        copy_masked_lm({"path": folder}, tmp_path / "copy")
    with pytest.raises(StudyError, match="Unigram"):
        train(tmp_path, "again", {"path": folder})
    assert not list(tmp_path.glob("again.partial/*"))


def test_empty_texts(tmp_path):
    with pytest.raises(StudyError, match="all empty"):
        train_masked_lm(
            {"path": save_encoder(tmp_path / "e")},
            ["", " "],
            settings=TRAINING | {"max_length": 16},
            vocabulary=None,
            seed=0,
            device="cpu",
            checkpoint_folder=tmp_path / "p",
            output_folder=tmp_path / "o",
        )
