"""More vulnerable: a difference of success rates that counts examples, trainings and spent budgets."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtri
from scipy.stats import binom, t, ttest_ind

from floors import floor_of
from miniature.claims.success import measure_success_difference
from miniature.claims.table import judge_vulnerability
from miniature.messages import StudyError
from miniature.statistics.paired import mean_variance


def attacked(outcomes):
    return pd.DataFrame({"id": [str(i) for i in range(len(outcomes))], "outcome": list(outcomes)})


def outcomes(*parts):
    """``outcomes((20, "success"), (30, "failure"))``: so many of each, in this order."""
    return np.repeat(np.array([word for _, word in parts], dtype=object), [number for number, _ in parts])


def rate(broken, of=100):
    return outcomes((broken, "success"), (of - broken, "failure"))


def judge(attacks, compressed=("small",), clusters=None):
    tables = {model: attacked(found) for model, found in attacks.items()}
    n = len(next(iter(attacks.values())))
    return judge_vulnerability(
        tables,
        np.arange(n) if clusters is None else clusters,
        list(compressed),
        "large",
        floor=floor_of(attacks),
    )


def study(random, *, again, examples, spread, more=0.0):
    """One study: examples of their own difficulty, trainings whose success rates vary about 50 %."""
    names = ["large", *(f"large.seed{i}" for i in range(1, again + 1)), "small"]
    shared = random.standard_normal(examples)
    rates = 0.5 + spread * random.standard_normal(len(names)) + more * (np.array(names) == "small")
    own = random.standard_normal((len(names), examples))
    broken = np.sqrt(0.5) * (shared + own) < ndtri(np.clip(rates, 0.01, 0.99))[:, None]
    return dict(zip(names, np.where(broken, "success", "failure"), strict=True))


def measured(drawn):
    """The difference of the last model to the others."""
    *trainings, model = drawn.values()
    return measure_success_difference([model], trainings, np.arange(len(model)))


STUDIES = 250


@pytest.mark.parametrize("again", [1, 2, 3])
def test_one_more_training_of_the_reference_is_called_different_as_rarely_as_stated(again):
    random = np.random.default_rng(again)
    found = [measured(study(random, again=again, examples=600, spread=0.05)) for _ in range(STUDIES)]
    most = binom.ppf(0.999, STUDIES, 0.05)
    assert sum(f.p_more <= 0.05 for f in found) <= most
    assert sum(f.p_less <= 0.05 for f in found) <= most


@pytest.mark.parametrize(("more", "expected"), [(0.2, "supported"), (-0.2, "not supported")])
def test_a_clear_difference_is_found(more, expected):
    random = np.random.default_rng(0)
    said = [judge(study(random, again=3, examples=600, spread=0.01, more=more))[0] for _ in range(20)]
    assert said == [expected] * 20


@pytest.mark.parametrize("broken", [(4, 6), (4, 5, 7), (3, 4, 4, 6, 5)])
def test_without_variance_over_examples_it_is_the_t_prediction_interval(broken):
    # Every cluster is like every other: ten examples, of which so many break.
    clusters = np.repeat(np.arange(50), 10)
    model, *trainings = (np.tile(rate(k, of=10), 50) for k in (9, *broken))
    found = measure_success_difference([model], trainings, clusters)
    rates, df = np.array(broken) / 10, len(broken) - 1
    scale = np.sqrt(rates.var(ddof=1) * (1 + 1 / len(broken)))
    assert found.difference == pytest.approx(0.9 - rates.mean())
    assert found.p_more == pytest.approx(t.sf(found.difference / scale, df), abs=1e-7)
    assert found.p_less == pytest.approx(t.cdf(found.difference / scale, df), abs=1e-7)
    assert found.low == pytest.approx(found.difference - t.ppf(0.95, df) * scale, abs=1e-5)
    assert found.high == pytest.approx(found.difference + t.ppf(0.95, df) * scale, abs=1e-5)


def test_without_variance_over_trainings_it_is_the_paired_t_test():
    random = np.random.default_rng(0)
    others = np.where(random.random(80) < 0.4, "success", "failure")
    model = np.where(random.random(80) < 0.55, "success", "failure")
    found = measure_success_difference([model], [others, others], np.arange(80))
    z = (model == "success") * 1.0 - (others == "success")
    assert found.p_more == pytest.approx(t.sf(z.mean() / (z.std(ddof=1) / np.sqrt(80)), 79), abs=1e-6)


def test_examples_that_come_in_clusters_count_as_the_clusters():
    random = np.random.default_rng(0)
    model, other = (np.where(random.random(60) < p, "success", "failure") for p in (0.6, 0.4))
    alone = measure_success_difference([model], [other, other], np.arange(60))
    model, other = np.repeat(model, 5), np.repeat(other, 5)
    whole = measure_success_difference([model], [other, other], np.repeat(np.arange(60), 5))
    assert (whole.low, whole.high) == pytest.approx((alone.low, alone.high))
    apart = measure_success_difference([model], [other, other], np.arange(300))
    assert (whole.high - whole.low) / (apart.high - apart.low) == pytest.approx(np.sqrt(5), rel=0.03)
    # Of the mean itself: five times the variance, but for the degrees of freedom.
    z = np.repeat(random.standard_normal(60), 5)
    ratio = mean_variance(z, np.repeat(np.arange(60), 5)) / mean_variance(z, np.arange(300))
    assert ratio == pytest.approx(5 * (60 / 59) * (299 / 300))


def test_clusters_of_unequal_size_vary_as_the_bootstrap_of_clusters_says():
    random = np.random.default_rng(0)
    index = np.repeat(np.arange(200), random.integers(1, 8, 200))
    values = random.random(200)[index] + random.random(len(index))
    sums, sizes = np.bincount(index, values), np.bincount(index)
    drawn = random.integers(0, 200, (4000, 200))
    means = sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)
    assert mean_variance(values, index) == pytest.approx(means.var(), rel=0.1)


def test_without_a_second_training_nothing_is_decided():
    attacks = {"large": rate(10), "small": rate(90)}
    assert judge(attacks) == (
        "undecided", "open: small +0.80; success rate of these checkpoints minus that of large; "
        "no second training of large",
    )  # fmt: skip
    verdict, evidence = judge({**attacks, "large.seed1": rate(12), "large.seed2": rate(11)})
    assert verdict == "supported"
    assert evidence.startswith("more vulnerable: small +0.79 (+0.")
    assert evidence.endswith("; success rate of these checkpoints minus that of large (mean of 3 trainings)")
    # A second training as fragile as the compressed model: the difference may be the seed's.
    assert judge({**attacks, "large.seed1": rate(90), "large.seed2": rate(11)})[0] == "undecided"
    # Another model's second training is none of the reference's.
    assert judge({**attacks, "small.seed1": rate(12), "larger.seed1": rate(11)})[0] == "undecided"


def test_one_model_that_is_less_vulnerable_refutes_and_one_not_attacked_leaves_open():
    attacks = {"large": rate(50), "large.seed1": rate(51), "large.seed2": rate(52), "small": rate(90)}
    verdict, evidence = judge({**attacks, "tiny": rate(10)}, ["small", "tiny"])
    assert verdict == "not supported"
    assert "more vulnerable: small +0.39" in evidence
    assert "less vulnerable: tiny -0.41" in evidence
    verdict, evidence = judge(attacks, ["small", "tiny"])
    assert verdict == "undecided"
    assert "; not attacked: tiny; " in evidence
    assert judge(attacks, ["tiny"]) == ("not tested in this study", "no attack was run")
    assert judge({"small": rate(90)}) == ("not tested in this study", "no attack was run")


def test_with_trainings_of_both_it_is_welch_s_test_of_the_recipes():
    # Every cluster is like every other: ten examples, of which so many break.
    clusters = np.repeat(np.arange(50), 10)
    models, trainings = ([np.tile(rate(k, of=10), 50) for k in ks] for ks in ((7, 9, 8), (4, 6, 5, 3)))
    found = measure_success_difference(models, trainings, clusters)
    expected = ttest_ind([0.7, 0.9, 0.8], [0.4, 0.6, 0.5, 0.3], equal_var=False, alternative="greater")
    assert found.difference == pytest.approx(0.35)
    assert found.p_more == pytest.approx(expected.pvalue, abs=1e-7)
    attacks = dict(zip(("large", "large.seed1", "large.seed2", "large.seed3"), trainings, strict=True))
    attacks |= dict(zip(("small", "small.seed1", "small.seed2"), models, strict=True))
    assert "success rate of all trainings minus" in judge(attacks, clusters=clusters)[1]
    # Without second trainings of every model the claim is about checkpoints.
    only = judge(attacks | {"tiny": models[0]}, ["small", "tiny"], clusters=clusters)[1]
    assert "of these checkpoints minus" in only


def test_many_models_pay_for_each_other():
    attacks = {"large": rate(40), "large.seed1": rate(44), "large.seed2": rate(42), "small": rate(52)}
    assert judge(attacks)[0] == "supported"
    same = {f"m{i}": rate(43) for i in range(8)}
    verdict, evidence = judge(attacks | same, ["small", *same])
    assert verdict == "undecided"
    assert "small +0.10 (+0.02 to +0.18, not after the correction)" in evidence


def test_examples_that_any_training_had_wrong_or_failed_on_are_left_out():
    attacks = {
        "large": ["skipped", "failure", "error", "failure", "failure", "failure"],
        "large.seed1": ["failure", "failure", "failure", "failure", "success", "skipped"],
        "small": ["success", "skipped", "success", "success", "failure", "success"],
    }
    model, *trainings = (np.array(attacks[name], dtype=object) for name in ("small", "large", "large.seed1"))
    found = measure_success_difference([model], trainings, np.arange(6))
    assert (found.n, found.difference) == (2, 0.5 - 0.25)
    # Nothing in common.
    attacks["small"] = ["success"] + ["skipped"] * 5
    assert judge(attacks) == ("undecided", "open: small (no example that all were attacked on)")
    with pytest.raises(StudyError, match="have 3 rows"):
        judge({"large": rate(5), "small": rate(5)[:3]})


def test_nothing_varies_or_all_is_one_cluster():
    attacks = {"large": rate(0), "large.seed1": rate(0), "small": rate(100)}
    verdict, evidence = judge(attacks)
    assert verdict == "undecided"
    assert "small +1.00 (neither trainings nor examples vary)" in evidence
    attacks = {"large": rate(10), "large.seed1": rate(11), "small": rate(90)}
    verdict, evidence = judge(attacks, clusters=np.zeros(100))
    assert verdict == "undecided"
    assert "(all examples are of one cluster)" in evidence
    with pytest.raises(ValueError, match="on the same examples"):
        measure_success_difference([rate(1)], [], np.arange(100))


def test_budgets_spent_on_the_reference_keep_the_claim_open():
    held = {name: rate(broken) for name, broken in (("large", 10), ("large.seed1", 11), ("large.seed2", 12))}
    assert judge({**held, "small": rate(60)})[0] == "supported"
    spent = {name: np.where(found == "failure", "query_budget", found) for name, found in held.items()}
    for name in spent:
        spent[name][-5:] = "failure"
    verdict, evidence = judge({**spent, "small": rate(60)})
    assert verdict == "undecided"
    assert "small +0.49 (" in evidence
    assert ", spent budgets keep it open)" in evidence
    # A few of them cannot turn it round.
    few = {name: found.copy() for name, found in held.items()}
    for name in few:
        few[name][-5:] = "time_budget"
    verdict, _ = judge({**few, "small": rate(60)})
    assert verdict == "supported"


def test_budgets_spent_on_the_model_keep_it_from_being_called_robust():
    held = {name: rate(broken) for name, broken in (("large", 50), ("large.seed1", 51), ("large.seed2", 52))}
    assert judge({**held, "small": rate(5)})[0] == "not supported"
    small = outcomes((5, "success"), (90, "query_budget"), (5, "failure"))
    verdict, evidence = judge({**held, "small": small})
    assert verdict == "undecided"
    assert "spent budgets keep it open" in evidence


def test_bounds_hold_in_every_reading_of_the_spent_budgets():
    random = np.random.default_rng(0)
    words = np.array(["success", "failure", "query_budget"], dtype=object)
    model, *trainings = random.choice(words, (4, 200), p=(0.4, 0.5, 0.1))
    found = measure_success_difference([model], trainings, np.arange(200))
    for of_model in ("success", "failure"):
        for of_others in ("success", "failure"):
            read = measure_success_difference(
                [np.where(model == "query_budget", of_model, model)],
                [np.where(other == "query_budget", of_others, other) for other in trainings],
                np.arange(200),
            )
            assert found.low <= read.low < read.high <= found.high
            assert found.p_more_at_best <= read.p_more <= found.p_more
            assert found.p_less_at_best <= read.p_less <= found.p_less
