"""The agreement table: one row per value of one measure on one pair of models."""

import io
import os
from collections.abc import Iterable, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

from miniature.files import quarantine, read_csv
from miniature.names import control_of

TEXT_COLUMNS = (
    "characteristic", "task", "dataset", "split", "ood_dataset", "recipe", "feature",
    "model_a", "model_b", "measure", "ci_method", "examples_of",
)  # fmt: skip
COUNT_COLUMNS = ("k", "n", "n_clusters")
AGREEMENT_COLUMNS = (
    "characteristic", "task", "dataset", "split", "ood_dataset", "recipe", "feature",
    "model_a", "model_b", "k", "measure", "value", "ci_low", "ci_high", "ci_method",
    "chance", "ceiling", "n", "n_clusters", "examples_of",
)  # fmt: skip


def make_rows(**columns: object) -> pd.DataFrame:
    """Rows of the agreement table from scalars and arrays of equal length.

    Parameters
    ----------
    **columns : scalar or array_like, shape [rows]
        Values of the table's columns; columns not given, or None, are empty.

    Returns
    -------
    DataFrame
        With `AGREEMENT_COLUMNS`. Inapplicable text is empty (never missing: ``groupby`` would drop the row),
        inapplicable numbers are missing.

    Raises
    ------
    TypeError
        If a name is not a column of the table.

    Examples
    --------
    >>> make_rows(model_a="a", model_b="b", measure="jaccard", value=[0.5, 1.0]).shape
    (2, 20)
    """
    return make_table(AGREEMENT_COLUMNS, TEXT_COLUMNS, COUNT_COLUMNS, columns)


def make_table(
    names: Sequence[str], text: Sequence[str], counts: Sequence[str], columns: dict[str, object]
) -> pd.DataFrame:
    """Table with fixed columns and column types, even without rows.

    Parameters
    ----------
    names : sequence of str
        All columns, in order.
    text, counts : sequence of str
        Those that are text, and those that are whole numbers; the others are float64.
    columns : dict
        As for `make_rows`; without any, the table is empty.

    Returns
    -------
    DataFrame

    Raises
    ------
    TypeError
        If a name is not a column of the table.
    """
    unknown = set(columns) - set(names)
    if unknown:
        raise TypeError(f"No such column: {', '.join(sorted(unknown))}")
    lengths = {len(v) for v in columns.values() if np.ndim(v)}
    if len(lengths) > 1:
        raise ValueError(f"Columns of different lengths: {sorted(lengths)}")
    rows = lengths.pop() if lengths else int(bool(columns))
    table = {}
    for name in names:
        value = columns.get(name)
        if name in text:
            value = "" if value is None else value
            table[name] = pd.Series(value, index=range(rows), dtype="str")
        elif name in counts:
            table[name] = pd.Series(pd.NA if value is None else value, index=range(rows), dtype="Int64")
        else:
            table[name] = pd.Series(np.nan if value is None else value, index=range(rows), dtype="float64")
    return pd.DataFrame(table, columns=list(names))


def concat_rows(tables: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Concatenate agreement tables; without any, an empty table with the right columns and types.

    Parameters
    ----------
    tables : iterable of DataFrame
        Made by `make_rows`.

    Returns
    -------
    DataFrame
        With `AGREEMENT_COLUMNS`, rows numbered from 0.

    Examples
    --------
    >>> len(concat_rows([]))
    0
    """
    return pd.concat([make_rows(), *tables], ignore_index=True)


def read_table(
    path: str | os.PathLike, names: Sequence[str], text: Sequence[str], counts: Sequence[str]
) -> pd.DataFrame:
    """Table of `make_table` from its CSV file; the last three parameters are those of `make_table`.

    Raises
    ------
    StudyError
        As for `miniature.files.read_csv`.
    """
    # Read as text first: pandas would take a model called "NA" or "null" for a missing value.
    cells = read_csv(path, dtype=str).fillna("")
    columns: dict[str, object] = {}
    for name in names if len(cells) else ():
        own = cells[name].tolist()
        if name in counts:
            own = [int(cell) if cell else None for cell in own]
        elif name not in text:
            own = [float(cell or "nan") for cell in own]
        columns[name] = own
    return make_table(names, text, counts, columns)


def list_pairs(models: Iterable[str], reference: str) -> list[tuple[str, str]]:
    """All pairs of models: the reference first, the others in the order given (the study's).

    A control (``large.control``: the same checkpoint, run again) is paired with its model only; its pairs
    with others would repeat those of that model.

    Parameters
    ----------
    models : iterable of str
        Models that have the characteristic. The reference may be missing.
    reference : str
        The reference model's name.

    Returns
    -------
    list of tuple of str
        ``(model_a, model_b)``, the reference never second.

    Examples
    --------
    >>> list_pairs(["tiny", "large", "base"], "large")
    [('large', 'tiny'), ('large', 'base'), ('tiny', 'base')]
    >>> list_pairs(["large", "large.control", "tiny"], "large")
    [('large', 'large.control'), ('large', 'tiny')]
    """
    ordered = sorted(models, key=lambda model: model != reference)  # stable: the others keep their order
    return [(a, b) for a, b in combinations(ordered, 2) if control_of(b) in (None, a) and not control_of(a)]


def count_clusters(clusters: np.ndarray, used: np.ndarray | None = None) -> int:
    """Distinct clusters among the examples used.

    Parameters
    ----------
    clusters : array_like of str, shape [examples]
        Cluster of each example (examples that share a paragraph, for instance).
    used : ndarray of bool, shape [examples], optional
        Which examples count; all by default.

    Returns
    -------
    int

    Raises
    ------
    ValueError
        If the lengths differ.

    Examples
    --------
    >>> count_clusters(["p1", "p1", "p2"], np.array([True, True, False]))
    1
    """
    clusters = np.asarray(clusters, dtype=object)
    if used is not None:
        if len(used) != len(clusters):
            raise ValueError(f"{len(clusters)} clusters for {len(used)} examples.")
        clusters = clusters[used]
    return int(pd.unique(pd.Series(clusters)).size)


def read_agreement(source: str | os.PathLike | io.TextIOBase) -> pd.DataFrame:
    r"""Agreement table from its CSV file, with the types that `make_rows` gives.

    Parameters
    ----------
    source : path or text file
        One of the study's agreement tables.

    Returns
    -------
    DataFrame
        With `AGREEMENT_COLUMNS`.

    Raises
    ------
    StudyError
        The file is damaged or not an agreement table; it has been renamed ``<source>.damaged``.
    ValueError
        The same for an open text file, which has no name.

    Examples
    --------
    >>> table = make_rows(model_a="NA", model_b="null", value=0.25)
    >>> read_agreement(io.StringIO(table.to_csv(index=False))).equals(table)
    True
    """
    if isinstance(source, io.TextIOBase):
        return _parsed(source)
    try:
        content = Path(source).read_bytes().decode("utf-8")
        # A truncated number is still a number, so an incomplete last line is detected by its missing line
        # break.
        if content and not content.endswith("\n"):
            raise ValueError("its last line is truncated")
        return _parsed(io.StringIO(content))
    except ValueError as error:  # includes errors of pandas and of Unicode
        raise quarantine(source, str(error).rstrip(".")) from error


def _parsed(file: io.TextIOBase) -> pd.DataFrame:
    # Read as text first: pandas would take a model called "NA" or "null" for a missing value.
    raw = pd.read_csv(file, dtype=str, keep_default_na=False)
    if tuple(raw.columns) != AGREEMENT_COLUMNS:
        raise ValueError(f"Not an agreement table; its columns are {list(raw.columns)}.")
    if raw.empty:
        return make_rows()
    columns: dict[str, object] = {}
    for name in AGREEMENT_COLUMNS:
        cells = raw[name].tolist()
        if name in COUNT_COLUMNS:
            cells = [int(cell) if cell else None for cell in cells]
        elif name not in TEXT_COLUMNS:
            cells = [float(cell) if cell else np.nan for cell in cells]
        columns[name] = cells
    return make_rows(**columns)
