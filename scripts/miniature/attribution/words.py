"""Words of an example's texts, and the tokens of a window that stand for them.

Words are runs of characters without white space. They depend on the text alone, so that models with different
tokenizers are compared word by word.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from transformers import PreTrainedTokenizerFast

from miniature.models.texts import text_columns
from miniature.models.windows import Windows, encode_texts, find_template

WORD = re.compile(r"\S+")


class Words(NamedTuple):
    """Words of all texts of one example.

    Attributes
    ----------
    part : int8 array, shape (words,)
        Which text of the example the word is in: an index into `text_columns`.
    start, end : int32 array, shape (words,)
        Its characters, ``text[start:end]``.
    """

    part: np.ndarray
    start: np.ndarray
    end: np.ndarray


def find_words(texts: Sequence[str]) -> Words:
    """Words of an example's texts, in reading order."""
    found = [(part, *match.span()) for part, text in enumerate(texts) for match in WORD.finditer(text)]
    part, start, end = np.array(found, dtype=np.int32).reshape(-1, 3).T
    return Words(part.astype(np.int8), start, end)


def words_of_table(table: pd.DataFrame, task: str) -> list[Words]:
    """Words of every example of a data table."""
    columns = [table[name].fillna("").astype(str) for name in text_columns(table, task)]
    return [find_words(texts) for texts in zip(*columns, strict=True)]


def word_of_tokens(words: Words, part: int, spans: np.ndarray) -> np.ndarray:
    """Index of the word that each token counts to, int64 [tokens]; blanks count to the word that follows."""
    inside = np.flatnonzero(words.part == part)
    if not len(inside):
        return np.full(len(spans), -1, dtype=np.int64)
    # By the last character: some tokenizers count the blank before a word to its first token.
    last = np.where(spans[:, 1] > spans[:, 0], spans[:, 1] - 1, spans[:, 0])
    at = np.searchsorted(words.end[inside], last, side="right")
    return inside[np.minimum(at, len(inside) - 1)]


def map_tokens(
    tokenizer: PreTrainedTokenizerFast,
    windows: Windows,
    table: pd.DataFrame,
    words: Sequence[Words],
    task: str,
) -> np.ndarray:
    """Word of each token of all windows, int64 [tokens of all windows], -1 for special tokens."""
    found = np.full(len(windows.tokens), -1, dtype=np.int64)
    first, *second = text_columns(table, task)
    if second:
        template = find_template(tokenizer, pair=True)
        before, between = len(template.before[0]), len(template.between[0])
        firsts = encode_texts(tokenizer, table[first])
    for window, row in enumerate(windows.example):
        low = windows.borders[window]
        text = slice(
            low + windows.text_start[window], low + windows.text_start[window] + windows.text_tokens[window]
        )
        found[text] = word_of_tokens(words[row], len(second), windows.spans[text])
        if second:
            # As much of the first text as stands in the window.
            spans = firsts[row][1][: windows.text_start[window] - before - between]
            found[low + before : low + before + len(spans)] = word_of_tokens(words[row], 0, spans)
    return found


def sum_by_word(scores: np.ndarray, word: np.ndarray, count: int) -> np.ndarray:
    """Scores of words from those of their tokens, float64 [words]; NaN for words without a token.

    Examples
    --------
    >>> sum_by_word(np.array([9.0, 1.0, 2.0]), np.array([-1, 0, 0]), 2).tolist()
    [3.0, nan]
    """
    inside = word >= 0
    total = np.bincount(word[inside], weights=scores[inside], minlength=count)
    seen = np.bincount(word[inside], minlength=count) > 0
    return np.where(seen, total, np.nan)
