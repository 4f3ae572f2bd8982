"""Substitutes for a word that need no masked language model: character edits and nearest words."""

import random
import string

import numpy as np

from miniature.attack.library import AttackedText, WordSwap
from miniature.attack.words.vectors import WordVectors


class ProposalSwap(WordSwap):
    """TextAttack transformation: swap a word for each of a list of proposals, in order."""

    def proposals(self, current_text: AttackedText, index: int) -> list[str]:
        """Proposals for one word, best first."""
        raise NotImplementedError

    def _get_transformations(self, current_text: AttackedText, indices_to_modify) -> list[AttackedText]:
        changed = []
        for index in indices_to_modify:
            word = current_text.words[index]
            for proposal in self.proposals(current_text, index):
                if proposal != word:
                    changed.append(current_text.replace_word_at_index(index, proposal))
        return changed


class CharacterEdits(ProposalSwap):
    """One single-character edit of each requested kind (DeepWordBug, Gao et al. 2018).

    Position and letter are random. TextAttack uses the process's global generators; here each example has its
    own two, seeded alike and used in the same order, so that examples may be attacked in any order and
    concurrently.

    Parameters
    ----------
    edits : list of str
        Some of ``swap`` (with the next character), ``substitute``, ``delete`` and ``insert``, tried in this
        order.
    """

    def __init__(self, edits: list[str]):
        super().__init__()
        self.edits = list(edits)
        self.begin(0)

    def begin(self, seed: int) -> None:
        """Start another example: its seed is used for both generators, of positions and of letters."""
        self._places = np.random.RandomState(seed)
        self._letters = random.Random(seed)

    @property
    def deterministic(self) -> bool:
        """False: TextAttack must not reuse what was drawn for another text."""
        return False

    def proposals(self, current_text: AttackedText, index: int) -> list[str]:
        """One edited word for each kind of edit; a word of one character has none."""
        word = current_text.words[index]
        edited = (getattr(self, f"_{edit}")(word) for edit in self.edits) if len(word) > 1 else ()
        # Two edits with the same result are one candidate.
        return list(dict.fromkeys(edited))

    def _place(self, places: int) -> int:
        return int(self._places.randint(0, places))

    def _letter(self) -> str:
        return self._letters.choice(string.ascii_letters)

    def _swap(self, word: str) -> str:
        i = self._place(len(word) - 1)
        return word[:i] + word[i + 1] + word[i] + word[i + 2 :]

    def _substitute(self, word: str) -> str:
        i = self._place(len(word))
        return word[:i] + self._letter() + word[i + 1 :]

    def _delete(self, word: str) -> str:
        i = self._place(len(word))
        return word[:i] + word[i + 1 :]

    def _insert(self, word: str) -> str:
        i = self._place(len(word))
        return word[:i] + self._letter() + word[i:]


class NearWords(ProposalSwap):
    """The words whose vectors are nearest (TextFooler, Jin et al. 2020).

    Parameters
    ----------
    vectors : WordVectors
        Of lower-case words.
    k : int
        Proposals per word.
    """

    def __init__(self, vectors: WordVectors, k: int):
        super().__init__()
        self.vectors = vectors
        self.k = k

    def proposals(self, current_text: AttackedText, index: int) -> list[str]:
        """At most K words, capitalized like the word; none for a word without a vector."""
        word = current_text.words[index]
        return [spell_like(near, word) for near in self.vectors.nearest(word.lower(), self.k)]


def spell_like(word: str, model: str) -> str:
    """Capitalize a word like another: none, all, or the first letter; otherwise unchanged."""
    if model.islower():
        return word.lower()
    if model.isupper() and len(model) > 1:
        return word.upper()
    if model[0].isupper() and model[1:].islower():
        return word.capitalize()
    return word
