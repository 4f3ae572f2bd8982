"""A source of random choices that is quick for millions of small draws and the same on every machine."""

import numpy as np

from miniature.seeds import generator

BLOCK = 65536


class Draw:
    """Random choices from one seeded generator.

    NumPy's generators are quick by the block and slow by the number; a world needs millions of single
    choices.

    Parameters
    ----------
    seed : int
        The study's seed.
    *labels : object
        What the numbers are for, see `miniature.seeds.derive_seed`.
    """

    def __init__(self, seed: int, *labels: object):
        self.generator: np.random.Generator = generator(seed, *labels)
        self.numbers: list[float] = []

    def unit(self) -> float:
        """Give a number in [0, 1)."""
        if not self.numbers:
            self.numbers = self.generator.random(BLOCK).tolist()
        return self.numbers.pop()

    def chance(self, probability: float) -> bool:
        """Give True with the given probability."""
        return self.unit() < probability

    def below(self, n: int) -> int:
        """Give an integer in [0, n)."""
        return int(self.unit() * n)

    def pick(self, items):
        """Give one item of a sequence, each as likely as another."""
        return items[int(self.unit() * len(items))]

    def sample(self, items, n: int) -> list:
        """Give `n` different items of a sequence, in random order (all of them when there are fewer)."""
        pool = list(items)
        n = min(n, len(pool))
        for i in range(n):
            j = i + self.below(len(pool) - i)
            pool[i], pool[j] = pool[j], pool[i]
        return pool[:n]
