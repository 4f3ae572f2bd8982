"""Verdicts of whole scorecards: bounds, Holm's correction, who is judged, and why a row stays open."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from miniature.agreement.comparison import BOOTSTRAP, Comparing, Resampling, make_resamples, read_resamples
from miniature.agreement.table import concat_rows, make_rows
from miniature.characteristics.errors.compare import compare_errors
from miniature.files import write_parquet
from miniature.messages import StudyError
from miniature.scorecard.build import SCORECARD_COLUMNS, build_scorecard
from miniature.scorecard.verdicts import decide_verdict

SETTINGS = {"task": "squad", "measure": "jaccard", "margin": 0.05}
TRAININGS = ["large", "large.seed1", "large.seed2", "large.seed3"]
# Agreement with the reference; trainings of the reference reach 0.69 to 0.71.
MODELS = {"same": 0.70, "near": 0.672, "edge": 0.65, "low": 0.635, "far": 0.40, "blind": 0.10}


def tables(models=None, trainings=TRAININGS, chance=None):
    """Agreement rows and resampled values of one characteristic."""
    models = MODELS if models is None else models
    random = np.random.default_rng(5)
    values = {pair: 0.70 + 0.01 * random.uniform(-1, 1) for pair in combinations(trainings, 2)}
    values |= {("large", model): value for model, value in models.items()}
    labels = {"characteristic": "errors", "task": "squad", "dataset": "squad", "split": "test"}
    rows = [
        make_rows(**labels, model_a=a, model_b=b, n=1000, n_clusters=500,
                  measure=["jaccard", "accuracy_difference", "negative_flips", "positive_flips"],
                  value=[value, -0.02, 0.03, 0.01], chance=[(chance or {}).get(b, 0.2), None, None, None],
                  ceiling=[0.9, None, None, None])
        for (a, b), value in values.items()
    ]  # fmt: skip
    draws = [
        make_resamples("squad", a, b, BOOTSTRAP, value + 0.002 * random.normal(size=300))
        for (a, b), value in values.items()
    ]
    return concat_rows(rows), {"errors": pd.concat(draws, ignore_index=True)}, values


def card(found=None, verdict=None, **change):
    agreement, resamples, _ = tables() if found is None else found
    settings = {"errors": SETTINGS} if verdict is None else verdict
    names = [*dict.fromkeys([*agreement["model_a"], *agreement["model_b"]])]
    return build_scorecard(
        agreement, models=names, reference="large", verdict=settings, resamples=resamples, **change
    ).set_index("model")


def test_second_trainings_and_controls_are_no_subjects():
    agreement, resamples, _ = tables()
    more = make_rows(characteristic="errors", task="squad", model_a="large", model_b="large.control",
                     measure="jaccard", value=1.0)  # fmt: skip
    assert card().index.tolist() == list(MODELS)
    assert card((concat_rows([agreement, more]), resamples, None)).index.tolist() == list(MODELS)


def test_every_row_says_what_its_verdict_rests_on():
    found, values = card(), tables()[2]
    floor = np.mean([values["large", seed] for seed in TRAININGS[1:]])
    np.testing.assert_allclose(found["floor"], floor)
    np.testing.assert_allclose(found["difference"], np.array(list(MODELS.values())) - floor)
    assert (found["difference_low"] < found["difference"]).all()
    assert (found["difference"] < found["difference_high"]).all()
    assert (found["floor_low"] < floor).all()
    assert (found["floor_high"] > floor).all()
    assert (found["replicates"] == 3).all()
    assert (found["accuracy_difference"] == -0.02).all()
    assert found["accuracy_p_value"].tolist() == [pytest.approx(binomtest(10, 40).pvalue)] * 6
    assert found["verdict"].to_dict() == {
        "same": "miniature", "near": "inconclusive", "edge": "inconclusive", "low": "inconclusive",
        "far": "not-miniature", "blind": "not-miniature",
    }  # fmt: skip
    assert (found["reason"].eq("") == found["verdict"].ne("inconclusive")).all()
    # The p-value and the bound are two views of one distribution.
    for row in found.itertuples():
        alone = decide_verdict(row.difference_low, row.difference_high, margin=0.05)
        assert (row.p_value <= 0.05) == (alone != "inconclusive")


def test_holm_covers_the_rows_that_can_be_decided_each_claim_for_itself():
    found = card()
    # By hand: the smallest p-value times the number of rows, the next times one less, never falling.
    for claim, rows in found.groupby(found["agreement"] > found["floor"] - 0.05):
        ordered = rows["p_value"].sort_values()
        multiplied = ordered * np.arange(6, 6 - len(ordered), -1)
        expected = np.minimum(1, np.maximum.accumulate(multiplied))
        np.testing.assert_allclose(rows.loc[ordered.index, "p_adjusted"], expected, err_msg=str(claim))
    # "near" would pass by itself; among six it does not, and says so.
    assert card(tables({"near": MODELS["near"]}))["verdict"].tolist() == ["miniature"]
    assert (
        found.loc["near", "reason"] == "miniature by itself, but not after Holm's correction for 6 verdicts"
    )
    # Two rows that chance alone would fill are no part of the six.
    chance = {"edge": 0.81, "blind": 0.95, "low": 0.8}
    fewer = card(tables(chance=chance))
    assert fewer["verdict"][["edge", "blind"]].tolist() == ["inconclusive"] * 2
    assert fewer["reason"]["blind"] == "chance alone gives 0.95: agreement above 0.8 says too little"
    assert fewer["p_value"][["edge", "blind"]].isna().all()
    # Nor, among the claims of a miniature, is one whose floor lies below chance.
    assert fewer["p_adjusted"]["far"] == pytest.approx(found["p_value"]["far"] * 4)
    assert fewer["p_adjusted"]["same"] == pytest.approx(found["p_value"]["same"] * 3)


def test_no_miniature_where_a_model_that_shares_nothing_would_be_one():
    found = card(tables(chance={"same": 0.66, "far": 0.66}))
    assert found["verdict"][["same", "far"]].tolist() == ["inconclusive", "not-miniature"]
    assert found["reason"]["same"].startswith("the floor, 0.704, lies within the margin of chance, 0.66: ")
    told = card(tables({"same": 0.70}, chance={"same": 0.60}))
    assert told["verdict"].tolist() == ["miniature"]


@pytest.mark.parametrize(
    ("low", "high", "of_training", "expected"),
    [
        (0.69, 0.71, (0.69, 0.71), {"same": "miniature", "far": "not-miniature"}),
        # Seen one way the reference's own trainings agree far more, or far less.
        (0.70, 0.70, (0.69, 0.95), {"same": "inconclusive", "far": "not-miniature"}),
        (0.70, 0.70, (0.30, 0.71), {"same": "miniature", "far": "inconclusive"}),
        (0.60, 0.90, (0.70, 0.70), {"same": "inconclusive", "far": "inconclusive"}),
    ],
)
def test_a_verdict_holds_under_every_reading_of_ties_and_spent_budgets(low, high, of_training, expected):
    agreement, resamples, values = tables({"same": 0.70, "far": 0.40})
    bounds = {"same": (low, high), "far": (low - 0.3, high - 0.2)}
    bounds |= dict.fromkeys(TRAININGS[1:], of_training)
    more = [
        make_rows(characteristic="errors", task="squad", dataset="squad", split="test", model_a="large",
                  model_b=name, measure=["jaccard_low", "jaccard_high"], value=list(ends))
        for name, ends in bounds.items()
    ]  # fmt: skip
    found = card((concat_rows([agreement, *more]), resamples, values))
    assert found["verdict"].to_dict() == expected
    for row in found.itertuples():
        assert (row.verdict == "inconclusive") == row.reason.endswith("not under every reading")


def test_open_rows_name_what_would_settle_them():
    assert card()["reason"]["edge"] == (
        "the difference may lie on either side of -0.05; what would narrow it most is more trainings of the "
        "reference (there are 3 beside it)"
    )
    alone = card(tables(trainings=["large"]))
    assert alone["verdict"].tolist() == ["inconclusive"] * 6
    assert alone["reason"].str.contains("`models: {large: {replicates: 3}}`", regex=False).all()
    assert (alone["replicates"] == 0).all()
    one = card(tables(trainings=TRAININGS[:2]))
    assert one["reason"].str.startswith("only one second training of large").all()
    assert one["floor"].notna().all()
    assert one[["floor_low", "difference_low", "p_value", "p_adjusted"]].isna().all(axis=None)
    without = build_scorecard(
        tables()[0], models=[*TRAININGS, *MODELS], reference="large", verdict={"errors": SETTINGS}
    )
    assert without["reason"].str.contains("to read the spread from").all()


def test_score_and_its_bounds():
    found, values = card(), tables()[2]
    # Chance 0.2 and ceiling 0.9 for every pair here.
    floor = np.mean([(values["large", seed] - 0.2) / 0.7 for seed in TRAININGS[1:]])
    np.testing.assert_allclose(found["score"], (found["agreement"] - 0.2) / 0.7 / floor)
    for bound in ("low", "high"):
        at = found["floor"] + found[f"difference_{bound}"]
        np.testing.assert_allclose(found[f"score_{bound}"], (at - 0.2) / 0.7 / floor)
    # Nothing to divide by: chance so near the ceiling, or the floor at chance.
    assert card(tables(chance={"far": 0.86}))["score"].isna().tolist() == [m == "far" for m in MODELS]
    at_chance = dict.fromkeys(TRAININGS, 0.70)
    assert card(tables(chance=at_chance))["score"].isna().all()


def test_nothing_undefined_becomes_a_number():
    agreement, resamples, _ = tables()
    missing = agreement.copy()
    missing.loc[missing["model_b"] == "far", "value"] = np.nan
    row = card((missing, resamples, None)).loc["far"]
    assert (row["verdict"], row["reason"]) == (
        "inconclusive", "agreement of large with far is not defined on these examples"
    )  # fmt: skip
    assert row[["difference", "difference_low", "p_value", "score", "score_low"]].isna().all()
    draws = resamples["errors"].copy()
    draws.loc[(draws["model_b"] == "far") & (draws["resample"] < 3), "value"] = np.nan
    found = card((agreement, {"errors": draws}, None))
    assert found.loc["far", "verdict"] == "inconclusive"
    assert "not defined in 3 of 300 resamples" in found.loc["far", "reason"]
    assert found.loc["blind", "verdict"] == "not-miniature"


def compared(wrong, clusters=None):
    n = len(next(iter(wrong.values())))
    ids = [str(i) for i in range(n)]
    errors = {m: pd.DataFrame({"id": ids, "error": pd.array(w, dtype="boolean")}) for m, w in wrong.items()}
    found = compare_errors(
        errors, Comparing("squad", "squad", "test", "large", Resampling(resamples=200), SETTINGS),
        np.arange(n) if clusters is None else clusters,
    )  # fmt: skip
    return build_scorecard(
        found.rows, models=list(wrong), reference="large", verdict={"errors": SETTINGS},
        resamples={"errors": found.resamples},
    ).set_index("model")  # fmt: skip


def test_from_error_lists_to_verdicts():
    random = np.random.default_rng(0)
    hard = random.normal(size=4000)

    def model(noise):
        return hard + noise * random.normal(size=4000) > 0.7

    wrong = {name: model(0.5) for name in TRAININGS} | {"twin": model(0.5), "other": model(3.0)}
    found = compared({**wrong, "copy": wrong["large"]})
    assert found["verdict"].to_dict() == {"twin": "miniature", "other": "not-miniature", "copy": "miniature"}
    assert found.loc["copy", "agreement"] == 1
    assert found.loc["copy", "difference_low"] > 0.05


@pytest.mark.parametrize(
    ("n", "errors", "clusters", "reason"),
    [
        (1, 1, None, "chance alone gives 1.00"),
        (1, 0, None, "not defined on these examples"),
        (40, 20, ["p"] * 40, "one cluster"),
        (40, 0, None, "not defined on these examples"),
        (40, 20, None, "agree to the last digit"),
    ],
)
def test_one_example_no_error_and_identical_models_are_inconclusive(n, errors, clusters, reason):
    wrong = {name: np.arange(n) < errors for name in [*TRAININGS, "copy"]}
    found = compared(wrong, clusters)
    assert found["verdict"].tolist() == ["inconclusive"]
    assert reason in found["reason"].iloc[0]
    assert found[["difference_low", "difference_high", "p_value"]].isna().all(axis=None)


def test_no_subject_and_no_example_make_an_empty_scorecard_with_all_columns():
    found = build_scorecard(tables()[0], models=TRAININGS, reference="large", verdict={"errors": SETTINGS})
    assert list(found.columns) == list(SCORECARD_COLUMNS)
    assert not len(found)


def test_a_table_of_something_else_is_set_aside(tmp_path):
    path = tmp_path / "errors.resamples.parquet"
    write_parquet(tables()[1]["errors"], path)
    pd.testing.assert_frame_equal(read_resamples(path), tables()[1]["errors"], check_dtype=False)
    write_parquet(pd.DataFrame({"value": [1.0]}), path)
    with pytest.raises(StudyError, match="columns are value"):
        read_resamples(path)
    assert not path.exists()


def test_models_of_other_origin_cost_the_others_nothing():
    """Trainings by others are the yardstick: no claim is made of them, and Holm's correction is without."""
    renamed = {"large.seed1": "theirs", "large.seed2": "others", "large.seed3": "third"}
    agreement, resamples, values = tables({"same": 0.70, "far": 0.40})
    names = ["model_a", "model_b"]
    agreement[names] = agreement[names].replace(renamed)
    resamples["errors"][names] = resamples["errors"][names].replace(renamed)
    found = card((agreement, resamples, values), origins={m: m for m in ("large", *renamed.values())})
    assert found.loc[["same", "far"], "verdict"].tolist() == ["miniature", "not-miniature"]
    of_floor = found.loc[list(renamed.values())]
    assert set(of_floor["verdict"]) == {"inconclusive"}
    assert of_floor["p_value"].isna().all()
    assert of_floor["reason"].str.endswith("part of the noise floor, of which no claim is made").any()
    both = found.loc["far", "p_value"] * 2
    assert found.loc["far", "p_adjusted"] == pytest.approx(min(1.0, both))
