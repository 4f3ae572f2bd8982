"""Transformation and constraints of an attack, put together as TextAttack does, without its caches.

TextAttack remembers every transformed text and every constraint's verdict, which a greedy search never asks
for twice. It also lets each constraint compare whole texts; how many words changed can be told from the swap.
"""

import math
from collections.abc import Sequence

from miniature.attack.library import Attack, AttackedText, MaxWordsPerturbed
from miniature.attack.texts import Text


class Assembly(Attack):
    """TextAttack's attack, asked for the swaps of one word at a time.

    Parameters
    ----------
    goal, constraints, transformation, search
        As TextAttack's own: goal function, list of constraints, transformation, search method.
    """

    def get_transformations(
        self, current_text: AttackedText, original_text: AttackedText | None = None, **options
    ) -> list[AttackedText]:
        """Swaps that meet all constraints, sorted by text.

        Parameters
        ----------
        current_text : AttackedText
            The text so far.
        original_text : AttackedText
            The text at the start.
        **options
            ``indices_to_modify``: which words to swap.
        """
        texts = self._get_transformations_uncached(current_text, original_text, **options)
        texts = [text for text in texts if text.text != current_text.text]
        for constraint in self.constraints:
            if texts:
                reference = original_text if constraint.compare_against_original else current_text
                texts = constraint.call_many(texts, reference)
        return sorted(texts, key=lambda text: text.text)

    def find_reads(self, current_text: AttackedText, index: int) -> list[str]:
        """Texts that a masked LM must read before the swaps of a word can be told."""
        find = getattr(self.transformation, "find_reads", None)
        return find(current_text, index) if find else []

    def is_closed(self, current_text: Text, original_text: Text, index: int) -> bool:
        """Whether it is certain, before any is proposed, that no swap of a word meets the constraints.

        Where as many words have changed as may, only a swap that leaves the word the same word could.
        """
        may_keep_word = getattr(self.transformation, "may_keep_word", None)
        if may_keep_word is None:
            return False
        limits = [one for one in self.constraints if isinstance(one, MostWordsChanged)]
        return any(one.is_reached(current_text, original_text) for one in limits) and (
            not may_keep_word(current_text, index)
        )


class MostWordsChanged(MaxWordsPerturbed):
    """TextAttack's limit on the share of changed words, counted from the one word that a swap changed.

    Parameters
    ----------
    share : float
        Of the words, rounded up.
    """

    def __init__(self, share: float):
        super().__init__(max_percent=share)

    def call_many(self, texts: Sequence[AttackedText], reference: AttackedText) -> list[AttackedText]:
        """Those of some texts in which no more words differ from the reference than may."""
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
        """How many words of a text may change."""
        return math.ceil(len(reference.words) * self.max_percent)

    def is_reached(self, text: Text, reference: AttackedText) -> bool:
        """Whether as many words differ as may."""
        return len(text.words) == len(reference.words) and (
            text.count_differences(reference) >= self.most(reference)
        )
