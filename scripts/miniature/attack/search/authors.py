"""BERT-ATTACK as its authors' code runs it, which differs from the paper and from every other version.

Source: Li et al. 2020 and github.com/LinyangLee/BERT-Attack at commit 8a93610, read for its behavior. Words
are the lower-cased strings between two spaces. The masked LM reads the original text once. Words are tried
from the most important; the proposals for a word are tried one by one, and the first that changes the label
ends the attack. Examples that the victim classifies incorrectly are left to the caller, which skips them: the
authors' evaluation counts them as broken.

The search is a generator that yields what it needs, as `search.GreedySearch` is, and counts as queries only
the texts that it looks at.
"""

import itertools
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from miniature.attack.search.answers import Answers, Ask
from miniature.attack.search.greedy import Read
from miniature.attack.search.victim import ALONE, Key
from miniature.attack.words.masked_lm import MaskedLM
from miniature.attack.words.masked_swaps import Vocabulary
from miniature.attack.words.stopwords import STOPWORDS
from miniature.attack.words.vectors import WordVectors


@dataclass(frozen=True)
class Words:
    """A text as the authors split it: the lower-cased strings between two spaces.

    Parameters
    ----------
    words : list of str
        May be empty strings, where spaces follow one another.
    text : str
        The text; the original as it was written.
    """

    words: list[str]
    text: str


class Proposals:
    """The masked LM's proposals for each word of a text.

    Parameters
    ----------
    reader : MaskedLM
        The masked LM.
    recipe : dict
        As `miniature.attack.recipe.spell_recipe` gives it.
    vectors : WordVectors, optional
        Reject proposals whose cosine with the word is below ``min_word_similarity``: antonyms, if the vectors
        are counter-fitted.
    """

    def __init__(self, reader: MaskedLM, recipe: dict, vectors: WordVectors | None = None):
        self.reader = reader
        self.vocabulary = Vocabulary(reader.tokenizer)
        self.tokenizer = reader.tokenizer
        self.recipe = recipe
        self.vectors = vectors

    def places(self, words: list[str]) -> list[range]:
        """Tokens of each word in the text that the masked LM reads, truncated to its longest input."""
        # Byte-level BPE includes the space before a word.
        space = " " if self.vocabulary.byte_level else ""
        spaced = [words[0], *(space + word for word in words[1:])]
        pieces = self.tokenizer(spaced, add_special_tokens=False)["input_ids"]
        starts = np.cumsum([0, *map(len, pieces)])  # [words + 1]
        room = self.reader.max_length - 2
        return [
            range(start + 1, min(end, room + 1) + 1) for start, end in itertools.pairwise(starts.tolist())
        ]

    def of_word(self, words: list[str], index: int, places: Sequence[int]) -> list[str]:
        """Proposals for one word, best first."""
        if not len(places):
            return []
        text = " ".join(words)
        if len(places) == 1:
            pools = self.reader.likeliest(
                text, places, self.recipe["max_candidates"], min_score=self.recipe["min_score"] or None
            )
            found = [self._single(piece, index) for piece in self._kept(pools)[0]]
        else:
            k = min(self.recipe["subword_candidates"], self.recipe["max_candidates"])
            places = places[: self.recipe["subword_pieces_used"]]
            found = self._combined(self._kept(self.reader.likeliest(text, places, k)))
        return [new for new in found if new is not None and self._is_allowed(new, words[index])]

    def _kept(self, pools: list[list[int]]) -> list[list[int]]:
        if not self.recipe["skip_special_tokens"]:
            return pools
        return [[piece for piece in pool if piece not in self.vocabulary.special] for pool in pools]

    def _single(self, piece: int, index: int) -> str | None:
        if self.vocabulary.byte_level:
            return self.vocabulary.whole_word(piece, index == 0)
        return self.tokenizer.convert_ids_to_tokens(piece)

    def _combined(self, pools: list[list[int]]) -> list[str]:
        """Words of several pieces, by the masked LM's perplexity of the pieces read alone, lowest first."""
        products = itertools.product(*pools)
        combinations = list(itertools.islice(products, self.recipe["subword_combinations"]))
        if not combinations:
            return []
        order = torch.sort(self.reader.losses(combinations), stable=True).indices.tolist()
        return [self._spelled(combinations[i]) for i in order]

    def _spelled(self, pieces: tuple[int, ...]) -> str:
        tokens = self.tokenizer.convert_ids_to_tokens(list(pieces))
        if self.vocabulary.byte_level:
            return self.tokenizer.convert_tokens_to_string(tokens).strip()
        return joined(tokens)

    def _is_allowed(self, new: str, word: str) -> bool:
        if new == word or "##" in new or not new:
            return False
        if self.recipe["skip_stopword_candidates"] and new in STOPWORDS:
            return False
        cosine = self.vectors.cosine(new, word) if self.vectors else None
        return cosine is None or cosine >= self.recipe["min_word_similarity"]


def importance(first: np.ndarray, without: np.ndarray, label: int) -> np.ndarray:
    """Importance of each word: the probability that its absence moves from the label to another class."""
    first, without = np.asarray(first, np.float64), np.asarray(without, np.float64)
    if without.ndim != 2 or without.shape[1:] != first.shape:
        raise ValueError(f"Probabilities have the shapes {first.shape} and {without.shape}.")
    new = without.argmax(axis=1)  # [words]
    gain = without.max(axis=1) - first[new]
    return first[label] - without[:, label] + np.where(new != label, gain, 0.0)


class AuthorsSearch:
    """The search of one example and its state; attributes as in `search.GreedySearch`.

    Parameters
    ----------
    text : str
        The text to attack.
    answers : Answers
        The victim's answers, which also hold the true class.
    proposals : Proposals
        The masked LM's proposals.
    encode : callable
        From texts to token ids, `Victim.encode`.
    recipe : dict
        As `miniature.attack.recipe.spell_recipe` gives it.
    unknown : str
        The victim's unknown token.
    clock : callable
        Returns the time in seconds, for ``max_seconds``.
    """

    def __init__(
        self,
        text: str,
        answers: Answers,
        proposals: Proposals,
        encode: Callable[[Sequence[str]], list[Key]],
        recipe: dict,
        *,
        unknown: str,
        clock: Callable[[], float] = time.monotonic,
    ):
        self.original = self.current = Words(split_words(text), text)
        self.answers = answers
        self.proposals = proposals
        self.encode = encode
        self.recipe = recipe
        self.unknown = unknown
        self.budget = math.inf if recipe["query_budget"] is None else recipe["query_budget"]
        self.clock = clock
        self.end = math.inf if recipe["max_seconds"] is None else clock() + recipe["max_seconds"]
        self.outcome: str | None = None
        self.queries = 0
        self.before: int | None = None
        self.after: int | None = None

    @property
    def words(self) -> int:
        """The strings between spaces of the original."""
        return len(self.original.words)

    @property
    def words_changed(self) -> int:
        """Number of these words in which the current text differs."""
        return sum(a != b for a, b in zip(self.original.words, self.current.words, strict=True))

    def run(self) -> Iterator[Ask | Read]:
        """Search. Yields requests; the reply to an `Ask` is logits, [keys, classes]."""
        (key,) = self.encode([self.original.text])
        self.queries = 1
        self.before = self.after = yield from self.answers.predict(key)
        if self.before != self.answers.label:
            self.outcome = "skipped"
        else:
            self.outcome = yield from self._improve(key)

    def _improve(self, best: Key) -> Iterator[Ask | Read]:
        """Change words until the class changes; return the outcome."""
        words, share = self.original.words, self.recipe["max_words_changed"]
        scored = len(words) if self.recipe["score_last_word"] else len(words) - 1
        keys = self.encode([self._with(words, i, self.unknown).text for i in range(scored)])
        keys = keys[: self._count(scored)]
        yield from self.answers.look(keys)
        if self.queries >= self.budget:
            return "query_budget"
        order = yield from rank(self.answers, best, keys)
        # Intended changes only; the last proposal, left in the text when nothing helped, is not counted, as
        # in their code.
        changed, most = 0, len(words) if share is None else int(share * len(words))
        places: list[range] | None = None
        for index in order:
            if changed > most:
                return "failure"
            if self.clock() >= self.end:
                return "time_budget"
            if self.recipe["skip_stopwords"] and words[index] in STOPWORDS:
                continue
            if places is None:
                yield Read([" ".join(words)])
                places = self.proposals.places(words)
            tried = self.proposals.of_word(words, index, places[index])
            texts = [self._with(self.current.words, index, new) for new in tried]
            texts = texts[: int(min(self.budget - self.queries, len(texts)))]
            if not texts:
                continue
            keys = self.encode([text.text for text in texts])
            yield from self.answers.look(keys)
            for text, key in zip(texts, keys, strict=True):
                self._count(1)
                answer = yield from self.answers.predict(key)
                if answer != self.answers.label:
                    self.current, self.after = text, answer
                    return "success"
            helpful = yield from self.answers.best(keys)
            if (yield from self.answers.is_higher(keys[helpful], best)):
                self.current, best = texts[helpful], keys[helpful]
                changed += 1
            elif self.recipe["keep_last_tried"]:
                self.current = texts[-1]
            if self.queries >= self.budget:
                return "query_budget"
        return "failure"

    def _with(self, words: list[str], index: int, new: str) -> Words:
        changed = [*words[:index], new, *words[index + 1 :]]
        return Words(changed, joined(changed))

    def _count(self, texts: int) -> int:
        """Count queries, up to the remaining budget; return how many."""
        allowed = int(min(texts, self.budget - self.queries))
        self.queries += allowed
        return allowed


def rank(answers: Answers, first: Key, keys: Sequence[Key]) -> Iterator[Ask]:
    """Order texts by the importance of the word that each lacks, the most important first."""
    for key in (first, *keys):
        # Where the class is uncertain, so is whether there is a gain.
        yield from answers.predict(key)
    while answers.open([first]):
        yield from answers.refine([first])
    while True:
        levels, logits = zip(*map(answers.known, [first, *keys]), strict=True)
        probabilities = np.exp(log_softmax(np.stack(logits)))  # [1 + texts, classes]
        matters = importance(probabilities[0], probabilities[1:], answers.label)
        # A probability changes by less than twice the change of the logits, and two probabilities matter.
        error = 4 * np.array([answers.errors[level] if level != ALONE else 0.0 for level in levels[1:]])
        order = sorted(range(len(keys)), key=lambda i: -matters[i])
        doubtful = {
            i
            for a, b in itertools.pairwise(order)
            if keys[a] != keys[b] and matters[a] - error[a] <= matters[b] + error[b]
            for i in (a, b)
        }
        unread = answers.open([keys[i] for i in sorted(doubtful)])
        if not unread:
            return order
        yield from answers.refine(unread)


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """Log probabilities, float64, [texts, classes]."""
    logits = np.asarray(logits, dtype=np.float64)
    return logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)


def split_words(text: str) -> list[str]:
    r"""Split a text at its spaces, in lower case, as the authors do; a line break is no space."""
    return text.replace("\n", "").lower().split(" ")


def joined(words: list[str]) -> str:
    """Join words as the authors do, by the rule that joins BERT's word pieces."""
    return " ".join(words).replace(" ##", "").strip()
