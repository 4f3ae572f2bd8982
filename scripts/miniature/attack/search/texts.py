"""TextAttack's text, with single-word swaps whose cost does not depend on the other words.

TextAttack builds a changed text by walking over all words and splitting each into words again, twice, which
costs as much as a small victim's forward pass and makes a text of n words cost n squared. Nearly always one
word replaces one word; then the text can be built directly, and its other attributes are computed only for
the few texts that need them.
"""

import functools
import math
import re
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from miniature.attack.library import Attack, AttackedText, MaxWordsPerturbed, words_from_text

# Texts that TextAttack splits with a Chinese word segmenter, which may split its own words again.
_CHINESE = re.compile("[\u4e00-\u9fff]")


@dataclass(frozen=True, slots=True)
class Swap:
    """The origin of a text: another text with one word replaced.

    Parameters
    ----------
    start : Text
        The other text.
    index : int
        Index of the word.
    new : str
        The new word.
    """

    start: "Text"
    index: int
    new: str

    @property
    def is_exact(self) -> bool:
        """Whether the new word remains exactly that word when the text is split again."""
        return _words_of(self.new) == (self.new,)


class Text(AttackedText):
    """An AttackedText that replaces single words quickly; everything else is inherited.

    Swapping gives a text equal in every attribute to what AttackedText gives.

    Attributes
    ----------
    swap : Swap or None
        How the text was made, if by a plain swap of one word for one.
    """

    swap: Swap | None = None
    _starts: list[int] | None = None
    _plain: bool | None = None
    _differences: tuple[AttackedText, int] | None = None

    def replace_word_at_index(self, index: int, new_word: str) -> AttackedText:
        """Swap one word."""
        words = self.words
        if not 0 <= index < len(words) or not self._is_plain() or not _is_plain_word(new_word):
            new = super().replace_word_at_index(index, new_word)
            return Text(new._text_input, attack_attrs=new.attack_attrs)
        start = self._word_starts()[index]
        text = self.text
        # The constructor would split the text only to discard the result.
        new = Text.__new__(Text)
        new._text = text[:start] + new_word + text[start + len(words[index]) :]
        new.swap = Swap(self, index, new_word)
        new._plain = True
        return new

    def count_differences(self, reference: AttackedText) -> int:
        """Count the positions at which the words differ from those of a text with equally many words."""
        if self._differences is None or self._differences[0] is not reference:
            differing = sum(a != b for a, b in zip(self.words, reference.words, strict=True))
            self._differences = (reference, differing)
        return self._differences[1]

    @property
    def text(self) -> str:
        """The text itself; several inputs are joined by line breaks."""
        if self.swap is None:
            return super().text
        return self._text

    def __getattr__(self, name: str):
        """Compute on first use the attributes that the constructor sets in other texts."""
        if self.swap is None or name not in _LATE:
            raise AttributeError(name)
        value = getattr(self, _LATE[name])()
        setattr(self, name, value)
        return value

    def _late_input(self) -> OrderedDict:
        return OrderedDict([(next(iter(self.swap.start._text_input)), self._text)])

    def _late_words(self) -> list[str] | None:
        swap = self.swap
        if not swap.is_exact:
            return None
        # A maximal run of word characters is one word, so the adjacent words do not change.
        return [*swap.start.words[: swap.index], swap.new, *swap.start.words[swap.index + 1 :]]

    def _late_attributes(self) -> dict:
        start = self.swap.start
        changed = {self.swap.index} if self.swap.new != start.words[self.swap.index] else set()
        attributes = {
            "newly_modified_indices": changed,
            "previous_attacked_text": start,
            "modified_indices": start.attack_attrs["modified_indices"] | changed,
            # Never modified in place, so it can be shared.
            "original_index_map": start.attack_attrs["original_index_map"],
        }
        if "label_names" in start.attack_attrs:
            attributes["label_names"] = start.attack_attrs["label_names"]
        return attributes

    def _nothing(self) -> None:
        return None

    def _is_plain(self) -> bool:
        """Whether the text has one input and none of the cases that AttackedText treats specially."""
        if self._plain is None:
            self._plain = (
                len(self._text_input) == 1
                and self.SPLIT_TOKEN not in self.text
                and not _CHINESE.search(self.text)
            )
        return self._plain

    def _word_starts(self) -> list[int]:
        if self._starts is None:
            starts, after = [], 0
            for word in self.words:
                start = self.text.index(word, after)
                starts.append(start)
                after = start + len(word)
            self._starts = starts
        return self._starts


# Attributes of AttackedText that a swapped text computes on first access.
_LATE = {
    "_text_input": "_late_input",
    "_words": "_late_words",
    "_words_per_input": "_nothing",
    "_pos_tags": "_nothing",
    "_ner_tags": "_nothing",
    "attack_attrs": "_late_attributes",
}


@functools.lru_cache(maxsize=2**16)
def _words_of(word: str) -> tuple[str, ...]:
    return tuple(words_from_text(word))


@functools.lru_cache(maxsize=2**16)
def _is_plain_word(word: str) -> bool:
    return len(_words_of(word)) == 1 and not _CHINESE.search(word)


class Assembly(Attack):
    """TextAttack's attack, used for the swaps of one word at a time.

    Parameters
    ----------
    goal, constraints, transformation, search
        As in TextAttack: goal function, list of constraints, transformation, search method.
    """

    def get_transformations(
        self, current_text: AttackedText, original_text: AttackedText | None = None, **options
    ) -> list[AttackedText]:
        """Swaps that meet all constraints, sorted by text."""
        texts = self._get_transformations_uncached(current_text, original_text, **options)
        texts = [text for text in texts if text.text != current_text.text]
        for constraint in self.constraints:
            if texts:
                reference = original_text if constraint.compare_against_original else current_text
                texts = constraint.call_many(texts, reference)
        return sorted(texts, key=lambda text: text.text)

    def find_reads(self, current_text: AttackedText, index: int) -> list[str]:
        """Texts that the masked LM must read before the swaps of a word are known."""
        find = getattr(self.transformation, "find_reads", None)
        return find(current_text, index) if find else []

    def is_closed(self, current_text: Text, original_text: Text, index: int) -> bool:
        """Whether it is certain in advance that no swap of a word meets the constraints."""
        may_keep_word = getattr(self.transformation, "may_keep_word", None)
        if may_keep_word is None:
            return False
        limits = [one for one in self.constraints if isinstance(one, MostWordsChanged)]
        return any(one.is_reached(current_text, original_text) for one in limits) and (
            not may_keep_word(current_text, index)
        )


class MostWordsChanged(MaxWordsPerturbed):
    """TextAttack's limit on the share of changed words, updated from the single word that a swap changes.

    Parameters
    ----------
    share : float
        Maximum share of the words, rounded up.
    """

    def __init__(self, share: float):
        super().__init__(max_percent=share)

    def call_many(self, texts: Sequence[AttackedText], reference: AttackedText) -> list[AttackedText]:
        """The texts in which no more words differ from the reference than allowed."""
        return [text for text in texts if self._check_constraint(text, reference)]

    def _check_constraint(self, text: AttackedText, reference: AttackedText) -> bool:
        swap = text.swap if isinstance(text, Text) else None
        if swap is None or not swap.is_exact or len(swap.start.words) != len(reference.words):
            return super()._check_constraint(text, reference)
        there = reference.words[swap.index]
        changed = swap.start.count_differences(reference)
        changed += (swap.new != there) - (swap.start.words[swap.index] != there)
        return changed <= self.most(reference)

    def most(self, reference: AttackedText) -> int:
        """Maximum number of words of a text that may change."""
        return math.ceil(len(reference.words) * self.max_percent)

    def is_reached(self, text: Text, reference: AttackedText) -> bool:
        """Whether the maximum number of words differs."""
        return len(text.words) == len(reference.words) and (
            text.count_differences(reference) >= self.most(reference)
        )
