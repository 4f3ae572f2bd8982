"""The simulation's truth against other computations, its shortcut against the library, a few of its rates."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom, multivariate_normal

from floors import floor_of
from miniature.agreement.comparison import Comparing, Resampling
from miniature.characteristics.errors.compare import compare_errors
from miniature.scorecard.build import build_scorecard

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

from latent_errors import CORRELATION, ERROR_RATE, THRESHOLD as AT, true_jaccard  # noqa: E402, I001
from latent_trainings import (  # noqa: E402
    DIMENSIONS,
    KINDS,
    LOADING,
    MEANS,
    STRONGEST,
    WIDEST,
    WITHIN,
    at_share,
    draw_errors,
    draw_trainings,
    overlaps,
    spread_for,
    true_excess,
)
from simulate_verdicts import Setting, observed, rates_of, simulate, tolerance_coverage  # noqa: E402


@pytest.mark.parametrize("correlation", [0.0, 0.3, 0.75, 0.95])
def test_true_agreement_of_equal_rates_is_that_of_the_bivariate_normal(correlation):
    both = multivariate_normal.cdf([AT] * 2, cov=[[1, correlation], [correlation, 1]])
    assert true_jaccard(np.array(correlation)) == pytest.approx(both / (2 * ERROR_RATE - both), abs=1e-6)
    assert 0 < CORRELATION < 1


def pair(seed=0, spread=1.0):
    drawn = draw_trainings(np.random.default_rng(seed), (1, 2), spread)
    return drawn, drawn.at((slice(None), 0)), drawn.at((slice(None), 1))


def test_overlaps_are_those_of_the_bivariate_normal_of_each_kind():
    _, a, b = pair()
    shared = (
        float((a.direction * b.direction).sum()) * float(a.width[0] * b.width[0]) + (LOADING * WITHIN) ** 2
    )
    rho, expected = float(a.strength[0] * b.strength[0]) * shared, 0.0
    for share, mean in zip(KINDS, MEANS, strict=True):
        at = [float(t.threshold[0] - t.strength[0] * LOADING * mean) for t in (a, b)]
        expected += share * multivariate_normal.cdf(at, cov=[[1, rho], [rho, 1]])
    assert overlaps(a, b)[2][0] == pytest.approx(expected, abs=1e-6)
    # What is left for a model's own noise never vanishes.
    assert STRONGEST**2 * ((LOADING * WITHIN) ** 2 + WIDEST**2) < 1
    assert DIMENSIONS > 1


@pytest.mark.parametrize("size", [1, 5])
def test_drawn_errors_have_the_true_rates_and_overlap(size):
    drawn, a, b = pair(1)
    wrong = draw_errors(np.random.default_rng(0), drawn, 400_000, size=size)[0]
    p, q, both = (float(x[0]) for x in overlaps(a, b))
    assert wrong.mean(axis=1) == pytest.approx([p, q], abs=0.006)
    assert (wrong[0] & wrong[1]).mean() == pytest.approx(both, abs=0.006)
    correlated = np.corrcoef(wrong[0, 0::5], wrong[0, 1::5])[0, 1]
    assert correlated > 0.15 if size > 1 else abs(correlated) < 0.02


def test_spread_is_the_one_asked_for_and_a_model_keeps_what_it_should():
    random, spread = np.random.default_rng(5), spread_for(0.08, relative=True)
    references, others = (draw_trainings(random, shape, spread) for shape in ((40, 1), (1, 2000)))
    excess = true_excess(references, others)
    assert np.mean(excess.std(axis=1) / excess.mean(axis=1)) == pytest.approx(0.08, rel=0.06)
    target = 0.52 * excess.mean(axis=1, keepdims=True)
    model = at_share(references, target, draw_trainings(random, (40, 1), spread))
    assert true_excess(references, model) == pytest.approx(target, abs=1e-9)


def test_what_is_computed_for_many_is_what_the_library_computes_for_one():
    random = np.random.default_rng(2)
    drawn = draw_trainings(random, (1, 5), 0.4)
    wrong = draw_errors(random, drawn, 1500)
    names = ["large", "large.seed1", "large.seed2", "large.seed3", "tiny"]
    ids = [str(i) for i in range(1500)]
    errors = {
        name: pd.DataFrame({"id": ids, "error": pd.array(e, dtype="boolean")})
        for name, e in zip(names, wrong[0], strict=True)
    }
    settings = {"task": "squad", "measure": "jaccard", "keep": 0.8}
    comparing = Comparing("squad", "squad", "test", "large", Resampling(resamples=1500), settings)
    found = compare_errors(errors, comparing, np.arange(1500))
    card = build_scorecard(
        found.rows, models=names, reference="large", verdict={"errors": settings}, floor=floor_of(names),
        resamples={"errors": found.resamples},
    ).iloc[0]  # fmt: skip
    a, b = np.array([(0, 1), (0, 2), (0, 3), (0, 4)]).T
    values, covariance = observed(wrong, a, b)
    assert card["kept"] == pytest.approx(values[0, 3] / values[0, :3].mean())
    contrast = np.array([-0.8 / 3] * 3 + [1])
    direct = float(contrast @ covariance[0] @ contrast)
    pairs = [("large", name) for name in names[1:]]
    draws = found.resamples.set_index(["model_a", "model_b"])
    resampled = [(draws.loc[p, "value"] - draws.loc[p, "chance"]).to_numpy() for p in pairs]
    assert direct == pytest.approx(np.var(contrast @ np.array(resampled), ddof=1), rel=0.15)


def test_rates_are_about_those_of_the_page():
    usual, at_bar = (
        rates_of(simulate(Setting(2000, 3, 0.02, kept=kept), 60)) for kept in (("replicate", 0.52), (0.8,))
    )
    assert usual[0].miniature > 85
    assert usual[0].any_not == 0
    assert usual[1].not_miniature > 95
    most = 100 * binom.ppf(0.999, 60, 0.055) / 60
    assert at_bar[0].any_not <= most
    assert at_bar[0].any_miniature <= most


def test_bounds_of_a_rare_share_hold_it():
    low, high, both = tolerance_coverage(200, 1, 0.002, simulations=200)
    assert min(low, high) > 95
    assert both == pytest.approx(low + high - 100)
