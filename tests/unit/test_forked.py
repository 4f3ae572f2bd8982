"""Work shared among processes: the same results in the same order, and an end where one fails."""

import os

import numpy as np
import pytest

from miniature.job.forked import map_forked


def test_results_come_in_order_from_processes_that_read_the_parents_arrays():
    values = np.arange(12.0)
    found = map_forked(lambda rows: (os.getpid(), values[rows].sum()), [[0, 1], [2], [3, 4, 5]])
    assert [total for _, total in found] == [1, 2, 12]
    assert found[0][0] == os.getpid()
    assert len({pid for pid, _ in found}) == 3
    assert map_forked(len, []) == []


def test_a_process_that_fails_is_told(capfd):
    def work(item):
        if item:
            raise ValueError("no such item")
        return item

    with pytest.raises(RuntimeError, match="without a result"):
        map_forked(work, [0, 1])
    assert "no such item" in capfd.readouterr().err


def test_nobody_is_left_behind_where_the_first_fails():
    def work(item):
        if item == 0:
            raise ValueError("first")
        import time

        time.sleep(60)

    with pytest.raises(ValueError, match="first"):
        map_forked(work, [0, 1])
