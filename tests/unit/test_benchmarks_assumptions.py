"""What is said of broken assumptions: the page holds what the script prints, and the script can be wrong."""

import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

from simulate_assumptions import CLUSTERS, alarm_rate, coverage, spread_section  # noqa: E402

PAGE = (ROOT / "docs" / "assumptions.md").read_text(encoding="utf-8")


def test_the_page_says_how_often_verdicts_on_restless_models_err():
    assert spread_section() in PAGE


@pytest.mark.parametrize("ratio", [1.0, 2.0])
def test_the_tail_is_that_of_a_simulation(ratio):
    random, r, simulations = np.random.default_rng(1), 3, 40_000
    trainings = random.standard_normal((simulations, r))
    model = ratio * random.standard_normal(simulations)
    # The spread that the pairs give is independent of the difference, with r degrees of freedom.
    spread = np.sqrt(random.chisquare(r, simulations) / r * (1 + 1 / r))
    below = (model - trainings.mean(axis=1)) / spread < -2.353363
    assert below.mean() == pytest.approx(alarm_rate(ratio, r), abs=4 * np.sqrt(0.14 / simulations))


def test_intervals_from_few_clusters_are_as_short_as_the_page_says():
    clusters, size = CLUSTERS[1]
    line = next(line for line in PAGE.splitlines() if line.startswith(f"| {clusters} | {size} | "))
    told = float(line.split("|")[3]) / 100
    found = coverage(clusters, size, equal=True, simulations=150, seed=1)
    assert found == pytest.approx(told, abs=3.5 * np.sqrt(told * (1 - told) / 150))
    assert found < 0.94
