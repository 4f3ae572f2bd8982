"""The victim's answers to the texts of one example, and the decisions that follow from them.

Decisions are those that TextAttack makes from exact answers: which text scores highest, whether it scores
higher than another, which class it is assigned, in which order words matter. An estimate with an error bound
settles a decision where the bound leaves no doubt; otherwise the texts in question are read again more
precisely, and finally alone. So a decision never depends on what else was in a batch.

Every method that may need an answer is a generator: it yields an `Ask`, is sent the logits, and returns the
decision.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from miniature.attack.search.victim import ALONE, SAFETY, Key

# A softmax in float32 is within two units in the last place, and a score is 1 minus it.
SOFTMAX_ERROR = 2.0**-22


@dataclass(frozen=True)
class Ask:
    """A request: the victim's logits for texts (as token ids) at a level."""

    keys: list[Key]
    level: int


class BoundExceeded(Exception):
    """An estimate was further from the exact answer than its bound allowed; the bound has been raised.

    Decisions made with the old bound have to be made again.

    Parameters
    ----------
    level : int
        The estimate's level.
    error : float
        The distance.
    """

    def __init__(self, level: int, error: float):
        super().__init__(f"level {level}: an error of {error:.3g}")
        self.level, self.error = level, error


class Answers:
    """The victim's answers to the texts of one example.

    Parameters
    ----------
    label : int
        The true class. The score of a text is 1 minus its probability, as in TextAttack's goal function.
    errors : dict of int to float
        `Victim.errors`: bounds by level; raised where one proves too small.
    first : int
        The level at which a text is first read.
    """

    def __init__(self, label: int, errors: dict[int, float], *, first: int):
        self.label = label
        self.errors = errors
        self.first = first
        self._known: dict[Key, tuple[int, np.ndarray]] = {}

    def look(self, keys: Sequence[Key]) -> Iterator[Ask]:
        """Read texts at the first level, each once."""
        new = [key for key in dict.fromkeys(keys) if key not in self._known]
        yield from self._read(new, self.first)

    def known(self, key: Key) -> tuple[int, np.ndarray]:
        """The level at which a text was last read, and its logits, float32 [classes]."""
        return self._known[key]

    def refine(self, keys: Sequence[Key]) -> Iterator[Ask]:
        """Read texts at the next level."""
        by_level: dict[int, list[Key]] = {}
        for key in dict.fromkeys(keys):
            by_level.setdefault(self._known[key][0] + 1, []).append(key)
        for level, some in sorted(by_level.items()):
            yield from self._read(some, level)

    def _read(self, keys: list[Key], level: int) -> Iterator[Ask]:
        if not keys:
            return
        logits = yield Ask(keys, level)  # [keys, classes]
        if not np.isfinite(logits).all():
            raise ValueError("The model's output is not a number.")
        for key, row in zip(keys, logits, strict=True):
            if key in self._known:
                before, estimate = self._known[key]
                error = float(np.abs(row - estimate).max())
                if error > self.errors[before] + self.errors[level]:
                    self.errors[before] = SAFETY[before] * error
                    raise BoundExceeded(before, error)
            self._known[key] = (level, row)

    def open(self, keys: Sequence[Key]) -> list[Key]:
        """The texts that have not yet been read alone."""
        return [key for key in dict.fromkeys(keys) if self._known[key][0] < ALONE]

    def bounds(self, keys: Sequence[Key]) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper bounds of the scores of texts."""
        logits = np.stack([self._known[key][1] for key in keys])  # [texts, classes]
        levels = np.array([self._known[key][0] for key in keys])
        exact = levels == ALONE
        low = np.empty(len(keys))
        high = np.empty(len(keys))
        if exact.any():
            # In float32, as in TextAttack: scores that rounding makes equal are equal.
            probability = torch.softmax(torch.from_numpy(logits[exact]), dim=1)[:, self.label]
            low[exact] = high[exact] = (1 - probability).numpy()
        if not exact.all():
            estimate = logits[~exact].astype(np.float64)
            others = np.delete(estimate, self.label, axis=1)
            # Log-odds of the true class. Each of its two terms is off by at most the bound.
            odds = estimate[:, self.label] - np.logaddexp.reduce(others, axis=1)
            error = 2 * np.array([self.errors[level] for level in levels[~exact]])
            low[~exact] = _expit(-(odds + error)) - SOFTMAX_ERROR
            high[~exact] = _expit(-(odds - error)) + SOFTMAX_ERROR
        return low, high

    def best(self, keys: Sequence[Key]) -> Iterator[Ask]:
        """Find the highest score; among equal ones the first."""
        yield from self.look(keys)
        while True:
            low, high = self.bounds(keys)
            contenders = np.flatnonzero(high >= low.max())
            # Texts of the same tokens have the same score.
            if len({keys[i] for i in contenders}) == 1:
                return int(contenders[0])
            doubtful = self.open([keys[i] for i in contenders])
            if not doubtful:
                return int(contenders[np.argmax(low[contenders])])
            yield from self.refine(doubtful)

    def is_higher(self, key: Key, other: Key) -> Iterator[Ask]:
        """Whether a text's score is higher than another's."""
        if key == other:
            return False
        yield from self.look([key, other])
        while True:
            low, high = self.bounds([key, other])
            if low[0] > high[1]:
                return True
            doubtful = self.open([key, other])
            if high[0] <= low[1] or not doubtful:
                return False
            yield from self.refine(doubtful)

    def predict(self, key: Key) -> Iterator[Ask]:
        """The predicted class of a text; among equally probable ones the first."""
        yield from self.look([key])
        while True:
            level, logits = self._known[key]
            if level == ALONE:
                return int(torch.softmax(torch.from_numpy(logits), dim=0).argmax())
            second, first = np.sort(logits)[-2:] if len(logits) > 1 else (-np.inf, logits[0])
            if first - second > 2 * self.errors[level] + SOFTMAX_ERROR:
                return int(logits.argmax())
            yield from self.refine([key])


class Ranking:
    """Texts from the highest score to the lowest, as ``(-scores).argsort()`` gives them, found one by one.

    The order in which numpy's sort leaves equal scores depends on all scores; they are all resolved only
    where that order is requested.

    Parameters
    ----------
    answers : Answers
        Of the example.
    keys : sequence of tuple of int
        The texts, read at least at the first level.
    """

    def __init__(self, answers: Answers, keys: Sequence[Key]):
        self.answers = answers
        self.keys = list(keys)
        self._left = np.arange(len(self.keys))
        self._order: list[int] | None = None

    def next(self) -> Iterator[Ask]:
        """Find the next text."""
        while self._order is None:
            keys = [self.keys[i] for i in self._left]
            low, high = self.answers.bounds(keys)
            contenders = np.flatnonzero(high >= low.max())
            doubtful = self.answers.open([keys[i] for i in contenders])
            if doubtful and len({keys[i] for i in contenders}) > 1:
                yield from self.answers.refine(doubtful)
                continue
            first = contenders[low[contenders] == low[contenders].max()]
            if len(first) > 1:
                order = yield from self._sorted()
                done = len(order) - len(self._left)
                self._order = list(reversed(order[done:]))
                break
            index = int(self._left[first[0]])
            self._left = np.delete(self._left, first[0])
            return index
        return self._order.pop()

    def _sorted(self) -> Iterator[Ask]:
        """All texts in order, once each pair of scores is known to differ or to be equal."""
        while True:
            low, high = self.answers.bounds(self.keys)
            doubtful = self.answers.open(self._overlapping(low, high))
            if not doubtful:
                break
            yield from self.answers.refine(doubtful)
        # float32, like the scores: numpy sorts other widths differently.
        return (-((low + high) / 2).astype(np.float32)).argsort().tolist()

    def _overlapping(self, low: np.ndarray, high: np.ndarray) -> list[Key]:
        """Texts whose score may equal another text's."""
        found: list[Key] = []
        group: list[Key] = []
        reach = -np.inf
        for i in [*np.argsort(low, kind="stable"), None]:
            if i is None or low[i] > reach:
                if len(set(group)) > 1:
                    found += group
                group, reach = [], -np.inf
            if i is not None:
                group.append(self.keys[i])
                reach = max(reach, high[i])
        return found


def _expit(x: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-x)) without overflow."""
    return np.exp(-np.logaddexp(0, -x))
