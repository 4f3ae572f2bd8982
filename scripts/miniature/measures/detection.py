"""How well a score tells two groups of examples apart."""

import numpy as np
from scipy.stats import rankdata


def auroc(negative: np.ndarray, positive: np.ndarray) -> float:
    """Area under the ROC curve: the chance that a positive scores above a negative, ties counting one half.

    Parameters
    ----------
    negative : array_like of float, shape [negatives]
        Scores of the examples that should score low (in distribution).
    positive : array_like of float, shape [positives]
        Scores of those that should score high (out of distribution).

    Returns
    -------
    float
        In [0, 1]; 0.5 is no skill, and below 0.5 the score tells the groups apart the other way round. NaN
        where a group is empty.

    Raises
    ------
    ValueError
        If a score is NaN.

    Examples
    --------
    >>> auroc([1.0, 2.0], [2.0, 3.0])
    0.875
    """
    negative, positive = _check_scores(negative, positive)
    if not len(negative) or not len(positive):
        return float("nan")
    ranks = rankdata(np.concatenate([negative, positive]))[len(negative) :]
    wins = ranks.sum() - len(positive) * (len(positive) + 1) / 2
    return float(wins / (len(negative) * len(positive)))


def fpr_at_95(negative: np.ndarray, positive: np.ndarray) -> float:
    """FPR95 of out-of-distribution detection: the share of its examples taken for in distribution.

    The threshold is the smallest in-distribution score that keeps at least 95 % of the in-distribution
    examples at or below it ("in distribution" is the class whose true positive rate is held at 95 %, as in
    Sun et al. 2022); the value is the share of out-of-distribution examples at or below that threshold. Low
    is good.

    Parameters
    ----------
    negative : array_like of float, shape [negatives]
        Scores in distribution.
    positive : array_like of float, shape [positives]
        Scores out of distribution.

    Returns
    -------
    float
        In [0, 1]; NaN where a group is empty.

    Raises
    ------
    ValueError
        If a score is NaN.

    Examples
    --------
    >>> fpr_at_95([1.0, 2.0], [2.0, 3.0])
    0.5
    """
    negative, positive = _check_scores(negative, positive)
    if not len(negative) or not len(positive):
        return float("nan")
    threshold = np.percentile(negative, 95, method="inverted_cdf")
    return float(np.mean(positive <= threshold))


def _check_scores(*groups: np.ndarray) -> list[np.ndarray]:
    groups = [np.asarray(g, dtype=np.float64) for g in groups]
    if any(np.isnan(g).any() for g in groups):
        raise ValueError("A score is NaN; ranks of NaN mean nothing.")
    return groups
