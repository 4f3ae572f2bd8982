"""What each model made of every example: errors, answers, probabilities."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from miniature.characteristics.errors.answers import read_predictions
from miniature.characteristics.errors.compare import find_errors


class Outputs(NamedTuple):
    """What a model made of every example.

    Attributes
    ----------
    error : ndarray of float64, shape [examples]
        1 where it is wrong, 0 where it is right, NaN where that is not known.
    answer : ndarray of int64, shape [examples], or None
        Number of its answer, the same for equal ones of all models; -1 where there is none.
    probabilities : ndarray of float64, shape [examples, classes], or None
        Rows of NaN where not known.
    label : ndarray of int64, shape [examples], or None
        Index of the right class; None where there are no classes.
    """

    error: np.ndarray
    answer: np.ndarray | None = None
    probabilities: np.ndarray | None = None
    label: np.ndarray | None = None


def read_outputs(
    predictions: Mapping[str, pd.DataFrame],
    errors: Mapping[str, pd.DataFrame],
    *,
    kind: str,
    labels: Sequence[str] | None = None,
) -> dict[str, Outputs]:
    """What each model made of every example, from its tables.

    Parameters
    ----------
    predictions : mapping of str to DataFrame, each [examples]
        Predictions tables by model.
    errors : mapping of str to DataFrame, each [examples]
        Error lists (``id``, ``error``) of models that have no more than that.
    kind : str
        ``question-answering`` or ``classification``.
    labels : sequence of str, optional
        Class names in class order; absent for question answering.

    Returns
    -------
    dict of str to Outputs

    Raises
    ------
    StudyError
        If some probabilities are missing, of another number of classes, or no distribution.

    Examples
    --------
    >>> table = pd.DataFrame({"id": ["a", "b"], "label": ["x", "y"], "prediction": ["x", "x"]})
    >>> table["probabilities"] = None
    >>> read_outputs({"m": table}, {}, kind="classification", labels=["x", "y"])["m"].error.tolist()
    [0.0, 1.0]
    """
    said = read_predictions(predictions, labels, kind)
    place = {name: i for i, name in enumerate(labels or ())}
    found = {
        model: Outputs(table["error"].astype("Float64").to_numpy(dtype=float, na_value=math.nan))
        for model, table in errors.items()
    }
    for model, table in predictions.items():
        error = find_errors(table, kind)["error"].astype("Float64").to_numpy(dtype=float, na_value=math.nan)
        label = None
        if labels:
            label = np.array([place.get(name, -1) for name in table["label"]], dtype=np.int64)
        elif kind == "multiple-choice":
            # Each example has choices of its own, whose probabilities are in their order.
            own = zip(table["choices"], table["label"], strict=True)
            label = np.array([[*names, right].index(right) for names, right in own], dtype=np.int64)
        found[model] = Outputs(error, said[model].answer, said[model].distribution, label)
    return found
