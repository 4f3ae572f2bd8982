"""The control: the reference against itself, run again with another batch size and thread count.

Any difference is due to the order of additions, so agreement between two models cannot be known more
precisely.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from miniature.characteristics.declared import DECLARED
from miniature.files import read_npy, read_parquet
from miniature.measures.registry import MEASURES
from miniature.scorecard.build import select_rows

COLUMNS = (
    "characteristic", "task", "measure", "K", "agreement", "distance", "examples", "differ",
    "what differs", "says",
)  # fmt: skip
IDENTICAL = "identical"


def count_differences(one: str | Path, other: str | Path, column: str, k: int | None) -> tuple[int, int]:
    """Number of common examples, and of those that differ: in a column, or in their sets of neighbors."""
    if not column:
        a, b = (np.sort(read_npy(path)[:, :k], axis=1) for path in (one, other))
        return len(a), int((a != b).any(axis=1).sum())
    tables = [read_parquet(path) for path in (one, other)]
    a, b = ((t[t["k"] == k] if "k" in t else t)[column] for t in tables)
    known = a.notna() & b.notna()
    return int(known.sum()), int((a[known] != b[known]).sum())


def control_table(
    agreement: pd.DataFrame,
    files: Mapping[str, tuple[str | Path, str | Path]],
    *,
    reference: str,
    control: str,
    verdict: Mapping[str, Mapping],
) -> pd.DataFrame:
    """One row for each characteristic whose verdict the control can check.

    Parameters
    ----------
    agreement : DataFrame
        Agreement rows of all characteristics.
    files : mapping of str to pair of path
        By characteristic, the outputs of the reference and its control; see `declared.Control`.
    reference, control : str
        The two names.
    verdict : mapping
        The study's ``verdict:`` block.

    Returns
    -------
    DataFrame
        With `COLUMNS`. ``distance`` is how far the agreement is from that of a model with itself (1, or 0 if
        zero or lower is closer); ``says`` is the row as text.

    Examples
    --------
    >>> control_table(
    ...     pd.DataFrame(), {}, reference="large", control="large.control", verdict={}
    ... ).shape
    (0, 10)
    """
    rows = []
    for name, (one, other) in files.items():
        settings = verdict[name]
        found = select_rows(agreement, name, settings)
        found = found[(found["model_a"] == reference) & (found["model_b"] == control)]
        counted = DECLARED[name].control
        what = counted.what.format(**settings)
        examples, differ = count_differences(one, other, counted.column, settings.get("k"))
        value = float(found["value"].iloc[0]) if len(found) else float("nan")
        distance = abs(value - perfect(str(settings["measure"])))
        rows.append(
            {
                "characteristic": name, "task": settings["task"], "measure": settings["measure"],
                "K": settings.get("k"), "agreement": value, "distance": distance, "examples": examples,
                "differ": differ, "what differs": what, "says": say_row(distance, examples, differ, what),
            }
        )  # fmt: skip
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    return table.astype({"K": "Int64", "examples": "Int64", "differ": "Int64"})


def perfect(measure: str) -> float:
    """Agreement of a model with itself."""
    return float(MEASURES[measure].high) if MEASURES[measure].closer == "higher" else 0.0


def say_row(distance: float, examples: int, differ: int, what: str) -> str:
    """One row as text."""
    counted = f"{what} of {differ:,} of {examples:,} examples differs"
    if np.isnan(distance):
        return f"agreement is undefined; {counted}"
    if distance == 0 and differ == 0:
        return IDENTICAL
    return f"{counted}; agreement is off by {distance:.2g}"


def describe_control(table: pd.DataFrame, *, reference: str) -> str:
    """The whole table as one sentence, for a page.

    Examples
    --------
    >>> one = pd.DataFrame([{"characteristic": "errors", "says": "identical"}])
    >>> describe_control(one, reference="large")
    'Run again with another batch size and thread count, large agrees with itself exactly (errors).'
    """
    opening = f"Run again with another batch size and thread count, {reference}"
    alike = [r.characteristic for r in table.itertuples() if r.says == IDENTICAL]
    other = [f"{r.characteristic}: {r.says}" for r in table.itertuples() if r.says != IDENTICAL]
    if not other:
        return f"{opening} agrees with itself exactly ({', '.join(alike)})."
    same = f" It agrees exactly in {', '.join(alike)}." if alike else ""
    return f"{opening} does not agree with itself fully. {'. '.join(other)}.{same}"
