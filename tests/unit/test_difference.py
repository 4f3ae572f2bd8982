"""A model against the noise floor: by hand in the limits, and every case in which there is no answer."""

from itertools import combinations

import numpy as np
import pytest
from scipy.stats import t

from miniature.agreement.comparison import BOOTSTRAP, JACKKNIFE, Draws
from miniature.measures.sets import correct_for_chance
from miniature.scorecard.difference import Measurements, measure_difference
from miniature.scorecard.verdicts import Evidence, claims_of, relative_score
from miniature.statistics.kept import p_below_training, p_miniature
from miniature.statistics.trainings import group_form, p_beyond, p_inside
from miniature.statistics.uncertainty import Uncertainty

TRAININGS = ["large", "large.seed1", "large.seed2", "large.seed3"]


def agreements(r=3, model=0.4, *, seed=0):
    names = [*TRAININGS[: r + 1], "tiny"]
    random = np.random.default_rng(seed)
    found = {pair: 0.7 + 0.02 * random.normal() for pair in combinations(names, 2)}
    return {**found, ("large", "tiny"): model}


def resampled(values, noise=0.0, draws=400, *, seed=1):
    random = np.random.default_rng(seed)
    return {pair: value + noise * random.normal(size=draws) for pair, value in values.items()}


def measure(values, draws=None, *, r=3, method=BOOTSTRAP, closer="higher", chance=0.1, **change):
    trainings = {name: name for name in TRAININGS[: r + 1]} if r else {}
    draws = resampled(values) if draws is None else draws
    measured = Measurements(
        values, dict.fromkeys(values, np.nan if closer == "zero" else chance),
        {pair: Draws(found, np.full(len(found), chance)) for pair, found in draws.items()}, method, closer,
    )  # fmt: skip
    settings = {"clusters": 200, "trainings": trainings, "reference": "large", "model": "tiny"} | change
    return measure_difference(measured, **settings)


def test_with_examples_known_exactly_the_bounds_are_the_prediction_interval():
    values = agreements(r=2)
    found = measure(values, r=2)
    between = [values[pair] for pair in combinations(TRAININGS[:3], 2)]
    floor = np.mean(between[:2])
    half = t.ppf(0.95, 2) * np.std(between, ddof=1) * np.sqrt(1 + 1 / 2)
    assert found.floor == pytest.approx(floor)
    assert found.difference == pytest.approx(0.4 - floor)
    assert (found.low, found.high) == pytest.approx((0.4 - floor - half, 0.4 - floor + half), abs=1e-7)
    of_floor = t.ppf(0.975, 2) * np.std(between, ddof=1) * np.sqrt(1 / 2)
    assert (found.floor_low, found.floor_high) == pytest.approx(
        (floor - of_floor, floor + of_floor), abs=1e-7
    )
    assert (found.trainings, found.reason) == (2, "")
    # The share kept of what lies above chance, for this checkpoint: only the floor varies.
    assert found.kept.share == pytest.approx((0.4 - 0.1) / (floor - 0.1))
    scale = 0.8 * np.std(between, ddof=1) / np.sqrt(2)
    expected = t.sf((0.3 - 0.8 * (floor - 0.1)) / scale, 2)
    assert p_miniature(found.kept, 0.8) == pytest.approx(expected, abs=1e-7)
    again = (found.difference) / (np.std(between, ddof=1) * np.sqrt(1.5))
    assert p_below_training(found.kept) == pytest.approx(t.cdf(again, 2), abs=1e-7)


def test_noise_of_examples_is_counted_once_and_paired():
    values = agreements()
    # One noise shared by every pair cancels in the difference, though not in the floor.
    shared = np.random.default_rng(3).normal(size=2000)
    same = {pair: value + 0.05 * shared for pair, value in values.items()}
    alone, noisy = measure(values), measure(values, same)
    assert (noisy.low, noisy.high) == pytest.approx((alone.low, alone.high), abs=1e-9)
    assert noisy.floor_high - noisy.floor_low > alone.floor_high - alone.floor_low + 0.05
    # Noise of their own that explains the trainings' spread leaves the width to examples.
    own = measure(values, resampled(values, 0.2, 4000))
    normal = 1.645 * 0.2 * np.sqrt(1 + 1 / 3)
    assert own.high - own.difference == pytest.approx(normal, rel=0.1)


def test_jackknife_values_have_the_variance_of_the_jackknife():
    values = agreements()
    flat = {pair: np.full(20, value) for pair, value in values.items()}
    moved = {**flat, ("large", "tiny"): values["large", "tiny"] + 0.01 * np.arange(20)}
    found = measure(values, moved, method=JACKKNIFE)
    variance = 19 / 20 * np.square(0.01 * (np.arange(20) - 9.5)).sum()
    half = t.ppf(0.95, 19) * np.sqrt(variance)
    assert found.high - found.difference == pytest.approx(half, rel=0.02)


def test_where_lower_is_closer_everything_is_mirrored():
    values = agreements()
    expected = measure(values, resampled(values, 0.01))
    turned = {pair: 1 - value for pair, value in values.items()}
    draws = {pair: 1 - value for pair, value in resampled(values, 0.01).items()}
    found = measure(turned, draws, closer="lower", chance=0.9)
    for name in ("difference", "low", "high"):
        assert getattr(found, name) == pytest.approx(getattr(expected, name)), name
    np.testing.assert_allclose(found.kept, expected.kept)
    assert found.floor == pytest.approx(1 - expected.floor)
    assert found.floor_low == pytest.approx(1 - expected.floor_high)


def levels(r=3, model=0.30, sign=1):
    """Differences of levels: pairs as the agreement table has them, the reference first."""
    trained = dict(zip(TRAININGS[: r + 1], [0.0, 0.02, -0.01, 0.03], strict=False))
    own = {**trained, "tiny": model}
    return {(a, b): sign * (own[b] - own[a]) for a, b in combinations(own, 2)}


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("r", [2, 3])
def test_levels_with_examples_known_exactly_are_judged_by_the_t_distribution(r, sign):
    found = measure(levels(r, sign=sign), r=r, closer="zero")
    own = np.array([0.0, 0.02, -0.01, 0.03][: r + 1])
    size, sd = 0.30 - own.mean(), own.std(ddof=1) * np.sqrt(1 + 1 / (r + 1))
    assert found.difference == pytest.approx(-size)
    assert found.floor == pytest.approx(np.abs(own[1:]).mean())
    assert found.low == pytest.approx(-size - t.ppf(0.95, r) * sd, abs=1e-7)
    # One-sided but for the far tail, which is next to nothing here.
    assert found.high == pytest.approx(-size + t.ppf(0.95, r) * sd, abs=3e-3)
    # Against the reference the claim is about two checkpoints, over examples alone.
    assert found.level.value == pytest.approx(0.30 * sign)
    claims = claims_of(Evidence(found, 0.05))
    assert claims.miniature == pytest.approx(1)
    expected = t.sf(size / sd, r) * 2
    assert claims.not_miniature == pytest.approx(expected, abs=1e-7)
    # The bound is where the claim stops: at a margin of that size its p-value is 5 %.
    assert p_beyond(size, -found.high, found.level.another) == pytest.approx(0.05, abs=1e-6)
    assert found.floor_low < 2 / np.sqrt(np.pi) * own.std(ddof=1) < found.floor_high


def test_a_level_within_the_trainings_is_no_claim_of_a_difference():
    found = measure(levels(model=0.01), closer="zero")
    assert found.high == 0
    assert claims_of(Evidence(found, 0.0)).not_miniature > 0.9
    assert claims_of(Evidence(found, 0.2)).miniature < 0.01


def test_a_level_needs_no_training_to_lie_within_its_margin():
    found = measure(levels(r=0, model=0.01), r=0, closer="zero")
    assert claims_of(Evidence(found, 0.02)).miniature == 0
    assert np.isnan(claims_of(Evidence(found, 0.001)).not_miniature)
    assert found.reason.startswith("no second training")


def test_levels_by_others_count_each_origin_once():
    values = {("large", "a1"): 0.01, ("large", "a2"): 0.05, ("large", "b"): -0.02, ("large", "tiny"): 0.2}
    origins = {"large": "us", "a1": "a", "a2": "a", "b": "b"}
    found = measure(values, trainings=origins, closer="zero")
    means = [0.0, 0.03, -0.02]
    variance = np.var(means, ddof=1) + np.var([0.01, 0.05], ddof=1) * (1 - 1 / 2) / 2
    size, sd = 0.2 - np.mean(means), np.sqrt(variance * (1 + 1 / 3))
    assert found.difference == pytest.approx(-size)
    assert found.low == pytest.approx(-size - t.ppf(0.95, 2) * sd, abs=1e-7)


@pytest.mark.slow
@pytest.mark.parametrize("example_sd", [0.0, 0.01])
@pytest.mark.parametrize("r", [2, 3, 9])
def test_verdicts_on_levels_err_as_often_as_they_may(r, example_sd):
    """On a model that is one more training, and on one whose trainings lie at the margin."""
    random, simulations, training_sd, margin = np.random.default_rng(r), 2_500, 0.01, 0.02
    observed = random.normal(0, np.hypot(training_sd, example_sd), (simulations, r + 2))
    trainings, model = observed[:, :-1], observed[:, -1]
    spread = trainings.var(axis=1, ddof=1)
    factor = 1 + 1 / (r + 1)
    # Examples make the same noise in every model, independently, and its size is known.
    uncertainty = Uncertainty(example_sd**2 * factor, 400, spread, example_sd**2, r, factor)
    three_sigma = 0.05 + 3 * np.sqrt(0.05 * 0.95 / simulations)
    again = p_beyond(np.abs(model - trainings.mean(axis=1)), 0.0, uncertainty)
    assert (again <= 0.05).mean() <= three_sigma
    at_margin = np.abs(model + margin - trainings.mean(axis=1))
    assert (p_beyond(at_margin, margin, uncertainty) <= 0.05).mean() <= three_sigma
    assert (p_inside(at_margin, margin, uncertainty) <= 0.05).mean() <= three_sigma
    if not example_sd:  # and no less often than that: the test is exact
        assert (again <= 0.05).mean() >= 0.10 - three_sigma


def test_without_second_trainings_the_line_to_add_is_named():
    none = measure({("large", "tiny"): 0.4}, r=0)
    assert np.isnan([none.floor, none.difference, none.low]).all()
    assert none.reason.startswith("no second training of large")
    one = measure(agreements(r=1), r=1)
    assert one.floor == pytest.approx(agreements(r=1)["large", "large.seed1"])
    assert np.isnan([one.low, one.high, one.floor_low]).all()
    assert one.kept.share == pytest.approx(0.3 / (one.floor - 0.1))
    assert one.reason.startswith("only one second training of large")
    for found in (none, one):
        assert "`models: {large: {replicates: 3}}`" in found.reason


def test_undefined_agreement_gives_no_number():
    values = agreements()
    model = measure({**values, ("large", "tiny"): np.nan})
    assert "large with tiny is not defined" in model.reason
    assert not np.isnan(model.floor)
    assert np.isnan(model.difference)
    training = measure({**values, ("large", "large.seed2"): np.nan})
    assert "large with large.seed2 is not defined" in training.reason
    assert np.isnan([training.floor, training.difference]).all()
    between = measure({**values, ("large.seed1", "large.seed2"): np.nan})
    assert "large.seed1 with large.seed2" in between.reason
    draws = resampled(values)
    draws["large", "tiny"][:7] = np.nan
    few = measure(values, draws)
    assert "not defined in 7 of 400 resamples" in few.reason
    for found in (model, training, between, few):
        assert np.isnan([found.low, found.high, found.floor_low]).all()
        assert found.kept is None


def test_one_example_no_resamples_and_trainings_that_do_not_differ_decide_nothing():
    values = agreements()
    assert "1 cluster of examples" in measure(values, clusters=1).reason
    assert "4 clusters of examples" in measure(values, clusters=4).reason
    assert measure(values, {}).reason == "no agreement of large with large.seed1 to read the spread from"
    same = measure(dict.fromkeys(values, 1.0))
    assert "agree to the last digit" in same.reason
    assert (same.floor, same.difference) == (1.0, 0.0)
    assert np.isnan([same.low, same.high]).all()


def test_origins_count_once_and_the_spread_within_one_is_not_lost():
    groups = {"them": ["theirs"], "group": ["a", "b", "c"]}
    pairs = [("large", "theirs"), *(("large", x) for x in "abc"), *(("theirs", x) for x in "abc")]
    # What is expected when pairs vary by themselves, or trainings do, with variance 1: about 1, not the third
    # of it that the means of three would show.
    of_pairs = np.array([[float(p == q) for q in pairs] for p in pairs])
    of_trainings = np.array([[len({*p} & {*q}) for q in pairs] for p in pairs])
    form = group_form(groups, "large")
    assert 0.85 < (form * of_pairs).sum() < 1.15
    assert 0.85 < (form * of_trainings).sum() < 1.15
    trainings = {"large": "us", "theirs": "them", "a": "group", "b": "group", "c": "group"}
    values = {pair: 0.6 + 0.01 * i for i, pair in enumerate(pairs)} | {("large", "tiny"): 0.3}
    found = measure(values, trainings=trainings)
    assert found.floor == pytest.approx((0.60 + 0.62) / 2)
    assert found.trainings == 2
    assert found.high < found.difference + 1
    # A pair of two origins may stand either way round in the table.
    turned = {(b, a) if a == "theirs" else (a, b): v for (a, b), v in values.items()}
    again = measure(turned, trainings=trainings)
    assert (again.low, again.high) == pytest.approx((found.low, found.high))


def test_score_by_hand():
    assert correct_for_chance(0.4, 0.2, 0.6) == pytest.approx(0.5)
    # Flips: chance 0.3, at best 0.1; lower is closer.
    assert correct_for_chance(0.2, 0.3, 0.1) == pytest.approx(0.5)
    assert np.isnan(correct_for_chance(0.4, 0.2, 0.25))
    assert np.isnan(correct_for_chance(0.4, np.nan, np.nan))
    assert relative_score(0.3, [(0.5, 0.5), (0.7, 0.5)]) == pytest.approx(0.5)
    for floors in ([], [(0.05, 1.0)], [(np.nan, 0.5), (0.7, 0.5)], [(-0.7, 1.0)]):
        assert np.isnan(relative_score(0.3, floors))
