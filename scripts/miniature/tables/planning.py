"""What studies of other sizes could tell, from the spread over trainings that this one measured."""

import pandas as pd

from miniature.scorecard.planning import planning_table

CAPTION = (
    "Planning: with so many examples and replicates, a model that keeps at most the first share is called "
    "not-miniature and one that keeps at least the second miniature, each with a chance of about 80 %, one "
    "characteristic at the bar of the study"
)
DIGITS = {"spread": 3}


def measured_planning(card: pd.DataFrame) -> pd.DataFrame:
    """Planning table of every characteristic whose spread over trainings is known.

    Parameters
    ----------
    card : DataFrame
        `miniature.scorecard.build.SCORECARD_COLUMNS`.

    Returns
    -------
    DataFrame
        ``characteristic``, then the columns of `planning_table`. ``spread`` is the standard deviation over
        trainings of the agreement above chance, as a share of it, as a mean over the models; without any,
        the table of usual spreads.
    """
    known = card[card["spread"].notna() & (card["verdict"] != "uninformative")]
    tables = []
    for name, rows in known.groupby("characteristic", sort=False):
        bar = float(rows["keep"].iloc[0])
        table = planning_table(spreads=(float(rows["spread"].mean()),), bar=bar)
        tables.append(table.assign(characteristic=name))
    if not tables:
        tables = [planning_table().assign(characteristic="any")]
    table = pd.concat(tables, ignore_index=True)
    return table[["characteristic", *(c for c in table.columns if c != "characteristic")]]
