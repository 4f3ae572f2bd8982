"""The share kept: its bounds, its two claims, and what they do on data whose truth is known."""

import numpy as np
import pytest
from scipy.stats import norm, t

from miniature.statistics.kept import (
    Kept,
    estimate_kept,
    kept_bounds,
    p_below_training,
    p_informative,
    p_miniature,
    p_not_miniature,
    pairs_needed,
)

EXACT = Kept(0.3, 0.4, 0.0, 0.0, 0.0, 999, 4e-4, 0.0, 3, 4)


def test_bounds_are_fieller_s_where_variances_are_known():
    """Without spread over trainings and with many examples: the roots of Fieller's quadratic."""
    a, b, va, vb, cov = 0.2, 0.4, 2e-4, 1e-4, 0.5e-4
    z = norm.ppf(0.95)
    low, high = sorted(np.roots([b**2 - z**2 * vb, -2 * (a * b - z**2 * cov), a**2 - z**2 * va]))
    found = kept_bounds(Kept(a, b, va, vb, cov, 10**7, 0.0, 0.0, 3, 3))
    np.testing.assert_allclose(found, (low, high), atol=1e-6)


def test_without_noise_from_examples_the_claims_are_student_s():
    """The floor alone varies for this checkpoint; one more training varies itself as well."""
    deviation = 0.3 - 0.8 * 0.4
    assert p_miniature(EXACT, 0.8) == pytest.approx(t.cdf(-deviation / np.sqrt(0.64 * 1e-4), 3), abs=1e-8)
    below = t.cdf(-0.1 / np.sqrt(4e-4 * 1.25), 3)
    assert p_below_training(EXACT) == pytest.approx(below, abs=1e-8)
    assert p_not_miniature(EXACT, 0.8) == pytest.approx(max(below, 1 - p_miniature(EXACT, 0.8)), abs=1e-8)


def test_bounds_and_claims_are_one_calculation():
    kept = Kept(0.3, 0.4, 1e-4, 1e-4, 0.4e-4, 199, 4e-4, 1e-4, 3, 3)
    low, high = kept_bounds(kept)
    assert low < kept.share < high
    assert p_miniature(kept, low) == pytest.approx(0.05, abs=1e-6)
    assert p_miniature(kept, high) == pytest.approx(0.95, abs=1e-6)


def test_a_floor_at_chance_bounds_nothing():
    kept = Kept(0.01, 0.005, 1e-4, 1e-4, 0.0, 99, 1e-4, 0.0, 3, 3)
    assert p_informative(kept) > 0.05
    assert np.isnan(kept_bounds(kept)).all()
    assert np.isnan(kept._replace(floor=-0.1).share)


def test_a_copy_with_nothing_that_varies_is_sure():
    copy = Kept(0.5, 0.4, 0.0, 0.0, 0.0, 99, 0.0, 0.0, 2, 2)
    np.testing.assert_allclose(kept_bounds(copy), 1.25)
    assert p_miniature(copy, 0.8) == 0.0
    assert p_not_miniature(copy, 0.8) == 1.0


def test_few_trainings_use_all_pairs_and_more_only_the_reference_s():
    assert len(pairs_needed({key: ["x"] for key in "ab"}, "large")) == 3
    groups = {name: [name] for name in "abcd"}
    excess = np.array([0.5, 0.6, 0.7, 0.9, 0.2])
    found = estimate_kept(excess, np.zeros((5, 5)), 99, groups, "large")
    assert found.training_variance == pytest.approx(np.var([0.5, 0.6, 0.7, 0.9], ddof=1))
    assert (found.training_df, found.trainings, found.floor) == (3, 4, pytest.approx(0.675))


def test_an_origin_has_one_weight_whatever_it_published():
    groups = {"a": ["a"], "b": ["b1", "b2"]}
    pairs = pairs_needed(groups, "large")
    values = {("large", "a"): 0.3, ("large", "b1"): 0.5, ("large", "b2"): 0.7}
    excess = np.array([*(values.get(pair, 0.4) for pair in pairs), 0.2])
    found = estimate_kept(excess, np.eye(len(excess)), 99, groups, "large")
    assert found.floor == pytest.approx(0.45)
    assert found.floor_variance == pytest.approx(0.25 + 2 * 0.0625)


def test_claims_keep_their_level_at_the_bar():
    """Normal agreements with known variances of examples and of trainings: neither claim errs above 5 %."""
    random = np.random.default_rng(1)
    simulations, r, tau, noise = 4000, 4, 0.02, 0.01
    floors = (
        0.4
        + tau * random.standard_normal((simulations, r))
        + noise * random.standard_normal((simulations, r))
    )
    model = 0.8 * 0.4 + noise * random.standard_normal(simulations)
    excess = np.column_stack([floors, model])
    covariance = np.broadcast_to(np.eye(r + 1) * noise**2, (simulations, r + 1, r + 1))
    kept = estimate_kept(excess, covariance, 10**6, {str(i): [str(i)] for i in range(r)}, "large")
    assert np.mean(p_miniature(kept, 0.8) <= 0.05) < 0.06
    assert np.mean(p_not_miniature(kept, 0.8) <= 0.05) < 0.06
    replicate = kept._replace(model=0.4 + np.hypot(tau, noise) * random.standard_normal(simulations))
    assert np.mean(p_not_miniature(replicate, 0.8) <= 0.05) < 0.06
    assert np.mean(p_miniature(replicate, 0.8) <= 0.05) > 0.8
