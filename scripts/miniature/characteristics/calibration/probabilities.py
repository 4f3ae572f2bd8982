"""The distribution that a model predicts for each example, from its predictions table."""

import numpy as np
import pandas as pd
from scipy.special import expit

from miniature.messages import StudyError

# Probabilities are kept as float32, whose sum over many classes is off by a little more than its last digit.
SUM_TOLERANCE = 1e-3


def stack_probabilities(predictions: pd.DataFrame, *, classes: int | None) -> np.ndarray:
    """Predicted probabilities as one array; without a number of classes, short rows end in zeros.

    A row of another number of choices than its neighbor's adds zeros to no divergence and no squared error.
    """
    rows = predictions["probabilities"].tolist()
    lengths = [0 if row is None or not np.ndim(row) else len(row) for row in rows]
    stacked = np.zeros((len(rows), max(lengths, default=0) if classes is None else classes))
    for i, (row, found) in enumerate(zip(rows, lengths, strict=True)):
        wanted = len(predictions["choices"].iloc[i]) if classes is None else classes
        if found != wanted:
            raise _no_distribution(predictions, i, f"has {found} probabilities for {wanted} classes")
        stacked[i, :found] = row
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
