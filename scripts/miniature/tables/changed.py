"""Which decisions a model changed: examples that it answers otherwise than the reference, worst first."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from miniature.tables.escape import one_line

CHANGES = ("newly wrong", "newly right", "otherwise wrong", "otherwise right")
MOST_CHARACTERS = 160
# Where more are printed, nobody reads them; the csv has all.
MOST_PRINTED = 50
COLUMNS = ("task", "change", "by", "id", "expected", "reference", "model", "text")


def changed_examples(
    table: pd.DataFrame,
    reference: pd.DataFrame,
    model: pd.DataFrame,
    *,
    task: str,
    labels: Sequence[str] | None,
    texts: bool = True,
) -> pd.DataFrame:
    """Examples that a model answers otherwise than the reference.

    Parameters
    ----------
    table : DataFrame, [examples]
        The data table.
    reference, model : DataFrame, [examples]
        Their predictions tables, rows as in `table`.
    task : str
        The dataset.
    labels : sequence of str or None
        Class names in class order; None where there are none or each example has choices of its own.
    texts : bool
        Whether texts of the data, and answers cut from them, are shown.

    Returns
    -------
    DataFrame
        task; change, one of `CHANGES`; by, how much less the model holds with the right answer (the fall of
        its probability, of the F1 score of an answer; missing where neither is known); id; what is expected;
        what the two say; the text, on one line of at most `MOST_CHARACTERS` characters. In the order of
        `CHANGES`, then by ``by``, the largest first, then in the order of the data.

    Raises
    ------
    ValueError
        The tables are not of the same examples.

    Examples
    --------
    >>> table = pd.DataFrame({"id": ["a", "b"], "label": ["x", "y"], "text": ["one", "two"]})
    >>> said = [table[["id"]].assign(prediction=p, probabilities=None) for p in ("x", "y")]
    >>> changed_examples(table, *said, task="t", labels=["x", "y"])[["change", "id"]].values.tolist()
    [['newly wrong', 'a'], ['newly right', 'b']]
    """
    if not (len(table) == len(reference) == len(model) and (table["id"] == model["id"]).all()):
        raise ValueError("predictions and data are not of the same examples")
    said = [frame["prediction"].fillna("").astype(str).to_numpy() for frame in (reference, model)]
    questions = "answers" in table
    if questions:
        right = [frame["exact"].to_numpy(dtype=float) > 0 for frame in (reference, model)]
        held = [frame["f1"].to_numpy(dtype=float) for frame in (reference, model)]
        expected = np.array(
            [answers[0] if len(answers) else "" for answers in table["answers"]], dtype=object
        )
        shown = table["question"].to_numpy(dtype=object)
    else:
        right = [_right(frame, table["label"].to_numpy()) for frame in (reference, model)]
        held = [_probability(frame, table["label"], labels) for frame in (reference, model)]
        expected = table["label"].to_numpy(dtype=object)
        columns = [table[name] for name in ("text", "text_pair") if name in table]
        shown = [" | ".join(map(str, texts)) for texts in zip(*columns, strict=True)]
    kinds = {(True, False): 0, (False, True): 1, (False, False): 2, (True, True): 3}
    kind = np.array([kinds[bool(a), bool(b)] for a, b in zip(*right, strict=True)], dtype=int)
    by = held[0] - held[1]
    # A file may tell right from wrong without the answers.
    rows = np.flatnonzero((said[0] != said[1]) | (right[0] != right[1]))
    # Missing amounts last; the rows themselves break ties.
    rows = rows[np.lexsort((rows, -np.nan_to_num(by[rows], nan=-np.inf), kind[rows]))]
    # Only classes and names of choices are no text of the data.
    hide = not texts and (questions or (labels is None and "names" not in table))
    return pd.DataFrame(
        {
            "task": task,
            "change": [CHANGES[kind[row]] for row in rows],
            "by": by[rows],
            "id": table["id"].to_numpy()[rows],
            "expected": ["" if hide else shorten(str(expected[row])) for row in rows],
            "reference": ["" if hide else shorten(said[0][row]) for row in rows],
            "model": ["" if hide else shorten(said[1][row]) for row in rows],
            "text": [shorten(str(shown[row])) if texts else "" for row in rows],
        },
        columns=list(COLUMNS),
    )


def _right(predictions: pd.DataFrame, label: np.ndarray) -> np.ndarray:
    """Whether each answer is right, as a file recorded it or by the label."""
    if "correct" in predictions:
        return predictions["correct"].astype("boolean").fillna(False).to_numpy(dtype=bool)
    return predictions["prediction"].fillna("").to_numpy() == label


def _probability(predictions: pd.DataFrame, label: pd.Series, labels: Sequence[str] | None) -> np.ndarray:
    """Probability of the right class or choice; NaN where it is not known."""
    names = predictions["choices"] if labels is None else [labels] * len(label)
    return np.array(
        [
            np.nan if shares is None else float(shares[list(own).index(right)])
            for shares, own, right in zip(predictions["probabilities"], names, label, strict=True)
        ]
    )


def shorten(text: str) -> str:
    """Text on one line of at most `MOST_CHARACTERS`, which no spreadsheet takes for a formula.

    Examples
    --------
    >>> shorten("=1+1"), len(shorten("word " * 100))
    ("'=1+1", 160)
    """
    text = one_line(text)
    if len(text) > MOST_CHARACTERS:
        text = text[: MOST_CHARACTERS - 1].rstrip() + "…"
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text
