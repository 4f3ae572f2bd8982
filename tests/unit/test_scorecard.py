"""Verdicts from agreement tables, whatever the characteristics are called."""

import numpy as np
import pandas as pd
import pytest

from miniature.agreement.table import concat_rows, make_rows, read_agreement
from miniature.messages import StudyError
from miniature.scorecard.build import SCORECARD_COLUMNS, build_scorecard

MODELS = ["base", "large", "tiny"]
VERDICT = {
    "errors": {"task": "squad", "measure": "jaccard", "keep": 0.8},
    "anything": {"task": "squad", "measure": "jaccard_ood", "k": 10, "keep": 0.8},
}


def agreement():
    errors = {"characteristic": "errors", "task": "squad", "dataset": "squad", "split": "test"}
    other = {"characteristic": "anything", "task": "squad", "dataset": "squad", "ood_dataset": "news"}
    return concat_rows(
        [
            make_rows(**errors, model_a="large", model_b="base", measure=["jaccard", "kappa"],
                      value=[0.5, 0.6], chance=[0.1, 0.0], ceiling=[0.8, 0.9], n=100),
            make_rows(**errors, model_a="large", model_b="tiny", measure="jaccard", value=0.2, n=100),
            make_rows(**errors, model_a="base", model_b="tiny", measure="jaccard", value=0.9, n=100),
            make_rows(**other, model_a="large", model_b="large", measure="auroc", k=[1, 10], value=0.9),
            make_rows(**other, model_a="large", model_b="base", measure="jaccard_ood",
                      k=[1, 10], value=[0.3, 0.4]),
        ]
    )  # fmt: skip


def score(table=None, verdict=VERDICT):
    table = agreement() if table is None else table
    return build_scorecard(table, models=MODELS, reference="large", verdict=verdict)


def test_columns_are_those_of_the_file_contract():
    contract = (
        "model, characteristic, task, dataset, measure, k, margin, agreement, ci_low, ci_high, chance, "
        "ceiling, floor, floor_low, floor_high, difference, difference_low, difference_high, "
        "score, n, verdict, accuracy_difference, accuracy_p_value, replicates, p_value, p_adjusted, "
        "score_low, score_high, reason, keep, kept, kept_low, kept_high, "
        "kept_as_measured_low, kept_as_measured_high, as_measured, "
        "floor_kind, floor_above_chance, p_informative, spread, n_clusters"
    )
    assert ", ".join(SCORECARD_COLUMNS) == contract
    assert list(score().columns) == list(SCORECARD_COLUMNS)
    empty = build_scorecard(agreement(), models=["large"], reference="large", verdict=VERDICT)
    assert len(empty) == 0
    pd.testing.assert_series_equal(empty.dtypes, score().dtypes)


def test_each_model_and_characteristic_has_one_row_with_the_reference_pair():
    card = score()
    assert card[["model", "characteristic"]].values.tolist() == [
        ["base", "errors"], ["base", "anything"], ["tiny", "errors"], ["tiny", "anything"],
    ]  # fmt: skip
    np.testing.assert_array_equal(card["agreement"], [0.5, 0.4, 0.2, np.nan])
    assert card["k"].tolist() == [pd.NA, 10, pd.NA, 10]
    assert card["keep"].tolist() == [0.8] * 4
    assert card["margin"].isna().all()
    assert card["dataset"].tolist() == ["squad", "squad", "squad", ""]
    assert card.loc[0, ["chance", "ceiling", "n"]].tolist() == [0.1, 0.8, 100]


def test_without_a_floor_nothing_is_decided_and_its_columns_are_empty():
    card = score()
    assert card["verdict"].tolist() == ["undecided", "undecided", "undecided", "not-measured"]
    later = ["floor", "floor_low", "floor_high", "difference", "difference_low", "difference_high", "score"]
    assert card[later].isna().all(axis=None)


def test_a_table_read_without_types_gives_the_same(tmp_path):
    agreement().to_csv(tmp_path / "all.csv", index=False)
    pd.testing.assert_frame_equal(score(read_agreement(tmp_path / "all.csv")), score())


def test_a_characteristic_nobody_measured_is_not_measured():
    card = score(verdict={"calibration": {"task": "squad", "measure": "jaccard", "keep": 0.8}})
    assert card["verdict"].tolist() == ["not-measured"] * 2


@pytest.mark.parametrize(
    ("change", "where", "fix"),
    [
        ({"k": 7}, "verdict: anything: k", "k: 10   # measured: 1, 10"),
        ({"k": None}, "verdict: anything: k", "k: 10   # measured: 1, 10"),
        ({"measure": "auroc"}, "verdict: anything: measure", "measure: jaccard "),
        ({"measure": "jacard"}, "verdict: anything: measure", "measure: jaccard "),
        ({"measure": "jaccard_id"}, "verdict: anything: measure", "measure: jaccard_ood"),
    ],
)
def test_a_verdict_on_what_was_not_measured_says_what_was(change, where, fix):
    with pytest.raises(StudyError) as error:
        score(verdict={"anything": VERDICT["anything"] | change})
    assert error.value.where == where
    assert error.value.fix.startswith(fix)


def test_k_on_a_measure_without_k_is_told_to_go():
    with pytest.raises(StudyError) as error:
        score(verdict={"errors": VERDICT["errors"] | {"k": 5}})
    assert error.value.fix == "Leave out k."


def test_a_verdict_that_fits_several_rows_must_choose():
    second = agreement().assign(ood_dataset=lambda t: t["ood_dataset"].where(t["ood_dataset"] == "", "blogs"))
    table = concat_rows([agreement(), second[second["characteristic"] == "anything"]])
    with pytest.raises(StudyError) as error:
        score(table)
    assert error.value.fix == "ood_dataset: news or blogs"
    chosen = score(table, VERDICT | {"anything": VERDICT["anything"] | {"ood_dataset": "blogs"}})
    pd.testing.assert_frame_equal(chosen, score())


def test_only_pairs_with_the_reference_count():
    table = agreement()
    others = table[(table["model_a"] != "large") | (table["model_b"] != "tiny")]
    assert score(others)["verdict"].tolist()[2] == "not-measured"
    own = table[table["model_a"] == table["model_b"]]
    assert (score(own)["verdict"] == "not-measured").all()
