"""Substitutes from a masked language model that does not see the word: BAE (Garg and Ramakrishnan 2020)."""

import functools
import re
import string

from miniature.attack.candidates import Vocabulary
from miniature.attack.library import AttackedText, words_from_text
from miniature.attack.masked_lm import MaskedLM
from miniature.attack.proposals import ProposalSwap

_LETTER = re.compile("[a-zA-Z]")


class MaskedWordSwap(ProposalSwap):
    """Swap a word for what a masked LM predicts with a mask in its place, as TextAttack's ``bae`` does.

    Parameters
    ----------
    reader : MaskedLM
        The masked LM.
    recipe : dict
        From `recipes.check_recipe`: ``max_candidates``, ``min_confidence``.
    """

    def __init__(self, reader: MaskedLM, recipe: dict):
        super().__init__()
        self.reader = reader
        self.vocabulary = Vocabulary(reader.tokenizer)
        self.k = recipe["max_candidates"]
        self.min_confidence = recipe["min_confidence"]

    def find_reads(self, current_text: AttackedText, index: int) -> list[str]:
        """Texts that the masked LM must read before a word's proposals can be told."""
        text, place = self._masked(current_text, index)
        return [] if place is None else [text]

    def may_keep_word(self, current_text: AttackedText, index: int) -> bool:
        """Whether a proposal may be the word itself with something about it that is no part of a word."""
        return not self._has_plain_words

    @functools.cached_property
    def _has_plain_words(self) -> bool:
        """Whether every word that may be proposed is, as TextAttack splits texts, that very word."""
        words = map(self._word, self.reader.tokenizer.get_vocab().values())
        return all(words_from_text(word) == [word] for word in words if word is not None)

    def proposals(self, current_text: AttackedText, index: int) -> list[str]:
        """At most K words, likeliest first; none for a word beyond the masked LM's longest input.

        A piece that goes on a word counts as a word, spelled without its mark, as in TextAttack.
        """
        text, place = self._masked(current_text, index)
        if place is None:
            return []
        asked = 2 * self.k
        while True:
            (pieces,) = self.reader.likeliest(text, [place], asked, min_confidence=self.min_confidence)
            words = [word for word in map(self._word, pieces) if word is not None]
            # Pieces that are no words, or unlikely ones, have been left out: look further if there are more.
            if len(words) >= self.k or len(pieces) < asked:
                break
            asked *= 4
        wanted = words[: self.k]
        return [word for word in wanted if _LETTER.search(word) and len(words_from_text(word)) == 1]

    def _masked(self, current_text: AttackedText, index: int) -> tuple[str, int | None]:
        """The text with a mask in the place of a word, and which token this is; None where it is cut off."""
        tokenizer = self.reader.tokenizer
        text = current_text.replace_word_at_index(index, tokenizer.mask_token).text
        (ids,) = self.reader.encode([text])
        found = tokenizer.mask_token_id in ids
        return text, ids.index(tokenizer.mask_token_id) if found else None

    def _word(self, piece: int) -> str | None:
        word = self.vocabulary.joined((piece,))
        if word is None or all(character in string.punctuation for character in word):
            return None
        return word
