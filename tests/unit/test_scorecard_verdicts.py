"""Verdicts of whole scorecards: what is kept, the correction, who is judged, and why a row stays open."""

import re
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from floors import floor_of
from miniature.agreement.comparison import BOOTSTRAP, Comparing, Resampling, make_resamples, read_resamples
from miniature.agreement.table import concat_rows, make_rows
from miniature.characteristics.errors.compare import compare_errors
from miniature.files import write_parquet
from miniature.messages import StudyError
from miniature.scorecard.build import SCORECARD_COLUMNS, build_scorecard
from miniature.scorecard.floor import FloorModel
from miniature.statistics.significance import hommel

SETTINGS = {"task": "squad", "measure": "jaccard", "keep": 0.8}
TRAININGS = ["large", "large.seed1", "large.seed2", "large.seed3"]
OWN = floor_of(TRAININGS)
# Agreement with the reference; trainings of the reference reach 0.69 to 0.71.
MODELS = {"same": 0.70, "near": 0.609, "edge": 0.6034, "low": 0.598, "far": 0.40, "blind": 0.10}


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
        make_resamples(
            "squad", a, b, BOOTSTRAP, value + 0.002 * random.normal(size=300), (chance or {}).get(b, 0.2)
        )
        for (a, b), value in values.items()
    ]
    return concat_rows(rows), {"errors": pd.concat(draws, ignore_index=True)}, values


def card(found=None, verdict=None, **change):
    agreement, resamples, _ = tables() if found is None else found
    settings = {"errors": SETTINGS} if verdict is None else verdict
    names = [*dict.fromkeys([*agreement["model_a"], *agreement["model_b"]])]
    change.setdefault("floor", floor_of(names))
    return build_scorecard(
        agreement, models=names, reference="large", verdict=settings, resamples=resamples, **change
    ).set_index("model")


@pytest.fixture(scope="module")
def usual():
    """The scorecard of `MODELS`; tests leave it as it is."""
    return card()


def test_second_trainings_and_controls_are_no_subjects(usual):
    agreement, resamples, _ = tables()
    more = make_rows(characteristic="errors", task="squad", model_a="large", model_b="large.control",
                     measure="jaccard", value=1.0)  # fmt: skip
    assert usual.index.tolist() == list(MODELS)
    floor = [*floor_of(TRAININGS), FloorModel("large.control", "rerun", "large", "large.control")]
    found = card((concat_rows([agreement, more]), resamples, None), floor=floor)
    assert found.index.tolist() == list(MODELS)
    assert set(found["floor_kind"]) == {"retrained"}


def test_every_row_says_what_its_verdict_rests_on(usual):
    found, values = usual, tables()[2]
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
        "same": "miniature", "near": "undecided", "edge": "undecided", "low": "undecided",
        "far": "not-miniature", "blind": "not-miniature",
    }  # fmt: skip
    assert (found["reason"].eq("") == found["verdict"].ne("undecided")).all()
    np.testing.assert_allclose(found["kept"], (np.array(list(MODELS.values())) - 0.2) / (floor - 0.2))
    assert (found["kept_low"] < found["kept"]).all()
    assert (found["kept"] < found["kept_high"]).all()
    assert (found["kept_as_measured_low"] > found["kept_low"]).all()
    assert found["as_measured"].to_dict() == dict.fromkeys(MODELS, "further")
    # A bound and a p-value are two views of one distribution.
    for row in found.itertuples():
        assert (row.kept_low > 0.8) == (
            row.verdict == "miniature" or row.reason.startswith("miniature alone")
        )


@pytest.mark.parametrize("keep", [0.5, 0.6, 0.7, 0.9])
def test_the_bar_is_the_study_s_and_bounds_serve_for_every_bar(keep, usual):
    found = card(verdict={"errors": SETTINGS | {"keep": keep}})
    np.testing.assert_allclose(found["kept_low"], usual["kept_low"])
    assert (found["kept_low"] > keep).equals(found["verdict"].eq("miniature"))
    assert found.loc["blind", "verdict"] == "not-miniature"


def several(models=None, names=("errors", "second", "third")):
    """The same agreement on several characteristics."""
    agreement, resamples, _ = tables(models)
    tables_of = [agreement.assign(characteristic=name) for name in names]
    return concat_rows(tables_of), dict.fromkeys(names, resamples["errors"]), None


def test_the_correction_covers_a_model_s_rows_each_claim_for_itself():
    verdict = dict.fromkeys(("errors", "second", "third"), SETTINGS)
    found = card(several(), verdict=verdict).reset_index()
    for _, rows in found.groupby("model"):
        np.testing.assert_allclose(rows["p_adjusted"], hommel(rows["p_value"]))
    # All alike: none is dearer for being one of three.
    np.testing.assert_allclose(found["p_adjusted"], found["p_value"])
    over_all = card(several(), verdict=verdict, family="study")
    assert (over_all["p_adjusted"] >= found.set_index("model")["p_adjusted"] - 1e-12).all()
    assert (over_all["p_adjusted"] > found.set_index("model")["p_adjusted"]).any()


def test_a_model_s_rows_are_the_same_whatever_its_company():
    verdict = dict.fromkeys(("errors", "second"), SETTINGS)
    together = card(several(names=tuple(verdict)), verdict=verdict)
    for model in MODELS:
        # Draws of a pair depend on the pairs drawn before it here; only the rows of others are taken away.
        agreement, resamples, _ = several(names=tuple(verdict))
        kept = ~agreement["model_b"].isin([m for m in MODELS if m != model])
        own = {n: d[~d["model_b"].isin([m for m in MODELS if m != model])] for n, d in resamples.items()}
        again = card((agreement[kept], own, None), verdict=verdict)
        pd.testing.assert_frame_equal(again, together.loc[[model]])


def test_rows_with_nothing_to_lose_are_uninformative_and_cost_nothing():
    verdict = dict.fromkeys(("errors", "second"), SETTINGS)
    agreement, resamples, _ = several(names=tuple(verdict))
    blind = agreement["characteristic"].eq("second") & agreement["measure"].eq("jaccard")
    agreement.loc[blind, "chance"] = 0.705
    draws = resamples["second"].assign(chance=0.705)
    found = card((agreement, resamples | {"second": draws}, None), verdict=verdict).reset_index()
    rows = found[found["characteristic"] == "second"]
    assert set(rows["verdict"]) == {"uninformative"}
    assert rows["p_value"].isna().all()
    assert rows["kept_low"].isna().all()
    assert rows["reason"].str.endswith("nothing to lose").all()
    errors = found[found["characteristic"] == "errors"]
    np.testing.assert_allclose(errors["p_adjusted"], errors["p_value"])


def test_examples_of_a_model_are_what_its_floor_is_measured_on():
    agreement, resamples, _ = tables({"same": 0.70, "far": 0.40})
    pairs = list(combinations(TRAININGS, 2))
    own = agreement[agreement["model_b"].isin(TRAININGS)].assign(examples_of="far")
    own.loc[own["measure"] == "jaccard", "value"] -= 0.3
    draws = resamples["errors"]
    of_far = draws[draws["model_b"].isin(TRAININGS)].assign(
        examples_of="far", value=lambda d: d["value"] - 0.3
    )
    found = card((concat_rows([agreement, own]), {"errors": pd.concat([draws, of_far])}, None))
    before = card(tables({"same": 0.70, "far": 0.40}))
    assert len(pairs) == 6
    pd.testing.assert_series_equal(found.loc["same"], before.loc["same"])
    assert found.loc["far", "floor"] == pytest.approx(before.loc["far", "floor"] - 0.3)
    assert (before.loc["far", "verdict"], found.loc["far", "verdict"]) == ("not-miniature", "miniature")


@pytest.mark.parametrize(
    ("low", "high", "of_training", "expected"),
    [
        (0.69, 0.71, (0.69, 0.71), {"same": "miniature", "far": "not-miniature"}),
        # Seen one way the reference's own trainings agree far more, or far less.
        (0.70, 0.70, (0.69, 0.95), {"same": "undecided", "far": "not-miniature"}),
        (0.70, 0.70, (0.30, 0.71), {"same": "miniature", "far": "undecided"}),
        (0.55, 0.95, (0.70, 0.70), {"same": "undecided", "far": "undecided"}),
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
        assert (row.verdict == "undecided") == row.reason.endswith("not under every reading")


def test_open_rows_name_what_would_settle_them(usual):
    assert re.fullmatch(
        r"would be decided by \d+ replicates( (with|or) [\d,]+ examples)?", usual["reason"]["near"]
    )
    assert "near the bar of 80 %" in usual["reason"]["edge"]
    alone = card(tables(trainings=["large"]))
    assert alone["verdict"].tolist() == ["undecided"] * 6
    assert alone["reason"].str.contains("`models: {large: {replicates: 3}}`", regex=False).all()
    assert (alone["replicates"] == 0).all()
    one = card(tables(trainings=TRAININGS[:2]))
    assert one["reason"].str.startswith("only one second training of large").all()
    assert one["floor"].notna().all()
    assert one[["floor_low", "difference_low", "p_value", "p_adjusted"]].isna().all(axis=None)
    without = build_scorecard(
        tables()[0], models=[*TRAININGS, *MODELS], reference="large", verdict={"errors": SETTINGS},
        floor=floor_of(TRAININGS),
    )  # fmt: skip
    assert without["reason"].str.contains("to read the spread from").all()


def test_score_and_its_bounds(usual):
    found, values = usual, tables()[2]
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
        "undecided", "agreement of large with far is not defined on these examples"
    )  # fmt: skip
    assert row[["difference", "difference_low", "p_value", "score", "score_low"]].isna().all()
    draws = resamples["errors"].copy()
    draws.loc[(draws["model_b"] == "far") & (draws["resample"] < 3), "value"] = np.nan
    found = card((agreement, {"errors": draws}, None))
    assert found.loc["far", "verdict"] == "undecided"
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
        resamples={"errors": found.resamples}, floor=floor_of(wrong),
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
    assert found.loc["copy", "kept_low"] > 1


@pytest.mark.parametrize(
    ("n", "errors", "clusters", "reason"),
    [
        (1, 1, None, "1 cluster of examples"),
        (1, 0, None, "not defined on these examples"),
        (40, 20, ["p"] * 40, "1 cluster of examples"),
        (40, 0, None, "not defined on these examples"),
        (40, 20, None, "agree to the last digit"),
    ],
)
def test_one_example_no_error_and_identical_models_are_undecided(n, errors, clusters, reason):
    wrong = {name: np.arange(n) < errors for name in [*TRAININGS, "copy"]}
    found = compared(wrong, clusters)
    assert found["verdict"].tolist() == ["undecided"]
    assert reason in found["reason"].iloc[0]
    assert found[["difference_low", "difference_high", "p_value"]].isna().all(axis=None)


def test_no_subject_and_no_example_make_an_empty_scorecard_with_all_columns():
    found = build_scorecard(
        tables()[0],
        models=TRAININGS,
        reference="large",
        verdict={"errors": SETTINGS},
        floor=floor_of(TRAININGS),
    )
    assert list(found.columns) == list(SCORECARD_COLUMNS)
    assert not len(found)


def test_a_table_of_something_else_is_set_aside(tmp_path):
    path = tmp_path / "errors.resamples.parquet"
    write_parquet(tables()[1]["errors"], path)
    pd.testing.assert_frame_equal(
        read_resamples(path), tables()[1]["errors"], check_dtype=False, check_categorical=False
    )
    write_parquet(pd.DataFrame({"value": [1.0]}), path)
    with pytest.raises(StudyError, match="columns are value"):
        read_resamples(path)
    assert not path.exists()


def test_trainings_by_others_are_the_floor_where_there_are_none_of_one_s_own():
    renamed = {"large.seed1": "theirs", "large.seed2": "others", "large.seed3": "third"}
    agreement, resamples, values = tables({"same": 0.70, "far": 0.40})
    names = ["model_a", "model_b"]
    agreement[names] = agreement[names].replace(renamed)
    resamples["errors"][names] = resamples["errors"][names].replace(renamed)
    floor = [FloorModel(m, "origin", "large", m) for m in renamed.values()]
    found = card((agreement, resamples, values), floor=floor)
    assert found["verdict"].to_dict() == {"same": "miniature", "far": "not-miniature"}
    assert set(found["floor_kind"]) == {"origin"}
    near = card((*tables({"near": 0.609})[:2], None), floor=[f._replace(kind="origin") for f in OWN])
    assert re.search(r"by \d+ other origins", near["reason"]["near"])
    one = card((*tables({"near": 0.609}, TRAININGS[:2])[:2], None), floor=[OWN[0]._replace(kind="origin")])
    assert one["reason"]["near"].startswith("1 other origin of large; a spread needs two: name another model")
    # One's own training goes before those of others, and is too few.
    mixed = [FloorModel("theirs", "retrained", "large", "theirs"), *floor[1:]]
    alone = card((agreement, resamples, values), floor=mixed)
    assert set(alone["floor_kind"]) == {"retrained"}
    assert alone["reason"].str.startswith("only one second training").all()
    # A floor of another kind is none that a verdict rests on.
    rerun = [FloorModel(m, "rerun", "large", m) for m in renamed.values()]
    assert set(card((agreement, resamples, values), floor=rerun)["floor_kind"]) == {""}
