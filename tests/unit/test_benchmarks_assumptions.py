"""What is said of broken assumptions: the page holds what the script prints, and the script can be wrong."""

import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

from simulate_assumptions import CLUSTERS, SKEWED, coverage, text  # noqa: E402

PAGE = (ROOT / "docs" / "assumptions.md").read_text(encoding="utf-8")


def test_the_page_says_what_skewed_trainings_do():
    assert text(SKEWED) in PAGE


def test_intervals_from_few_clusters_are_as_short_as_the_page_says():
    clusters, size = CLUSTERS[1]
    line = next(line for line in PAGE.splitlines() if line.startswith(f"| {clusters} | {size} | "))
    told = float(line.split("|")[3]) / 100
    found = coverage(clusters, size, equal=True, simulations=150, seed=1)
    assert found == pytest.approx(told, abs=3.5 * np.sqrt(told * (1 - told) / 150))
    assert found < 0.94
