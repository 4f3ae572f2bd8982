"""What a comparison hands on beside its rows: the same agreement recomputed on every resample.

The scorecard needs the difference of two agreements, and its spread depends on how they vary together. So
the rows that a verdict rests on keep their resampled values, for each pair of models. The same resamples
serve every pair, which is what makes differences paired.
"""

import os
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from miniature.agreement.table import concat_rows
from miniature.files import read_parquet, set_aside
from miniature.messages import StudyError


def check_same_examples(tables: Mapping[str, pd.DataFrame], clusters: np.ndarray, *, what: str) -> int:
    """Count the examples, after checking that all models' tables list the same ones in the same order.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        One table for each model, with a column ``id``.
    clusters : array_like of str, shape [examples]
        Cluster of each example of the data table.
    what : str
        What the tables are, for the message ("error lists").

    Returns
    -------
    int
        Examples.

    Raises
    ------
    StudyError
        Naming the model and the first row that differs.

    Examples
    --------
    >>> check_same_examples({"a": pd.DataFrame({"id": ["q1", "q2"]})}, ["p", "p"], what="error lists")
    2
    """
    first, n = None, len(clusters)
    for model, table in tables.items():
        ids = table["id"].to_numpy(dtype=object)
        if len(ids) != n:
            raise StudyError(
                f"The {what} of {model} have {len(ids)} rows; the data table has {n}.",
                where=f"model {model}",
                fix="Give one row for each example of the data table, in its order.",
            )
        if first is None:
            first = (model, ids)
            continue
        differs = np.flatnonzero(ids != first[1])
        if len(differs):
            row = int(differs[0])
            raise StudyError(
                f"The {what} of {first[0]} and {model} list different examples: "
                f"row {row + 1} is {first[1][row]} and {ids[row]}.",
                where=f"model {model}, row {row + 1}",
                fix="Give the rows in the order of the data table.",
            )
    return n


# Values of the column `method` and of an agreement table's `ci_method`.
BOOTSTRAP = "bootstrap over clusters"
BCA = "BCa bootstrap over clusters"  # of intervals: the same draws, see `miniature.statistics.bootstrap`
JACKKNIFE = "jackknife over blocks of clusters"
HALVES = "random halves of the clusters"

RESAMPLE_COLUMNS = ("task", "model_a", "model_b", "method", "resample", "value")


class Resampling(NamedTuple):
    """How intervals over examples are made.

    Attributes
    ----------
    resamples : int
        Bootstrap resamples, of whole clusters.
    blocks : int
        Blocks of clusters that the jackknife leaves out, one at a time.
    rsa_examples : int
        Examples of the subsample on which representational similarity is computed.
    seed : int
        The study's seed.
    """

    resamples: int = 2000
    blocks: int = 20
    rsa_examples: int = 1000
    seed: int = 0


class Comparison(NamedTuple):
    """What a compare function returns.

    Attributes
    ----------
    rows : DataFrame
        Agreement rows.
    resamples : DataFrame
        With `RESAMPLE_COLUMNS`: for the rows that the study's verdict rests on, the value in each resample.
    """

    rows: pd.DataFrame
    resamples: pd.DataFrame


def make_resamples(
    task: str = "", model_a: str = "", model_b: str = "", method: str = "", values: Sequence[float] = ()
) -> pd.DataFrame:
    """Resampled values of one pair of models; without arguments an empty table with the right types.

    Parameters
    ----------
    task, model_a, model_b : str
        As in the agreement row.
    method : str
        `BOOTSTRAP` or `HALVES` (draws: their variance is the estimate's), or `JACKKNIFE` (leave-one-block-out
        values).
    values : array_like of float, shape [resamples]
        NaN where the measure is not defined in a resample.

    Returns
    -------
    DataFrame
        With `RESAMPLE_COLUMNS`.

    Examples
    --------
    >>> make_resamples("squad", "large", "tiny", BOOTSTRAP, [0.5, 0.6])["value"].tolist()
    [0.5, 0.6]
    """
    n = len(values)
    return pd.DataFrame(
        {
            "task": pd.Series([task] * n, dtype="str"),
            "model_a": pd.Series([model_a] * n, dtype="str"),
            "model_b": pd.Series([model_b] * n, dtype="str"),
            "method": pd.Series([method] * n, dtype="str"),
            "resample": np.arange(n, dtype=np.int32),
            "value": np.asarray(values, dtype=np.float64),
        }
    )


def read_resamples(path: str | os.PathLike) -> pd.DataFrame:
    """Table of resampled values from its file.

    Raises
    ------
    StudyError
        The file is damaged or no such table; it has been renamed ``<path>.damaged``.
    """
    table = read_parquet(path)
    if tuple(table.columns) != RESAMPLE_COLUMNS:
        raise set_aside(path, f"its columns are {', '.join(table.columns)}")
    return table


def resampled_by_pair(draws: pd.DataFrame) -> tuple[dict[tuple[str, str], np.ndarray], str]:
    """Resampled values of each pair of models, and how they were made.

    Parameters
    ----------
    draws : DataFrame
        With `RESAMPLE_COLUMNS`, of one task.

    Returns
    -------
    values : dict of (str, str) to ndarray of float64, each [resamples]
    method : str
        `BOOTSTRAP`, `HALVES` or `JACKKNIFE`; empty where there is no value.

    Examples
    --------
    >>> values, method = resampled_by_pair(make_resamples("squad", "large", "tiny", BOOTSTRAP, [0.5, 0.6]))
    >>> {pair: x.tolist() for pair, x in values.items()}, method == BOOTSTRAP
    ({('large', 'tiny'): [0.5, 0.6]}, True)
    """
    values = {p: g["value"].to_numpy(dtype=float) for p, g in draws.groupby(["model_a", "model_b"])}
    return values, str(draws["method"].iloc[0]) if len(draws) else ""


def concat_comparisons(comparisons: Sequence[Comparison]) -> Comparison:
    """One comparison from those of several tasks."""
    return Comparison(
        concat_rows([c.rows for c in comparisons]),
        pd.concat([make_resamples(), *(c.resamples for c in comparisons)], ignore_index=True),
    )


def rests_on(verdict: Mapping[str, object] | None, **row: object) -> bool:
    """Whether a verdict rests on a row.

    Parameters
    ----------
    verdict : mapping or None
        One entry of the study's ``verdict:``; None where the characteristic has none.
    **row : object
        The row's ``task``, ``measure`` and what else selects it (``k``, ``dataset``, ``ood_dataset``,
        ``recipe``, ``feature``).

    Returns
    -------
    bool
        True where each key that the verdict and the row both name has one value.

    Examples
    --------
    >>> settings = {"task": "squad", "measure": "jaccard", "k": 10, "margin": 0.05}
    >>> [rests_on(settings, task="squad", measure="jaccard", k=k) for k in (5, 10)]
    [False, True]
    """
    return verdict is not None and all(verdict[key] == value for key, value in row.items() if key in verdict)
