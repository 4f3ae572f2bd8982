import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from miniature.inference.batches import token_budget_batches


@given(st.lists(st.integers(1, 60), max_size=200), st.integers(1, 200))
def test_every_window_once_within_the_budget(lengths, budget):
    lengths = np.array(lengths, dtype=np.int64)
    batches = token_budget_batches(lengths, budget)
    joined = np.concatenate(batches) if batches else np.zeros(0)
    assert sorted(joined) == list(range(len(lengths)))
    for batch in batches:
        assert len(batch) == 1 or len(batch) * lengths[batch].max() <= budget
    # No two neighbors would fit into one batch: nothing is wasted.
    for one, two in itertools.pairwise(batches):
        assert (len(one) + 1) * lengths[one].max() > budget
        assert len(two)
    longest = [lengths[batch].max() for batch in batches]
    assert longest == sorted(longest, reverse=True)


def test_an_oversize_window_is_alone():
    assert [b.tolist() for b in token_budget_batches(np.array([5, 50, 5]), 10)] == [[1], [0, 2]]


def test_mistakes():
    assert token_budget_batches(np.array([], dtype=int), 5) == []
    with pytest.raises(ValueError, match="budget"):
        token_budget_batches(np.array([1]), 0)
    with pytest.raises(ValueError, match="dimension"):
        token_budget_batches(np.ones((2, 2)), 5)
