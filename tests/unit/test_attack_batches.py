"""Batches hold every input once, alike in length, within the number of tokens."""

from hypothesis import given
from hypothesis import strategies as st

from miniature.attack.search.victim import CHEAP_PADDING, MOST_PADDING, plan_batches


@given(st.lists(st.integers(1, 600), max_size=60), st.integers(1, 5000))
def test_plan(lengths, tokens):
    batches = plan_batches(lengths, tokens)
    assert sorted(i for batch in batches for i in batch) == list(range(len(lengths)))
    for batch in batches:
        widest = lengths[batch[-1]]
        assert widest == max(lengths[i] for i in batch)
        padded = widest * len(batch)
        assert padded <= tokens or len(batch) == 1
        assert padded - sum(lengths[i] for i in batch) <= max(CHEAP_PADDING, MOST_PADDING * padded)
    widths = [lengths[batch[-1]] for batch in batches]
    assert widths == sorted(widths)


def test_equal_lengths_fill_batches():
    assert [len(batch) for batch in plan_batches([10] * 25, 100)] == [10, 10, 5]
