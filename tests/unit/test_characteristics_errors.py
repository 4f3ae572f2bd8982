"""Errors of models and their agreement."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import cohen_kappa_score, jaccard_score

from miniature.agreement.comparison import BCA, BOOTSTRAP, Comparing, Resampling
from miniature.agreement.table import AGREEMENT_COLUMNS
from miniature.characteristics.errors.compare import compare_errors, find_errors
from miniature.messages import StudyError

VERDICT = {"task": "squad", "measure": "jaccard", "keep": 0.8}
COMPARING = Comparing("squad", "squad", "test", "large", Resampling(resamples=200, seed=1), VERDICT)


def error_list(errors, ids=None):
    return pd.DataFrame(
        {"id": ids or [f"q{i}" for i in range(len(errors))], "error": pd.array(errors, dtype="boolean")}
    )


def test_question_answering_errs_where_no_answer_matches_exactly():
    predictions = pd.DataFrame(
        {"id": list("abcd"), "exact": np.array([0, 1, np.nan, 0], dtype=np.float32), "f1": [0.9, 1, 0, 0]}
    )
    found = find_errors(predictions, "question-answering")
    assert found["id"].tolist() == ["a", "b", "c", "d"]
    assert found["error"].dtype == "boolean"
    assert found["error"].isna().tolist() == [False, False, True, False]
    assert found["error"].fillna(False).tolist() == [True, False, False, True]


def test_nullable_float_columns_are_read_too():
    predictions = pd.DataFrame({"id": ["a", "b"], "exact": pd.array([0.0, None], dtype="Float32")})
    assert find_errors(predictions, "question-answering")["error"].isna().tolist() == [False, True]


def test_classification_errs_where_the_label_is_missed():
    predictions = pd.DataFrame(
        {"id": list("abcd"), "label": ["pos", "neg", None, "pos"], "prediction": ["neg", "neg", "neg", None]}
    )
    found = find_errors(predictions, "classification")["error"]
    assert found.isna().tolist() == [False, False, True, True]
    assert found.fillna(False).tolist() == [True, False, False, False]


def test_missing_columns_and_unknown_tasks_say_what_to_write():
    with pytest.raises(StudyError, match="exact") as error:
        find_errors(pd.DataFrame({"id": []}), "question-answering")
    assert "columns: id, exact" in str(error.value)
    with pytest.raises(StudyError, match="summarization") as error:
        find_errors(pd.DataFrame({"id": []}), "summarization")
    assert "task: question-answering" in error.value.fix


def test_all_pairs_are_compared_as_scikit_learn_compares_them():
    rng = np.random.default_rng(0)
    n = 200
    masks = {m: rng.random(n) < rate for m, rate in (("tiny", 0.6), ("large", 0.2), ("base", 0.3))}
    clusters = np.array([f"p{i // 4}" for i in range(n)])
    table, resamples = compare_errors({m: error_list(list(e)) for m, e in masks.items()}, COMPARING, clusters)
    assert tuple(table.columns) == AGREEMENT_COLUMNS
    assert table["measure"].tolist() == [
        "jaccard", "jaccard_corrected", "kappa", "kappa_corrected",
        "accuracy_difference", "negative_flips", "positive_flips",
    ] * 3  # fmt: skip
    pairs = list(dict.fromkeys(zip(table["model_a"], table["model_b"], strict=True)))
    assert pairs == [("large", "tiny"), ("large", "base"), ("tiny", "base")]
    assert (table["n"] == n).all()
    assert (table["n_clusters"] == 50).all()
    for (a, b), rows in table.groupby(["model_a", "model_b"]):
        value = rows.set_index("measure")["value"]
        assert value["jaccard"] == pytest.approx(jaccard_score(masks[a], masks[b]))
        assert value["kappa"] == pytest.approx(cohen_kappa_score(masks[a], masks[b]))
        assert value["accuracy_difference"] == pytest.approx(masks[a].mean() - masks[b].mean())
        assert value["negative_flips"] == pytest.approx(np.mean(~masks[a] & masks[b]))
        assert value["positive_flips"] == pytest.approx(np.mean(masks[a] & ~masks[b]))
        p, q = masks[a].mean(), masks[b].mean()
        jaccard_row = rows.set_index("measure").loc["jaccard"]
        assert jaccard_row["chance"] == pytest.approx(p * q / (p + q - p * q))
        assert jaccard_row["ceiling"] == pytest.approx(min(p, q) / max(p, q))
        kappa_row = rows.set_index("measure").loc["kappa"]
        assert kappa_row["chance"] == 0
        assert value["kappa"] <= kappa_row["ceiling"] <= 1
        corrected = (value["jaccard"] - jaccard_row["chance"]) / (
            jaccard_row["ceiling"] - jaccard_row["chance"]
        )
        assert value["jaccard_corrected"] == pytest.approx(corrected)
        assert value["kappa_corrected"] == pytest.approx(value["kappa"] / kappa_row["ceiling"])
    assert (table["ci_low"] < table["value"]).all()
    assert (table["value"] < table["ci_high"]).all()
    assert set(table["ci_method"]) == {BCA}
    # Resampled values of the verdict's measure alone, of every pair.
    kept = resamples.groupby(["model_a", "model_b"], sort=False)["value"]
    assert list(kept.groups) == pairs
    assert (kept.count() == 200).all()
    assert set(resamples["method"]) == {BOOTSTRAP}
    jaccards = table[table["measure"] == "jaccard"].set_index(["model_a", "model_b"])["value"]
    assert (kept.mean() - jaccards).abs().max() < 0.01


def test_differences_of_two_pairs_are_paired():
    rng = np.random.default_rng(5)
    large = rng.random(400) < 0.3
    other = large ^ (rng.random(400) < 0.2)
    twin = other ^ (np.arange(400) < 2)
    lists = {m: error_list(list(e)) for m, e in (("large", large), ("other", other), ("twin", twin))}
    clusters = [f"p{i}" for i in range(400)]
    resamples = compare_errors(lists, COMPARING, clusters).resamples
    values = resamples.pivot(index="resample", columns=["model_a", "model_b"], values="value")
    difference = values["large", "other"] - values["large", "twin"]
    # Two models that all but agree have all but the same value in each resample.
    assert difference.std() < values["large", "other"].std() / 3


def test_one_cluster_has_values_and_no_interval():
    lists = {"large": error_list([True, False, True]), "base": error_list([True, True, False])}
    rows, resamples = compare_errors(lists, COMPARING, ["p"] * 3)
    assert rows["value"].notna().all()
    assert rows[["ci_low", "ci_high"]].isna().all(axis=None)
    assert set(rows["ci_method"]) == {""}
    assert len(resamples) == 0


def test_identical_models_agree_in_full_and_claim_no_interval():
    errors = [i % 3 == 0 for i in range(60)]
    lists = {"large": error_list(errors), "copy": error_list(errors)}
    clusters = [f"p{i}" for i in range(60)]
    rows, resamples = compare_errors(lists, COMPARING, clusters)
    value = rows.set_index("measure")["value"]
    assert value["jaccard"] == value["kappa"] == value["jaccard_corrected"] == value["kappa_corrected"] == 1
    assert value["accuracy_difference"] == value["negative_flips"] == value["positive_flips"] == 0
    # No example on which they differ could be drawn: no spread, which is not certainty.
    assert rows[["ci_low", "ci_high"]].isna().all(axis=None)
    assert (resamples["value"] == 1).all()


def test_a_model_without_errors_shares_none():
    lists = {"large": error_list([False] * 40), "base": error_list([i % 4 == 0 for i in range(40)])}
    clusters = [f"p{i}" for i in range(40)]
    rows = compare_errors(lists, COMPARING, clusters).rows.set_index("measure")
    assert rows.loc["jaccard", ["value", "chance", "ceiling"]].tolist() == [0, 0, 0]
    assert rows.loc["kappa", ["value", "ceiling"]].tolist() == [0, 0]
    assert rows.loc[["jaccard_corrected", "kappa_corrected"], "value"].isna().all()
    assert rows.loc["negative_flips", "value"] == 0.25
    assert rows.loc["negative_flips", "ci_low"] < 0.25 < rows.loc["negative_flips", "ci_high"]


def test_unknown_errors_are_left_out_of_their_pairs_only():
    lists = {
        "large": error_list([True, False, True, False]),
        "base": error_list([True, None, False, False]),
        "tiny": error_list([True, True, True, None]),
    }
    table = compare_errors(lists, COMPARING, ["p", "p", "q", "r"]).rows
    rows = table[table["measure"] == "jaccard"].set_index(["model_a", "model_b"])
    assert rows["n"].tolist() == [3, 3, 2]
    assert rows["n_clusters"].tolist() == [3, 2, 2]
    assert rows["value"].tolist() == [0.5, pytest.approx(2 / 3), 0.5]


def test_no_errors_and_no_known_errors_are_no_number():
    lists = {"large": error_list([False, False]), "base": error_list([False, False])}
    table = compare_errors(lists, COMPARING, ["p", "q"]).rows.set_index("measure")
    assert table.loc["jaccard", ["value", "chance", "ceiling"]].isna().all()
    assert table.loc["kappa", ["value", "chance", "ceiling"]].isna().all()
    assert table.loc["accuracy_difference", "value"] == 0
    withheld = {m: error_list([None, None]) for m in lists}
    table = compare_errors(withheld, COMPARING, ["p", "q"]).rows
    assert table["value"].isna().all()
    assert (table["n"] == 0).all()


def test_one_model_or_none_gives_an_empty_table_with_its_columns():
    for lists in ({}, {"large": error_list([True])}):
        table, resamples = compare_errors(lists, COMPARING, ["p"])
        assert len(table) == len(resamples) == 0
        assert tuple(table.columns) == AGREEMENT_COLUMNS


def test_lists_of_different_examples_name_the_model_and_row():
    lists = {"large": error_list([True, False]), "base": error_list([True, False], ids=["q0", "q7"])}
    with pytest.raises(StudyError, match="row 2 is q1 and q7") as error:
        compare_errors(lists, COMPARING, ["p", "p"])
    assert "model base" in error.value.where
    with pytest.raises(StudyError, match="has 3"):
        compare_errors(lists, COMPARING, ["p", "p", "p"])
