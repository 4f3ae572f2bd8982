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
