"""The noise floor from models of other origin: weights by hand, the scorecard, the table, the words."""

import math

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import jaccard_score

from miniature.agreement.comparison import Comparing, Resampling
from miniature.characteristics.errors.compare import compare_errors
from miniature.pages.findings import contrast_pairs, floor_contrasts, write_findings
from miniature.scorecard.build import build_scorecard
from miniature.scorecard.floor import FloorModel, noise_floor, origin_means, origin_weights
from miniature.tables.floor import floor_table, read_floor

ORIGINS = {"large": "us", "theirs": "them", "a": "group", "b": "group", "c": "group", "sibling": "us"}


def test_weights_one_share_for_each_origin():
    weights = origin_weights(ORIGINS, reference="large")
    assert weights == pytest.approx({"theirs": 1 / 2, "a": 1 / 6, "b": 1 / 6, "c": 1 / 6})
    assert origin_weights({}, reference="large") == {}
    assert origin_weights({"large": "us"}, reference="large") == {}


def test_a_model_of_the_floor_is_measured_against_the_other_origins():
    assert origin_weights(ORIGINS, reference="large", model="b") == {"theirs": 1.0}
    assert origin_weights(ORIGINS, reference="large", model="theirs") == pytest.approx(
        {"a": 1 / 3, "b": 1 / 3, "c": 1 / 3}
    )
    assert origin_weights(ORIGINS, reference="large", model="tiny") == origin_weights(
        ORIGINS, reference="large"
    )


def test_floor_by_hand():
    values = {"theirs": 0.6, "a": 0.3, "b": 0.4, "c": 0.5, "tiny": 0.1, "sibling": 0.99}
    assert noise_floor(values, ORIGINS, reference="large") == pytest.approx((0.6 + 0.4) / 2)
    # Publishing the same checkpoint again changes nothing for the other origins.
    more = {**ORIGINS, "d": "group"}
    assert noise_floor({**values, "d": 0.4}, more, reference="large") == pytest.approx(0.5)
    # Who was not measured has no part in the weights.
    assert noise_floor({**values, "theirs": math.nan}, ORIGINS, reference="large") == pytest.approx(0.4)
    del values["c"]
    assert noise_floor(values, ORIGINS, reference="large") == pytest.approx((0.6 + 0.35) / 2)
    assert math.isnan(noise_floor({}, ORIGINS, reference="large"))
    assert origin_means(values, ORIGINS, reference="large") == pytest.approx({"them": 0.6, "group": 0.35})


SETTINGS = {"task": "wiki", "measure": "jaccard", "keep": 0.8}


def compare(wrong, clusters):
    ids = [f"q{i}" for i in range(len(clusters))]
    errors = {m: pd.DataFrame({"id": ids, "error": pd.array(e, dtype="boolean")}) for m, e in wrong.items()}
    return compare_errors(
        errors, Comparing("wiki", "wiki", "test", "large", Resampling(resamples=100), SETTINGS), clusters
    )  # fmt: skip


def by_origin(origins):
    return [FloorModel(m, "origin", "large", o) for m, o in origins.items() if m != "large"]


def scorecard(wrong, clusters, origins):
    found = compare(wrong, clusters)
    return build_scorecard(
        found.rows, models=list(wrong), reference="large", verdict={"errors": SETTINGS},
        floor=by_origin(origins), resamples={"errors": found.resamples},
    )  # fmt: skip


@pytest.fixture(scope="module")
def study():
    """Errors of seven models over 200 examples in 50 contexts."""
    return study_of(seven_models())


def seven_models():
    random = np.random.default_rng(0)
    large = random.random(200) < 0.3

    def like(noise):
        return np.where(random.random(200) < noise, ~large, large)

    return {"large": large, "base": like(0.15), "tiny": like(0.45), "theirs": like(0.1),
             "a": like(0.2), "b": like(0.25), "other": like(0.4)}  # fmt: skip


def study_of(wrong):
    clusters = np.arange(200) // 4
    agreement = compare(wrong, clusters).rows
    origins = {"large": "us", "theirs": "them", "a": "group", "b": "group"}
    named = {**origins, "base": "us", "tiny": "us", "other": "else"}
    table = floor_table(
        agreement, task="wiki", models=list(wrong), reference="large", origins=origins, named_origins=named,
        errors={m: (int(e.sum()), 200) for m, e in wrong.items()},
    )  # fmt: skip
    return wrong, clusters, agreement, origins, table


def test_scorecard_has_floor_and_difference_and_decides_nothing(study):
    wrong, _, agreement, origins, _ = study
    verdict = {
        "errors": {"task": "wiki", "measure": "jaccard", "keep": 0.8},
        "calibration": {"task": "wiki", "measure": "jaccard", "keep": 0.8},
    }
    card = build_scorecard(
        agreement, models=list(wrong), reference="large", verdict=verdict, floor=by_origin(origins)
    )
    card = card.set_index(["model", "characteristic"])
    with_large = {m: jaccard_score(wrong["large"], e) for m, e in wrong.items()}
    floor = (with_large["theirs"] + (with_large["a"] + with_large["b"]) / 2) / 2
    for model in ("base", "tiny", "other"):
        row = card.loc[(model, "errors")]
        assert row["floor"] == pytest.approx(floor)
        assert row["difference"] == pytest.approx(with_large[model] - floor)
    bounds = ["floor_low", "floor_high", "difference_low", "difference_high", "p_value", "score_low"]
    assert card[bounds].isna().all(axis=None)
    # Two other origins have a spread, but the noise of examples in it is not known here; one has none.
    reasons = card["reason"].xs("errors", level=1)
    assert reasons["base"].startswith("no agreement of large with theirs")
    assert set(reasons.index) == {"base", "tiny", "other"}
    assert set(card["floor_kind"]) == {"origin"}
    assert set(card["verdict"].xs("errors", level=1)) == {"undecided"}
    assert set(card["verdict"].xs("calibration", level=1)) == {"not-measured"}
    assert card.xs("calibration", level=1)[["floor", "difference"]].isna().all(axis=None)


@pytest.mark.parametrize(("measure", "sign"), [("negative_flips", -1), ("accuracy_difference", 0)])
def test_difference_is_positive_where_the_model_is_closer(study, measure, sign):
    wrong, _, agreement, origins, _ = study
    card = build_scorecard(
        agreement, models=list(wrong), reference="large", floor=by_origin(origins),
        verdict={"errors": {"task": "wiki", "measure": measure, "keep": 0.8}},
    ).set_index("model")  # fmt: skip
    rows = agreement[(agreement["model_a"] == "large") & (agreement["measure"] == measure)]
    values = rows.set_index("model_b")["value"]
    if sign == 0:
        values = values.abs()
    floor = (values["theirs"] + (values["a"] + values["b"]) / 2) / 2
    assert card.loc["tiny", "difference"] == pytest.approx(floor - values["tiny"])


def test_table_sets_kinds_apart_and_survives_its_csv(study, tmp_path):
    wrong, _, _, _, table = study
    kinds = dict(zip(table["model"], table["kind"], strict=True))
    assert kinds == {
        "large": "reference", "base": "compared", "tiny": "compared", "theirs": "same model, other training",
        "a": "same model, other training", "b": "same model, other training", "other": "other system",
    }  # fmt: skip
    rows = table.set_index("model")
    assert rows.loc["base", "Jaccard"] == pytest.approx(jaccard_score(wrong["large"], wrong["base"]))
    assert rows.loc["base", "accuracy %"] == pytest.approx(100 * (1 - wrong["base"].mean()))
    assert rows.loc["base", "accuracy difference"] == pytest.approx(
        100 * (wrong["large"].mean() - wrong["base"].mean())
    )
    assert rows["weight"].dropna().to_dict() == {"theirs": 0.5, "a": 0.25, "b": 0.25}
    table.to_csv(tmp_path / "floor.csv", index=False)
    pd.testing.assert_frame_equal(read_floor(tmp_path / "floor.csv"), table, check_dtype=False)


def test_contrast_resamples_whole_contexts(study):
    wrong, clusters, *_ = study
    found = contrast_pairs(wrong, clusters, [("large", "theirs")], [("large", "tiny")], seed=0, resamples=500)
    own, other = (jaccard_score(wrong["large"], wrong[m]) for m in ("theirs", "tiny"))
    assert found.value == pytest.approx(own - other)
    assert found.low < found.value < found.high
    # By the definition, without the library: draw contexts, recompute, take percentiles.
    random = np.random.default_rng(1)
    draws = []
    for _ in range(500):
        rows = np.concatenate([np.arange(4) + 4 * c for c in random.integers(0, 50, 50)])
        scores = [jaccard_score(wrong["large"][rows], wrong[m][rows]) for m in ("theirs", "tiny")]
        draws.append(scores[0] - scores[1])
    assert [found.low, found.high] == pytest.approx(np.percentile(draws, [2.5, 97.5]), abs=0.04)
    same = contrast_pairs(wrong, clusters, [("large", "a")], [("large", "a")], seed=0)
    assert same == (0, 0, 0)
    assert same.sign == 0


def words(study, table=None):
    wrong, clusters, agreement, origins, whole = study
    table = whole if table is None else table
    rows = agreement[agreement["measure"] == "jaccard"]
    pairs = {}
    for row in rows.itertuples():
        pairs[row.model_a, row.model_b] = pairs[row.model_b, row.model_a] = row.value
    contrasts = floor_contrasts(table, wrong, clusters, seed=0)
    kept = {m: o for m, o in origins.items() if m in set(table["model"])}
    card = scorecard(wrong, clusters, kept)
    return write_findings(table, pairs, contrasts, task="wiki", card=card)


def test_findings_tell_what_the_table_holds(study):
    rows = study[-1].set_index("model")
    text = words(study)
    floor = (rows.loc["theirs", "Jaccard"] + rows.loc[["a", "b"], "Jaccard"].mean()) / 2
    assert f"floor of {floor:.3f}" in text
    assert f"`base`, the nearest of the models compared, reaches {rows.loc['base', 'Jaccard']:.3f}" in text
    assert "the mean of 2 that count as one" in text
    assert f"`tiny` {rows.loc['tiny', 'Jaccard']:.3f}" in text
    assert f"`other` {rows.loc['other', 'Jaccard']:.3f}" in text
    assert "nan" not in text
    card = scorecard(*study[:2], study[3]).set_index("model")
    assert card.loc[["base", "tiny", "other"], "difference_low"].notna().all()
    assert f"`tiny` (keeps {100 * card.loc['tiny', 'kept']:.0f} %" in text
    assert "**Verdicts on errors** (3 models; jaccard on `wiki`, keep 0.8)" in text
    for model in ("base", "tiny", "other"):
        verdict = card.loc[model, "verdict"]
        assert f"`{model}` (" in text.partition(f"`{verdict}`: ")[2].partition(";")[0]
    low, high = card.loc["tiny", ["floor_low", "floor_high"]]
    assert f"a floor from 2 other origins: {low:.2f} to {high:.2f}" in text
    assert "follows" not in text


def test_findings_claim_no_more_than_there_is(study):
    table = study[-1]
    # Nothing compared: only the floor and its limits are left.
    alone = words(study, table[~table["kind"].isin(["compared", "other system"])].reset_index(drop=True))
    assert "nearest" not in alone
    assert "compared" not in alone
    # One origin: no mean of several, and no agreement of the others among themselves.
    one = words(study, table[~table["model"].isin(["a", "b"])].reset_index(drop=True))
    assert "**No verdict on agreement follows.** A floor from one other origin has no interval." in one
    assert "**Verdicts on errors** (5 models" in one
    assert "among themselves" not in one
    # A model whose interval holds 0 agrees neither better nor worse.
    same = table.replace({"kind": {"compared": "other system"}})
    same.loc[same["model"] == "other", "kind"] = "compared"
    assert "agrees better with `large`" in words(study, same)


def test_findings_of_models_that_make_the_very_same_mistakes():
    wrong = seven_models()
    text = words(study_of({**wrong, "base": wrong["large"]}))
    assert "reaches 1.000" in text
    assert "while `base` makes the very same mistakes" in text
    # Nothing but mistakes: no kappa, no other side, and still no number that is none.
    text = words(study_of({model: np.ones(200, dtype=bool) for model in wrong}))
    assert "floor of 1.000" in text
    assert "nan" not in text
