"""Data distribution: whether two models call the same examples out of distribution."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from miniature.agreement.auroc import auroc, fpr_at_95
from miniature.agreement.ceiling import ceiling_jaccard
from miniature.agreement.chance import chance_jaccard
from miniature.agreement.jaccard import jaccard
from miniature.agreement.table import concat_rows, count_clusters, list_pairs, make_rows
from miniature.characteristics.alignment import check_same_examples
from miniature.characteristics.neighbor_distance import kth_distances
from miniature.messages import StudyError


def detect_ood(
    bank: np.ndarray,
    calibration: np.ndarray,
    test: np.ndarray,
    ood: np.ndarray,
    *,
    test_ids: Sequence[str],
    ood_ids: Sequence[str],
    dataset: str,
    ood_dataset: str,
    ks: Sequence[int],
    percentile: float = 95,
) -> pd.DataFrame:
    """Which examples a model calls out of distribution, by the distance to its K-th nearest training example.

    Deep nearest neighbours (Sun et al. 2022, arXiv 2204.06507): features divided by their length; distance to
    the K-th nearest training feature; the threshold keeps 95 % of in-distribution data. Here the threshold
    comes from a calibration split used neither for training nor for test, so that the test split's own rate
    stays free to differ from 5 %.

    The threshold is the smallest calibration distance with at least `percentile` percent of them at or below
    it, a distance that occurs and no interpolation. Rows farther away are out of distribution; a row exactly
    at it is not. Calibration and test rows are not in the bank, but a text that occurs twice in the source
    can be in both; its nearest distance is then 0, in all models alike.

    Parameters
    ----------
    bank : array_like of float, shape [bank, hidden]
        Embeddings of training examples.
    calibration : array_like of float, shape [calibration, hidden]
        Embeddings of the calibration split.
    test, ood : array_like of float, shape [examples, hidden]
        Embeddings of the in-distribution test split and of the out-of-distribution dataset.
    test_ids, ood_ids : sequence of str
        Their ids.
    dataset, ood_dataset : str
        Their names.
    ks : sequence of int
        Numbers of neighbours.
    percentile : float
        Of the calibration distances, in percent; the paper by Sun et al. keeps 95 % of in-distribution data.

    Returns
    -------
    DataFrame, [len(ks) * (test + ood)]
        ``id``, ``dataset``, ``k`` (int32), ``distance``, ``threshold`` (float64), ``is_ood`` (bool): for each
        K, the test rows and then the out-of-distribution rows.

    Raises
    ------
    StudyError
        If the bank has fewer rows than the largest K, calibration is empty, or as for `unit_rows`.

    Examples
    --------
    >>> found = detect_ood(
    ...     [[1.0, 0.0], [0.9, 0.1]], [[1.0, 0.2]], [[1.0, 0.1]], [[0.0, 1.0]],
    ...     test_ids=["t"], ood_ids=["o"], dataset="id", ood_dataset="news", ks=[1])
    >>> found["is_ood"].tolist()
    [False, True]
    """
    ks = list(ks)
    if len(bank) < max(ks):
        fits = [k for k in ks if k <= len(bank)]
        raise StudyError(
            f"K = {max(ks)} nearest training examples were asked for; the bank has {len(bank)}.",
            where="characteristics: distribution: k",
            fix=f"k: {fits}   # or raise bank_examples" if fits else f"bank_examples: {max(ks)}",
        )
    if len(calibration) == 0:
        raise StudyError(
            f"The calibration split of {dataset} is empty; no threshold can be set.",
            where=f"datasets: {dataset}: splits: calibration",
            fix="calibration: {held_out_from: train, examples: 1000}",
        )
    bounds = kth_distances(calibration, bank, ks, what="calibration embeddings")
    thresholds = np.percentile(bounds, percentile, axis=0, method="inverted_cdf")
    distances = np.concatenate(
        [
            kth_distances(test, bank, ks, what=f"test embeddings of {dataset}"),
            kth_distances(ood, bank, ks, what=f"embeddings of {ood_dataset}"),
        ]
    )  # [test + ood, ks]
    rows = len(distances)
    names = [dataset] * len(test) + [ood_dataset] * len(ood)
    if len(test_ids) != len(test) or len(ood_ids) != len(ood):
        raise ValueError("One id for each row of the embeddings is needed.")
    return pd.DataFrame(
        {
            "id": pd.Series([*test_ids, *ood_ids] * len(ks), dtype="str"),
            "dataset": pd.Series(names * len(ks), dtype="str"),
            "k": np.repeat(np.asarray(ks, dtype=np.int32), rows),
            "distance": distances.T.ravel(),
            "threshold": np.repeat(thresholds, rows),
            "is_ood": (distances > thresholds).T.ravel(),
        }
    )


def ood_quality(
    distance: np.ndarray, is_ood: np.ndarray, from_ood_dataset: np.ndarray
) -> list[tuple[str, float]]:
    """How well a model tells the out-of-distribution dataset from its own at one K.

    Parameters
    ----------
    distance : ndarray of float, shape [examples]
        Distance to the K-th nearest training example, test rows and out-of-distribution rows.
    is_ood : ndarray of bool, shape [examples]
        Whether the model calls the row out of distribution.
    from_ood_dataset : ndarray of bool, shape [examples]
        Whether it is.

    Returns
    -------
    list of tuple of str and float
        ``auroc`` (0.5 is no skill); ``fpr95``, the share of out-of-distribution rows accepted at the
        threshold that keeps 95 % of the test rows (not the calibration threshold; low is good);
        ``flagged_id`` and ``flagged_ood``, the shares of the two sets called out of distribution. NaN where a
        set is empty.

    Examples
    --------
    >>> dict(ood_quality(np.array([1.0, 2.0]), np.array([False, True]), np.array([False, True])))
    {'auroc': 1.0, 'fpr95': 0.0, 'flagged_id': 0.0, 'flagged_ood': 1.0}
    """
    inside, outside = distance[~from_ood_dataset], distance[from_ood_dataset]
    return [
        ("auroc", auroc(inside, outside)),
        ("fpr95", fpr_at_95(inside, outside)),
        ("flagged_id", _share(is_ood[~from_ood_dataset])),
        ("flagged_ood", _share(is_ood[from_ood_dataset])),
    ]


def compare_distribution(
    detections: Mapping[str, pd.DataFrame],
    *,
    reference: str,
    clusters: np.ndarray,
    ood_clusters: np.ndarray,
    lengths: np.ndarray,
    ood_lengths: np.ndarray,
    task: str,
    dataset: str,
    split: str,
    ood_dataset: str,
    feature: str,
) -> pd.DataFrame:
    """Agreement of every pair of models on which examples are out of distribution, for every K.

    Parameters
    ----------
    detections : mapping of str to DataFrame
        For each model, in the study's order, what `detect_ood` returns. Models without embeddings are absent.
    reference : str
        Name of the reference, put first in its pairs.
    clusters, ood_clusters : array_like of str, shape [test], [ood]
        Cluster of each example of the test split and of the out-of-distribution dataset.
    lengths, ood_lengths : array_like of float, shape [test], [ood]
        Length of each example's text (words, say).
    task, dataset, split, ood_dataset, feature : str
        Labels of the rows.

    Returns
    -------
    DataFrame
        Agreement rows. For each pair and K: ``jaccard_ood``, ``jaccard_id`` and ``jaccard_all`` of the sets
        called out of distribution, over the out-of-distribution set, the test set and both, with chance
        (independence within each dataset) and ceiling; empty where neither model calls any row so. For each
        model (``model_a == model_b``) and K what `ood_quality` gives, and ``length_auroc``, without K and the
        same for every model: how well the length of the text alone tells the two sets apart.

    Raises
    ------
    StudyError
        If the models' tables list different examples or different K.
    """
    n, n_ood = len(clusters), len(ood_clusters)
    labels = {
        "characteristic": "distribution", "task": task, "dataset": dataset, "split": split,
        "ood_dataset": ood_dataset, "feature": feature,
    }  # fmt: skip
    ks = list(dict.fromkeys(next(iter(detections.values()))["k"].tolist())) if detections else []
    flagged: dict[str, np.ndarray] = {}
    tables = []
    cluster_counts = {"id": count_clusters(clusters), "ood": count_clusters(ood_clusters)}
    both = {"n": n + n_ood, "n_clusters": sum(cluster_counts.values())}
    outside = np.arange(n + n_ood) >= n  # test rows come first
    every_row = np.concatenate([np.asarray(clusters, dtype=object), np.asarray(ood_clusters, dtype=object)])
    by_length = auroc(lengths, ood_lengths)
    per_k = {m: dict(list(t.groupby("k", sort=False))) for m, t in detections.items()}
    for model, parts in per_k.items():
        if list(parts) != ks:
            raise StudyError(
                f"Out-of-distribution results of {model} are for K = {list(parts)}, others for {ks}.",
                where=f"model {model}, {task} against {ood_dataset}",
                fix=f"Delete the ood file of {model}; the next run builds it again.",
            )
    for k in ks:
        at_k = {m: parts[k] for m, parts in per_k.items()}
        check_same_examples(at_k, every_row, what="out-of-distribution results")
    for model, parts in per_k.items():
        one = labels | both | {"model_a": model, "model_b": model}
        tables.append(make_rows(**one, measure="length_auroc", value=by_length))
        calls = []
        for k in ks:
            called = parts[k]["is_ood"].to_numpy(dtype=bool)
            quality = ood_quality(parts[k]["distance"].to_numpy(dtype=np.float64), called, outside)
            measures, values = zip(*quality, strict=True)
            tables.append(make_rows(**one, k=k, measure=list(measures), value=list(values)))
            calls.append(called)
        flagged[model] = np.array(calls).reshape(len(ks), n + n_ood)
    parts_of = {
        "jaccard_ood": ([outside], {"n": n_ood, "n_clusters": cluster_counts["ood"]}),
        "jaccard_id": ([~outside], {"n": n, "n_clusters": cluster_counts["id"]}),
        "jaccard_all": ([~outside, outside], both),
    }
    for a, b in list_pairs(detections, reference):
        for i, k in enumerate(ks):
            rows = [_agreement(flagged[a][i], flagged[b][i], parts) for parts, _ in parts_of.values()]
            sizes = [size for _, size in parts_of.values()]
            tables.append(
                make_rows(
                    **labels, model_a=a, model_b=b, k=k, measure=list(parts_of),
                    value=[r[0] for r in rows], chance=[r[1] for r in rows], ceiling=[r[2] for r in rows],
                    n=[s["n"] for s in sizes], n_clusters=[s["n_clusters"] for s in sizes],
                )
            )  # fmt: skip
    return concat_rows(tables)


def _agreement(a: np.ndarray, b: np.ndarray, datasets: list[np.ndarray]) -> tuple[float, float, float]:
    """Jaccard index over the union of the datasets, with chance and ceiling within each of them."""
    rows = np.logical_or.reduce(datasets)
    sizes = np.array([d.sum() for d in datasets])
    members_a, members_b = (np.array([(m & d).sum() for d in datasets]) for m in (a, b))
    safe = np.maximum(sizes, 1)
    return (
        jaccard(a[rows], b[rows]),
        chance_jaccard(members_a / safe, members_b / safe, sizes=sizes),
        ceiling_jaccard(members_a, members_b),
    )


def _share(mask: np.ndarray) -> float:
    return float(mask.mean()) if len(mask) else float("nan")
