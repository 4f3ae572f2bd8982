"""The search of an attack, as a generator that asks for answers instead of running models.

Step by step what TextAttack's ``GreedyWordSwapWIR`` does (Jin et al. 2020, "Is BERT really robust?"): words
in the order of their importance, for each the best of its swaps if it is an improvement. Since it yields what
it needs, many of them can go on together, their requests run in one batch.
"""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from miniature.attack.search.answers import Answers, Ask, Ranking
from miniature.attack.search.texts import Assembly, Text
from miniature.attack.search.victim import Key


@dataclass(frozen=True)
class Read:
    """A request: that the masked LM read texts, so that its proposals are at hand."""

    texts: list[str]


class GreedySearch:
    """One example's search, and how far it is.

    Parameters
    ----------
    text : Text
        What to attack.
    answers : Answers
        The victim's answers, which also hold the true class.
    assembly : Assembly
        Transformation and constraints.
    encode : callable
        From texts to token ids, `Victim.encode`.
    importance : str
        ``unk`` or ``delete``.
    unknown : str
        The victim's unknown token.
    budget : int or None
        Most queries.
    seconds : float or None
        Most seconds from now on.
    clock : callable
        Says what time it is, in seconds.

    Attributes
    ----------
    outcome : str or None
        As in `rows.OUTCOMES`, when the search is over.
    queries : int
        Counted as TextAttack does: every text asked about, equal ones as well.
    before, after : int or None
        The class given to the text as it was and to the text so far.
    current : Text
        The text so far.
    """

    def __init__(
        self,
        text: Text,
        answers: Answers,
        assembly: Assembly,
        encode: Callable[[Sequence[str]], list[Key]],
        *,
        importance: str,
        unknown: str,
        budget: int | None,
        seconds: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ):
        self.original = self.current = text
        self.answers = answers
        self.assembly = assembly
        self.encode = encode
        self.importance = importance
        self.unknown = unknown
        self.budget = math.inf if budget is None else budget
        self.clock = clock
        self.end = math.inf if seconds is None else clock() + seconds
        self.late = False
        self.outcome: str | None = None
        self.queries = 0
        self.before: int | None = None
        self.after: int | None = None

    def run(self) -> Iterator[Ask | Read]:
        """Search. Yields requests; an `Ask` is to be answered with logits, [keys, classes]."""
        (key,) = self.encode([self.original.text])
        self.queries = 1
        self.before = self.after = yield from self.answers.predict(key)
        if self.before != self.answers.label:
            self.outcome = "skipped"
        elif (yield from self._improve(key)):
            self.outcome = "success"
        elif self.queries >= self.budget:
            self.outcome = "query_budget"
        else:
            self.outcome = "time_budget" if self.late else "failure"

    @property
    def words(self) -> int:
        """Words of the original."""
        return len(self.original.words)

    @property
    def words_changed(self) -> int:
        """Places at which the text so far differs from the original; words too many or too few count too."""
        return count_changed(self.original.words, self.current.words)

    def _improve(self, key: Key) -> Iterator[Ask | Read]:
        """Swap words until the class changes; whether it did."""
        indices = self.assembly.get_indices_to_order(self.original)[1]
        if not self._count(len(indices)) or self.queries >= self.budget or self._is_late():
            # The order of the words no longer matters: nothing is left to swap them with.
            return False
        keys = self.encode([self._without(index).text for index in indices])
        yield from self.answers.look(keys)
        ranking = Ranking(self.answers, keys)
        for _ in indices:
            if self.queries >= self.budget or self._is_late():
                return False
            index = indices[(yield from ranking.next())]
            if self.assembly.is_closed(self.current, self.original, index):
                continue
            texts = self.assembly.find_reads(self.current, index)
            if texts:
                yield Read(texts)
            candidates = self.assembly.get_transformations(
                self.current, original_text=self.original, indices_to_modify=[index]
            )
            candidates = candidates[: self._count(len(candidates))]
            if not candidates:
                continue
            keys = self.encode([candidate.text for candidate in candidates])
            best = yield from self.answers.best(keys)
            if (yield from self.answers.is_higher(keys[best], key)):
                self.current, key = candidates[best], keys[best]
                self.after = yield from self.answers.predict(key)
                if self.after != self.answers.label:
                    if "similarity_score" in self.current.attack_attrs:
                        self.current = candidates[(yield from self._most_similar(candidates, keys))]
                        self.after = yield from self.answers.predict(self.encode([self.current.text])[0])
                    return True
        return False

    def _most_similar(self, candidates: list[Text], keys: list[Key]) -> Iterator[Ask | Read]:
        """Find, of the swaps that change the class, the one that a sentence encoder finds nearest."""
        left = list(range(len(candidates)))
        broken: list[int] = []
        while left:
            index = left.pop((yield from self.answers.best([keys[i] for i in left])))
            if (yield from self.answers.predict(keys[index])) == self.answers.label:
                break
            broken.append(index)
        return max(broken, key=lambda i: candidates[i].attack_attrs["similarity_score"])

    def _is_late(self) -> bool:
        self.late = self.clock() >= self.end
        return self.late

    def _without(self, index: int) -> Text:
        if self.importance == "delete":
            return self.original.delete_word_at_index(index)
        return self.original.replace_word_at_index(index, self.unknown)

    def _count(self, texts: int) -> int:
        """Count queries, as many of them as the budget leaves; return how many."""
        allowed = int(min(texts, self.budget - self.queries))
        self.queries += allowed
        return allowed


def count_changed(before: list[str], after: list[str]) -> int:
    """Count the places at which two lists of words differ; words too many or too few count as well."""
    return sum(a != b for a, b in zip(before, after, strict=False)) + abs(len(before) - len(after))
