"""A scorecard and a tolerance table of two models, for tests of what is told about them."""

import numpy as np

from miniature.agreement.table import make_table
from miniature.scorecard.build import COUNT_COLUMNS, SCORECARD_COLUMNS, TEXT_COLUMNS
from miniature.scorecard.outputs import Outputs
from miniature.scorecard.tolerance import tolerance_rows


def card():
    rows = [
        ("tiny", "errors", "not-miniature", 0.3, 0.2, 0.4),
        ("tiny", "calibration", "miniature", None, None, None),
        ("base", "errors", "miniature", 0.98, 0.9, 1.1),
        ("base", "calibration", "uninformative", None, None, None),
    ]
    names = ("model", "characteristic", "verdict", "kept", "kept_low", "kept_high")
    columns = {name: [row[i] for row in rows] for i, name in enumerate(names)}
    columns |= {"floor_kind": ["retrained"] * 4, "replicates": [3] * 4, "n_clusters": [12, 500, 12, 500]}
    columns |= {
        "keep": [0.8, None] * 2,
        "spread": [0.05, None] * 2,
        "reason": [""] * 4,
        "as_measured": [""] * 4,
    }
    columns |= {"task": ["reviews"] * 4, "dataset": ["reviews"] * 4, "measure": ["jaccard"] * 4}
    return make_table(SCORECARD_COLUMNS, TEXT_COLUMNS, COUNT_COLUMNS, columns)


def outputs(answers, label=None):
    answers = np.asarray(answers)
    label = np.zeros(len(answers), dtype=int) if label is None else label
    probabilities = np.eye(2)[answers]
    return Outputs((answers != label).astype(float), answers, probabilities, label)


def tolerance_of_two():
    made = {"large": [0] * 380 + [1] * 20, "base": [0] * 379 + [1] * 21, "tiny": [0] * 200 + [1] * 200}
    return tolerance_rows(
        {name: outputs(answers) for name, answers in made.items()}, np.arange(400), subjects=["tiny", "base"],
        originals={"tiny": "large", "base": "large"}, trainings={}, task="reviews", dataset="reviews",
    )  # fmt: skip
