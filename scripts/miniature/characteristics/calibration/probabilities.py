"""The distribution that a model predicts for each example, from its predictions table."""

import numpy as np
import pandas as pd
from scipy.special import expit

from miniature.messages import StudyError

# Probabilities are kept as float32, whose sum over many classes is off by a little more than its last digit.
SUM_TOLERANCE = 1e-3


def stack_probabilities(predictions: pd.DataFrame, *, classes: int) -> np.ndarray:
    """Predicted probabilities of a classifier as one array."""
    rows = predictions["probabilities"].tolist()
    stacked = np.zeros((len(rows), classes))
    for i, row in enumerate(rows):
        if row is None or np.shape(row) != (classes,):
            found = 0 if row is None or not np.ndim(row) else len(row)
            raise _no_distribution(predictions, i, f"has {found} probabilities for {classes} classes")
        stacked[i] = row
    totals = stacked.sum(axis=1)
    # NaN is in no range, and so is found here too.
    wrong = ~((stacked >= 0).all(axis=1) & (np.abs(totals - 1) <= SUM_TOLERANCE))
    if wrong.any():
        i = int(np.flatnonzero(wrong)[0])
        raise _no_distribution(
            predictions, i, f"has probabilities that are no distribution: {list(stacked[i])}"
        )
    return stacked / totals[:, None]


def answer_distributions(predictions: pd.DataFrame) -> np.ndarray | None:
    """Distribution over {answers, does not answer} that a question answering model's scores give."""
    score, null = (
        predictions[name].to_numpy(dtype=np.float64, na_value=np.nan) for name in ("score", "null_score")
    )
    if np.isnan(null).all():
        return None
    answers = np.where(np.isnan(score), 0.0, expit(score - null))
    answers[np.isnan(null)] = np.nan
    return np.stack([answers, 1 - answers], axis=1)


def _no_distribution(predictions: pd.DataFrame, row: int, what: str) -> StudyError:
    name = predictions["id"].iloc[row]
    return StudyError(
        f"The example {name} {what}.",
        where=f"column probabilities of the predictions, row {row + 1}",
        fix="training: {...: {learning_rate: 1.0e-5}}   # lower: a diverged training gives no numbers",
    )
