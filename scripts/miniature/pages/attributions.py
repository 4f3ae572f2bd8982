"""Examples with the words of two models' attributions shaded, side by side."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from miniature.measures.rankings import rank_correlations

# Of the examples that two models explain, so many of those that they explain least alike; and of all models.
EXAMPLES, IN_ALL = 6, 60
# Texts beyond this are cut, at a word.
LONGEST = 120


class Word(NamedTuple):
    """A word as it is drawn: its characters, CSS classes, and how strongly it is marked, from 0 to 1."""

    text: str
    looks: str
    strength: str


def attribution_sections(
    texts: pd.DataFrame,
    attributions: Mapping[str, pd.DataFrame],
    *,
    reference: str,
    models: Sequence[str],
    parts: Sequence[str],
) -> list[dict]:
    """Examples that each model and the reference explain least alike (lowest rank correlation).

    Parameters
    ----------
    texts : DataFrame, [examples]
        Data table with ``id`` and the columns named by `parts`.
    attributions : mapping of str to DataFrame, each [examples]
        As `miniature.attribution.explain.explain_table` returns them, of the reference and of `models`.
    reference : str
    models : sequence of str
        Models to show beside the reference.
    parts : sequence of str
        Text columns in the order in which attributions count them.

    Returns
    -------
    list of dict
        For each model its name and its examples: id, correlation, and two sides with their words.
    """
    count = max(1, min(EXAMPLES, IN_ALL // max(len(models), 1)))
    return [
        {
            "model": model,
            "examples": [
                _example(texts, row, value, {name: attributions[name] for name in (reference, model)}, parts)
                for row, value in _least_alike(attributions[reference], attributions[model])[:count]
            ],
        }
        for model in models
    ]


def _least_alike(one: pd.DataFrame, other: pd.DataFrame) -> list[tuple[int, float]]:
    """Rows of the examples with the lowest rank correlation, and its value."""
    scores = [[np.asarray(own, dtype=float) for own in table["score"]] for table in (one, other)]
    values = []
    for row, (a, b) in enumerate(zip(*scores, strict=True)):
        seen = np.isfinite(a) & np.isfinite(b) if len(a) == len(b) else np.zeros(0, dtype=bool)
        if seen.any():
            spearman, _ = rank_correlations(a[seen], b[seen], np.zeros(int(seen.sum()), dtype=int), 1)
            if not np.isnan(spearman[0]):
                values.append((row, float(spearman[0])))
    return sorted(values, key=lambda item: item[1])


def _example(
    texts: pd.DataFrame,
    row: int,
    correlation: float,
    tables: Mapping[str, pd.DataFrame],
    parts: Sequence[str],
) -> dict:
    sides = []
    for model, table in tables.items():
        found = table.iloc[row]
        scores = np.asarray(found["score"], dtype=float)
        largest = np.nanmax(np.abs(scores)) or 1.0
        words = [
            _word(str(texts[parts[part]].iloc[row])[start:end], score / largest)
            for part, start, end, score in zip(
                found["part"], found["start"], found["end"], scores, strict=True
            )
        ]
        sides.append(
            {
                "model": model,
                "target": found["target"],
                "words": words[:LONGEST],
                "cut": max(0, len(words) - LONGEST),
            }
        )
    return {"id": texts["id"].iloc[row], "correlation": correlation, "sides": sides}


def _word(text: str, share: float) -> Word:
    """How a word with this share of the largest score is drawn."""
    if not np.isfinite(share) or share == 0:
        return Word(text, "", "0")
    # White letters where the ground is too dark for black ones.
    looks = "against" if share < 0 else "for dark" if share > 0.85 else "for"
    return Word(text, looks, f"{abs(share):.2f}")
