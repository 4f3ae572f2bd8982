"""The agreement table keeps its columns, types and every name."""

import io

import numpy as np
import pandas as pd
import pytest

from miniature.agreement.table import (
    AGREEMENT_COLUMNS,
    concat_rows,
    count_clusters,
    list_pairs,
    make_rows,
    read_agreement,
)
from miniature.measures.registry import MEASURES
from miniature.messages import StudyError


def test_columns_are_those_of_the_file_contract():
    contract = (
        "characteristic, task, dataset, split, ood_dataset, recipe, feature, model_a, model_b, k, measure, "
        "value, ci_low, ci_high, ci_method, chance, ceiling, n, n_clusters, "
        "examples_of"
    )
    assert ", ".join(AGREEMENT_COLUMNS) == contract
    assert list(make_rows(value=1.0).columns) == list(AGREEMENT_COLUMNS)


def test_types_do_not_depend_on_what_the_table_holds():
    full = make_rows(
        **{name: "x" for name in AGREEMENT_COLUMNS if make_rows()[name].dtype == "str"},
        k=1, value=0.5, ci_low=0.1, ci_high=0.2, chance=0.3, ceiling=0.4, n=5, n_clusters=2,
    )  # fmt: skip
    both = concat_rows([full, make_rows()])
    for table in (make_rows(), make_rows(value=[1.0, 2.0]), concat_rows([]), both):
        pd.testing.assert_series_equal(table.dtypes, full.dtypes)


def test_scalars_go_with_every_entry_of_an_array():
    table = make_rows(measure="jaccard", k=np.arange(1, 4), value=np.array([0.1, 0.2, np.nan]), n=9)
    assert table["k"].tolist() == [1, 2, 3]
    assert table["n"].tolist() == [9, 9, 9]
    assert table["measure"].tolist() == ["jaccard"] * 3
    assert np.isnan(table["value"].iloc[2])
    assert table["ci_method"].tolist() == [""] * 3


def test_wrong_columns_and_lengths_are_refused():
    with pytest.raises(TypeError, match="valu"):
        make_rows(valu=1.0)
    with pytest.raises(ValueError, match="lengths"):
        make_rows(k=[1, 2], value=[0.1, 0.2, 0.3])


def test_a_table_survives_its_csv_with_names_that_look_missing():
    table = make_rows(
        model_a=["NA", "null", "nan"], model_b="None", k=[1, None, 3], value=[0.25, np.nan, 1.0], recipe="1"
    )
    text = table.to_csv(index=False, lineterminator="\n")
    pd.testing.assert_frame_equal(read_agreement(io.StringIO(text)), table)
    empty = make_rows().to_csv(index=False)
    pd.testing.assert_frame_equal(read_agreement(io.StringIO(empty)), make_rows())
    with pytest.raises(ValueError, match="Not an agreement table"):
        read_agreement(io.StringIO("a,b\n1,2\n"))


WHOLE = make_rows(model_a=["x", "y"], model_b="z", value=[0.25, 0.5], n=120).to_csv(index=False).encode()
DAMAGES = {
    "empty": b"",
    "a line": b"\n",
    "other columns": b"a,b\n1,2\n",
    "a column too few": b"\n".join(line.rpartition(b",")[0] for line in WHOLE.splitlines()) + b"\n",
    "ragged": WHOLE + b"x" + WHOLE.splitlines()[1] + b",,,\n",
    "an open quote": WHOLE + b'"x,',
    "not UTF-8": WHOLE.replace(b"z", b"\xff"),
    "no number": WHOLE.replace(b"0.25", b"0.2.5"),
    "cut in a row": WHOLE[:-20],
    "cut in the last number": WHOLE[:-1],
    "zeros": bytes(500),
}


@pytest.mark.parametrize("content", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_damaged_table_is_set_aside(tmp_path, content):
    path = tmp_path / "agreement.csv"
    path.write_bytes(WHOLE)
    assert read_agreement(path)["n"].tolist() == [120, 120]
    path.write_bytes(content)
    with pytest.raises(StudyError, match="is damaged"):
        read_agreement(str(path))
    assert [file.name for file in tmp_path.iterdir()] == ["agreement.csv.damaged"]
    with pytest.raises(FileNotFoundError):
        read_agreement(path)


def test_grouping_loses_no_row():
    table = make_rows(characteristic="errors", measure=["jaccard", "kappa"], value=[0.1, 0.2])
    assert sum(len(g) for _, g in table.groupby(["recipe", "ood_dataset", "feature"])) == 2


def test_pairs_put_the_reference_first_and_keep_order():
    assert list_pairs(["tiny", "large", "base"], "large") == [
        ("large", "tiny"), ("large", "base"), ("tiny", "base"),
    ]  # fmt: skip
    assert list_pairs(["tiny", "base"], "large") == [("tiny", "base")]
    assert list_pairs(["large"], "large") == []
    assert list_pairs([], "large") == []


def test_a_control_is_paired_with_its_own_model_only():
    models = ["large", "large.seed1", "large.control", "tiny"]
    pairs = list_pairs(models, "large")
    assert pairs == [
        ("large", "large.seed1"), ("large", "large.control"), ("large", "tiny"), ("large.seed1", "tiny"),
    ]  # fmt: skip
    assert list_pairs(["large.control", "tiny"], "large") == []


def test_clusters_are_counted_among_the_examples_used():
    clusters = ["a", "b", "b", "c"]
    assert count_clusters(clusters) == 3
    assert count_clusters(clusters, np.array([False, True, True, False])) == 1
    assert count_clusters(clusters, np.zeros(4, dtype=bool)) == 0
    with pytest.raises(ValueError, match="4 clusters for 1"):
        count_clusters(clusters, np.ones(1, dtype=bool))


def test_every_registered_measure_declares_a_range_and_a_known_direction():
    for name, measure in MEASURES.items():
        assert measure.low < measure.high, name
        assert measure.closer in (None, "higher", "lower", "zero"), name
        assert measure.source, name
