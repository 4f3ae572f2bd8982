"""Row i of every model's table is row i of the data table: checked before two models are compared."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

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
