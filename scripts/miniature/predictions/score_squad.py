"""Exact match and F1 as SQuAD 2.0's official evaluator computes them (Rajpurkar et al. 2018).

Written from that evaluator's behavior, its particulars included: a gold answer that is empty once
normalized is not an answer; a question left without one is answered rightly by any prediction that is
empty once normalized; and such a question still counts as answerable in the split of the scores.
"""

import re
import string
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from miniature.messages import StudyError

_WITHOUT_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ARTICLES = re.compile(r"\b(a|an|the)\b")


def normalize_answer(text: str) -> str:
    """Lower case, without ASCII punctuation and English articles, single spaces.

    Parameters
    ----------
    text : str
        An answer.

    Returns
    -------
    str

    Examples
    --------
    >>> normalize_answer("The  Beatles' (1968)")
    'beatles 1968'
    >>> normalize_answer("An a-the")
    'athe'
    """
    # Punctuation goes first, so that an article beside it is one word with its neighbor.
    bare = text.lower().translate(_WITHOUT_PUNCTUATION)
    return " ".join(_ARTICLES.sub(" ", bare).split())


def exact_match(prediction: str, answers: Sequence[str]) -> float:
    """Whether a prediction equals some gold answer once both are normalized.

    Parameters
    ----------
    prediction : str
        The predicted answer; empty for "no answer".
    answers : sequence of str
        Gold answers; empty for an unanswerable question.

    Returns
    -------
    float
        0.0 or 1.0.

    Examples
    --------
    >>> exact_match("the Nile", ["Nile", "river Nile"]), exact_match("Nile", [])
    (1.0, 0.0)
    """
    return float(normalize_answer(prediction) in _gold(answers))


def f1(prediction: str, answers: Sequence[str]) -> float:
    """Largest F1 of normalized words over the gold answers.

    Parameters
    ----------
    prediction : str
        The predicted answer; empty for "no answer".
    answers : sequence of str
        Gold answers; empty for an unanswerable question.

    Returns
    -------
    float
        In [0, 1]; where prediction or gold has no word, 1 if both have none and 0 otherwise.

    Examples
    --------
    >>> f1("river Nile", ["Nile"]) == 2 / 3
    True
    >>> f1("", []), f1("Nile", [])
    (1.0, 0.0)
    """
    words = normalize_answer(prediction).split()
    return max(_f1(words, gold.split()) for gold in _gold(answers))


def _gold(answers: Sequence[str]) -> list[str]:
    normalized = [normalize_answer(answer) for answer in answers]
    return [answer for answer in normalized if answer] or [""]


def _f1(prediction: list[str], gold: list[str]) -> float:
    if not prediction or not gold:
        return float(prediction == gold)
    common = sum((Counter(prediction) & Counter(gold)).values())
    if not common:
        return 0.0
    precision, recall = common / len(prediction), common / len(gold)
    return 2 * precision * recall / (precision + recall)


def score_table(table: pd.DataFrame, predictions: Mapping[str, str]) -> pd.DataFrame:
    """Exact match and F1 of every question of a table.

    A table without an unanswerable question is scored as SQuAD 1.1's evaluator does it, any other as 2.0's.
    They differ in gold answers that have no word once normalized ("the"): 2.0 leaves them out, and gives an
    F1 of 1 where answer and gold have none; 1.1 keeps them for exact match, and gives an F1 of 0.

    Parameters
    ----------
    table : DataFrame
        Columns id, answers, answerable, as `miniature.data.tables.QA_SCHEMA`.
    predictions : mapping of str to str
        Question id to predicted answer. Ids that the table does not have are passed over.

    Returns
    -------
    DataFrame
        Columns id, exact and f1 (float32, NaN where the answers are withheld), rows as in the table.

    Raises
    ------
    StudyError
        A question of the table has no prediction.
    """
    identifiers = list(table["id"])
    missing = [identifier for identifier in identifiers if identifier not in predictions]
    if missing:
        listed = ", ".join(missing[:5])
        raise StudyError(
            f"{len(missing)} of {len(identifiers)} questions have no prediction: {listed}"
            + (", ..." if len(missing) > 5 else "."),
            where="predictions",
            fix=f'"{missing[0]}": "<answer, or empty for no answer>"',
        )
    exact = np.full(len(identifiers), np.nan, dtype=np.float32)
    overlap = np.full(len(identifiers), np.nan, dtype=np.float32)
    withheld = table["answerable"].isna().to_numpy()
    first = not (table["answerable"] == False).any()  # noqa: E712  (missing is no answer to that)
    for row, (identifier, answers) in enumerate(zip(identifiers, table["answers"], strict=True)):
        if withheld[row]:
            continue
        predicted = normalize_answer(predictions[identifier])
        gold = [normalize_answer(answer) for answer in answers] if first else _gold(answers)
        exact[row] = predicted in gold
        words = predicted.split()
        if first and not words:
            overlap[row] = 0.0
            continue
        # Several annotators often gave the same answer: each distinct one is compared once.
        overlap[row] = max(_f1(words, answer.split()) for answer in dict.fromkeys(gold))
    return pd.DataFrame({"id": pd.Series(identifiers, dtype="str"), "exact": exact, "f1": overlap})


def summarize(scores: pd.DataFrame, answerable: Sequence[bool | None]) -> dict[str, float | int | None]:
    """Mean scores, whole and split by answerable (HasAns) and unanswerable (NoAns) questions.

    Parameters
    ----------
    scores : DataFrame
        From `score_table`.
    answerable : sequence of bool or None, shape (n,)
        In the order of the scores; missing where answers are withheld.

    Returns
    -------
    dict
        ``exact``, ``f1``, ``total``; the same after ``HasAns_`` and ``NoAns_``; and ``baseline_exact``, the
        score of giving no answer to every question. Scores in per cent, as the official evaluator prints
        them. Withheld questions are not counted; a mean over no question is None.

    Raises
    ------
    ValueError
        The two inputs differ in length.
    """
    known = pd.array(list(answerable), dtype="boolean")
    if len(known) != len(scores):
        raise ValueError(f"{len(scores)} scores and {len(known)} marks of answerability")
    given = ~np.asarray(known.isna())
    has = np.asarray(known.fillna(False), dtype=bool)
    exact = scores["exact"].to_numpy(dtype=np.float64)
    overlap = scores["f1"].to_numpy(dtype=np.float64)
    summary: dict[str, float | int | None] = {}
    for prefix, rows in (("", given), ("HasAns_", given & has), ("NoAns_", given & ~has)):
        total = int(rows.sum())
        summary[f"{prefix}exact"] = float(100 * exact[rows].mean()) if total else None
        summary[f"{prefix}f1"] = float(100 * overlap[rows].mean()) if total else None
        summary[f"{prefix}total"] = total
    total = summary["total"]
    summary["baseline_exact"] = 100 * summary["NoAns_total"] / total if total else None
    return summary
