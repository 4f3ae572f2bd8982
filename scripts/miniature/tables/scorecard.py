"""The scorecard to read: one row for each model and characteristic, intervals in one cell."""

import os
from collections.abc import Callable, Sequence

import pandas as pd

from miniature.agreement.table import read_table
from miniature.scorecard.build import COUNT_COLUMNS, SCORECARD_COLUMNS, TEXT_COLUMNS
from miniature.scorecard.floor import KINDS
from miniature.scorecard.verdicts import NOT_MEASURED
from miniature.tables.write import format_cell

COLUMNS = (
    "model", "characteristic", "measure", "K", "agreement", "CI low", "CI high", "chance", "ceiling", "floor",
    "floor low", "floor high", "difference", "difference low", "difference high", "margin", "score",
    "accuracy difference", "verdict", "why", "keep", "kept", "kept low", "kept high",
    "floor kind", "replicates", "n clusters",
)  # fmt: skip
RENAMED = {"ci_low": "CI low", "ci_high": "CI high", "k": "K", "reason": "why"}


def read_scorecard(path: str | os.PathLike) -> pd.DataFrame:
    """Scorecard from its csv, with the types that `miniature.scorecard.build.build.build_scorecard` gives.

    Parameters
    ----------
    path : path
        The csv.

    Returns
    -------
    DataFrame
        Text never missing (a model may be called "NA"), whole numbers nullable, others float64.

    Raises
    ------
    StudyError
        As for `miniature.files.read_csv`.
    """
    return read_table(path, SCORECARD_COLUMNS, TEXT_COLUMNS, COUNT_COLUMNS)


def scorecard_table(scorecard: pd.DataFrame) -> pd.DataFrame:
    """Scorecard with headings to read.

    Parameters
    ----------
    scorecard : DataFrame
        See `miniature.scorecard.build.build.build_scorecard`.

    Returns
    -------
    DataFrame
        With `COLUMNS`, rows by characteristic, then by model, as a reader compares models.
    """
    table = scorecard.rename(columns=lambda name: RENAMED.get(name, name.replace("_", " ")))
    order = {name: i for i, name in enumerate(dict.fromkeys(scorecard["characteristic"]))}
    table = table.sort_values("characteristic", key=lambda names: names.map(order), kind="stable")
    return table[list(COLUMNS)].reset_index(drop=True)


def printed_scorecard(table: pd.DataFrame) -> pd.DataFrame:
    """Numbers as text, each with its interval in one cell.

    Parameters
    ----------
    table : DataFrame
        From `scorecard_table`.

    Returns
    -------
    DataFrame
        What a verdict rests on first: the share kept with its bounds, agreement and floor; then whatever
        keeps it open. A level shows its difference in the place of agreement.
    """
    shown = table[["model", "characteristic", "verdict"]].copy()
    kept = table.assign(kept=100 * table["kept"], low=100 * table["kept low"], high=100 * table["kept high"])
    shown["kept, %"] = _with_interval(kept, "kept", ("low", "high"), digits=0)
    shown["agreement"] = _with_interval(table, "agreement", ("CI low", "CI high"))
    shown["chance"] = [format_cell(value, 3) for value in table["chance"]]
    shown["floor"] = _with_interval(table, "floor", ("floor low", "floor high"))
    shown["accuracy difference"] = [format_cell(value, 3) for value in table["accuracy difference"]]
    shown["clusters"] = [format_cell(value, 0) for value in table["n clusters"]]
    # A row that was not measured says so already.
    measured = table["verdict"] != NOT_MEASURED
    shown["why"] = [why if known else "" for why, known in zip(table["why"], measured, strict=True)]
    return shown.sort_values("model", key=_order_of(table["model"]), kind="stable").reset_index(drop=True)


def _order_of(names: pd.Series) -> Callable[[pd.Series], pd.Series]:
    """Sort key that keeps names in the order in which they first appear."""
    order = {name: i for i, name in enumerate(dict.fromkeys(names))}
    return lambda column: column.map(order)


def _joined(table: pd.DataFrame, names: Sequence[str], by: str, digits: int = 3) -> list[str]:
    cells = [[format_cell(value, digits) for value in table[name]] for name in names]
    return [by.join(parts) if all(parts) else "".join(parts) for parts in zip(*cells, strict=True)]


def _with_interval(table: pd.DataFrame, name: str, bounds: Sequence[str], digits: int = 3) -> list[str]:
    values = [format_cell(value, digits) for value in table[name]]
    intervals = _joined(table, bounds, " to ", digits)
    return [
        f"{value} ({interval})" if interval else value
        for value, interval in zip(values, intervals, strict=True)
    ]


def describe_verdicts(table: pd.DataFrame) -> str:
    """Caption that says what each characteristic's verdict rests on, and on which floor.

    Examples
    --------
    >>> row = {"characteristic": "errors", "measure": "jaccard", "K": None, "margin": None, "keep": 0.8}
    >>> describe_verdicts(pd.DataFrame([row | {"floor kind": "retrained", "replicates": 3}]))
    'Scorecard. errors: jaccard, keep 0.8. Floor: other trainings, other seeds (3)'
    """
    first = table.drop_duplicates("characteristic")
    parts = [
        f"{row['characteristic']}: {row['measure']}"
        + ("" if pd.isna(row["K"]) else f" at K = {int(row['K'])}")
        + (f", margin {row['margin']:g}" if pd.isna(row["keep"]) else f", keep {row['keep']:g}")
        for row in first.to_dict("records")
    ]
    if not parts:
        return "Scorecard. No verdict is asked for"
    kinds = [kind for kind in dict.fromkeys(table["floor kind"]) if kind]
    counted = table["replicates"].max()
    floor = f". Floor: {KINDS[kinds[0]]} ({int(counted)})" if kinds and not pd.isna(counted) else ""
    return f"Scorecard. {'; '.join(parts)}{floor}"
