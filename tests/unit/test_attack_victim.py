"""The model under attack: what it answers, and whether it fits the study."""

import pytest

from attacks import LABELS, engine_of, recipe
from miniature.attack.recipe import spell_recipe
from miniature.messages import StudyError


def test_victim_answers_as_the_model_does(attack_models, attack_examples):
    """Sorting, padding, truncation and duplicates change nothing but the last bits."""
    import torch

    engine = engine_of(attack_models, batch_size=5)
    texts = [text for _, text, _ in attack_examples] + ["good film " * 100, "", attack_examples[0][1]]
    answers = engine.victim(texts)
    tokenizer = engine.victim.tokenizer
    with torch.no_grad():
        single = [
            engine.victim.model(**tokenizer(t, truncation=True, max_length=64, return_tensors="pt")).logits[0]
            for t in texts
        ]
    assert torch.allclose(answers, torch.stack(single), atol=1e-4)
    assert torch.equal(answers[0], answers[-1])


def test_models_that_do_not_fit_are_refused(attack_models):
    from miniature.attack.search.load import load_engine

    with pytest.raises(StudyError, match="accepts at most 64 tokens") as caught:
        engine_of(attack_models, max_masked_lm_length=512)
    assert caught.value.fix == "max_masked_lm_length: 64"
    settings = spell_recipe(recipe())
    with pytest.raises(StudyError, match="2 classes"):
        load_engine(
            attack_models / "victim", attack_models / "lm", settings, labels=["a", "b", "c"], max_length=64
        )
    with pytest.raises(StudyError, match="another task"):
        load_engine(
            attack_models / "victim", attack_models / "victim", settings, labels=LABELS, max_length=64
        )


def test_victim_that_reads_less_than_asked_is_refused(attack_models):
    from miniature.attack.search.load import load_engine

    with pytest.raises(StudyError, match="accepts at most 64 tokens") as caught:
        load_engine(
            attack_models / "victim",
            attack_models / "lm",
            spell_recipe(recipe()),
            labels=LABELS,
            max_length=65,
        )
    assert caught.value.fix == "max_length: 64"
