"""Accuracy of predicted labels, beside that of always naming the most frequent one."""

import pandas as pd


def summarize(predictions: pd.DataFrame) -> dict[str, float | int | None]:
    """Accuracy, and the accuracy of the majority label.

    Parameters
    ----------
    predictions : DataFrame
        Columns ``label`` (the right one) and ``prediction``, one row per example.

    Returns
    -------
    dict
        ``accuracy`` and ``baseline_accuracy`` (the most frequent right label, always) in per cent, None where
        there is no example; ``n``.

    Examples
    --------
    >>> table = pd.DataFrame({"label": ["good", "bad"], "prediction": ["good", "good"]})
    >>> summarize(table)
    {'accuracy': 50.0, 'baseline_accuracy': 50.0, 'n': 2}
    """
    n = len(predictions)
    if not n:
        return {"accuracy": None, "baseline_accuracy": None, "n": 0}
    right = int((predictions["label"] == predictions["prediction"]).sum())
    majority = int(predictions["label"].value_counts().max())
    return {"accuracy": 100 * right / n, "baseline_accuracy": 100 * majority / n, "n": n}
