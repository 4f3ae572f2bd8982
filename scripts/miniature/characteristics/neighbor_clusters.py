"""How many of an example's nearest neighbours share its context."""

import numpy as np
import pandas as pd


def same_cluster(neighbors: np.ndarray, clusters: np.ndarray) -> np.ndarray:
    """Share of the K nearest neighbours that come from the example's own cluster, for every K.

    Questions about one paragraph lie near each other because most of their text is the same: where this share
    is high, two models agree on neighbours by reading the paragraph, whatever they make of the question.

    Parameters
    ----------
    neighbors : ndarray of int, shape [examples, k_max]
        Nearest first.
    clusters : array_like, shape [examples]
        Cluster of each example.

    Returns
    -------
    ndarray of float, shape [k_max]
        Mean over examples; entry K - 1 is for K neighbours.

    Examples
    --------
    >>> same_cluster(np.array([[1, 2], [0, 2], [0, 1]]), np.array(["a", "a", "b"])).round(3).tolist()
    [0.667, 0.333]
    """
    codes = pd.factorize(np.asarray(clusters, dtype=object))[0]
    same = codes[neighbors] == codes[:, None]
    return (np.cumsum(same, axis=1) / np.arange(1, same.shape[1] + 1)).mean(axis=0)


def chance_same_cluster(clusters: np.ndarray) -> float:
    """Share of an example's own cluster among the other examples, averaged: what random neighbours give.

    Examples
    --------
    >>> round(chance_same_cluster(np.array(["a", "a", "b"])), 3)
    0.333
    """
    counts = pd.Series(np.asarray(clusters, dtype=object)).value_counts().to_numpy()
    n = counts.sum()
    return float((counts * (counts - 1)).sum() / (n * (n - 1))) if n > 1 else float("nan")
