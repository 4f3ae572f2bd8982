import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from miniature.messages import StudyError
from miniature.models.build import build_model
from miniature.models.checkpoints import load_checkpoint, longest_input
from small_models import ARCHITECTURE, change_config, save_bert_tokenizer, save_encoder

HEADS = ("question-answering", "classification", "masked-lm")


def labels(head):
    return ["bad", "good"] if head == "classification" else None


def equal(a, b):
    a, b = a.state_dict(), b.state_dict()
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


@pytest.fixture(scope="module")
def vocabulary(tmp_path_factory):
    return save_bert_tokenizer(tmp_path_factory.mktemp("vocabulary"))


@pytest.fixture(scope="module", params=["bert", "distilbert", "roberta", "electra"])
def encoder(request, tmp_path_factory):
    return save_encoder(tmp_path_factory.mktemp("encoder") / request.param, request.param)


@pytest.mark.parametrize("head", HEADS)
def test_scratch_weights_depend_on_the_seed_alone(vocabulary, head):
    def build(seed):
        return build_model(
            {"architecture": ARCHITECTURE}, head=head, labels=labels(head), vocabulary=vocabulary, seed=seed
        )[0]

    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    first = build(1)
    assert torch.equal(before, torch.random.get_rng_state())
    torch.rand(7)
    assert equal(first, build(1))
    assert not equal(first, build(2))
    assert first.config.num_hidden_layers == 2
    assert first.config.hidden_dropout_prob == first.config.attention_probs_dropout_prob == 0.1


@pytest.mark.parametrize("head", HEADS)
def test_folder_keeps_the_encoder_and_draws_the_head(encoder, head):
    if encoder.name == "electra" and head == "masked-lm":
        pytest.skip("ELECTRA's generator, not its encoder, has this head")
    torch.rand(3)
    model, tokenizer = build_model({"path": encoder}, head=head, labels=labels(head), seed=1)
    torch.rand(3)
    again, _ = build_model({"path": encoder}, head=head, labels=labels(head), seed=1)
    other, _ = build_model({"path": encoder}, head=head, labels=labels(head), seed=2)
    assert equal(model, again)
    saved = load_file(encoder / "model.safetensors")
    own = model.base_model.state_dict()
    kept = [name for name in saved if not name.startswith("pooler.")]
    assert kept
    assert all(torch.equal(saved[name], own[name]) for name in kept)
    if head != "masked-lm":  # its new parts start at zero or one and are tied
        assert not equal(model, other)
        assert equal(model.base_model, other.base_model) or head == "classification"
    assert tokenizer.is_fast


def test_masked_lm_decoder_is_the_input_embeddings(tmp_path):
    model, _ = build_model({"path": save_encoder(tmp_path / "e")}, head="masked-lm", seed=0)
    assert model.get_output_embeddings().weight is model.get_input_embeddings().weight


@pytest.mark.parametrize("kind", ["bert", "distilbert"])
def test_first_layers(tmp_path, kind):
    folder = save_encoder(tmp_path / "e", kind, layers=3)
    model, _ = build_model({"path": folder, "layers": 2}, head="question-answering", seed=0)
    saved, own = load_file(folder / "model.safetensors"), model.base_model.state_dict()
    numbered = sorted({name.split("layer.")[1].split(".")[0] for name in own if "layer." in name})
    assert numbered == ["0", "1"]
    assert all(torch.equal(saved[name], own[name]) for name in own)
    model.save_pretrained(tmp_path / "cut")
    assert (
        json.loads((tmp_path / "cut/config.json").read_text())[
            {"bert": "num_hidden_layers", "distilbert": "n_layers"}[kind]
        ]
        == 2
    )


@pytest.mark.parametrize("kind", ["bert", "distilbert", "roberta"])
def test_dropout_in_place_of_the_models_own(tmp_path, kind):
    folder = save_encoder(tmp_path / "e", kind)
    model, _ = build_model({"path": folder, "dropout": 0.0}, head="question-answering", seed=0)
    model.train()
    tokens = torch.tensor([[2, 6, 7, 3]])
    a, b = (model.base_model(input_ids=tokens)[0] for _ in range(2))
    assert torch.equal(a, b)


def test_longest_input(tmp_path):
    for kind, limit in (("bert", 64), ("roberta", 64), ("distilbert", 64)):
        model, _ = build_model(
            {"path": save_encoder(tmp_path / kind, kind)}, head="question-answering", seed=0
        )
        assert longest_input(model) == limit
        tokens = torch.full((1, limit), 7)
        model(input_ids=tokens)
        with pytest.raises((IndexError, RuntimeError)):
            model(input_ids=torch.full((1, limit + 1), 7))


def test_a_missing_layer_is_no_new_head(tmp_path):
    folder = save_encoder(tmp_path / "e")
    weights = load_file(folder / "model.safetensors")
    del weights["encoder.layer.1.output.dense.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(StudyError, match=r"layer\.1\.output\.dense\.weight"):
        build_model({"path": folder}, head="question-answering", seed=0)


def test_a_foreign_tokenizer(tmp_path):
    folder = save_encoder(tmp_path / "e")
    words = (folder / "vocab.txt").read_text().splitlines()
    for file in ("tokenizer.json", "vocab.txt"):
        (folder / file).unlink()
    from transformers import BertTokenizerFast

    (tmp_path / "vocab.txt").write_text("\n".join([*words, "extra"]))
    BertTokenizerFast(vocab_file=str(tmp_path / "vocab.txt")).save_pretrained(folder)
    with pytest.raises(StudyError, match="the model only"):
        build_model({"path": folder}, head="question-answering", seed=0)


def test_scratch_needs_a_vocabulary_and_dividing_heads(vocabulary):
    with pytest.raises(StudyError, match="needs a vocabulary"):
        build_model({"architecture": ARCHITECTURE}, head="masked-lm", seed=0)
    with pytest.raises(StudyError, match="not a multiple of heads"):
        build_model(
            {"architecture": ARCHITECTURE | {"heads": 3}}, head="masked-lm", vocabulary=vocabulary, seed=0
        )


def test_another_number_of_classes_takes_the_encoder_alone(tmp_path):
    folder = save_encoder(tmp_path / "e")
    three, tokenizer = build_model({"path": folder}, head="classification", labels=["a", "b", "c"], seed=0)
    for name, saved in (("three", three), ("alone", three.base_model)):
        saved.save_pretrained(tmp_path / name)
        tokenizer.save_pretrained(tmp_path / name)
    with pytest.raises(StudyError, match="tells 3 classes apart"):
        build_model({"path": tmp_path / "three"}, head="classification", labels=["x", "y"], seed=0)
    two, _ = build_model({"path": tmp_path / "alone"}, head="classification", labels=["x", "y"], seed=0)
    assert two.classifier.weight.shape[0] == 2
    assert equal(two.base_model, three.base_model)
    assert two.config.id2label == {0: "x", 1: "y"}
    # A vocabulary that does not fit is no matter of the head.
    change_config(tmp_path / "three", vocab_size=500)
    with pytest.raises(StudyError, match="vocab_size is 500"):
        build_model({"path": tmp_path / "three"}, head="classification", labels=["a", "b", "c"], seed=0)
    with pytest.raises(StudyError, match="vocab_size is 500"):
        load_checkpoint(tmp_path / "three", head="classification")
