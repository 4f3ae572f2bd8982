"""The attacks table: one row per example, none left out."""

from collections.abc import Iterable

import pandas as pd
import pyarrow as pa

# Right before the attack, so attacked. The last two did not break the model.
ATTACKED = ("success", "failure", "query_budget")
OUTCOMES = (*ATTACKED, "skipped", "error")

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
