"""Seeds derived from names, so that adding a model or dataset never changes another's random numbers."""

import hashlib

import numpy as np


def derive_seed(seed: int, *labels: object) -> int:
    """Seed for one purpose, derived from the study's seed and the names of that purpose.

    Parameters
    ----------
    seed : int
        The study's seed.
    *labels : object
        The purpose of the random numbers (``"split", "squad", "train"``); converted by ``str``.

    Returns
    -------
    int
        A number in [0, 2**31), the same on every machine.

    Examples
    --------
    >>> derive_seed(0, "split", "squad") == derive_seed(0, "split", "squad")
    True
    >>> derive_seed(0, "split", "squad") == derive_seed(1, "split", "squad")
    False
    """
    text = "\x1f".join([str(seed), *map(str, labels)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1


def generator(seed: int, *labels: object) -> np.random.Generator:
    """NumPy generator (PCG64) seeded by `derive_seed`."""
    return np.random.Generator(np.random.PCG64(derive_seed(seed, *labels)))
