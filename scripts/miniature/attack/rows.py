"""The attacks table: one row per example, none left out."""

from collections.abc import Iterable

import pandas as pd
import pyarrow as pa

# What an attack can come to; every reader of an attacks table takes the words from here.
BROKEN = ("success",)
HELD = ("failure",)
BUDGET = ("query_budget", "time_budget")  # spent before the search was done: not broken
WRONG_BEFORE = ("skipped",)
FAILED = ("error",)
ATTACKED = BROKEN + HELD + BUDGET  # right before the attack
OUTCOMES = ATTACKED + WRONG_BEFORE + FAILED

ATTACKS_SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("label", pa.string()),
        ("prediction_before", pa.string()),
        ("prediction_after", pa.string()),
        ("outcome", pa.string()),
        ("original_text", pa.string()),
        ("perturbed_text", pa.string()),
        ("words", pa.int32()),
        ("words_changed", pa.int32()),
        ("queries", pa.int32()),
        ("message", pa.string()),
    ]
)


def attacks_frame(rows: Iterable[dict]) -> pd.DataFrame:
    """Rows as a table with the columns and types of `ATTACKS_SCHEMA`; what does not apply is missing."""
    columns = {name: [] for name in ATTACKS_SCHEMA.names}
    for row in rows:
        for name, values in columns.items():
            values.append(row[name])
    return pd.DataFrame(
        {
            field.name: pd.array(columns[field.name], dtype="Int32")
            if field.type == pa.int32()
            else pd.Series(columns[field.name], dtype=object)
            for field in ATTACKS_SCHEMA
        }
    )
