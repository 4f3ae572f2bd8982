"""The simulation's truth against other computations, and a few cells of what it finds."""

import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binom, multivariate_normal

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

from latent_errors import (  # noqa: E402
    CORRELATION,
    ERROR_RATE,
    THRESHOLD,
    draw_errors,
    loading,
    mean_agreement,
    true_jaccard,
)
from simulate_intervals import Cell, differences, family_rates, limits, rows_of_cell, simulate  # noqa: E402
from simulation_page import limit_section, simulation_page  # noqa: E402

from miniature.statistics.uncertainty import probability_within  # noqa: E402

SIMULATIONS = 300


def least(rate):
    """So few of the simulations happen less than once in a thousand at this rate."""
    return binom.ppf(0.001, SIMULATIONS, rate) / SIMULATIONS


def most(rate):
    return binom.ppf(0.999, SIMULATIONS, rate) / SIMULATIONS


@pytest.mark.parametrize("correlation", [0.0, 0.3, 0.75, 0.95])
def test_true_agreement_is_that_of_the_bivariate_normal(correlation):
    both = multivariate_normal.cdf([THRESHOLD] * 2, cov=[[1, correlation], [correlation, 1]])
    assert true_jaccard(np.array(correlation)) == pytest.approx(both / (2 * ERROR_RATE - both), abs=1e-6)


@pytest.mark.parametrize("clustered", [False, True])
def test_drawn_errors_have_the_true_rate_and_agreement(clustered):
    loadings = np.array([0.9, 0.8])
    a, b = draw_errors(np.random.default_rng(0), loadings, 400_000, clustered=clustered)
    assert a.mean() == pytest.approx(ERROR_RATE, abs=0.006)
    assert (a & b).sum() / (a | b).sum() == pytest.approx(true_jaccard(np.array(0.72)), abs=0.006)
    # Neighbours err together only where they are of one cluster.
    shared = np.corrcoef(a[0::5], a[1::5])[0, 1]
    assert shared > 0.15 if clustered else abs(shared) < 0.02


def test_spread_over_trainings_is_the_one_asked_for():
    z = np.random.default_rng(1).standard_normal(100_000)
    reference = np.sqrt(CORRELATION)
    found = true_jaccard(reference * loading(-0.05, 0.02, z))
    assert found.std() == pytest.approx(0.02, rel=0.01)
    assert found.mean() == pytest.approx(true_jaccard(np.array(CORRELATION)) - 0.05, abs=5e-4)
    assert mean_agreement(np.array([reference]), -0.05, 0.02)[0] == pytest.approx(found.mean(), abs=5e-4)


def test_a_cell_covers_and_errs_as_it_should():
    rows = {row.r: row for row in rows_of_cell(Cell(1000, False, 0.02), simulations=SIMULATIONS, seed=3)}
    assert list(rows) == [0, 1, 2, 3, 9]
    for r, row in rows.items():
        assert least(0.95) <= row.cover_agreement <= most(0.95)
        assert r == 0 or least(0.95) <= row.cover_fixed <= most(0.95)
        if r < 2:
            assert np.isnan([row.cover_training, row.width, row.miniature, *row.power]).all()
            continue
        assert row.cover_training >= least(0.95)
        assert max(row.false_alarm) <= most(0.05)
        assert max(rate for pair in row.at_margin for rate in pair) <= most(0.05)
    assert rows[2].width > rows[3].width > rows[9].width
    assert min(rows[9].power) > 0.7
    page = simulation_page([*rows.values()], {}, {}, SIMULATIONS, 0.10)
    assert "300 simulations a cell" in page
    assert page.count("| 1,000 | no | 0.02 |") == 5


def test_with_every_example_known_verdicts_err_below_their_level_and_the_page_says_so():
    found = limits()
    assert len(found) == 6
    for alarm, held in found.values():
        assert alarm < 0.05
        assert held > 0.948
    assert limit_section(found) in (ROOT / "docs" / "simulation.md").read_text(encoding="utf-8")


def test_without_the_spread_over_trainings_true_replicates_would_fail():
    # Which is what makes the assertions above able to fail.
    s = simulate(Cell(5000, True, 0.02), (0.0,), trainings=4, simulations=100, seed=4)
    difference, uncertainty = differences(s.values, s.covariance, s.df, 3, 4, 6)
    careless = uncertainty._replace(training_variance=np.zeros(100))
    assert np.mean(probability_within(difference, careless) <= 0.05) > 0.12
    assert np.mean(probability_within(difference, uncertainty) <= 0.05) <= 0.12


def test_a_scorecard_of_many_has_few_false_claims():
    rates = family_rates(Cell(500, True, 0.005), 3, models=10, simulations=100)
    for kind in ("replicates", "at the margin"):
        for claim in ("not-miniature", "miniature"):
            assert rates[kind, claim] <= 0.12
