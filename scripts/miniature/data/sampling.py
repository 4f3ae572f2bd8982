"""Seeded samples that keep the order of the source."""

import numpy as np
import pandas as pd

from miniature.messages import StudyError


def subsample(
    table: pd.DataFrame,
    examples: int | str,
    random: np.random.Generator,
    where: str,
    *,
    nested: bool = False,
) -> pd.DataFrame:
    """Sample rows without replacement; the rows drawn keep their order.

    Parameters
    ----------
    table : DataFrame
        The source.
    examples : int or "all"
        How many rows.
    random : numpy.random.Generator
        See `miniature.seeds.generator`.
    where : str
        For the message.
    nested : bool
        Whether a larger sample from the same generator has to hold every row of a smaller one.

    Returns
    -------
    DataFrame
        With a fresh index.

    Raises
    ------
    StudyError
        There are fewer rows than asked for.

    Examples
    --------
    >>> from miniature.seeds import generator
    >>> drawn = subsample(pd.DataFrame({"id": list("abcd")}), 2, generator(0, "sample"), "here")
    >>> len(drawn), drawn["id"].is_monotonic_increasing
    (2, True)
    """
    if examples == "all":
        return table
    if examples > len(table):
        raise StudyError(
            f"{examples} examples are asked for, and there are {len(table)}.",
            where=where,
            fix=f"examples: {len(table)}   (or all)",
        )
    if nested:
        rows = random.permutation(len(table))[:examples]
    else:
        rows = random.choice(len(table), size=examples, replace=False)
    return table.iloc[np.sort(rows)].reset_index(drop=True)
