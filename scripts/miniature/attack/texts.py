"""TextAttack's text, with swapping one word in time independent of the other words.

TextAttack builds a changed text by walking over all words and splitting each of them into words again,
twice, which costs as much as a small victim's answer and makes a text of n words cost n squared. Nearly
always one word takes the place of one word; then the result can be written down at once.
"""

import functools
import re

from miniature.attack.library import AttackedText, words_from_text

# Texts that TextAttack splits with a Chinese word segmenter, whose words need not be words again.
_CHINESE = re.compile("[\u4e00-\u9fff]")


class Text(AttackedText):
    """An AttackedText that changes single words quickly; everything else is inherited.

    Swapping gives a text equal in every attribute to what AttackedText gives.
    """

    _starts: list[int] | None = None
    _plain: bool | None = None

    def replace_word_at_index(self, index: int, new_word: str) -> AttackedText:
        """Swap one word.

        Parameters
        ----------
        index : int
            Which word.
        new_word : str
            What takes its place.
        """
        words = self.words
        found = _words_of(new_word)
        if (
            len(found) != 1
            or not 0 <= index < len(words)
            or not self._is_plain()
            or _CHINESE.search(new_word)
        ):
            new = super().replace_word_at_index(index, new_word)
            return Text(new._text_input, attack_attrs=new.attack_attrs)
        old = words[index]
        start = self._word_starts()[index]
        changed = {index} if new_word != old else set()
        attributes = {
            "newly_modified_indices": changed,
            "previous_attacked_text": self,
            "modified_indices": self.attack_attrs["modified_indices"] | changed,
            # Never changed in place, so it can be shared.
            "original_index_map": self.attack_attrs["original_index_map"],
        }
        if "label_names" in self.attack_attrs:
            attributes["label_names"] = self.attack_attrs["label_names"]
        text = self.text[:start] + new_word + self.text[start + len(old) :]
        # The constructor would split the text only to throw the result away.
        new = Text.__new__(Text)
        new._text_input = type(self._text_input)({next(iter(self._text_input)): text})
        new._words = new._words_per_input = new._pos_tags = new._ner_tags = None
        new.attack_attrs = attributes
        new._plain = True
        if found == (new_word,):
            # A maximal run of word characters holds one word, so the neighbours stay what they were.
            new._words = [*words[:index], new_word, *words[index + 1 :]]
        return new

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


@functools.lru_cache(maxsize=2**16)
def _words_of(word: str) -> tuple[str, ...]:
    return tuple(words_from_text(word))
