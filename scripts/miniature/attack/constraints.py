"""Which changed texts an attack may consider: constraints on TextAttack's interface."""

from miniature.attack.library import AttackedText, Constraint
from miniature.attack.tagger import Tagger
from miniature.attack.vectors import WordVectors


class WordSimilarity(Constraint):
    """Hold a new word near the original one, by the cosine of their vectors; a word without a vector passes.

    Parameters
    ----------
    vectors : WordVectors
        Of lower-case words.
    least : float
        Least cosine.
    """

    def __init__(self, vectors: WordVectors, least: float):
        super().__init__(compare_against_original=True)
        self.vectors = vectors
        self.least = least

    def _check_constraint(self, transformed_text: AttackedText, reference_text: AttackedText) -> bool:
        for index in transformed_text.attack_attrs["newly_modified_indices"]:
            # A swap that made two words of one moves those behind it: what stood here cannot be said.
            if index >= min(len(reference_text.words), len(transformed_text.words)):
                return False
            old, new = reference_text.words[index], transformed_text.words[index]
            cosine = self.vectors.cosine(old.lower(), new.lower())
            if cosine is not None and cosine < self.least:
                return False
        return True


class SamePartOfSpeech(Constraint):
    """Hold a new word to the part of speech of the original one; a noun may become a verb and the reverse.

    Both words are tagged among the four words before and the three after them in the original text, as by
    TextAttack's ``PartOfSpeech``. Like there, a word that stands more than once in this window has the tag of
    its first place.

    Parameters
    ----------
    tagger : Tagger
        Gives universal tags.
    """

    def __init__(self, tagger: Tagger):
        super().__init__(compare_against_original=True)
        self.tagger = tagger

    def _check_constraint(self, transformed_text: AttackedText, reference_text: AttackedText) -> bool:
        words = reference_text.words
        for index in transformed_text.attack_attrs["newly_modified_indices"]:
            if index >= min(len(words), len(transformed_text.words)):
                return False
            before, after = words[max(index - 4, 0) : index], words[index + 1 : index + 4]
            tags = [self._tag(before, word, after) for word in (words[index], transformed_text.words[index])]
            if tags[0] != tags[1] and set(tags) != {"NOUN", "VERB"}:
                return False
        return True

    def _tag(self, before: list[str], word: str, after: list[str]) -> str:
        window = [*before, word, *after]
        return self.tagger(window)[window.index(word)]
