"""What is drawn stays drawn when more is asked for, where that spares work."""

import itertools

import numpy as np
import pandas as pd
import pytest

from miniature.data.sampling import subsample
from miniature.seeds import generator
from miniature.statistics.bootstrap import resample_clusters


@pytest.mark.parametrize("rows", [30, 5000, 12_000])
def test_a_nested_sample_holds_the_smaller_ones_in_the_order_of_the_source(rows):
    table = pd.DataFrame({"id": np.arange(rows)})
    drawn = [subsample(table, n, generator(0, "sample"), "here", nested=True)["id"] for n in (5, 6, 20, rows)]
    for small, large in itertools.pairwise(drawn):
        assert set(small) < set(large)
        assert large.is_monotonic_increasing
    assert len(drawn[-1]) == rows


def test_every_row_of_a_nested_sample_is_as_likely_as_any_other():
    table = pd.DataFrame({"id": np.arange(10)})
    counts = np.zeros(10)
    for seed in range(4000):
        counts[subsample(table, 3, generator(seed, "sample"), "here", nested=True)["id"]] += 1
    # Binomial: 1,200 expected, standard deviation 29.
    assert np.abs(counts - 1200).max() < 5 * 29


@pytest.mark.parametrize("clusters", [3, 700])
def test_more_resamples_begin_with_the_fewer(clusters):
    more = resample_clusters(clusters, resamples=620, seed=4)
    np.testing.assert_array_equal(resample_clusters(clusters, resamples=120, seed=4), more[:120])
