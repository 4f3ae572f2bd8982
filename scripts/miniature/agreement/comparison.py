"""The results of a comparison: agreement rows, and the same agreement recomputed on every resample.

The scorecard needs the difference of two agreements, whose variance depends on how they vary together. So the
rows that a verdict depends on keep their resampled values for each pair of models. All pairs share the same
resamples, so differences are paired.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from miniature.agreement.table import concat_rows
from miniature.files import quarantine, read_parquet, write_csv, write_parquet
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
        Description of the tables, for the message ("error lists").

    Returns
    -------
    int
        Examples.

    Raises
    ------
    StudyError
        Names the model and the first row that differs.

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
                fix="Provide one row for each example of the data table, in its order.",
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
                fix="Provide the rows in the order of the data table.",
            )
    return n


# Values of the column `method` and of an agreement table's `ci_method`.
BOOTSTRAP = "bootstrap over clusters"
BCA = "BCa bootstrap over clusters"  # for intervals: the same draws, see `miniature.statistics.bootstrap`
JACKKNIFE = "jackknife over blocks of clusters"
HALVES = "random halves of the clusters"

RESAMPLE_TEXTS = ("task", "model_a", "model_b", "examples_of", "method")
RESAMPLE_COLUMNS = (*RESAMPLE_TEXTS, "resample", "value", "chance")


class Resampling(NamedTuple):
    """Settings for intervals over examples.

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


class Comparing(NamedTuple):
    """What is compared, for whom: shared by all rows of one comparison.

    Attributes
    ----------
    task, dataset, split : str
        Labels of the rows.
    reference : str
        Name of the reference, put first in its pairs.
    resampling : Resampling
        How intervals are made.
    verdict : mapping, optional
        What the study's verdict on the characteristic rests on: that row keeps its resampled values.
    ood_dataset, recipe, feature : str
        Labels where they apply.
    trainings : sequence of str
        Other trainings of the reference.
    """

    task: str
    dataset: str
    split: str
    reference: str
    resampling: Resampling
    verdict: Mapping[str, object] | None = None
    ood_dataset: str = ""
    recipe: str = ""
    feature: str = ""
    trainings: Sequence[str] = ()

    @classmethod
    def on(
        cls, places: Mapping[str, str], *, resampling: Mapping[str, int], **settings: object
    ) -> "Comparing":
        """Models compared on the test split of a task; `places` has it, and what it is measured with."""
        task = places["task"]
        return cls(dataset=task, split="test", resampling=Resampling(**resampling), **places, **settings)

    def labels(self, characteristic: str) -> dict[str, object]:
        """Columns that all rows share."""
        names = ("task", "dataset", "split", "ood_dataset", "recipe", "feature")
        shared = {name: getattr(self, name) for name in names if getattr(self, name)}
        return {"characteristic": characteristic, **shared}


class Comparison(NamedTuple):
    """Return value of a compare function.

    Attributes
    ----------
    rows : DataFrame
        Agreement rows.
    resamples : DataFrame
        With `RESAMPLE_COLUMNS`: for the rows that the study's verdict depends on, the value in each resample.
    """

    rows: pd.DataFrame
    resamples: pd.DataFrame


def make_resamples(
    task: str = "",
    model_a: str = "",
    model_b: str = "",
    method: str = "",
    values: Sequence[float] = (),
    chance: float | Sequence[float] = float("nan"),
    *,
    examples_of: str = "",
) -> pd.DataFrame:
    """Resampled values of one pair of models; without arguments, an empty table with the right types.

    Parameters
    ----------
    task, model_a, model_b : str
        As in the agreement row.
    method : str
        `BOOTSTRAP` or `HALVES` (draws: their variance is the estimate's), or `JACKKNIFE` (leave-one-block-out
        values).
    values : array_like of float, shape [resamples]
        NaN where the measure is undefined in a resample.
    chance : float or array_like of float, shape [resamples]
        Agreement of unrelated models in each resample, or one for all; NaN if there is none.
    examples_of : str
        As in the agreement row.

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
            "examples_of": pd.Series([examples_of] * n, dtype="str"),
            "method": pd.Series([method] * n, dtype="str"),
            "resample": np.arange(n, dtype=np.int32),
            "value": np.asarray(values, dtype=np.float64),
            "chance": np.full(n, chance, dtype=np.float64),
        }
    )


def read_resamples(path: str | os.PathLike) -> pd.DataFrame:
    """Table of resampled values from its file, its texts as categories.

    Raises
    ------
    StudyError
        The file is damaged or not such a table; it has been renamed ``<path>.damaged``.
    """
    table = read_parquet(path, categories=RESAMPLE_TEXTS)
    if tuple(table.columns) != RESAMPLE_COLUMNS:
        raise quarantine(path, f"its columns are {', '.join(table.columns)}")
    return table


class Draws(NamedTuple):
    """One agreement on every resample of the examples, with the agreement of unrelated models.

    Attributes
    ----------
    values, chance : ndarray of float64, shape [resamples]
    """

    values: np.ndarray
    chance: np.ndarray


def resampled_by_pair(
    draws: pd.DataFrame, task: str, examples_of: str = "", *, among: Iterable[str] | None = None
) -> tuple[dict[tuple[str, str], Draws], str]:
    """Resampled values of each pair of models on a task, and how they were made.

    Parameters
    ----------
    draws : DataFrame
        With `RESAMPLE_COLUMNS`.
    task : str
    examples_of : str
        A model: where a pair was compared on the examples of that model, that comparison.
    among : iterable of str, optional
        Pairs of these models only.

    Returns
    -------
    values : dict of (str, str) to Draws
    method : str
        `BOOTSTRAP`, `HALVES` or `JACKKNIFE`; empty if there are no values.

    Examples
    --------
    >>> table = make_resamples("squad", "large", "tiny", BOOTSTRAP, [0.5, 0.6], 0.1)
    >>> draws, method = resampled_by_pair(table, "squad")
    >>> {pair: x.values.tolist() for pair, x in draws.items()}, method == BOOTSTRAP
    ({('large', 'tiny'): [0.5, 0.6]}, True)
    """
    values, of_task = {}, (draws["task"] == task).to_numpy()
    wanted = of_task
    if among is not None:
        models = list(among)
        wanted = of_task & draws["model_a"].isin(models).to_numpy() & draws["model_b"].isin(models).to_numpy()
    for own in dict.fromkeys(("", examples_of)):
        chosen = draws[wanted & (draws["examples_of"] == own).to_numpy()]
        for pair, rows in chosen.groupby(["model_a", "model_b"], observed=True):
            values[pair] = Draws(rows["value"].to_numpy(dtype=float), rows["chance"].to_numpy(dtype=float))
    return values, str(draws["method"].iloc[int(of_task.argmax())]) if of_task.any() else ""


def concat_comparisons(comparisons: Sequence[Comparison]) -> Comparison:
    """One comparison from those of several tasks."""
    texts = dict.fromkeys(RESAMPLE_TEXTS, "str")
    resamples = [make_resamples(), *(c.resamples.astype(texts) for c in comparisons)]
    return Comparison(concat_rows([c.rows for c in comparisons]), pd.concat(resamples, ignore_index=True))


def write_comparison(comparison: Comparison, *, agreement: str | os.PathLike, resamples: str | os.PathLike):
    """Write rows as CSV and resampled values as Parquet.

    Parameters
    ----------
    comparison : Comparison
    agreement, resamples : path
        The two files.
    """
    write_csv(comparison.rows, agreement)
    write_parquet(comparison.resamples, resamples)


def rests_on(verdict: Mapping[str, object] | None, **row: object) -> bool:
    """Whether a verdict depends on a row.

    Parameters
    ----------
    verdict : mapping or None
        One entry of the study's ``verdict:``; None if the characteristic has none.
    **row : object
        The row's ``task``, ``measure`` and other selecting columns (``k``, ``dataset``, ``ood_dataset``,
        ``recipe``, ``feature``).

    Returns
    -------
    bool
        True if every key that the verdict and the row share has the same value.

    Examples
    --------
    >>> settings = {"task": "squad", "measure": "jaccard", "k": 10, "keep": 0.8}
    >>> [rests_on(settings, task="squad", measure="jaccard", k=k) for k in (5, 10)]
    [False, True]
    """
    return verdict is not None and all(verdict[key] == value for key, value in row.items() if key in verdict)
