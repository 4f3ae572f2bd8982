import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from miniature.inference.spans import best_spans, null_scores


def search(start_logits, end_logits, first, count, limit):
    """Witness: every allowed span, one after the other."""
    best = (-np.inf, -1, -1)
    for i in range(first, first + count):
        for j in range(i, min(i + limit, first + count)):
            score = start_logits[i] + end_logits[j]
            if score > best[0]:
                best = (score, i, j)
    return best


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 5), st.integers(1, 30), st.integers(1, 8))
def test_finds_what_a_search_of_all_spans_finds(seed, batch, tokens, limit):
    random = np.random.default_rng(seed)
    starts, ends = random.normal(size=(2, batch, tokens)).astype(np.float32)
    first = random.integers(0, tokens, batch)
    count = np.array([random.integers(0, tokens - f + 1) for f in first])
    found = best_spans(starts, ends, first, count, n_best=tokens, max_answer_length=limit)
    for row in range(batch):
        score, i, j = search(starts[row], ends[row], first[row], count[row], limit)
        assert (found[0][row], found[1][row]) == (i, j)
        assert found[2][row] == np.float32(score)


def test_only_the_n_best_are_combined():
    starts = np.array([[9.0, 0.0, 5.0, 1.0]], dtype=np.float32)
    ends = np.array([[9.0, 4.0, 0.0, 3.0]], dtype=np.float32)
    # Position 0 is no context. The best start (2) and the best end (1) are the wrong way round.
    one = best_spans(starts, ends, np.array([1]), np.array([3]), n_best=1, max_answer_length=4)
    assert (one[0][0], one[1][0], one[2][0]) == (-1, -1, -np.inf)
    two = best_spans(starts, ends, np.array([1]), np.array([3]), n_best=2, max_answer_length=4)
    assert (two[0][0], two[1][0], two[2][0]) == (2, 3, 8.0)


def test_no_context_and_ties():
    flat = np.zeros((2, 5), dtype=np.float32)
    starts, ends, scores = best_spans(
        flat, flat, np.array([2, 2]), np.array([0, 3]), n_best=20, max_answer_length=3
    )
    assert (starts.tolist(), ends.tolist()) == ([-1, 2], [-1, 2])
    assert scores.tolist() == [-np.inf, 0.0]
    with pytest.raises(ValueError, match="shapes"):
        best_spans(flat, flat[:, :4], np.array([2, 2]), np.array([0, 3]), n_best=1, max_answer_length=1)


def test_null_scores():
    logits = np.arange(6, dtype=np.float32).reshape(2, 3)
    assert null_scores(logits, logits + 1).tolist() == [1.0, 7.0]
