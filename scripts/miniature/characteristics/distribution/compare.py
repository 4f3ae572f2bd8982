"""Data distribution: whether two models call the same examples out of distribution."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from miniature.agreement.comparison import Comparing, Comparison, check_same_examples, concat_comparisons
from miniature.agreement.finding import Finding, tabulate_findings
from miniature.agreement.table import list_pairs
from miniature.characteristics.distribution.detect import Detection
from miniature.characteristics.distribution.distances import order_distances, order_findings
from miniature.characteristics.distribution.intervals import set_findings
from miniature.characteristics.distribution.resampling import (
    draw_table,
    left_out_counts,
    observed_counts,
    resampled_counts,
)
from miniature.measures.detection import auroc, fpr_at_95
from miniature.messages import StudyError
from miniature.statistics.bootstrap import cluster_index
from miniature.statistics.thresholds import DistanceRanks, make_levels


class Examples(NamedTuple):
    """What is known of the examples of the three tables that a detector is used on.

    Attributes
    ----------
    test, ood, calibration : array_like of str, shape [test], [ood], [calibration]
        Cluster of each example of the test split, the out-of-distribution dataset and the calibration split.
    test_lengths, ood_lengths : array_like of float, shape [test], [ood]
        Length of each example's text (words, say).
    """

    test: np.ndarray
    ood: np.ndarray
    calibration: np.ndarray
    test_lengths: np.ndarray
    ood_lengths: np.ndarray


def compare_distribution(
    detections: Mapping[str, Detection],
    comparing: Comparing,
    examples: Examples,
    *,
    percentile: float,
) -> Comparison:
    """Agreement of every pair of models on which examples are out of distribution, for every K.

    Intervals of sets resample calibration, test and out-of-distribution clusters independently of each other,
    the same for all models, and take each model's threshold anew; the training features stay. Those of ranks
    leave out blocks of test and out-of-distribution clusters (`order_distances`).

    Parameters
    ----------
    detections : mapping of str to Detection
        For each model, in the study's order, what `detect_ood` returns. Models without embeddings are absent.
    comparing : Comparing
        Labels of the rows, reference, resampling and verdict.
    examples : Examples
        Those of the test split, the out-of-distribution dataset and the calibration split.
    percentile : float
        Of the calibration distances at which the threshold lies.

    Returns
    -------
    Comparison
        Rows. For each pair and K: ``jaccard_ood``, ``jaccard_id`` and ``jaccard_all`` of the sets called out
        of distribution, over the out-of-distribution set, the test set and both, with chance (independence
        within each dataset) and ceiling, and each with ``_corrected``; empty where neither model calls any
        row so. ``distance_correlation``, Spearman's of the two models' distances over both sets, with
        chance (independence within each dataset). For each model (``model_a == model_b``) and K ``auroc``
        (0.5 is no skill); ``fpr95``, the share of out-of-distribution rows accepted at the threshold that
        keeps 95 % of the test rows (not the calibration threshold; low is good); ``flagged_id`` and
        ``flagged_ood``, the shares of the two sets called out of distribution; and ``length_auroc``, without
        K and the same for every model: how well the length of the text alone tells the two sets apart.
        ``fpr95`` and ``length_auroc`` have no interval.

    Raises
    ------
    StudyError
        If the models' tables list different examples or different K, or thresholds that are not those of
        their calibration distances.
    """
    labels, resampling = comparing.labels("distribution"), comparing.resampling
    named = {"id": examples.test, "ood": examples.ood, "calibration": examples.calibration}
    tables = {
        name: draw_table(*cluster_index(x), resampling, "" if name == "id" else name)
        for name, x in named.items()
    }
    counts = {name: table.count for name, table in tables.items()}
    sizes = {name: (len(x), counts[name]) for name, x in named.items()}
    sizes["all"] = tuple(np.add(sizes["id"], sizes["ood"]).tolist())
    n = len(examples.test)
    models = list(detections)
    pairs = np.array(
        [[models.index(m) for m in pair] for pair in list_pairs(models, comparing.reference)], dtype=int
    ).reshape(-1, 2)
    where = f"{comparing.task} against {comparing.ood_dataset}"
    per_k = _split_by_k(detections, [*examples.test, *examples.ood], examples.calibration, where)
    skill = auroc(examples.test_lengths, examples.ood_lengths)
    by_length = [Finding(m, m, "length_auroc", "all", skill) for m in models]
    made = [tabulate_findings(by_length, labels=labels, sizes=sizes, verdict=comparing.verdict)]
    for k, found in per_k.items():
        levels = [_levels(f, percentile, f"model {m}, {where}") for m, f in found.items()]
        flagged = np.stack([f.rows["is_ood"].to_numpy(dtype=bool) for f in found.values()])
        datasets = [tables["id"], tables["ood"]]
        versions = (
            observed_counts([flagged[:, :n], flagged[:, n:]], pairs),
            resampled_counts(levels, tables["calibration"], datasets, pairs, percentile=percentile),
            left_out_counts(levels, tables["calibration"], datasets, pairs, percentile=percentile),
        )
        distances = {m: f.rows["distance"].to_numpy(dtype=np.float64) for m, f in found.items()}
        orders = order_distances(distances, *datasets, blocks=resampling.blocks, seed=resampling.seed)
        findings = [
            *(Finding(m, m, "fpr95", "all", fpr_at_95(d[:n], d[n:])) for m, d in distances.items()),
            *set_findings(models, pairs, versions, counts),
            *order_findings(models, pairs, *orders),
        ]
        made.append(
            tabulate_findings(findings, labels=labels | {"k": k}, sizes=sizes, verdict=comparing.verdict)
        )
    return concat_comparisons(made)


def _split_by_k(
    detections: Mapping[str, Detection], clusters: Sequence, calibration: Sequence, where: str
) -> dict[int, dict[str, Detection]]:
    """Each model's tables at each K, after checking that all are of the same examples and K."""
    per_k: dict[int, dict[str, Detection]] = {}
    for model, detection in detections.items():
        parts = [dict(list(table.groupby("k", sort=False))) for table in detection]
        ks = list(per_k) if per_k else list(parts[0])
        for part in parts:
            if list(part) != ks:
                raise StudyError(
                    f"Out-of-distribution results of {model} are for K = {list(part)}, others for {ks}.",
                    where=f"model {model}, {where}",
                    fix=f"Delete the ood files of {model}; the next run builds them again.",
                )
        for k in ks:
            per_k.setdefault(int(k), {})[model] = Detection(*(part[k] for part in parts))
    for found in per_k.values():
        check_same_examples(
            {m: f.rows for m, f in found.items()}, clusters, what="out-of-distribution results"
        )
        check_same_examples(
            {m: f.calibration for m, f in found.items()}, calibration, what="calibration distances"
        )
    return per_k


def _levels(found: Detection, percentile: float, where: str) -> DistanceRanks:
    """Distances as levels, after checking that the threshold is that of the calibration distances."""
    calibration = found.calibration["distance"].to_numpy(dtype=np.float64)
    thresholds = found.rows["threshold"].unique()
    if thresholds.tolist() != [np.percentile(calibration, percentile, method="inverted_cdf")]:
        raise StudyError(
            f"The threshold is not the {percentile:g}th percentile of the calibration distances beside it.",
            where=where,
            fix="Delete both ood files of this model; the next run builds them again.",
        )
    return make_levels(calibration, found.rows["distance"].to_numpy(dtype=np.float64))
