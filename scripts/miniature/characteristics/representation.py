"""Data representation: whether two models put the same examples near each other."""

import logging
from collections.abc import Mapping

import numpy as np
import pandas as pd

from miniature.agreement.neighbor_chance import chance_neighbor_jaccard
from miniature.agreement.neighbor_jaccard import neighbor_jaccard, neighbor_jaccard_bounds
from miniature.agreement.table import concat_rows, count_clusters, list_pairs, make_rows
from miniature.characteristics.neighbor_search import search_neighbors
from miniature.messages import StudyError

logger = logging.getLogger(__name__)

# Above this share, breaking ties by index (the same in both models) makes agreement out of nothing.
TIED_ROWS_WARNING = 0.01


def find_neighbors(embeddings: np.ndarray, k_max: int) -> np.ndarray:
    """Each example's nearest others by cosine: `search_neighbors` without the ties.

    Parameters
    ----------
    embeddings : array_like of float, shape [examples, hidden]
    k_max : int
        Neighbours to find, at most examples - 1.

    Returns
    -------
    ndarray of int32, shape [examples, k_max]
        Nearest first, never the example itself.

    Raises
    ------
    StudyError
        As for `search_neighbors`.

    Examples
    --------
    >>> find_neighbors([[1.0, 0.0], [0.0, 1.0], [0.9, 0.1]], 1).tolist()
    [[2], [2], [0]]
    """
    return search_neighbors(embeddings, k_max)[0]


def free_neighbors(ties: pd.DataFrame, n: int, k_max: int) -> np.ndarray:
    """Neighbours that could be exchanged for equally near ones, for every example and K.

    Parameters
    ----------
    ties : DataFrame
        Runs of ties, as `search_neighbors` returns them.
    n, k_max : int
        Examples, and neighbours of each.

    Returns
    -------
    ndarray of int32, shape [n, k_max]
        0 where the K nearest neighbours are determined.

    Examples
    --------
    >>> free_neighbors(pd.DataFrame({"example": [0], "first": [2], "last": [4]}), 1, 5).tolist()
    [[0, 1, 1, 0, 0]]
    """
    free = np.zeros((n, k_max), dtype=np.int32)
    example, first, last = (ties[c].to_numpy(dtype=np.int64) for c in ("example", "first", "last"))
    length = np.minimum(last - 1, k_max) - first + 1  # K = first, ..., last - 1
    step = np.arange(length.sum()) - np.repeat(np.cumsum(length) - length, length)
    # Inside the run, of those already taken and those still outside, the fewer can be exchanged.
    taken = step + 1
    outside = np.repeat(last - first, length) - step
    free[np.repeat(example, length), np.repeat(first - 1, length) + step] = np.minimum(taken, outside)
    return free


def compare_representation(
    neighbors: Mapping[str, np.ndarray],
    ties: Mapping[str, pd.DataFrame],
    *,
    reference: str,
    clusters: np.ndarray,
    task: str,
    dataset: str,
    split: str,
    feature: str,
) -> pd.DataFrame:
    """Agreement of every pair of models on the K nearest neighbours, for every K.

    Parameters
    ----------
    neighbors : mapping of str to ndarray of int, each [examples, k_max]
        For each model, in the study's order. Models without embeddings are absent.
    ties : mapping of str to DataFrame
        For the same models, the runs of ties, as `search_neighbors` returns them.
    reference : str
        Name of the reference, put first in its pairs.
    clusters : array_like of str, shape [examples]
        Cluster of each example of the data table.
    task, dataset, split, feature : str
        Labels of the rows.

    Returns
    -------
    DataFrame
        Agreement rows, one for each K: ``jaccard`` for each pair, with chance (exact, for random neighbours)
        and ceiling 1; ``jaccard_low`` and ``jaccard_high`` where a tie leaves either model's neighbours open;
        ``tied_rows`` for each model (``model_a == model_b``): the share of examples whose K nearest
        neighbours a tie leaves open; ``same_cluster`` likewise, with chance.

    Raises
    ------
    StudyError
        If the models' neighbours are of different examples or numbers.
    """
    n = len(clusters)
    shapes = {m: np.shape(x) for m, x in neighbors.items()}
    k_max = next(iter(shapes.values()))[1] if shapes else 0
    for model, shape in shapes.items():
        if shape != (n, k_max):
            raise StudyError(
                f"The neighbours of {model} have shape {list(shape)}; {[n, k_max]} was expected.",
                where=f"model {model}, {task} on {dataset}",
                fix=f"Delete the neighbours file of {model}; the next run builds it again.",
            )
    labels = {
        "characteristic": "representation", "task": task, "dataset": dataset, "split": split,
        "feature": feature, "n": n, "n_clusters": count_clusters(clusters),
    }  # fmt: skip
    ks = np.arange(1, k_max + 1)
    tables, shares = [], {}
    for model in neighbors:
        share = shares[model] = (free_neighbors(ties[model], n, k_max) > 0).mean(axis=0)
        warn_of_ties(model, share)
        one = labels | {"model_a": model, "model_b": model}
        tables.append(make_rows(**one, k=ks, measure="tied_rows", value=share))
        own = same_cluster(neighbors[model], clusters)
        by_chance = chance_same_cluster(clusters)
        tables.append(make_rows(**one, k=ks, measure="same_cluster", value=own, chance=by_chance))
    pairs = list_pairs(neighbors, reference)
    chance = chance_neighbor_jaccard(n, k_max) if pairs else None
    for a, b in pairs:
        pair = labels | {"model_a": a, "model_b": b}
        value = neighbor_jaccard(neighbors[a], neighbors[b])
        tables.append(make_rows(**pair, k=ks, measure="jaccard", value=value, chance=chance, ceiling=1.0))
        open_ks = (shares[a] > 0) | (shares[b] > 0)
        if open_ks.any():
            free = (free_neighbors(ties[m], n, k_max) for m in (a, b))
            bounds = neighbor_jaccard_bounds(neighbors[a], neighbors[b], *free)
            for measure, bound in zip(("jaccard_low", "jaccard_high"), bounds, strict=True):
                tables.append(make_rows(**pair, k=ks[open_ks], measure=measure, value=bound[open_ks]))
    return concat_rows(tables)


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


def warn_of_ties(model: str, share: np.ndarray) -> None:
    """Warn where ties leave more than 1 % of the neighbour sets open.

    Parameters
    ----------
    model : str
        The model's name.
    share : ndarray of float, shape [k_max]
        Share of examples whose K nearest neighbours a tie leaves open.
    """
    if share.max(initial=0) > TIED_ROWS_WARNING:
        worst = int(share.argmax())
        logger.warning(
            "Model %s: a tie leaves the %d nearest neighbours of %.1f %% of the examples open, settled by "
            "index, which two models share: read jaccard beside jaccard_low and jaccard_high.",
            model,
            worst + 1,
            100 * share[worst],
        )
