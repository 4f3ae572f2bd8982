"""What a masked LM proposes, and what limits it."""

import pytest

from attacks import LABELS, WORDS, engine_of, load, proposals, recipe
from miniature.attack.recipe import spell_recipe
from miniature.attack.words.stopwords import STOPWORDS
from miniature.messages import StudyError


def test_lazy_combinations_equal_enumerating_all(attack_models):
    """The reference enumerates every combination with itertools and keeps the first K that are one word."""
    import itertools

    import torch

    engine = engine_of(attack_models, max_candidates=5)
    text = "the filmable story was unlovable"
    for word in ("filmable", "unlovable"):
        ids = engine.swap.tokenizer(text)["input_ids"]
        pieces = engine.swap.tokenizer(word, add_special_tokens=False)["input_ids"]
        assert len(pieces) > 1
        start = next(i for i in range(len(ids)) if ids[i : i + len(pieces)] == pieces)
        with torch.no_grad():
            logits = engine.masked_lm.model(torch.tensor([ids])).logits[0, start : start + len(pieces)]
        every = itertools.product(*torch.topk(logits, 5).indices.tolist())
        words = ["".join(engine.swap.tokenizer.convert_ids_to_tokens(c)).replace("##", "") for c in every]
        from miniature.attack.library import is_one_word

        assert proposals(engine, text, word) == [w for w in words if is_one_word(w)][:5]


def test_perplexity_order_is_ascending_and_limited(attack_models):
    import torch

    engine = engine_of(
        attack_models,
        max_candidates=48,
        subword_candidates=3,
        subword_combinations=7,
        subword_order="perplexity",
    )
    found = engine.swap._by_perplexity([(7, 41), (40, 9), (60, 61), (41, 7)])
    with torch.no_grad():
        losses = [
            float(engine.masked_lm.model(torch.tensor([c]), labels=torch.tensor([c])).loss) for c in found
        ]
    assert losses == sorted(losses)
    assert len(set(losses)) == 4
    listed = proposals(engine, "the filmable story was unlovable", "unlovable")
    assert 0 < len(listed) <= 7


def test_knobs_limit_the_proposals(attack_models):
    text, word = "a good film was bad and dull", "film"
    plain = proposals(engine_of(attack_models, max_candidates=60), text, word)
    assert set(plain) & STOPWORDS
    assert set(plain) & {"[UNK]", "[PAD]", "[CLS]", "[SEP]", "[MASK]"}
    no_stop = proposals(
        engine_of(attack_models, max_candidates=60, skip_stopword_candidates=True), text, word
    )
    assert no_stop == [w for w in plain if w not in STOPWORDS]
    no_special = proposals(engine_of(attack_models, max_candidates=60, skip_special_tokens=True), text, word)
    assert no_special == [w for w in plain if not w.startswith("[")]
    confident = proposals(engine_of(attack_models, max_candidates=60, min_confidence=0.02), text, word)
    assert confident == plain[: len(confident)]
    assert 0 < len(confident) < len(plain)
    pieced = "the unlovable film"
    assert proposals(engine_of(attack_models), pieced, "unlovable")
    assert proposals(engine_of(attack_models, subword_max_pieces=1), pieced, "unlovable") == []


def byte_level(folder, **options):
    """A small RoBERTa-like tokenizer of its own, trained on a few words."""
    from tokenizers import ByteLevelBPETokenizer
    from transformers import RobertaTokenizerFast

    bpe = ByteLevelBPETokenizer()
    bpe.train_from_iterator(
        [" ".join(WORDS)] * 3, vocab_size=500, special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    )
    bpe.save_model(str(folder))
    return RobertaTokenizerFast(str(folder / "vocab.json"), str(folder / "merges.txt"), **options)


def test_byte_level_masked_lm_proposes_whole_words(attack_models, tmp_path):
    import torch
    from transformers import RobertaConfig, RobertaForMaskedLM

    from miniature.attack.library import is_one_word
    from miniature.attack.search.engine import Engine
    from miniature.attack.search.parts import Helpers

    tokenizer = byte_level(tmp_path, model_max_length=64)
    torch.manual_seed(0)
    config = RobertaConfig(
        vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=64, max_position_embeddings=66, initializer_range=0.25, pad_token_id=1,
    )  # fmt: skip
    victim, victim_tokenizer = load(attack_models / "victim", "classification")
    engine = Engine(
        victim, victim_tokenizer, Helpers(masked_lm=(RobertaForMaskedLM(config).eval(), tokenizer)),
        spell_recipe(recipe(max_candidates=40)), labels=LABELS, max_length=64,
    )  # fmt: skip
    inner = proposals(engine, "the good film was bad", "film")
    assert inner
    # Only pieces that begin a word, spelled without the mark of the space.
    begins = {token[1:] for token in tokenizer.get_vocab() if token.startswith("Ġ")}
    assert set(inner) <= begins
    assert all(is_one_word(word) and "Ġ" not in word for word in inner)
    pieced = proposals(engine, "the zzyzx film", "zzyzx")
    assert pieced
    assert all("Ġ" not in word and is_one_word(word) for word in pieced)
    outcomes = {engine.attack_example("a", "the good film was bad", label)["outcome"] for label in LABELS}
    assert "skipped" in outcomes
    assert "error" not in outcomes


def test_other_tokenizers_are_refused(attack_models):
    from tokenizers import Tokenizer
    from tokenizers.models import Unigram
    from transformers import PreTrainedTokenizerFast

    from miniature.attack.words.masked_swaps import Vocabulary

    unigram = Tokenizer(Unigram([("<unk>", 0.0), ("▁good", -1.0), ("<mask>", 0.0)], 0))
    with pytest.raises(StudyError, match="Unigram"):
        Vocabulary(PreTrainedTokenizerFast(tokenizer_object=unigram, mask_token="<mask>"))
