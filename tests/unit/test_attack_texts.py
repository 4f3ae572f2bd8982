"""Swapping a word quickly gives what TextAttack gives."""

import random


def test_quick_swap_equals_textattacks(attack_examples):
    from miniature.attack.library import AttackedText
    from miniature.attack.search.texts import Text

    rng = random.Random(1)
    odd = [
        "good-looking 'film' *x* a_b",
        "foo$bar 🎉word é",
        "bad-'s -good- x",
        "这部 good",
    ]
    new_words = ["great", "[UNK]", "[MASK]", "two words", "", "-x", "don't", "好", ",good", "I", "bad"]
    for start in [text for _, text, _ in attack_examples[:12]] + odd:
        slow, quick = AttackedText(start), Text(start)
        for _ in range(6):
            index = rng.randrange(max(1, len(slow.words)))
            word = rng.choice(new_words)
            slow, quick = slow.replace_word_at_index(index, word), quick.replace_word_at_index(index, word)
            assert quick.text == slow.text
            assert quick.words == slow.words
            assert quick == slow
            assert hash(quick) == hash(slow)
            assert set(quick.attack_attrs) == set(slow.attack_attrs)
            for name in ("modified_indices", "newly_modified_indices"):
                assert quick.attack_attrs[name] == slow.attack_attrs[name]
            same = quick.attack_attrs["original_index_map"] == slow.attack_attrs["original_index_map"]
            assert same.all()
            if not slow.words:
                break
