"""Doubts about gold answers that no single row can raise: positions of another text, abstentions in words."""

from collections import Counter
from collections.abc import Iterable, Sequence

import pandas as pd

from miniature.data.problems import Problems

# Even in the best data some answers are a part of a word ("10" of "10th"); see tests/unit/test_data_gold.py.
FEW, MOST = 0.05, 0.5
LEAST = 3


def in_word(context: str, place: int) -> bool:
    """Whether the character before a place and that at it belong to one word.

    Only letters that have capitals, and digits, are looked at: other scripts put no blanks between words, or
    join words to one.

    Examples
    --------
    >>> in_word("in Oslo", 4), in_word("in Oslo", 3), in_word("東京都", 1)
    (True, False, False)
    """
    if not 0 < place < len(context):
        return False
    return all(c.isdecimal() or c.lower() != c.upper() for c in context[place - 1 : place + 1])


def doubt_positions(table: pd.DataFrame, problems: Problems) -> None:
    """Tell of gold answers that begin or end inside a word, where there are more than a few.

    Parameters
    ----------
    table : DataFrame
        A question-answering table, as `miniature.data.tables.QA_SCHEMA`.
    problems : Problems
        Gets an error where most answers are so, since then the positions are those of another text, and a
        warning where more than 5 % are.
    """
    placed, cut, shown = 0, 0, None
    for row in table.itertuples():
        for text, start in zip(row.answers, row.answer_starts, strict=True):
            if start < 0 or not text:
                continue
            placed += 1
            if in_word(row.context, start) or in_word(row.context, start + len(text)):
                cut += 1
                shown = shown or (row.id, text, row.context[max(start - 20, 0) : start + len(text) + 20])
    if cut < LEAST or cut <= FEW * placed:
        return
    identifier, text, around = shown
    what = (
        f"{cut} of {placed} gold answers begin or end inside a word, as {text[:40]!r} in {around[:100]!r}: "
        "the positions seem to be those of another copy of the text"
    )
    if cut > MOST * placed:
        problems.error(
            f"first at id {identifier}",
            what,
            "make the file again from the texts that its positions were counted in "
            "(the same version, the same line ends)",
        )
    else:
        problems.warn(what, f"id {identifier}")


def words_for_no_answer(
    texts: Sequence[str], contexts: Sequence[str], *, share: float = 0.01
) -> Iterable[tuple[str, int]]:
    """Answers that seem to be words for "no answer": given to many questions, and in no context of theirs.

    Parameters
    ----------
    texts, contexts : sequence of str, shape (n,)
        An answer to each question, and what it was asked about.
    share : float
        Least share of all questions.

    Returns
    -------
    iterable of tuple of str and int
        The answer, and to how many questions it is given.

    Examples
    --------
    >>> list(words_for_no_answer(["N/A", "Oslo", "N/A", "N/A"], ["in Oslo", "in Oslo", "a", "b"]))
    [('N/A', 3)]
    """
    counts = Counter(text for text in texts if text.strip())
    often = {text for text, count in counts.most_common(20) if count >= max(LEAST, share * len(texts))}
    inside = {
        text
        for text, context in zip(texts, contexts, strict=True)
        if text in often and text.strip().casefold() in context.casefold()
    }
    return [(text, count) for text, count in counts.most_common(20) if text in often - inside]
