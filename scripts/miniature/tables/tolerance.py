"""The tolerance table to read: what changed against the original, bounds in one cell."""

import pandas as pd

from miniature.scorecard.limits import NOT_MEASURED
from miniature.tables.write import format_cell

CAPTION = (
    "Every model against its original: value with one-sided 95 % bounds over examples, the limit that the "
    "study tolerates, and what retraining the original changes"
)
# Measures that are shares of the examples, shown in per cent.
SHARES = ("decisions_changed", "newly_wrong", "newly_right", "accuracy_kept")


def printed_tolerance(table: pd.DataFrame) -> pd.DataFrame:
    """Numbers as text, one row for each measure of each model.

    Parameters
    ----------
    table : DataFrame
        `miniature.scorecard.tolerance.COLUMNS`.

    Returns
    -------
    DataFrame
        Rows that were measured; shares in per cent.
    """
    rows = []
    for row in table[table["verdict"] != NOT_MEASURED].to_dict("records"):
        share = row["measure"] in SHARES

        def shown(value: float, share: bool = share) -> str:
            return format_cell(100 * value, 1) if share else format_cell(value, 4)

        bounds = "" if pd.isna(row["low"]) else f" ({shown(row['low'])} to {shown(row['high'])})"
        rows.append(
            {
                "model": row["model"], "task": row["task"],
                "measure": row["measure"].replace("_", " ") + (", %" if share else ""),
                "value": f"{shown(row['value'])}{bounds}", "limit": shown(row["limit"]),
                "verdict": row["verdict"], "retraining": shown(row["retraining"]),
                "n": format_cell(row["n"], 0), "clusters": format_cell(row["n_clusters"], 0),
                "why": row["reason"],
            }
        )  # fmt: skip
    names = ("model", "task", "measure", "value", "limit", "verdict", "retraining", "n", "clusters", "why")
    return pd.DataFrame(rows, columns=list(names))
