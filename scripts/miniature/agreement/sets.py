"""Agreement of two sets of examples: Jaccard and kappa, with chance, ceiling and corrected form."""

import numpy as np

from miniature.agreement.ceiling import ceiling_jaccard
from miniature.agreement.chance import chance_jaccard
from miniature.agreement.corrected import correct_for_chance
from miniature.agreement.jaccard import jaccard
from miniature.agreement.kappa import ceiling_kappa, cohen_kappa


def set_agreement(a: np.ndarray, b: np.ndarray) -> list[tuple[str, float, float, float]]:
    """All measures of agreement of two sets of examples.

    Parameters
    ----------
    a, b : ndarray of bool, shape [examples]
        Membership of each example in the two sets.

    Returns
    -------
    list of tuple
        Measure, value, chance (independent sets of the same sizes) and ceiling (the smaller inside the
        larger); NaN where not applicable. The corrected measures have chance 0 and ceiling 1 and are NaN
        where chance and ceiling of the measure itself are less than 0.05 apart. Kappa is 0 by chance; that
        the two sizes may not allow a kappa of 1 is what its corrected form takes away.

    Examples
    --------
    >>> for row in set_agreement(np.array([1, 1, 0, 0], dtype=bool), np.array([1, 0, 0, 0], dtype=bool)):
    ...     print(*row)
    jaccard 0.5 0.2 0.5
    jaccard_corrected 1.0 0.0 1.0
    kappa 0.5 0.0 0.5
    kappa_corrected 1.0 0.0 1.0
    """
    n, size_a, size_b = len(a), int(a.sum()), int(b.sum())
    chance = chance_jaccard(size_a / n, size_b / n) if n else float("nan")
    by_measure = {
        "jaccard": (jaccard(a, b), chance, ceiling_jaccard(size_a, size_b)),
        # Kappa is 0 by chance wherever it is defined at all.
        "kappa": (cohen_kappa(a, b), 0.0, ceiling_kappa(size_a, size_b, n)),
    }
    rows = []
    for name, (value, by_chance, ceiling) in by_measure.items():
        if np.isnan(value):
            by_chance = ceiling = float("nan")
        corrected = correct_for_chance(value, by_chance, ceiling)
        empty = corrected * 0.0
        rows += [(name, value, by_chance, ceiling), (f"{name}_corrected", corrected, empty, empty + 1.0)]
    return rows
