"""Cohen's kappa of two yes-or-no judgements of the same examples."""

import numpy as np

from miniature.agreement.masks import check_masks, count


def cohen_kappa(a: np.ndarray, b: np.ndarray) -> float:
    """Agreement beyond chance: ``(observed - expected) / (1 - expected)`` (Cohen 1960).

    On right and wrong answers this is the error consistency of two models.

    Parameters
    ----------
    a, b : array_like of bool, shape [examples]
        The two judgements.

    Returns
    -------
    float
        In [-1, 1]; 0 is chance. NaN where there is no example, or where both say the same of every example:
        expected agreement is then complete and nothing lies beyond it.

    Raises
    ------
    ValueError
        If `a` and `b` are not two masks of one shape.

    Examples
    --------
    >>> cohen_kappa([True, True, False, False], [True, False, False, False])
    0.5
    """
    a, b = check_masks(a, b)
    observed = count(a == b)
    return _beyond_chance(observed, count(a), count(b), len(a))


def ceiling_kappa(size_a: int, size_b: int, n: int) -> float:
    """Largest kappa that two set sizes allow: the smaller set inside the larger.

    Parameters
    ----------
    size_a, size_b : int
        Examples of which the first and the second judgement say yes.
    n : int
        Examples.

    Returns
    -------
    float
        In [0, 1]; NaN where kappa itself is not defined.

    Examples
    --------
    >>> ceiling_kappa(2, 1, 4)
    0.5
    """
    return _beyond_chance(n - abs(size_a - size_b), size_a, size_b, n)


def _beyond_chance(observed: int, size_a: int, size_b: int, n: int) -> float:
    # Whole numbers up to the last division: the degenerate case is then found exactly.
    expected = size_a * size_b + (n - size_a) * (n - size_b)
    return (n * observed - expected) / (n * n - expected) if n * n > expected else float("nan")
