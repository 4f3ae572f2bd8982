"""Reading many texts together proposes what reading each alone does."""

import pytest
import torch

from attacks import load
from miniature.attack.search.answers import BoundExceeded
from miniature.attack.words.masked_lm import MaskedLM

TEXTS = ["the good film was bad", "a", "the unlovable story of a dull director never ends", "great"]


@pytest.fixture
def reader(attack_models):
    return MaskedLM(*load(attack_models / "lm", "masked-lm"), max_length=64)


def expected(reader, text, positions, k):
    """From the model's own logits, read alone."""
    with torch.no_grad():
        logits = reader.model(**reader.tokenizer(text, return_tensors="pt")).logits[0]
    return torch.topk(logits[positions], k).indices.tolist()


@pytest.mark.parametrize("prefetched", [True, False])
def test_likeliest_pieces_are_the_models_own(reader, prefetched):
    assert reader._head is reader.model.get_output_embeddings()
    if prefetched:
        reader.prefetch(TEXTS)
        assert reader.forward_passes < 2 * len(TEXTS)
    for text in TEXTS:
        assert reader.likeliest(text, [1, 2], 7) == expected(reader, text, [1, 2], 7)


def test_a_model_whose_logits_are_not_the_heads_is_read_whole(attack_models):
    model, tokenizer = load(attack_models / "lm", "masked-lm")
    model.cls.predictions.decoder.register_forward_hook(lambda *arguments: None)
    real = model.forward

    def scaled(**inputs):
        output = real(**inputs)
        output.logits = 2 * output.logits
        return output

    model.forward = scaled
    reader = MaskedLM(model, tokenizer, max_length=64)
    assert reader._head is None
    reader.prefetch(TEXTS)
    for text in TEXTS:
        assert reader.likeliest(text, [1], 7) == expected(reader, text, [1], 7)


def test_close_calls_are_read_alone(reader):
    reader.prefetch(TEXTS)
    # So wide a bound that every order is in doubt.
    reader.error = 100.0
    passes = reader.forward_passes
    for text in TEXTS:
        assert reader.likeliest(text, [1], 7) == expected(reader, text, [1], 7)
    assert reader.forward_passes == passes + len(TEXTS)
    # What was read alone is not read again.
    reader.likeliest(TEXTS[0], [1], 7)
    assert reader.forward_passes == passes + len(TEXTS)


def test_a_bound_that_is_exceeded_is_raised(reader):
    reader.prefetch(TEXTS)
    state, _ = reader._read[TEXTS[0]]
    reader._read[TEXTS[0]] = (state + 0.1 * torch.randn(state.shape, generator=torch.manual_seed(0)), False)
    gap = torch.topk(reader._logits(TEXTS[0], [1])[0], 8).values[0].diff().abs().min()
    reader.error = float(gap)
    with pytest.raises(BoundExceeded):
        reader.likeliest(TEXTS[0], [1], 7)
    assert reader.error > gap
    assert reader.likeliest(TEXTS[0], [1], 7) == expected(reader, TEXTS[0], [1], 7)


def test_what_is_kept_is_limited(reader, monkeypatch):
    from miniature.attack.words import masked_lm

    monkeypatch.setattr(masked_lm, "MOST_NUMBERS", 1)
    reader.prefetch(TEXTS)
    assert len(reader._read) == 1
    for text in TEXTS:
        assert reader.likeliest(text, [1], 7) == expected(reader, text, [1], 7)
