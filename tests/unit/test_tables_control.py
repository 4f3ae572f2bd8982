"""The control: what differs between two runs of one checkpoint is counted and said."""

import numpy as np
import pandas as pd
import pytest

from miniature.agreement.table import concat_rows, make_rows
from miniature.tables.control import control_table, describe_control

VERDICT = {
    "errors": {"task": "wiki", "measure": "jaccard", "keep": 0.8},
    "representation": {"task": "wiki", "measure": "jaccard", "k": 2, "keep": 0.8},
    "distribution": {"task": "wiki", "ood_dataset": "news", "measure": "jaccard_ood", "k": 5, "keep": 0.8},
    "calibration": {"task": "wiki", "measure": "brier_difference", "margin": 0.02},
}


def write(folder, errors, neighbors, flags, predictions):
    """Files of one run, in the order of VERDICT."""
    folder.mkdir()
    pd.DataFrame({"id": list("abcd"), "error": pd.array(errors, dtype="boolean")}).to_parquet(
        folder / "e.parquet"
    )
    np.save(folder / "n.npy", np.array(neighbors, dtype=np.int32))
    # Another K differs everywhere and must not be counted.
    ood = pd.DataFrame({"k": [1] * 4 + [5] * 4, "is_ood": [folder.name == "one"] * 4 + flags})
    ood.to_parquet(folder / "o.parquet")
    pd.DataFrame({"prediction": predictions}).to_parquet(folder / "p.parquet")
    return [folder / name for name in ("e.parquet", "n.npy", "o.parquet", "p.parquet")]


NEIGHBORS = [[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2]]
ONE = ([True, False, None, False], NEIGHBORS, [True, False, True, False], ["x", "y", "", "z"])


def rows(values):
    tables = []
    for (name, settings), value in zip(VERDICT.items(), values, strict=True):
        label = {key: settings[key] for key in ("task", "measure", "k", "ood_dataset") if key in settings}
        for other, shown in (("large.control", value), ("tiny", 0.1)):
            tables.append(
                make_rows(characteristic=name, model_a="large", model_b=other, value=shown, **label)
            )
    return concat_rows(tables)


def compare(tmp_path, other, values):
    pairs = zip(write(tmp_path / "one", *ONE), write(tmp_path / "two", *other), strict=True)
    files = dict(zip(VERDICT, pairs, strict=True))
    return control_table(rows(values), files, reference="large", control="large.control", verdict=VERDICT)


def test_the_same_run_twice_is_identical(tmp_path):
    table = compare(tmp_path, ONE, [1.0, 1.0, 1.0, 0.0])
    assert table["says"].tolist() == ["identical"] * 4
    assert table["examples"].tolist() == [3, 4, 4, 4]
    assert table["differ"].tolist() == [0] * 4
    said = describe_control(table, reference="large")
    assert "agrees with itself exactly (errors, representation, distribution, calibration)" in said


def test_order_among_the_nearest_is_no_difference_and_further_ones_do_not_count(tmp_path):
    other = [[2, 1, 0], [0, 2, 3], [0, 1, 3], [0, 1, 2]]
    table = compare(tmp_path, (ONE[0], other, *ONE[2:]), [1.0, 1.0, 1.0, 0.0])
    assert table["says"].tolist() == ["identical"] * 4


def test_what_differs_is_counted_and_said(tmp_path):
    other = (
        [True, True, None, False],
        [[1, 3, 2], *NEIGHBORS[1:]],
        [True, True, True, True],
        ["x", "y", "", "w"],
    )
    table = compare(tmp_path, other, [0.5, 0.9, 0.5, -0.01])
    assert table["differ"].tolist() == [1, 1, 2, 1]
    assert table["distance"].tolist() == pytest.approx([0.5, 0.1, 0.5, 0.01])
    said = describe_control(table, reference="large")
    assert "does not agree with itself fully" in said
    assert "errors: right or wrong of 1 of 3 examples differs; agreement is off by 0.5" in said
    assert "set of 2 nearest neighbors of 1 of 4 examples differs" in said


def test_an_agreement_that_is_not_defined_is_not_called_identical(tmp_path):
    table = compare(tmp_path, ONE, [float("nan"), 1.0, 1.0, 0.0])
    assert table["says"].iloc[0].startswith("agreement is undefined")
    assert "does not agree with itself fully" in describe_control(table, reference="large")
