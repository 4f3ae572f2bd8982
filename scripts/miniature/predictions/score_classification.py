"""Accuracy of predicted labels, beside that of always naming the most frequent one."""

import pandas as pd


def summarize(predictions: pd.DataFrame) -> dict[str, float | int | None]:
    """Accuracy, and the accuracy of the majority label.

    Parameters
    ----------
    predictions : DataFrame
        Columns ``label`` (the right one) and ``prediction``, or ``correct`` as a file recorded it, one row
        per example; one that was not answered is left out.

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
    if "correct" in predictions:
        known = predictions["correct"].dropna()
        right, answered = int(known.sum()), len(known)
    else:
        right, answered = int((predictions["label"] == predictions["prediction"]).sum()), n
    majority = int(predictions["label"].value_counts().max())
    accuracy = 100 * right / answered if answered else None
    return {"accuracy": accuracy, "baseline_accuracy": 100 * majority / n, "n": n}
