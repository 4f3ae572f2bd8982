"""How alike the probabilities of two models are, and how often they say the same."""

import numpy as np
from scipy.special import rel_entr


def js_divergence(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Jensen-Shannon divergence of two predicted distributions, of each example, in bits (Lin 1991).

    The mean of the Kullback-Leibler divergences of either to the average of both. (What
    ``scipy.spatial.distance.jensenshannon`` returns is its square root, with the natural logarithm.)

    Parameters
    ----------
    p, q : array_like of float, shape [examples, classes]
        Rows are distributions; each is divided by its sum.

    Returns
    -------
    ndarray of float64, shape [examples]
        In [0, 1]: 0 where the two are the same, 1 where they share no class.

    Raises
    ------
    ValueError
        If the shapes differ, or a row is no distribution.

    Examples
    --------
    >>> js_divergence([[1.0, 0.0], [0.5, 0.5]], [[0.0, 1.0], [0.5, 0.5]]).tolist()
    [1.0, 0.0]
    """
    p, q = _check_distributions(p), _check_distributions(q)
    if p.shape != q.shape:
        raise ValueError(f"Distributions over the same classes are needed: {p.shape}, {q.shape}.")
    mean = (p + q) / 2
    divergence = (_entropy_terms(p, mean) + _entropy_terms(q, mean)).sum(axis=1) / 2
    # Rounding can leave the last digit outside the range.
    return np.clip(divergence, 0.0, 1.0)


def kl_divergence(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Kullback-Leibler divergence of each example's second distribution from its first, in bits.

    `p` is the original's, `q` the compressed model's (Kullback and Leibler 1951, equation 2.4).
    ``llama-perplexity --kl-divergence`` gives it in nats, of which one is 1.4427 bits.

    Parameters
    ----------
    p, q : array_like of float, shape [examples, classes]
        Rows are distributions; each is divided by its sum.

    Returns
    -------
    ndarray of float64, shape [examples]
        At least 0, and infinite where `q` rules out what `p` does not.

    Raises
    ------
    ValueError
        If the shapes differ, or a row is no distribution.

    Examples
    --------
    >>> kl_divergence([[1.0, 0.0], [0.5, 0.5]], [[1.0, 0.0], [1.0, 0.0]]).tolist()
    [0.0, inf]
    """
    p, q = _check_distributions(p), _check_distributions(q)
    if p.shape != q.shape:
        raise ValueError(f"Distributions over the same classes are needed: {p.shape}, {q.shape}.")
    # Rounding can leave the sum a hair below 0.
    return np.maximum(rel_entr(p, q).sum(axis=1), 0.0) / np.log(2.0)


def probability_loyalty(divergence: np.ndarray) -> np.ndarray:
    """Probability loyalty of each example: one minus the Jensen-Shannon distance.

    The distance is the square root of the divergence (Xu et al. 2021, "Beyond Preserved Accuracy", section
    3.2), here with the base 2, so that 0 is reached by distributions that share no class.

    Parameters
    ----------
    divergence : array_like of float, shape [examples]
        As `js_divergence` returns it.

    Returns
    -------
    ndarray of float64, shape [examples]
        In [0, 1].

    Examples
    --------
    >>> probability_loyalty([0.0, 0.25, 1.0]).tolist()
    [1.0, 0.5, 0.0]
    """
    return 1.0 - np.sqrt(np.asarray(divergence, dtype=np.float64))


def chance_same_answer(a: np.ndarray, b: np.ndarray) -> float:
    """Share of equal answers expected were the two models' answers dealt to the examples independently.

    Parameters
    ----------
    a, b : array_like of int, shape [examples]
        Each example's answer as a number from 0; equal answers have equal numbers.

    Returns
    -------
    float
        In [0, 1]; NaN where there is no example.

    Raises
    ------
    ValueError
        If the shapes differ.

    Examples
    --------
    >>> chance_same_answer([0, 0, 1, 1], [0, 1, 1, 1])
    0.5
    """
    p, q = _answer_shares(a, b)
    return float((p * q).sum()) if len(p) else float("nan")


def ceiling_same_answer(a: np.ndarray, b: np.ndarray) -> float:
    """Largest share of equal answers that the two models' answer frequencies allow.

    Parameters
    ----------
    a, b : array_like of int, shape [examples]
        As for `chance_same_answer`.

    Returns
    -------
    float
        In [0, 1]; NaN where there is no example.

    Raises
    ------
    ValueError
        If the shapes differ.

    Examples
    --------
    >>> ceiling_same_answer([0, 0, 1, 1], [0, 1, 1, 1])
    0.75
    """
    p, q = _answer_shares(a, b)
    return float(np.minimum(p, q).sum()) if len(p) else float("nan")


def _answer_shares(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Share of each answer in the first and in the second list, each [answers]; empty without examples."""
    a, b = np.asarray(a), np.asarray(b)
    if a.ndim != 1 or a.shape != b.shape:
        raise ValueError(f"Answers to the same examples are needed: {a.shape}, {b.shape}.")
    if not len(a):
        return np.zeros(0), np.zeros(0)
    most = int(max(a.max(), b.max())) + 1
    return np.bincount(a, minlength=most) / len(a), np.bincount(b, minlength=most) / len(b)


def _check_distributions(rows: np.ndarray) -> np.ndarray:
    rows = np.asarray(rows, dtype=np.float64)
    if rows.ndim != 2:
        raise ValueError(f"Distributions have the shape [examples, classes], not {rows.shape}.")
    totals = rows.sum(axis=1, keepdims=True)
    if not ((rows >= 0).all() and np.isfinite(totals).all() and (totals > 0).all()):
        raise ValueError("A row is no distribution: a share is negative or not a number, or all are 0.")
    return rows / totals


def _entropy_terms(rows: np.ndarray, mean: np.ndarray) -> np.ndarray:
    ratio = np.divide(rows, mean, out=np.ones_like(rows), where=rows > 0)
    return rows * np.log2(ratio)
