"""Distances to the training examples, without a threshold: do two models order the inputs alike?"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from miniature.agreement.comparison import JACKKNIFE
from miniature.agreement.finding import Finding
from miniature.characteristics.distribution.resampling import Clustered
from miniature.measures.ranks import Ranked, centered_ranks, chance_correlation, correlate_ranks, rank_values
from miniature.measures.registry import MEASURES
from miniature.measures.sets import correct_for_chance
from miniature.statistics.jackknife import block_examples, jackknife_interval


class Ordering(NamedTuple):
    """What the order of the distances gives, on all examples or without a block.

    Attributes
    ----------
    correlation, chance, corrected : ndarray of float64, shape [models, models]
        Spearman correlation; its mean where the models have nothing in common within either set; and the
        share of the way from there to 1.
    auroc : ndarray of float64, shape [models]
        How well each model's distance tells the sets apart.
    """

    correlation: np.ndarray
    chance: np.ndarray
    corrected: np.ndarray
    auroc: np.ndarray


def order_distances(
    distances: Mapping[str, np.ndarray], test: Clustered, ood: Clustered, *, blocks: int, seed: int
) -> tuple[Ordering, list[Ordering]]:
    """Order of test and out-of-distribution rows together, for all models, and without each block."""
    n, n_ood = len(test.index), len(ood.index)
    outside = np.arange(n + n_ood) >= n
    ranked = [rank_values(d) for d in distances.values()]
    whole = _order(ranked, np.ones(n + n_ood, dtype=bool), outside)
    count = min(blocks, test.count, ood.count)
    if count < 2:
        return whole, []
    block = np.concatenate(
        [block_examples(t.index, t.count, blocks=count, seed=seed)[0] for t in (test, ood)]
    )
    return whole, [_order(ranked, block != i, outside) for i in range(count)]


def order_findings(
    models: Sequence[str], pairs: np.ndarray, whole: Ordering, without: Sequence[Ordering]
) -> list[Finding]:
    """Rank correlation of every pair's distances, and how well each model's distance tells the sets apart."""
    findings = []
    for i, model in enumerate(models):
        draws = np.array([o.auroc[i] for o in without])
        findings.append(_finding(model, model, "auroc", whole.auroc[i], draws))
    for i, j in pairs:
        a, b = models[i], models[j]
        for name, values in (("", "correlation"), ("_corrected", "corrected")):
            value = getattr(whole, values)[i, j]
            draws = np.array([getattr(o, values)[i, j] for o in without])
            chance = 0.0 * value if name else whole.chance[i, j]
            found = _finding(a, b, f"distance_correlation{name}", value, draws)
            findings.append(found._replace(chance=chance, ceiling=1.0 + 0.0 * value))
    return findings


def _finding(a: str, b: str, measure: str, value: float, draws: np.ndarray) -> Finding:
    meaning = MEASURES[measure]
    low, high = jackknife_interval(value, draws, low=meaning.low, high=meaning.high)
    return Finding(
        a, b, measure, "all", value, low=low, high=high, ci_method=JACKKNIFE, draws=draws, drawn_by=JACKKNIFE
    )


def _order(ranked: Sequence[Ranked], keep: np.ndarray, outside: np.ndarray) -> Ordering:
    ranks = centered_ranks(ranked, keep)
    groups = [keep & ~outside, keep & outside]
    correlation, chance = correlate_ranks(ranks), chance_correlation(ranks, groups)
    corrected = correct_for_chance(correlation, chance, np.ones(chance.shape))
    n, m = (np.count_nonzero(group) for group in groups)
    if not n or not m:
        return Ordering(correlation, chance, np.asarray(corrected), np.full(len(ranked), np.nan))
    # From sums of ranks, as `miniature.measures.detection`.
    wins = ranks[:, groups[1]].sum(axis=1) + m * (n + m + 1) / 2 - m * (m + 1) / 2
    return Ordering(correlation, chance, np.asarray(corrected), wins / (n * m))
