"""The distribution that a model predicts for each example, from its predictions table."""

import numpy as np
import pandas as pd
from scipy.special import expit

from miniature.messages import StudyError

# Probabilities are kept as float32, whose sum over many classes is off by a little more than its last digit.
SUM_TOLERANCE = 1e-3


def stack_probabilities(predictions: pd.DataFrame, *, classes: int) -> np.ndarray:
    """Predicted probabilities of a classifier as one array.

    Parameters
    ----------
    predictions : DataFrame, [examples]
        Columns ``id`` and ``probabilities``, a list for each example.
    classes : int
        Classes of the task.

    Returns
    -------
    ndarray of float64, shape [examples, classes]
        Each row divided by its sum, which rounding leaves a little beside 1.

    Raises
    ------
    StudyError
        Naming the first example whose probabilities are missing, of another number of classes, or no
        distribution.

    Examples
    --------
    >>> table = pd.DataFrame({"id": ["r1"], "probabilities": [[0.75, 0.25]]})
    >>> stack_probabilities(table, classes=2).tolist()
    [[0.75, 0.25]]
    """
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
    """Distribution over {answers, does not answer} that a question answering model's scores give.

    No distribution over all spans is kept. Of the two that are, the best span's score and the empty answer's,
    the softmax is the model's own odds of answering; which answer it gives is not seen. The threshold of the
    study is no part of it.

    Parameters
    ----------
    predictions : DataFrame, [examples]
        Columns ``score`` (missing where no span can be an answer: it then does not answer) and
        ``null_score``.

    Returns
    -------
    ndarray of float64, shape [examples, 2], or None
        Rows of NaN where the empty answer has no score; None where no row has one.

    Examples
    --------
    >>> table = pd.DataFrame({"score": [1.0, None, 2.0], "null_score": [1.0, 3.0, None]})
    >>> answer_distributions(table).tolist()
    [[0.5, 0.5], [0.0, 1.0], [nan, nan]]
    """
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
