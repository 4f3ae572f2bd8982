"""Bounds from examples and trainings: closed forms in the limits, and sampling where there is none."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2, norm, t

from miniature.agreement.comparison import BOOTSTRAP, HALVES, JACKKNIFE
from miniature.statistics.jackknife import jackknife_variance
from miniature.statistics.trainings import example_covariance, spread_form
from miniature.statistics.uncertainty import Uncertainty, half_width, probability_within


@pytest.mark.parametrize("df", [1, 2, 3, 9, 40])
@pytest.mark.parametrize("probability", [0.5, 0.95, 0.975])
def test_without_noise_from_examples_it_is_students_t(df, probability):
    known = Uncertainty(0.0, 500, 0.04, 0.0, df, 1 + 1 / df)
    scale = np.sqrt(0.04 * (1 + 1 / df))
    assert half_width(probability, known) == pytest.approx(t.ppf(probability, df) * scale, abs=1e-8)
    for x in (-0.3, 0.0, 0.1, 2.0):
        assert probability_within(x, known) == pytest.approx(t.cdf(x / scale, df), abs=1e-8)


def test_without_spread_over_trainings_it_is_students_t_over_clusters_and_normal_for_many():
    assert half_width(0.975, Uncertainty(0.09, 19, 0.0, 0.0, 3, 1.0)) == pytest.approx(
        0.3 * t.ppf(0.975, 19), abs=1e-6
    )
    assert half_width(0.975, Uncertainty(0.09, 10**6, 0.0, 0.0, 3, 1.0)) == pytest.approx(
        0.3 * norm.ppf(0.975), abs=1e-5
    )
    # What examples alone explain is no spread over trainings.
    assert half_width(0.975, Uncertainty(0.09, 10**6, 1e-9, 1.0, 3, 1.0)) == pytest.approx(
        0.3 * norm.ppf(0.975), abs=1e-5
    )


def test_between_the_limits_it_is_the_average_over_both_chi_squares():
    known = Uncertainty(0.010, 19, 0.020, 0.004, 3, 4 / 3)
    random = np.random.default_rng(0)
    q, w = chi2.rvs(3, size=400_000, random_state=random), chi2.rvs(19, size=400_000, random_state=random)
    scale = np.sqrt(0.010 * 19 / w + 4 / 3 * np.maximum(0, 0.020 * 3 / q - 0.004))
    for x in (-0.4, -0.1, 0.2):
        assert probability_within(x, known) == pytest.approx(norm.cdf(x / scale).mean(), abs=2e-3)


variance = st.floats(1e-6, 1.0)


@given(variance, variance, variance, st.integers(1, 12), st.floats(-3, 3))
def test_symmetric_and_inverse(example, training, noise, df, x):
    known = Uncertainty(example, 50, training, noise, df, 1 + 1 / df)
    assert probability_within(x, known) + probability_within(-x, known) == pytest.approx(1, abs=1e-9)
    width = half_width(0.95, known)
    assert probability_within(width, known) == pytest.approx(0.95, abs=1e-6)
    # More noise known to come from examples leaves less for trainings.
    assert half_width(0.95, known._replace(training_noise=2 * noise)) <= width + 1e-9


def test_arrays_give_what_numbers_give():
    values = np.array([0.01, 0.02])
    many = probability_within(np.array([0.1, -0.1]), Uncertainty(values, 30, values, 0.5 * values, 3, 1.0))
    one = [
        probability_within(x, Uncertainty(v, 30, v, 0.5 * v, 3, 1.0))
        for x, v in zip((0.1, -0.1), values, strict=True)
    ]
    assert many == pytest.approx(one)


def test_no_variance_is_a_step_and_a_bad_one_is_refused():
    nothing = Uncertainty(0.0, 10, 0.0, 0.0, 2, 1.0)
    assert probability_within(np.array([-1e-9, 0.0, 1e-9]), nothing).tolist() == [0.0, 1.0, 1.0]
    assert half_width(0.95, nothing) == 0
    for change in (
        {"example_variance": float("nan")}, {"training_variance": -1.0}, {"example_df": 0},
        {"training_df": 0}, {"training_noise": float("nan")},
    ):  # fmt: skip
        with pytest.raises(ValueError, match="degree of freedom"):
            half_width(0.95, nothing._replace(**change))
    with pytest.raises(ValueError, match="probability"):
        half_width(0.4, nothing)


def brute_force_spread(matrix):
    """The two mean squares by ordinary least squares, without the closed form."""
    g = len(matrix)
    rows, cols = np.triu_indices(g, 1)
    y = matrix[rows, cols]
    design = np.zeros((len(y), g))
    design[np.arange(len(y)), rows] = design[np.arange(len(y)), cols] = 1
    fitted = design @ np.linalg.lstsq(design, y, rcond=None)[0]
    ms_e = ((fitted - y.mean()) ** 2).sum() / (g - 1)
    residual_df = g * (g - 3) // 2
    ms_res = ((y - fitted) ** 2).sum() / residual_df if residual_df else 0.0
    return ms_e / (g - 2) + ms_res * (1 - 1 / (g - 2)), y


@pytest.mark.parametrize("g", [3, 4, 5, 10])
def test_spread_is_the_analysis_of_variance_by_least_squares(g):
    matrix = np.random.default_rng(g).normal(size=(g, g))
    expected, values = brute_force_spread(matrix)
    assert values @ spread_form(g) @ values == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize(("g", "own", "pair"), [(3, 1.0, 0.0), (4, 1.0, 0.5), (6, 0.0, 1.0)])
def test_spread_has_no_bias_for_the_variance_with_the_reference_fixed(g, own, pair):
    # In expectation, exactly: the trace of the form times the covariance of the pairs.
    rows, cols = np.triu_indices(g, 1)
    member = (rows[:, None] == np.arange(g)) | (cols[:, None] == np.arange(g))
    covariance = own * (member.astype(float) @ member.T) + pair * np.eye(len(rows))
    assert (spread_form(g) * covariance).sum() == pytest.approx(own + pair)
    ones = np.ones(len(rows))
    assert ones @ spread_form(g) @ ones == pytest.approx(0, abs=1e-12)


def test_two_trainings_have_no_spread():
    with pytest.raises(ValueError, match="three"):
        spread_form(2)


def test_covariance_of_resamples():
    draws = np.random.default_rng(1).normal(size=(3, 200)) * [[1], [2], [3]]
    found, df = example_covariance(draws, BOOTSTRAP, clusters=50)
    np.testing.assert_allclose(found, np.cov(draws) * 50 / 49, atol=1e-12)
    assert df == 49
    found, df = example_covariance(draws[:, :20], JACKKNIFE, clusters=50)
    assert df == 19
    np.testing.assert_allclose(np.diag(found), [jackknife_variance(row) for row in draws[:, :20]])
    by_halves, df = example_covariance(draws[:, :50], HALVES, clusters=50)
    np.testing.assert_allclose(by_halves, np.cov(draws[:, :50]), atol=1e-12)
    assert df == 24
    contrast = draws[0, :20] - draws[2, :20]
    assert found[0, 0] + found[2, 2] - 2 * found[0, 2] == pytest.approx(jackknife_variance(contrast))


def test_bootstrap_covariance_of_a_mean_is_the_textbook_one():
    random = np.random.default_rng(2)
    sample = random.normal(size=40)
    counts = random.multinomial(40, np.full(40, 1 / 40), 200_000)
    found, _ = example_covariance((counts @ sample / 40)[None], BOOTSTRAP, clusters=40)
    assert found[0, 0] == pytest.approx(sample.var(ddof=1) / 40, rel=0.02)


def test_covariance_with_an_undefined_value_is_undefined_and_of_one_cluster_refused():
    draws = np.array([[1.0, 2.0, np.nan], [1.0, 2.0, 3.0]])
    found, _ = example_covariance(draws, BOOTSTRAP, clusters=5)
    assert np.isnan(found[0]).all()
    assert found[1, 1] == pytest.approx(1.25)
    for method, clusters in ((BOOTSTRAP, 1), ("guess", 5)):
        with pytest.raises(ValueError, match="No covariance"):
            example_covariance(draws, method, clusters=clusters)
