"""Measures of many pairs of models on the same resamples of clusters, with their intervals."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from miniature.agreement.comparison import BCA, BOOTSTRAP, Resampling, make_resamples, rests_on
from miniature.agreement.table import make_rows
from miniature.measures.sets import set_measures
from miniature.statistics.bootstrap import bca_interval, resample_clusters

# Resamples and pairs multiplied at once: tens of megabytes, whatever the numbers of clusters and models.
RESAMPLE_BLOCK = 250
PAIR_BLOCK = 32


def batched(pairs: Sequence, size: int) -> Iterator[Sequence]:
    """Pairs, or rows of an array that are one for each, so many at a time."""
    return (pairs[start : start + size] for start in range(0, len(pairs), size))


class Resampled(NamedTuple):
    """One measure of one pair on every resample.

    Attributes
    ----------
    values : ndarray of float64, shape [resamples]
        NaN where not defined.
    low, high : float
        95 % interval (see `miniature.statistics.bootstrap.bca_interval`).
    """

    values: np.ndarray
    low: float
    high: float


class Recomputed(NamedTuple):
    """One measure of one pair on the data, on every resample, and without each cluster.

    Attributes
    ----------
    estimate : float
    values : ndarray of float64, shape [resamples]
    left_out : ndarray of float64, shape [clusters]
        NaN, in all three, where not defined.
    """

    estimate: float
    values: np.ndarray
    left_out: np.ndarray


Measures = Callable[[np.ndarray], Mapping[str, np.ndarray]]


def recompute_measures(
    sums: np.ndarray, counts: np.ndarray | None, measures: Measures
) -> Iterator[dict[str, Recomputed]]:
    """Recompute measures of every pair of models on every resample, and without each cluster.

    A resample of clusters adds up the clusters' sums as often as each was drawn, so that all resamples of all
    pairs are one matrix product, and whatever follows from the sums follows for all of them at once.

    Parameters
    ----------
    sums : ndarray of float64, shape [pairs, clusters, columns]
        What the measures need to know of each cluster, as `miniature.statistics.bootstrap.pair_sums`.
    counts : ndarray of float32, shape [resamples, clusters], or None
        How often each cluster is drawn, as `draw_counts` gives it.
    measures : callable
        From added up sums, shape [..., columns], to each measure, shape [...]; NaN where not defined.

    Yields
    ------
    dict of str to Recomputed
        For each pair in order, each measure; none of them without counts.

    Raises
    ------
    ValueError
        If the numbers of clusters differ.

    Examples
    --------
    >>> sums = np.array([[[1.0, 1.0], [1.0, 0.0]]])
    >>> counts = np.array([[1, 1], [2, 0], [0, 2]], dtype=np.float32)
    >>> [pair] = recompute_measures(sums, counts, lambda s: {"mean": s[..., 1] / s[..., 0]})
    >>> pair["mean"].values.tolist(), pair["mean"].left_out.tolist()
    ([0.5, 1.0, 0.0], [0.0, 1.0])
    """
    if counts is None:
        yield from ({} for _ in sums)
        return
    if sums.ndim != 3 or counts.ndim != 2 or sums.shape[1] != counts.shape[1]:
        raise ValueError(f"Sums and counts of the same clusters are needed: {sums.shape}, {counts.shape}.")
    for block in batched(sums, PAIR_BLOCK):  # [pairs, clusters, columns]
        whole = block.sum(axis=1)  # [pairs, columns]
        estimates = measures(whole)
        resampled = measures(_add_up(block, counts))  # each [resamples, pairs]
        left_out = measures(whole[:, None, :] - block)  # each [pairs, clusters]
        for i in range(len(block)):
            yield {
                name: Recomputed(float(estimates[name][i]), values[:, i], left_out[name][i])
                for name, values in resampled.items()
            }


def resample_measures(
    sums: np.ndarray, counts: np.ndarray | None, measures: Measures
) -> Iterator[dict[str, Resampled]]:
    """As `recompute_measures`, with the interval of each measure.

    Parameters
    ----------
    sums, counts, measures
        As for `recompute_measures`.

    Yields
    ------
    dict of str to Resampled
        For each pair in order, each measure; none of them without counts.
    """
    for pair in recompute_measures(sums, counts, measures):
        yield {name: with_interval(found) for name, found in pair.items()}


def with_interval(found: Recomputed) -> Resampled:
    """Resampled values of a measure with their 95 % interval.

    Examples
    --------
    >>> with_interval(Recomputed(0.5, np.full(3, 0.5), np.full(4, 0.5))).low
    nan
    """
    return Resampled(found.values, *bca_interval(found.values, found.estimate, found.left_out))


def _add_up(sums: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Sums over the clusters of each resample, shape [resamples, pairs, columns]."""
    pairs, clusters, columns = sums.shape
    flat = np.ascontiguousarray(sums.transpose(1, 0, 2)).reshape(clusters, pairs * columns)
    added = np.empty((len(counts), pairs * columns))
    for start in range(0, len(counts), RESAMPLE_BLOCK):
        rows = slice(start, start + RESAMPLE_BLOCK)
        added[rows] = counts[rows].astype(np.float64) @ flat
    return added.reshape(len(counts), pairs, columns)


def draw_counts(clusters: int, resampling: Resampling) -> np.ndarray | None:
    """One set of resamples for all models and measures of a table of examples.

    Parameters
    ----------
    clusters : int
        Distinct clusters.
    resampling : Resampling

    Returns
    -------
    ndarray of float32, shape [resamples, clusters], or None
        None with fewer than two clusters: nothing then says how clusters differ, and there is no interval.

    Examples
    --------
    >>> draw_counts(1, Resampling()) is None
    True
    """
    if clusters < 2:
        return None
    return resample_clusters(clusters, resamples=resampling.resamples, seed=resampling.seed)


def make_pair_rows(
    measured: Sequence[tuple[str, float, float, float]], resampled: Mapping[str, Resampled], **labels: object
) -> pd.DataFrame:
    """Agreement rows of one pair of models, with the intervals that there are.

    Parameters
    ----------
    measured : sequence of tuple
        Measure, value, chance and ceiling; NaN where not applicable.
    resampled : mapping of str to Resampled
        By measure; others have no interval.
    **labels
        Other columns of the rows.

    Returns
    -------
    DataFrame
        As `miniature.agreement.table.make_rows`. A value that is NaN has no interval.

    Examples
    --------
    >>> rows = make_pair_rows([("jaccard", 0.5, 0.1, 1.0)], {"jaccard": Resampled(np.zeros(0), 0.4, 0.6)})
    >>> rows[["value", "ci_low", "ci_high", "ci_method"]].values.tolist()
    [[0.5, 0.4, 0.6, 'BCa bootstrap over clusters']]
    """
    none = Resampled(np.zeros(0), float("nan"), float("nan"))
    found = [none if np.isnan(value) else resampled.get(name, none) for name, value, _, _ in measured]
    return make_rows(
        measure=[m[0] for m in measured], value=[m[1] for m in measured],
        chance=[m[2] for m in measured], ceiling=[m[3] for m in measured],
        ci_low=[f.low for f in found], ci_high=[f.high for f in found],
        ci_method=["" if np.isnan(f.low) else BCA for f in found], **labels,
    )  # fmt: skip


def keep_resamples(
    resampled: Mapping[str, Resampled],
    verdict: Mapping[str, object] | None,
    *,
    chance: Mapping[str, float | np.ndarray] | None = None,
    **labels: str,
) -> pd.DataFrame:
    """Resampled values of the measure that a verdict rests on.

    Parameters
    ----------
    resampled : mapping of str to Resampled
        Of one pair, by measure.
    verdict : mapping or None
        The study's verdict on the characteristic.
    chance : mapping of str to float or ndarray, optional
        By measure, the agreement of unrelated models: in each resample, or one number for all.
    **labels : str
        The rows' ``task``, ``model_a``, ``model_b`` and what else tells rows apart.

    Returns
    -------
    DataFrame
        As `miniature.agreement.comparison.make_resamples`; empty where the verdict rests on another row.

    Examples
    --------
    >>> pair = {"jaccard": Resampled(np.array([0.5, 0.6]), 0.5, 0.6)}
    >>> settings = {"task": "squad", "measure": "jaccard", "keep": 0.8}
    >>> len(keep_resamples(pair, settings, task="squad", model_a="large", model_b="tiny"))
    2
    >>> len(keep_resamples(pair, settings, task="imdb", model_a="large", model_b="tiny"))
    0
    """
    names = ("model_a", "model_b", "examples_of")
    rows = {key: value for key, value in labels.items() if key not in names}
    for measure, found in resampled.items():
        if rests_on(verdict, measure=measure, **rows):
            return make_resamples(
                labels["task"], labels["model_a"], labels["model_b"], BOOTSTRAP, found.values,
                (chance or {}).get(measure, float("nan")), examples_of=labels.get("examples_of", ""),
            )  # fmt: skip
    return make_resamples()


def chance_of_sets(counts_of_pair: np.ndarray, drawn: np.ndarray | None, measure: str) -> np.ndarray:
    """Chance level of one measure of two sets, in each resample.

    Parameters
    ----------
    counts_of_pair : ndarray of float, shape [clusters, 4]
        As `miniature.measures.sets.set_counts`.
    drawn : ndarray of float32, shape [resamples, clusters], or None
        As `draw_counts`.
    measure : str
        One of `miniature.measures.sets.set_measures`.

    Returns
    -------
    ndarray of float64, shape [resamples]
        Empty without resamples.
    """
    if drawn is None:
        return np.empty(0)
    added = _add_up(counts_of_pair[None], drawn)[:, 0]  # [resamples, 4]
    return set_measures(added)[measure].chance
