"""Wilson's interval by its definition."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from miniature.statistics.significance import wilson_interval


@given(st.integers(1, 500), st.data(), st.sampled_from([0.8, 0.95, 0.99]))
def test_its_ends_are_the_rates_that_a_score_test_just_does_not_reject(whole, data, level):
    part = data.draw(st.integers(0, whole))
    low, high = wilson_interval(part, whole, level=level)
    rate, z = part / whole, norm.ppf((1 + level) / 2)
    for end, whole_side in ((low, part == 0), (high, part == whole)):
        if whole_side:
            assert end == rate
        else:
            assert abs(rate - end) == pytest.approx(z * math.sqrt(end * (1 - end) / whole), rel=1e-9)
    assert 0 <= low <= rate <= high <= 1


def test_nothing_has_no_interval_and_nonsense_is_refused():
    assert all(map(math.isnan, wilson_interval(0, 0)))
    for part, whole, level in [(3, 2, 0.95), (-1, 2, 0.95), (1, 2, 1.0)]:
        with pytest.raises(ValueError, match="level"):
            wilson_interval(part, whole, level=level)
