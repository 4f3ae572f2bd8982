"""The search of an attack, as a generator that requests answers instead of running models.

It follows TextAttack's ``GreedyWordSwapWIR`` (Jin et al. 2020, "Is BERT really robust?") step by step: words
in order of importance, and for each its best swap if that is an improvement. Because it yields its requests,
many searches can advance together with their requests run in one batch.
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
    """A request that the masked LM read texts, so that its proposals are available."""

    texts: list[str]


class GreedySearch:
    """The search of one example and its state.

    Parameters
    ----------
    text : Text
        The text to attack.
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
        Maximum number of queries.
    seconds : float or None
        Maximum number of seconds from now.
    clock : callable
        Returns the time in seconds.

    Attributes
    ----------
    outcome : str or None
        As in `rows.OUTCOMES`, once the search has ended.
    queries : int
        Counted as TextAttack does: every text requested, duplicates included.
    before, after : int or None
        The class predicted for the original text and for the current text.
    current : Text
        The current text.
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
        """Search. Yields requests; the reply to an `Ask` is logits, [keys, classes]."""
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
        """Number of words that differ from the original; extra or missing words count."""
        return count_changed(self.original.words, self.current.words)

    def _improve(self, key: Key) -> Iterator[Ask | Read]:
        """Swap words until the class changes; return whether it did."""
        indices = self.assembly.get_indices_to_order(self.original)[1]
        if not self._count(len(indices)) or self.queries >= self.budget or self._is_late():
            # The order of the words no longer matters: no swaps are left.
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
        """Among the swaps that change the class, find the one most similar by the sentence encoder."""
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
        """Count queries, up to the remaining budget; return how many."""
        allowed = int(min(texts, self.budget - self.queries))
        self.queries += allowed
        return allowed


def count_changed(before: list[str], after: list[str]) -> int:
    """Count the positions at which two lists of words differ; extra or missing words count."""
    return sum(a != b for a, b in zip(before, after, strict=False)) + abs(len(before) - len(after))
