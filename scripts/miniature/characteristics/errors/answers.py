"""Soft predictions: how alike two models' probabilities are, and how often their answers are the same."""

import logging
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from miniature.characteristics.calibration.probabilities import answer_distributions, stack_probabilities
from miniature.measures.probabilities import (
    ceiling_same_answer,
    chance_same_answer,
    js_divergence,
    kl_divergence,
    probability_loyalty,
)
from miniature.measures.sets import correct_for_chance
from miniature.predictions.score_squad import normalize_answer
from miniature.seeds import generator

logger = logging.getLogger(__name__)

# Random pairings of the examples over which the chance level of probabilities is averaged: with n examples
# its standard error is that of 20 n draws.
PAIRINGS = 20
COLUMNS = 7
NOT_MEASURED = [
    (name, float("nan"), float("nan"), float("nan"))
    for name in (
        "label_loyalty", "label_loyalty_corrected",
        "js_divergence", "probability_loyalty", "probability_loyalty_corrected", "kl_divergence",
    )
]  # fmt: skip


class Predictions(NamedTuple):
    """What a model said of each example.

    Attributes
    ----------
    answer : ndarray of int64, shape [examples]
        Number of the predicted label or normalized answer, the same for equal ones of all models; -1 where
        there is none.
    distribution : ndarray of float64, shape [examples, classes], or None
        What it was drawn from; None where the predictions do not hold it. Rows of NaN where not known.
    """

    answer: np.ndarray
    distribution: np.ndarray | None


def read_predictions(
    predictions: Mapping[str, pd.DataFrame], labels: Sequence[str] | None, kind: str | None = None
) -> dict[str, Predictions]:
    """What each model said of each example, from its predictions table of a kind of task."""
    kind = kind or ("question-answering" if labels is None else "classification")
    numbers: dict[str, int] = {}
    said = {}
    for model, table in predictions.items():
        answers = [None if pd.isna(text) else text for text in table["prediction"]]
        if kind == "question-answering":
            answers = [None if text is None else normalize_answer(text) for text in answers]
            distribution = answer_distributions(table)
        else:
            given = not table["probabilities"].isna().all()
            classes = len(labels) if labels else None
            distribution = stack_probabilities(table, classes=classes) if given else None
        coded = [-1 if text is None else numbers.setdefault(text, len(numbers)) for text in answers]
        said[model] = Predictions(np.array(coded, dtype=np.int64), distribution)
    return said


class SoftPair(NamedTuple):
    """Two models' soft predictions compared.

    Attributes
    ----------
    rows : list of tuple
        Measure, value, chance and ceiling; NaN where not applicable.
    sums : ndarray of float64, shape [clusters, COLUMNS]
        What `soft_measures` needs to know of each cluster.
    used : ndarray of bool, shape [examples]
        Where both models gave an answer.
    """

    rows: list[tuple[str, float, float, float]]
    sums: np.ndarray
    used: np.ndarray


def compare_predictions(
    a: Predictions, b: Predictions, *, index: np.ndarray, clusters: int, seed: int
) -> SoftPair:
    """Label loyalty, Jensen-Shannon and Kullback-Leibler divergence and probability loyalty of two models."""
    used = (a.answer >= 0) & (b.answer >= 0)
    same = (a.answer == b.answer)[used]
    value = float(same.mean()) if len(same) else float("nan")
    chance = chance_same_answer(a.answer[used], b.answer[used])
    ceiling = ceiling_same_answer(a.answer[used], b.answer[used])
    rows = [("label_loyalty", value, chance, ceiling), _corrected("label_loyalty", value, chance, ceiling)]
    divergence = np.full(len(used), np.nan)
    relative = np.full(len(used), np.nan)
    by_chance = float("nan"), float("nan"), float("nan")
    if a.distribution is not None and b.distribution is not None:
        both = used & ~(np.isnan(a.distribution).any(axis=1) | np.isnan(b.distribution).any(axis=1))
        p, q = a.distribution[both], b.distribution[both]
        divergence[both] = js_divergence(p, q)
        relative[both] = _finite(kl_divergence(p, q))
        by_chance = _chance_divergence(p, q, seed)
    known = ~np.isnan(divergence)
    loyalty = probability_loyalty(divergence[known])
    finite = ~np.isnan(relative)
    given = (divergence[known], loyalty, relative[finite])
    means = [float(x.mean()) if len(x) else float("nan") for x in given]
    best = [value if len(x) else float("nan") for value, x in zip((0.0, 1.0, 0.0), given, strict=True)]
    rows += [
        ("js_divergence", means[0], by_chance[0], best[0]),
        ("probability_loyalty", means[1], by_chance[1], best[1]),
        _corrected("probability_loyalty", means[1], by_chance[1], best[1]),
        ("kl_divergence", means[2], by_chance[2], best[2]),
    ]
    columns = (
        (used, np.ones(int(used.sum()))), (used, same),
        (known, np.ones(int(known.sum()))), (known, divergence[known]), (known, loyalty),
        (finite, np.ones(int(finite.sum()))), (finite, relative[finite]),
    )  # fmt: skip
    sums = [np.bincount(index[where], weights=x, minlength=clusters) for where, x in columns]
    return SoftPair(rows, np.stack(sums, axis=1), used)


def soft_measures(sums: np.ndarray) -> Mapping[str, np.ndarray]:
    """Means from added up sums of `SoftPair`, for many resamples at once."""
    answered, same, known, divergence, loyalty, finite, relative = np.moveaxis(sums, -1, 0)

    def ratio(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
        return np.divide(top, bottom, out=np.full(np.shape(top), np.nan), where=bottom > 0)

    return {
        "label_loyalty": ratio(same, answered),
        "js_divergence": ratio(divergence, known),
        "probability_loyalty": ratio(loyalty, known),
        "kl_divergence": ratio(relative, finite),
    }


def _corrected(name: str, value: float, chance: float, ceiling: float) -> tuple[str, float, float, float]:
    corrected = correct_for_chance(value, chance, ceiling)
    return f"{name}_corrected", corrected, corrected * 0.0, corrected * 0.0 + 1.0


def _finite(divergence: np.ndarray) -> np.ndarray:
    """Divergences whose mean is a number: none of a pair of models where any is infinite."""
    infinite = int(np.isinf(divergence).sum())
    if infinite:
        logger.warning(
            "kl_divergence is not defined: on %d of %d examples the second model rules out what the first "
            "does not",
            infinite,
            len(divergence),
        )
    return np.full(len(divergence), np.nan) if infinite else divergence


def _chance_divergence(p: np.ndarray, q: np.ndarray, seed: int) -> tuple[float, float, float]:
    """Mean divergence, loyalty and relative entropy of distributions paired at random."""
    if not len(p):
        return float("nan"), float("nan"), float("nan")
    random = generator(seed, "random pairings", len(p))
    total = np.zeros(3)
    for _ in range(PAIRINGS):
        paired = q[random.permutation(len(q))]
        divergence, relative = js_divergence(p, paired), kl_divergence(p, paired)
        relative = relative if np.isfinite(relative).all() else np.full(len(relative), np.nan)
        total += [divergence.mean(), probability_loyalty(divergence).mean(), relative.mean()]
    return tuple(float(value) for value in total / PAIRINGS)
