"""Wilson's interval beside scipy's."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from miniature.statistics.significance import wilson_interval


@given(st.integers(1, 500), st.data(), st.sampled_from([0.8, 0.95, 0.99]))
def test_it_is_scipys(whole, data, level):
    part = data.draw(st.integers(0, whole))
    expected = binomtest(part, whole).proportion_ci(level, method="wilson")
    low, high = wilson_interval(part, whole, level=level)
    assert low == pytest.approx(expected.low, abs=1e-12)
    assert high == pytest.approx(expected.high, abs=1e-12)
    assert 0 <= low <= part / whole <= high <= 1


def test_nothing_has_no_interval_and_nonsense_is_refused():
    assert all(map(math.isnan, wilson_interval(0, 0)))
    for part, whole, level in [(3, 2, 0.95), (-1, 2, 0.95), (1, 2, 1.0)]:
        with pytest.raises(ValueError, match="level"):
            wilson_interval(part, whole, level=level)
