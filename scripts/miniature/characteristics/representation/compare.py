"""Data representation: whether two models put the same examples near each other."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from miniature.agreement.comparison import (
    HALVES,
    Comparing,
    Comparison,
    concat_comparisons,
    make_resamples,
    rests_on,
)
from miniature.agreement.table import concat_rows, list_pairs, make_rows
from miniature.characteristics.representation.neighbors import free_neighbors, warn_of_ties
from miniature.characteristics.representation.similarity import compare_similarity
from miniature.measures.neighbors import (
    chance_neighbor_jaccard,
    chance_same_cluster,
    check_neighbors,
    neighbor_jaccard,
    neighbor_jaccard_bounds,
    same_cluster,
)
from miniature.measures.sets import correct_for_chance
from miniature.messages import StudyError
from miniature.statistics.bootstrap import cluster_index
from miniature.statistics.halves import half_deviations, halves_interval, ranking_length, split_halves


class CurveRows(NamedTuple):
    """Rows of one pair, and the resampled values of the one that the verdict rests on, if any does."""

    rows: list[pd.DataFrame]
    resampled: np.ndarray | None
    chance: float = float("nan")


def curve_rows(
    value: np.ndarray,
    chance: np.ndarray,
    deviations: np.ndarray | None,
    *,
    labels: Mapping[str, object],
    verdict: Mapping[str, object] | None,
) -> CurveRows:
    """Neighbor Jaccard at every K, its form corrected for chance, and its mean over all K."""
    k_max = len(value)
    ks = np.arange(1, k_max + 1)
    wanted = _wanted(labels, verdict, k_max)
    nothing = np.full(k_max, np.nan)
    low, high, area_bounds = nothing, nothing, (np.nan, np.nan)
    resampled, by_chance = None, np.nan
    if deviations is not None:
        area, count = deviations.mean(axis=1), int(labels["n_clusters"])
        if wanted:
            at = wanted[1] - 1 if wanted[1] else None
            resampled = value.mean() + area if at is None else value[at] + deviations[:, at]
            by_chance = float(chance.mean() if at is None else chance[at])
        low, high = halves_interval(value, deviations, clusters=count)
        area_bounds = halves_interval(value.mean(), area, clusters=count)
    if resampled is not None and wanted[0] == "jaccard_corrected":
        at_k, one = np.full(len(resampled), chance[wanted[1] - 1]), np.ones(len(resampled))
        resampled, by_chance = correct_for_chance(resampled, at_k, one), 0.0
    # Chance and ceiling are fixed by n and K, so that the corrected form moves with the value as it is.
    corrected, *bounds = (correct_for_chance(x, chance, np.ones(k_max)) for x in (value, low, high))
    method = np.where(np.isnan(low), "", HALVES)
    rows = [
        make_rows(
            **labels, k=ks, measure="jaccard", value=value, ci_low=low, ci_high=high, ci_method=method,
            chance=chance, ceiling=1.0,
        ),
        make_rows(
            **labels, k=ks, measure="jaccard_corrected", value=corrected, ci_low=bounds[0],
            ci_high=bounds[1], ci_method=np.where(np.isnan(bounds[0]), "", HALVES),
            chance=0 * corrected, ceiling=1 + 0 * corrected,  # empty where the value is
        ),
        make_rows(
            **labels, measure="jaccard_area", value=value.mean(), ci_low=area_bounds[0],
            ci_high=area_bounds[1], ci_method="" if np.isnan(area_bounds[0]) else HALVES,
            chance=chance.mean(), ceiling=1.0,
        ),
    ]  # fmt: skip
    return CurveRows(rows, resampled, by_chance)


def _wanted(
    labels: Mapping[str, object], verdict: Mapping[str, object] | None, k_max: int
) -> tuple[str, int | None] | None:
    """Measure and K that the verdict rests on, where it is one of a curve."""
    names = ("task", "dataset", "split", "feature")
    row = {name: labels[name] for name in names if name in labels}
    for measure in ("jaccard", "jaccard_corrected", "jaccard_area"):
        k = (verdict or {}).get("k") if measure != "jaccard_area" else None
        if rests_on(verdict, **row, measure=measure, k=k):
            # A K that was not measured, or none where one is needed, is told by the scorecard.
            fits = k is None if measure == "jaccard_area" else k is not None and 1 <= k <= k_max
            return (measure, k) if fits else None
    return None


def compare_representation(
    neighbors: Mapping[str, np.ndarray],
    rankings: Mapping[str, np.ndarray],
    ties: Mapping[str, pd.DataFrame],
    embeddings: Mapping[str, np.ndarray],
    comparing: Comparing,
    clusters: np.ndarray,
    *,
    processes: int = 1,
) -> Comparison:
    """Agreement of every pair of models on nearest neighbors, for every K, and on embeddings as a whole.

    Intervals of neighbors divide the examples, whole clusters, into halves whose neighbors are those of the
    half: an example matters to others as their neighbor too. (Bootstrapped with the neighbors as they are,
    intervals leave that out and are too short; searched anew among resampled rows, an example drawn twice
    would be its own nearest neighbor in every model.)

    Parameters
    ----------
    neighbors : mapping of str to ndarray of int, each [examples, k_max]
        For each model, in the study's order. Models without embeddings are absent.
    rankings : mapping of str to ndarray of int, each [examples, length]
        For the same models, the same lists continued to `ranking_length`.
    ties : mapping of str to DataFrame
        For the same models, the runs of ties, as `search_neighbors` returns them.
    embeddings : mapping of str to ndarray of float, each [examples, hidden]
        For the same models, what the neighbors were found in.
    comparing : Comparing
        Labels of the rows, reference, resampling and verdict.
    clusters : array_like of str, shape [examples]
        Cluster of each example of the data table.
    processes : int
        For the intervals; changes no digit.

    Returns
    -------
    Comparison
        Rows, one for each K: ``jaccard`` for each pair, with chance (exact, for random neighbors) and
        ceiling 1, and ``jaccard_corrected``; ``jaccard_area``, without K, the mean over all K;
        ``jaccard_low`` and ``jaccard_high`` where a tie leaves either model's neighbors open;
        ``tied_rows`` for each model (``model_a == model_b``): the share of examples whose K nearest
        neighbors a tie leaves open; ``same_cluster`` likewise, with chance. These last four describe the
        models at hand and have no interval. Then what `compare_similarity` gives.

    Raises
    ------
    StudyError
        If the models' neighbors are of different examples or numbers, or as for `compare_similarity`.
    """
    n = len(clusters)
    index, count = cluster_index(clusters)
    where = f"{comparing.task} on {comparing.dataset}"
    k_max = _check_shapes(neighbors, n, where)
    _check_shapes({m: rankings[m] for m in neighbors}, n, where, count=ranking_length(max(k_max, 1), n))
    labels = {**comparing.labels("representation"), "n": n, "n_clusters": count}
    ks = np.arange(1, k_max + 1)
    rows, shares, resamples = [], {}, []
    for model in neighbors:
        check_neighbors(neighbors[model])
        share = shares[model] = (free_neighbors(ties[model], n, k_max) > 0).mean(axis=0)
        warn_of_ties(model, share)
        one = labels | {"model_a": model, "model_b": model}
        rows.append(make_rows(**one, k=ks, measure="tied_rows", value=share))
        own = same_cluster(neighbors[model], clusters)
        by_chance = chance_same_cluster(clusters)
        rows.append(make_rows(**one, k=ks, measure="same_cluster", value=own, chance=by_chance))
    pairs = list_pairs(neighbors, comparing.reference)
    chance = chance_neighbor_jaccard(n, k_max) if pairs else np.empty(0)
    # First, because it checks the embeddings.
    similarity = compare_similarity(
        embeddings, pairs, index=index, clusters=count, labels=labels,
        resampling=comparing.resampling, verdict=comparing.verdict,
    )  # fmt: skip
    halves = split_halves(index, count, seed=comparing.resampling.seed)
    deviations = None
    if halves is not None and pairs:
        deviations = half_deviations(rankings, pairs, halves, k_max=k_max, processes=processes)
    for i, (a, b) in enumerate(pairs):
        pair = labels | {"model_a": a, "model_b": b}
        value = neighbor_jaccard(neighbors[a], neighbors[b])
        of_pair = None if deviations is None else deviations[i]
        found = curve_rows(value, chance, of_pair, labels=pair, verdict=comparing.verdict)
        rows.extend(found.rows)
        if found.resampled is not None:
            resamples.append(make_resamples(comparing.task, a, b, HALVES, found.resampled, found.chance))
        open_ks = (shares[a] > 0) | (shares[b] > 0)
        if open_ks.any():
            free = (free_neighbors(ties[m], n, k_max) for m in (a, b))
            bounds = neighbor_jaccard_bounds(neighbors[a], neighbors[b], *free)
            for measure, bound in zip(("jaccard_low", "jaccard_high"), bounds, strict=True):
                rows.append(make_rows(**pair, k=ks[open_ks], measure=measure, value=bound[open_ks]))
    curves = Comparison(concat_rows(rows), pd.concat([make_resamples(), *resamples], ignore_index=True))
    return concat_comparisons([curves, similarity])


def _check_shapes(
    neighbors: Mapping[str, np.ndarray], n: int, where: str, *, count: int | None = None
) -> int:
    """Neighbors of each example, after checking that all models have as many, of as many examples."""
    shapes = {model: np.shape(found) for model, found in neighbors.items()}
    if count is None:
        count = next(iter(shapes.values()))[1] if shapes else 0
    for model, shape in shapes.items():
        if shape != (n, count):
            raise StudyError(
                f"The neighbors of {model} have shape {list(shape)}; {[n, count]} was expected.",
                where=f"model {model}, {where}",
                fix=f"Delete the neighbors files of {model}; the next run builds them again.",
            )
    return count
