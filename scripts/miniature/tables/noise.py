"""The table of floors that no verdict rests on, to read."""

import pandas as pd

from miniature.scorecard.floor import KINDS
from miniature.tables.write import format_cell

CAPTION = (
    "Agreement of every model with the reference beside the agreement of other realizations of one model: "
    "further means that it differs by more than that kind of noise, examples counted"
)


def printed_noise(table: pd.DataFrame) -> pd.DataFrame:
    """Numbers as text, the share with its bounds in one cell.

    Parameters
    ----------
    table : DataFrame
        `miniature.scorecard.noise.NOISE_COLUMNS`.

    Returns
    -------
    DataFrame
    """
    rows = []
    for row in table.to_dict("records"):
        share, low, high = (format_cell(100 * row[name], 0) for name in ("kept", "kept_low", "kept_high"))
        rows.append(
            {
                "model": row["model"], "characteristic": row["characteristic"],
                "beside": f"{row['of']}: {KINDS[row['kind']]} ({row['realizations']})",
                "agreement": format_cell(row["agreement"], 3), "of the floor": format_cell(row["noise"], 3),
                "share above chance, %": share + (f" ({low} to {high})" if low else ""),
                "as measured": row["as_measured"], "why": row["reason"],
            }
        )  # fmt: skip
    return pd.DataFrame(rows)
