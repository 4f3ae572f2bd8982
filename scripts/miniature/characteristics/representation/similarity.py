"""Data representation, without neighbors: similarity of two models' embeddings as a whole."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from miniature.agreement.comparison import JACKKNIFE, Comparison, Resampling, make_resamples, rests_on
from miniature.agreement.table import concat_rows, make_rows
from miniature.characteristics.embeddings import check_embeddings
from miniature.measures.cka import alignment, chance_cka, hsic_values
from miniature.measures.cross_products import Moments, block_moments, center_features
from miniature.measures.procrustes import permuted_similarity, procrustes_jackknife
from miniature.measures.ranks import centered_ranks, correlate_ranks
from miniature.measures.registry import MEASURES
from miniature.measures.rsa import choose_examples, rank_dissimilarities
from miniature.measures.sets import correct_for_chance
from miniature.messages import StudyError
from miniature.statistics.jackknife import block_examples, jackknife_interval

logger = logging.getLogger(__name__)

Pair = tuple[str, str]


class Similarity(NamedTuple):
    """One measure of one pair.

    Attributes
    ----------
    measure : str
    value, chance, ceiling : float
    left_out : ndarray of float64, shape [blocks]
        The value without each block.
    examples : ndarray of int
        Those it was computed on.
    """

    measure: str
    value: float
    chance: float
    ceiling: float
    left_out: np.ndarray
    examples: np.ndarray


class Own(NamedTuple):
    """Moments of a model with itself, and its `hsic_values`."""

    moments: Moments
    values: np.ndarray


def compare_similarity(
    embeddings: Mapping[str, np.ndarray],
    pairs: Sequence[Pair],
    *,
    index: np.ndarray,
    clusters: int,
    labels: Mapping[str, object],
    resampling: Resampling,
    verdict: Mapping[str, object] | None = None,
) -> Comparison:
    """Linear CKA, orthogonal Procrustes and RSA of every pair, with intervals by the jackknife."""
    for model, rows in embeddings.items():
        _check_rows(rows, len(index), model)
    block, blocks = block_examples(index, clusters, blocks=resampling.blocks, seed=resampling.seed)
    of_pair: dict[Pair, list[Similarity]] = {pair: [] for pair in pairs}
    if pairs:
        for found in (
            _aligned(embeddings, pairs, block, blocks, resampling.seed),
            _rank_correlated(embeddings, pairs, index, clusters, resampling),
        ):
            for pair, similarity in found:
                of_pair[pair].append(similarity)
    tables, resamples = [], []
    for (a, b), similarities in of_pair.items():
        for s in similarities:
            meaning = MEASURES[s.measure]
            low, high = jackknife_interval(s.value, s.left_out, low=meaning.low, high=meaning.high)
            tables.append(
                make_rows(
                    **{**labels, "n": len(s.examples), "n_clusters": len(np.unique(index[s.examples]))},
                    model_a=a, model_b=b, measure=s.measure, value=s.value, chance=s.chance,
                    ceiling=s.ceiling, ci_low=low, ci_high=high, ci_method="" if np.isnan(low) else JACKKNIFE,
                )
            )  # fmt: skip
            names = {key: labels[key] for key in ("dataset", "split", "feature") if key in labels}
            if len(s.left_out) > 1 and rests_on(
                verdict, task=labels["task"], **names, measure=s.measure, k=None
            ):
                resamples.append(make_resamples(str(labels["task"]), a, b, JACKKNIFE, s.left_out, s.chance))
    return Comparison(concat_rows(tables), pd.concat([make_resamples(), *resamples], ignore_index=True))


def _aligned(
    embeddings: Mapping[str, np.ndarray], pairs: Sequence[Pair], block: np.ndarray, blocks: int, seed: int
) -> Iterator[tuple[Pair, Similarity]]:
    """CKA and Procrustes, which share the sums of products of features."""
    everyone = np.arange(len(block))
    own: dict[str, Own] = {}
    for a in dict.fromkeys(first for first, _ in pairs):
        x = center_features(embeddings[a], block, blocks)
        for b in (second for first, second in pairs if first == a):
            y = center_features(embeddings[b], block, blocks)
            for model, side in ((a, x), (b, y)):
                if model not in own:
                    own[model] = _own(block_moments(side, side), model)
            moments = block_moments(x, y)
            whole, cross = hsic_values(moments)
            values = alignment(cross, own[a].values, own[b].values)  # [2, 1 + blocks]
            chances = (chance_cka(own[a].moments, own[b].moments), 0.0)
            for measure, found, chance in zip(("cka", "cka_debiased"), values, chances, strict=True):
                yield (a, b), _similarity(measure, float(found[0]), chance, found[1:], everyone)
            value, left_out = procrustes_jackknife(whole, moments)
            chance = permuted_similarity(x, y, seed=seed)
            yield (a, b), _similarity("procrustes", value, chance, left_out, everyone)
            one = np.ones(len(left_out))
            corrected = correct_for_chance(left_out, one * chance, one)
            value = float(correct_for_chance(value, chance, 1.0))
            yield (a, b), _similarity("procrustes_corrected", value, 0.0, corrected, everyone)


def _own(moments: Moments, model: str) -> Own:
    whole, values = hsic_values(moments)
    if not whole.square_a > 0:
        logger.warning("Model %s: its embeddings do not vary; CKA and Procrustes are empty.", model)
    return Own(whole, values)


def _rank_correlated(
    embeddings: Mapping[str, np.ndarray],
    pairs: Sequence[Pair],
    index: np.ndarray,
    clusters: int,
    resampling: Resampling,
) -> Iterator[tuple[Pair, Similarity]]:
    """RSA on a sample of whole clusters, its ranks taken anew without each block."""
    chosen = choose_examples(index, clusters, examples=resampling.rsa_examples, seed=resampling.seed)
    names = {model: i for i, model in enumerate(dict.fromkeys(model for pair in pairs for model in pair))}
    ranked = [rank_dissimilarities(np.asarray(embeddings[model])[chosen]) for model in names]
    sampled, own = np.unique(index[chosen], return_inverse=True)
    block, blocks = block_examples(own, len(sampled), blocks=resampling.blocks, seed=resampling.seed)
    first, second = np.triu_indices(len(chosen), k=1)
    whole = correlate_ranks(centered_ranks(ranked))
    left_out = np.array(
        [
            correlate_ranks(centered_ranks(ranked, (block[first] != i) & (block[second] != i)))
            for i in range(blocks)
        ]
    )  # [blocks, models, models]
    for a, b in pairs:
        i, j = names[a], names[b]
        yield (a, b), _similarity("rsa", float(whole[i, j]), 0.0, left_out[:, i, j], chosen)


def _similarity(
    measure: str, value: float, chance: float, left_out: np.ndarray, examples: np.ndarray
) -> Similarity:
    """Chance and ceiling are empty where the value is."""
    empty = value * 0.0
    return Similarity(measure, value, chance + empty, 1.0 + empty, left_out, examples)


def _check_rows(rows: np.ndarray, n: int, model: str) -> None:
    check_embeddings(rows, what=f"embeddings of {model}")
    if len(rows) != n:
        raise StudyError(
            f"The embeddings of {model} have {len(rows)} rows; the data table has {n}.",
            where=f"model {model}",
            fix="Give one row for each example of the data table, in its order.",
        )
