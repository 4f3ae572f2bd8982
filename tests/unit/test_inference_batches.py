import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from miniature.inference.batches import SPARE_SHARE, SPARE_TOKENS, token_budget_batches


@given(st.lists(st.integers(1, 60), max_size=200), st.integers(1, 200))
def test_every_window_once_within_the_budget(lengths, budget):
    lengths = np.array(lengths, dtype=np.int64)
    batches = token_budget_batches(lengths, budget)
    joined = np.concatenate(batches) if batches else np.zeros(0)
    assert sorted(joined) == list(range(len(lengths)))

    def fits(batch):
        padded, tokens = len(batch) * lengths[batch].max(), lengths[batch].sum()
        return padded <= budget and padded - tokens <= SPARE_TOKENS + SPARE_SHARE * tokens

    assert all(len(batch) == 1 or fits(batch) for batch in batches)
    # Each is as large as it can be.
    for one, two in itertools.pairwise(batches):
        assert not fits(np.append(one, two[0]))
    longest = [lengths[batch].max() for batch in batches]
    assert longest == sorted(longest, reverse=True)


def test_an_oversize_window_is_alone():
    assert [b.tolist() for b in token_budget_batches(np.array([5, 50, 5]), 10)] == [[1], [0, 2]]


def test_lengths_that_differ_are_not_padded_to_the_longest():
    lengths = np.array([300, 290, 20, 20, 20])
    assert [b.tolist() for b in token_budget_batches(lengths, 4096)] == [[0, 1], [2, 3, 4]]
    # Of like lengths the budget alone decides.
    assert [len(b) for b in token_budget_batches(np.arange(1000, 900, -1), 4000)] == [4] * 20 + [
        4,
        4,
        4,
        4,
        4,
    ]


def test_mistakes():
    assert token_budget_batches(np.array([], dtype=int), 5) == []
    with pytest.raises(ValueError, match="budget"):
        token_budget_batches(np.array([1]), 0)
    with pytest.raises(ValueError, match="dimension"):
        token_budget_batches(np.ones((2, 2)), 5)
