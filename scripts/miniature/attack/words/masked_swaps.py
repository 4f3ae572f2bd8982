"""Substitutes for a word proposed by a masked language model, as in BERT-ATTACK.

The masked LM reads the unmasked text. For a word of one piece its K best predictions at that position are the
proposals; for a word of several pieces, combinations of the best predictions at each piece (Li et al. 2020,
section 3.2). Details follow TextAttack's ``WordSwapMaskedLM``, including one that differs from the paper: it
computes the perplexity of every combination, sorts by it and discards the sorted list, so it proposes the
first K combinations in the order of enumeration.
"""

import functools
import itertools
import re
import string

import torch

from miniature.attack.library import AttackedText, is_one_word, words_from_text
from miniature.attack.words.masked_lm import MaskedLM
from miniature.attack.words.stopwords import STOPWORDS
from miniature.attack.words.swaps import ProposalSwap
from miniature.models.pieces import has_byte_level_pieces

_LETTER = re.compile("[a-zA-Z]")


class MaskedWordSwap(ProposalSwap):
    """Swap a word for a masked LM's predictions with the word masked, as TextAttack's ``bae`` does.

    Parameters
    ----------
    reader : MaskedLM
        The masked LM.
    recipe : dict
        As `miniature.attack.recipe.spell_recipe` gives it: ``max_candidates``, ``min_confidence``.
    """

    def __init__(self, reader: MaskedLM, recipe: dict):
        super().__init__()
        self.reader = reader
        self.vocabulary = Vocabulary(reader.tokenizer)
        self.k = recipe["max_candidates"]
        self.min_confidence = recipe["min_confidence"]

    def find_reads(self, current_text: AttackedText, index: int) -> list[str]:
        """Texts that the masked LM must read before a word's proposals are known."""
        text, place = self._masked(current_text, index)
        return [] if place is None else [text]

    def may_keep_word(self, current_text: AttackedText, index: int) -> bool:
        """Whether a proposal may be the word itself with added characters that do not belong to a word."""
        return not self._has_plain_words

    @functools.cached_property
    def _has_plain_words(self) -> bool:
        """Whether every possible proposal remains exactly that word when TextAttack splits the text."""
        words = map(self._word, self.reader.tokenizer.get_vocab().values())
        return all(words_from_text(word) == [word] for word in words if word is not None)

    def proposals(self, current_text: AttackedText, index: int) -> list[str]:
        """At most K words, likeliest first; none for a word beyond the masked LM's maximum input."""
        text, place = self._masked(current_text, index)
        if place is None:
            return []
        asked = 2 * self.k
        while True:
            (pieces,) = self.reader.likeliest(text, [place], asked, min_confidence=self.min_confidence)
            words = [word for word in map(self._word, pieces) if word is not None]
            # Unlikely pieces and pieces that are not words have been left out: look further if there are
            # more.
            if len(words) >= self.k or len(pieces) < asked:
                break
            asked *= 4
        wanted = words[: self.k]
        return [word for word in wanted if _LETTER.search(word) and len(words_from_text(word)) == 1]

    def _masked(self, current_text: AttackedText, index: int) -> tuple[str, int | None]:
        """The text with a word masked, and the index of the mask token; None if it is truncated."""
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


class Vocabulary:
    """The pieces of a masked LM's tokenizer, spelled as words.

    Parameters
    ----------
    tokenizer : PreTrainedTokenizerFast
        Of a kind that `has_byte_level_pieces` accepts.

    Raises
    ------
    StudyError
        As there.
    """

    def __init__(self, tokenizer):
        self.tokenizer = tokenizer
        self.byte_level = has_byte_level_pieces(tokenizer)
        self.special = frozenset(tokenizer.all_special_ids)
        self._whole: dict[tuple[int, bool], str | None] = {}
        self._pieces: dict[str, int] = {}

    def whole_word(self, piece: int, first: bool) -> str | None:
        """Spell a piece as a whole word, or return None if it is not one."""
        if (piece, first) not in self._whole:
            token = self.tokenizer.convert_ids_to_tokens(piece)
            inside = (not first and not token.startswith("Ġ")) if self.byte_level else "##" in token
            word = self._spelled([piece]) if self.byte_level else token
            self._whole[piece, first] = word if is_one_word(word) and not inside else None
        return self._whole[piece, first]

    @functools.cached_property
    def has_plain_words(self) -> bool:
        """Whether every piece spelled as a word remains exactly that word when TextAttack splits the text."""
        words = (self.whole_word(piece, False) for piece in self.tokenizer.get_vocab().values())
        return not self.byte_level and all(
            words_from_text(word) == [word] for word in words if word is not None
        )

    def count_pieces(self, word: str, first: bool) -> int:
        """Count the pieces of a word; byte-level BPE includes the space before it, if any."""
        key = (" " if self.byte_level and not first else "") + word
        if key not in self._pieces:
            self._pieces[key] = len(self.tokenizer.encode(key, add_special_tokens=False))
        return self._pieces[key]

    def joined(self, pieces: tuple[int, ...]) -> str | None:
        """Spell the joined pieces, or return None if they do not form one word."""
        word = self._spelled(pieces)
        return word if is_one_word(word) else None

    def _spelled(self, pieces) -> str:
        tokens = self.tokenizer.convert_ids_to_tokens(list(pieces))
        if self.byte_level:
            word = self.tokenizer.convert_tokens_to_string(tokens).strip()
            # Part of a character is not a word, though its placeholder may look like punctuation.
            return "" if "\ufffd" in word else word
        return "".join(tokens).replace("##", "")


class MaskedLMSwap(ProposalSwap):
    """TextAttack transformation: swap a word for a masked LM's proposals.

    It enumerates combinations of pieces only as far as needed. The list it returns is the same as if all were
    enumerated.

    Parameters
    ----------
    reader : MaskedLM
        The masked LM.
    recipe : dict
        As `miniature.attack.recipe.spell_recipe` gives it.
    """

    def __init__(self, reader: MaskedLM, recipe: dict):
        super().__init__()
        self.reader = reader
        self.tokenizer = reader.tokenizer
        self.vocabulary = Vocabulary(reader.tokenizer)
        self.recipe = recipe

    def find_reads(self, current_text: AttackedText, index: int) -> list[str]:
        """Texts that the masked LM must read before a word's proposals are known."""
        return [current_text.text] if self._positions(current_text, index) else []

    def may_keep_word(self, current_text: AttackedText, index: int) -> bool:
        """Whether a proposal may be the word itself with added characters that do not belong to a word."""
        pieces = self.vocabulary.count_pieces(current_text.words[index], index == 0)
        return pieces > 1 or not self.vocabulary.has_plain_words

    def proposals(self, current_text: AttackedText, index: int) -> list[str]:
        """Proposals for one word, best first (in the order of enumeration for a word of several pieces)."""
        positions = self._positions(current_text, index)
        if not positions:
            return []
        k = self.recipe["max_candidates"]
        if len(positions) > 1:
            k = self.recipe["subword_candidates"] or k
        pools = self.reader.likeliest(
            current_text.text, positions, k, min_confidence=self.recipe["min_confidence"]
        )
        if self.recipe["skip_special_tokens"]:
            special = self.vocabulary.special
            pools = [[piece for piece in pool if piece not in special] for pool in pools]
        if len(positions) == 1:
            words = [self.vocabulary.whole_word(piece, index == 0) for piece in pools[0]]
        else:
            words = self._combined(pools)
        wanted = [word for word in words if word is not None]
        if self.recipe["skip_stopword_candidates"]:
            wanted = [word for word in wanted if word.lower() not in STOPWORDS]
        return wanted

    def _positions(self, current_text: AttackedText, index: int) -> list[int]:
        """Find the positions of a word's pieces: they begin where a mask in its place would be."""
        masked = current_text.replace_word_at_index(index, self.tokenizer.mask_token)
        (ids,) = self.reader.encode([masked.text])
        # A mask beyond the maximum input has been truncated.
        if self.tokenizer.mask_token_id not in ids:
            return []
        start = ids.index(self.tokenizer.mask_token_id)
        count = self.vocabulary.count_pieces(current_text.words[index], index == 0)
        positions = list(range(start, min(start + count, self.reader.max_length)))
        most = self.recipe["subword_max_pieces"]
        return [] if most is not None and len(positions) > most else positions

    def _combined(self, pools: list[list[int]]) -> list[str]:
        """Words joined from the best pieces at each position, at most K."""
        combinations = itertools.islice(itertools.product(*pools), self.recipe["subword_combinations"])
        if self.recipe["subword_order"] == "perplexity":
            combinations = self._by_perplexity(list(combinations))
        words = (self.vocabulary.joined(pieces) for pieces in combinations)
        return list(
            itertools.islice((word for word in words if word is not None), self.recipe["max_candidates"])
        )

    def _by_perplexity(self, combinations: list[tuple[int, ...]]) -> list[tuple[int, ...]]:
        """Sort combinations by the masked LM's perplexity of the pieces, read alone, lowest first."""
        if not combinations:
            return []
        loss = self.reader.losses(combinations)  # [combinations]
        order = torch.sort(loss, stable=True).indices.tolist()
        return [combinations[i] for i in order]
