"""The scorecard to read: one row for each model and characteristic, intervals in one cell."""

import os
from collections.abc import Sequence

import pandas as pd

from miniature.files import read_csv
from miniature.scorecard.build import COUNT_COLUMNS, SCORECARD_COLUMNS, TEXT_COLUMNS
from miniature.scorecard.verdicts import NOT_MEASURED
from miniature.tables.write import format_cell

COLUMNS = (
    "model", "characteristic", "measure", "K", "agreement", "CI low", "CI high", "chance", "ceiling", "floor",
    "floor low", "floor high", "difference", "difference low", "difference high", "margin", "score",
    "accuracy difference", "verdict", "why",
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
    table = read_csv(path, dtype=str).fillna("")
    for name in SCORECARD_COLUMNS:
        if name in COUNT_COLUMNS:
            table[name] = pd.array([int(cell) if cell else None for cell in table[name]], dtype="Int64")
        elif name not in TEXT_COLUMNS:
            table[name] = [float(cell) if cell else float("nan") for cell in table[name]]
    return table[list(SCORECARD_COLUMNS)]


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
        Agreement with its 95 % interval over examples, floor with its own over trainings, difference with
        the bounds that the verdict rests on; chance and ceiling in one cell.
    """
    shown = table[["characteristic", "model"]].copy()
    shown["agreement"] = _with_interval(table, "agreement", ("CI low", "CI high"))
    shown["chance, ceiling"] = _joined(table, ("chance", "ceiling"), ", ")
    shown["floor"] = _with_interval(table, "floor", ("floor low", "floor high"))
    shown["difference"] = _with_interval(table, "difference", ("difference low", "difference high"))
    shown["score"] = [format_cell(value, 2) for value in table["score"]]
    shown["accuracy difference"] = [format_cell(value, 3) for value in table["accuracy difference"]]
    shown["verdict"] = table["verdict"]
    # A row that was not measured says so already.
    measured = table["verdict"] != NOT_MEASURED
    shown["why"] = [why if known else "" for why, known in zip(table["why"], measured, strict=True)]
    return shown


def _joined(table: pd.DataFrame, names: Sequence[str], by: str) -> list[str]:
    cells = [[format_cell(value, 3) for value in table[name]] for name in names]
    return [by.join(parts) if all(parts) else "".join(parts) for parts in zip(*cells, strict=True)]


def _with_interval(table: pd.DataFrame, name: str, bounds: Sequence[str]) -> list[str]:
    values = [format_cell(value, 3) for value in table[name]]
    intervals = _joined(table, bounds, " to ")
    return [
        f"{value} ({interval})" if interval else value
        for value, interval in zip(values, intervals, strict=True)
    ]


def describe_verdicts(table: pd.DataFrame) -> str:
    """Caption that says what each characteristic's verdict rests on.

    Examples
    --------
    >>> row = {"characteristic": "errors", "measure": "jaccard", "K": None, "margin": 0.05}
    >>> describe_verdicts(pd.DataFrame([row]))
    'Scorecard. errors: jaccard, margin 0.05'
    """
    first = table.drop_duplicates("characteristic")
    parts = [
        f"{row['characteristic']}: {row['measure']}"
        + ("" if pd.isna(row["K"]) else f" at K = {int(row['K'])}")
        + f", margin {row['margin']:g}"
        for row in first.to_dict("records")
    ]
    return f"Scorecard. {'; '.join(parts)}" if parts else "Scorecard. No verdict is asked for"
