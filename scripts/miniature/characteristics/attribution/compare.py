"""Attribution: how far two models rest their decisions on the same words."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from miniature.agreement.comparison import Comparing, Comparison, check_same_examples, concat_comparisons
from miniature.agreement.table import count_clusters, list_pairs
from miniature.measures.rankings import (
    chance_top_k,
    rank_correlations,
    sign_agreement,
    top_k_bounds,
    top_k_jaccard,
)
from miniature.messages import StudyError
from miniature.statistics.bootstrap import cluster_index
from miniature.statistics.pairs import draw_counts, keep_resamples, make_pair_rows, resample_measures

WHOLE = ("spearman", "kendall", "sign_agreement")


class Explained(NamedTuple):
    """A model's attributions, one number a word, all examples one after the other.

    Attributes
    ----------
    scores : float64 array, shape (words,)
        NaN for words that the model did not see.
    target : object array, shape (examples,)
        The decision that is explained; missing where nothing is.
    """

    scores: np.ndarray
    target: np.ndarray


class PairValues(NamedTuple):
    """Agreement of two models on each example.

    Attributes
    ----------
    values, chance : dict of str to float64 array, each (examples,)
        By measure, those at K as ``jaccard@K``; NaN where not defined. Not all have a chance level of their
        own: of correlations it is 0.
    """

    values: dict[str, np.ndarray]
    chance: dict[str, np.ndarray]


def compare_attribution(
    attributions: Mapping[str, pd.DataFrame],
    comparing: Comparing,
    clusters: np.ndarray,
    *,
    method: str,
    k_max: int,
) -> Comparison:
    """Agreement of every pair of models on which words their decisions rest on.

    Words that either model did not see are left out of that pair. An example counts at K where it has more
    than K words left.

    Parameters
    ----------
    attributions : mapping of str to DataFrame, each [examples]
        For each model, in the study's order, ``id``, ``target`` and ``score`` (a list, one number a word).
    comparing : Comparing
        Labels of the rows, reference, resampling and verdict.
    clusters : array_like of str, shape [examples]
        Cluster of each example.
    method : str
        How the attributions were made: the rows' ``feature``.
    k_max : int
        Largest number of words.

    Returns
    -------
    Comparison
        For each pair ``jaccard`` of the K words of largest absolute score at every K, with chance (random
        sets of K words) and, where words tie, ``jaccard_low`` and ``jaccard_high``; ``spearman`` and
        ``kendall`` of the signed scores, chance 0; ``sign_agreement`` on examples that both models decide
        alike, since a sign says for or against the model's own decision.

    Raises
    ------
    StudyError
        If the models' tables list other examples or words.
    """
    n = check_same_examples(attributions, clusters, what="attributions")
    words = _count_words(attributions)
    owner = np.repeat(np.arange(n), words)
    explained = {model: _read(table) for model, table in attributions.items()}
    index, n_clusters = cluster_index(clusters)
    counts = draw_counts(n_clusters, comparing.resampling)
    pairs = list_pairs(attributions, comparing.reference)
    labels = comparing._replace(feature=method).labels("attribution")
    names = [f"jaccard@{k}" for k in range(1, k_max + 1)] + list(WHOLE)
    measured = [_compare(explained[a], explained[b], owner, n, k_max) for a, b in pairs]
    # Of each measure: how many examples count in a cluster, the sum of their values, and of their chances.
    sums = np.zeros((len(pairs), n_clusters, 3 * len(names)))
    for row, pair in enumerate(measured):
        for column, name in enumerate(names):
            value = pair.values[name]
            used = ~np.isnan(value)
            parts = (used[used], value[used], pair.chance[name][used])
            for part, numbers in enumerate(parts):
                sums[row, :, 3 * column + part] = np.bincount(
                    index[used], weights=numbers.astype(float), minlength=n_clusters
                )

    def means(added: np.ndarray) -> dict[str, np.ndarray]:
        with np.errstate(invalid="ignore", divide="ignore"):
            found = {name: added[..., 3 * i + 1] / added[..., 3 * i] for i, name in enumerate(names)}
            by_chance = {
                f"{name} chance": added[..., 3 * i + 2] / added[..., 3 * i] for i, name in enumerate(names)
            }
        return found | by_chance

    found = []
    for (a, b), pair, again in zip(pairs, measured, resample_measures(sums, counts, means), strict=True):
        for name in names:
            measure, _, k = name.partition("@")
            used = ~np.isnan(pair.values[name])
            size = {"n": int(used.sum()), "n_clusters": count_clusters(clusters, used)}
            value, chance = (
                float(part[name][used].mean()) if used.any() else float("nan")
                for part in (pair.values, pair.chance)
            )
            row = {**labels, "model_a": a, "model_b": b, **({"k": int(k)} if k else {})}
            own = {measure: again[name]} if name in again else {}
            table = [
                make_pair_rows([(measure, value, chance, 1.0 if k else float("nan"))], own, **row, **size)
            ]
            for bound in ("low", "high"):
                if f"{name} {bound}" in pair.values and used.any():
                    limit = float(pair.values[f"{name} {bound}"][used].mean())
                    nothing = float("nan")
                    table.append(
                        make_pair_rows([(f"{measure}_{bound}", limit, nothing, nothing)], {}, **row, **size)
                    )
            by_chance = {measure: again[f"{name} chance"].values} if own else None
            kept = keep_resamples(own, comparing.verdict, chance=by_chance, **row)
            found.append(Comparison(pd.concat(table, ignore_index=True), kept))
    return concat_comparisons(found)


def _compare(a: Explained, b: Explained, owner: np.ndarray, examples: int, k_max: int) -> PairValues:
    """Agreement of two models on each example, over the words that both have seen."""
    seen = np.isfinite(a.scores) & np.isfinite(b.scores)
    x, y, own = a.scores[seen], b.scores[seen], owner[seen]
    top = top_k_jaccard(x, y, own, examples, k_max)
    by_chance = chance_top_k(own, examples, k_max)
    values = {f"jaccard@{k}": top[:, k - 1] for k in range(1, k_max + 1)}
    chance = {f"jaccard@{k}": by_chance[:, k - 1] for k in range(1, k_max + 1)}
    low, high = top_k_bounds(x, y, own, examples, k_max)
    for k in np.flatnonzero((low < high).any(axis=0)) + 1:
        values[f"jaccard@{k} low"], values[f"jaccard@{k} high"] = low[:, k - 1], high[:, k - 1]
    values["spearman"], values["kendall"] = rank_correlations(x, y, own, examples)
    chance["spearman"] = chance["kendall"] = np.zeros(examples)
    signs, by_chance = sign_agreement(x, y, own, examples)
    alike = a.target == b.target
    values["sign_agreement"], chance["sign_agreement"] = np.where(alike, signs, np.nan), by_chance
    return PairValues(values, chance)


def _read(table: pd.DataFrame) -> Explained:
    scores = [np.asarray(own, dtype=float) for own in table["score"]]
    target = table["target"].astype(object).where(table["target"].notna(), None)
    return Explained(np.concatenate([np.zeros(0), *scores]), target.to_numpy())


def _count_words(attributions: Mapping[str, pd.DataFrame]) -> np.ndarray:
    """Words of each example, after checking that all models have the same."""
    first, expected = None, np.zeros(0, dtype=int)
    for model, table in attributions.items():
        words = np.array([len(own) for own in table["score"]], dtype=int)
        if first is None:
            first, expected = model, words
        elif (words != expected).any():
            row = int(np.flatnonzero(words != expected)[0])
            raise StudyError(
                f"The attributions of {first} and {model} have other words: example "
                f"{table['id'].iloc[row]} has {expected[row]} and {words[row]}.",
                where=f"model {model}, row {row + 1}",
                fix="make the attributions of both models from the same data table",
            )
    return expected
