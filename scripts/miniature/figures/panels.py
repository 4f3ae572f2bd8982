"""The rows of the agreement tables that a panel shows, checked and in a fixed order."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from miniature.messages import StudyError

PAIRS = ("reference", "others")

# Columns that must be the same for every curve of a panel; the panel may name their values.
NARROWED_BY = ("task", "dataset", "split", "ood_dataset", "recipe", "feature")


def panel_data(
    agreement: pd.DataFrame,
    panel: Mapping,
    *,
    models: Sequence[str],
    reference: str,
    replicates: Sequence[str] = (),
) -> pd.DataFrame:
    """Rows that one panel draws: one characteristic, one measure, the requested pairs, every K."""
    pairs = panel["pairs"]
    if pairs not in PAIRS:
        raise ValueError(f"pairs is {pairs!r}, not one of {PAIRS}")
    characteristic, measure = panel["characteristic"], panel["measure"]
    rows = agreement[agreement["characteristic"] == characteristic]
    if rows.empty:
        return rows.reset_index(drop=True)
    if measure not in set(rows["measure"]):
        known = ", ".join(sorted(set(rows["measure"])))
        raise StudyError(
            f"Agreement on {characteristic} has no measure named {measure!r}.",
            where="figure1: panels",
            fix=f"measure: one of {known}",
        )
    rows = rows[rows["measure"] == measure]
    rows = _narrow(rows, panel)
    floor = list(replicates) if pairs == "reference" else []
    place = {model: i for i, model in enumerate([*models, *floor])}
    rows = rows[rows["model_a"].isin(place) & rows["model_b"].isin(place)]
    with_reference = (rows["model_a"] == reference) | (rows["model_b"] == reference)
    rows = rows[with_reference if pairs == "reference" else ~with_reference]
    if rows["k"].isna().any():
        raise StudyError(
            f"A panel of figure 1 draws agreement against K, but agreement on {characteristic} has no K.",
            where="figure1: panels",
            fix="characteristic: representation   # or distribution",
        )
    order = pd.DataFrame(
        {
            "a": rows["model_a"].map(place),
            "b": rows["model_b"].map(place),
            "k": rows["k"].astype(np.int64),
        }
    ).sort_values(["a", "b", "k"], kind="stable")
    rows = rows.loc[order.index].reset_index(drop=True)
    if rows.duplicated(["model_a", "model_b", "k"]).any():
        raise ValueError("the agreement table has two rows for one pair, measure and K")
    return rows


def _narrow(rows: pd.DataFrame, panel: Mapping) -> pd.DataFrame:
    """Keep the rows that the panel names; raise an error if several values are left."""
    for column in NARROWED_BY:
        wanted = panel.get(column)
        present = sorted({str(value) for value in rows[column].dropna()} - {""})
        if wanted is not None:
            rows = rows[rows[column].astype(object) == wanted]
            if rows.empty:
                raise StudyError(
                    f"Figure 1 has nothing to draw for {column} {wanted!r}.",
                    where="figure1: panels",
                    fix=f"{column}: one of {', '.join(present) or '(none)'}",
                )
        elif len(present) > 1:
            raise StudyError(
                f"A panel shows one {column}, but {panel['characteristic']} was measured on several.",
                where="figure1: panels",
                fix=f"{column}: {present[0]}   # or {', '.join(present[1:])}",
            )
    return rows


def curves(rows: pd.DataFrame) -> dict[tuple[str, str], pd.DataFrame]:
    """Rows of a panel by pair of models, in the order of the table."""
    found = {}
    for pair, curve in rows.groupby(["model_a", "model_b"], sort=False):
        if np.isfinite(curve["value"].astype(float)).any():
            found[pair] = curve
    return found


def chance_range(rows: pd.DataFrame) -> pd.DataFrame:
    """Chance agreement at each K over the pairs of a panel."""
    known = rows.assign(chance=rows["chance"].astype(float), k=rows["k"].astype(np.int64))
    known = known[known["chance"].notna()]
    grouped = known.groupby("k")["chance"]
    return pd.DataFrame({"mean": grouped.mean(), "low": grouped.min(), "high": grouped.max()}).reset_index()


def chance_varies(rows: pd.DataFrame) -> bool:
    """Whether the pairs of a panel differ enough in chance agreement to show its range."""
    chance = chance_range(rows)
    return bool(((chance["high"] - chance["low"]) > 0.005).any())
