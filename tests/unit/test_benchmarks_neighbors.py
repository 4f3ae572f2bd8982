"""The simulation of neighbor intervals: a small cell of it, and its page."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from simulate_neighbors import Cell, neighbors_page, rows_of_cell


@pytest.mark.parametrize("clustered", [False, True])
def test_rows_are_those_of_the_library_and_the_same_each_time(clustered):
    cell = Cell(60, 4, 0.5, clustered, 5)
    rows = rows_of_cell(cell, simulations=12)
    assert [row.k for row in rows] == [1, 2, 5, 0]
    assert rows == rows_of_cell(cell, simulations=12)
    assert all(row.covered >= 0.6 for row in rows)
    assert all(0.4 < row.ratio < 2.5 for row in rows)
    page = neighbors_page(rows, 12)
    assert f"| 60 | 4 | 0.5 | {'of 5' if clustered else 'no'} | mean over all |" in page
