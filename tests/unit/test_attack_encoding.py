"""Putting token ids together from stretches gives the tokenizer's own."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attacks import PIECED, WORDS, load


@pytest.mark.parametrize(("name", "head"), [("victim", "classification"), ("lm", "masked-lm")])
def test_encoder_gives_the_tokenizers_ids(attack_models, name, head):
    from miniature.attack.search.victim import Encoder

    odd = st.text(alphabet=" \n\t\x1c\x85\u00a0\u3000\u0301\u200d'.-[]aegUNKMSLPXD好éÉİ🎉", max_size=30)
    words = st.lists(st.sampled_from([*WORDS, *PIECED, "[UNK]", "[MASK].", "(SEP)", ""]), max_size=30)
    tokenizer = load(attack_models / name, head)[1]
    encoders = {length: Encoder(tokenizer, length) for length in (3, 12, 64)}
    assert all(encoder.by_stretches for encoder in encoders.values())

    @settings(deadline=None, max_examples=150)
    @given(st.lists(odd | words.map(" ".join), min_size=1, max_size=3), st.sampled_from([3, 12, 64]))
    def check(texts, length):
        expected = tokenizer(texts, truncation=True, max_length=length)["input_ids"]
        assert encoders[length](texts) == [tuple(ids) for ids in expected]

    check()
