"""Column types of the prediction tables."""

import pyarrow as pa

QA_PREDICTIONS_SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("prediction", pa.string()),
        ("score", pa.float32()),
        ("null_score", pa.float32()),
        ("exact", pa.float32()),
        ("f1", pa.float32()),
        ("windows", pa.int32()),
    ]
)
CLASSIFICATION_PREDICTIONS_SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("label", pa.string()),
        ("prediction", pa.string()),
        ("probabilities", pa.list_(pa.float32())),
    ]
)
RECORDED_PREDICTIONS_SCHEMA = pa.schema(
    [
        *CLASSIFICATION_PREDICTIONS_SCHEMA,
        ("confidence", pa.float64()),
        ("correct", pa.bool_()),
        ("choices", pa.list_(pa.string())),
        ("document_hash", pa.string()),
        ("prompt_hash", pa.string()),
    ]
)
"""Predictions read from a file; what it does not tell is null. ``choices`` are names of an example's own."""
SCHEMAS = {"question-answering": QA_PREDICTIONS_SCHEMA}
"""Of predictions read from a file, by kind of task; of other kinds they are `RECORDED_PREDICTIONS_SCHEMA`."""
