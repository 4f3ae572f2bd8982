"""Claims: a difference is a rejected null, one counterexample refutes, no replicate no verdict."""

import itertools

import numpy as np
import pandas as pd
import pytest

from floors import floor_of
from miniature.agreement.comparison import BOOTSTRAP, make_resamples
from miniature.agreement.table import concat_rows, make_rows
from miniature.claims.table import claims_table, judge_among, judge_models
from miniature.scorecard.build import build_scorecard

SETTINGS = {"task": "squad", "measure": "jaccard", "keep": 0.8}


def row(a, b, value, half=0.01, **change):
    labels = {"characteristic": "errors", "task": "squad", "measure": "jaccard", **change}
    return make_rows(
        model_a=a, model_b=b, value=value, ci_low=value - half, ci_high=value + half, chance=0.1, **labels
    )


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        (["not-miniature", "not-miniature"], "supported"),
        (["not-miniature", "miniature"], "not supported"),
        (["not-miniature", "undecided"], "undecided"),
        (["not-miniature", "not-measured"], "undecided"),
        (["not-measured", "not-measured"], "not tested in this study"),
        ([], "not tested in this study"),
    ],
)
def test_a_claim_about_every_model(verdicts, expected):
    assert judge_models({f"m{i}": v for i, v in enumerate(verdicts)})[0] == expected


def claims(scorecard=None, agreement=None, attacks=None, verdict=None, clusters=()):
    verdict = {"errors": SETTINGS} if verdict is None else verdict
    agreement = concat_rows([]) if agreement is None else agreement
    if scorecard is None:
        scorecard = build_scorecard(
            agreement, models=["large", "small", "tiny"], reference="large", verdict=verdict
        )
    return claims_table(
        scorecard, agreement, attacks or {}, compressed=["small", "tiny"], reference="large",
        verdict=verdict, results="results/x", command="snakemake --cores 8 --", clusters=clusters,
        floor=floor_of(attacks or {}),
    )  # fmt: skip


def test_a_low_agreement_without_a_floor_decides_nothing():
    low = concat_rows([row("large", "small", 0.01), row("large", "tiny", 0.01), row("small", "tiny", 0.01)])
    table = claims(agreement=low)
    assert len(table) == 2 * 4 + 1
    errors = table[table["characteristic"] == "errors"]
    assert errors["verdict"].tolist() == ["undecided", "undecided"]
    assert errors["evidence"].tolist() == [
        "open: small, tiny",
        "1 pair; fewer than two second trainings of small, tiny (replicates: 3)",
    ]
    others = table[table["characteristic"] != "errors"]
    assert set(others["verdict"]) == {"not tested in this study"}
    assert table["command"].iloc[0] == "snakemake --cores 8 -- errors"
    assert table["file"].iloc[0] == "results/x/agreement/errors.csv"


def test_the_scorecards_verdicts_are_what_decides():
    card = pd.DataFrame(
        {"model": ["small", "tiny", "large.seed1"], "characteristic": "errors",
         "verdict": ["not-miniature", "not-miniature", "miniature"]}
    )  # fmt: skip
    # The reference's own second training is no compressed model.
    assert claims(scorecard=card)["verdict"].iloc[0] == "supported"
    card["verdict"] = "miniature"
    assert claims(scorecard=card)["verdict"].iloc[0] == "not supported"


def among(rows, draws, models, settings=SETTINGS):
    """Judged with the second trainings that there are."""
    names = sorted({*rows["model_a"], *rows["model_b"]})
    return judge_among(rows, draws, models, settings, floor=floor_of(names))


def trained(pair, own, spread=0.004, noise=0.004, models=("small", "tiny"), again=2, **change):
    """Rows and resampled values of two models and their second trainings; `own` is what trainings share."""
    random = np.random.default_rng(0)
    names = [n for m in models for n in (m, *(f"{m}.seed{i}" for i in range(1, again + 1)))]
    rows, draws = [], []
    for i, (a, b) in enumerate(itertools.combinations(names, 2)):
        alike = a.partition(".")[0] == b.partition(".")[0]
        value = (own if alike else pair) + spread * (-1) ** i
        rows.append(row(a, b, value, n_clusters=500, **change))
        draws.append(
            make_resamples("squad", a, b, BOOTSTRAP, value + noise * random.standard_normal(400), 0.1)
        )
    return concat_rows(rows), pd.concat(draws, ignore_index=True)


@pytest.mark.parametrize(
    ("pair", "own", "expected"),
    [(0.3, 0.7, "supported"), (0.7, 0.7, "not supported"), (0.58, 0.7, "undecided")],
)
def test_compressed_models_are_set_against_their_own_second_trainings(pair, own, expected):
    rows, draws = trained(pair, own, again=3)
    assert among(rows, draws, ["small", "tiny"], SETTINGS)[0] == expected
    # One model's second trainings are not enough.
    few = ~(rows["model_a"].str.startswith("tiny.") | rows["model_b"].str.startswith("tiny."))
    verdict, evidence = among(rows[few], draws, ["small", "tiny"], SETTINGS)
    assert verdict == "undecided"
    assert evidence == "1 pair; fewer than two second trainings of tiny (replicates: 3)"


def test_the_order_of_the_two_models_in_the_table_does_not_matter():
    rows, draws = trained(0.3, 0.7, again=3)
    swapped = {"model_a": "model_b", "model_b": "model_a"}
    for settings in (SETTINGS, {**SETTINGS, "margin": 0.5}):
        one = among(rows, draws, ["small", "tiny"], settings)
        other = among(rows, draws, ["tiny", "small"], settings)
        assert one[0] == other[0]
        turned = (rows.rename(columns=swapped), draws.rename(columns=swapped))
        assert among(*turned, ["small", "tiny"], settings)[0] == one[0]


def test_both_floors_count():
    """Far below the floor of the one and as near as the other is to itself: nothing is decided."""
    rows, draws = trained(0.3, 0.7, again=3)
    own = rows["model_a"].str.startswith("tiny") & rows["model_b"].str.startswith("tiny")
    rows.loc[own, "value"] -= 0.4
    of_tiny = draws["model_a"].str.startswith("tiny") & draws["model_b"].str.startswith("tiny")
    draws.loc[of_tiny, "value"] -= 0.4
    assert among(rows, draws, ["small", "tiny"], SETTINGS)[0] == "undecided"


def test_one_pair_that_does_not_differ_refutes_and_pairs_without_trainings_stay_open():
    rows, draws = trained(0.7, 0.7, again=3)
    rows = concat_rows([rows, row("small", "mini", 0.1), row("tiny", "mini", 0.1)])
    verdict, evidence = among(rows, draws, ["small", "tiny", "mini"], SETTINGS)
    assert verdict == "not supported"
    assert "does not differ: small and tiny" in evidence
    assert "fewer than two second trainings of mini" in evidence


@pytest.mark.parametrize(
    "change",
    [{"measure": "negative_flips"}, {"measure": "jaccard", "no": "draws"}],
    ids=["direction", "draws"],
)
def test_what_cannot_be_judged_is_inconclusive(change):
    rows, draws = trained(0.3, 0.7, again=3, measure=change["measure"])
    draws = draws.iloc[:0] if "no" in change else draws
    verdict, _ = among(rows, draws, ["small", "tiny"], {**SETTINGS, "measure": change["measure"]})
    assert verdict == "undecided"


def test_replicates_of_a_model_with_a_similar_name_do_not_count():
    rows = concat_rows([row("small", "tiny", 0.4), row("small", "smaller.seed1", 0.9)])
    assert among(rows, make_resamples(), ["small", "tiny"], SETTINGS)[0] == "undecided"


def test_fewer_than_two_compressed_models_or_no_row():
    nothing = (concat_rows([]), make_resamples())
    assert among(*nothing, ["small"], SETTINGS)[0] == "not tested in this study"
    assert among(*nothing, ["small", "tiny"], SETTINGS)[0] == "not tested in this study"


def test_the_attacks_are_judged_by_their_success_rates():
    def attacked(rate):
        outcomes = ["success"] * rate + ["failure"] * (100 - rate)
        return pd.DataFrame({"id": [str(i) for i in range(100)], "outcome": outcomes})

    rates = {"large": 20, "large.seed1": 21, "large.seed2": 22, "small": 60, "tiny": 70}
    attacks = {model: attacked(rate) for model, rate in rates.items()}
    last = claims(attacks=attacks, clusters=np.arange(100)).iloc[-1]
    assert last["claim"] == "Every compressed model is more vulnerable to the attack than large."
    assert last["verdict"] == "supported"
    assert last["file"] == "results/x/tables/table3_attacks.csv"
    untested = claims().iloc[-1]
    assert untested["verdict"] == "not tested in this study"
    assert untested["evidence"] == "no attack was run"
