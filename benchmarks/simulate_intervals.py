"""Do intervals cover and verdicts err as rarely as they say? Simulated models with known true agreement.

python benchmarks/simulate_intervals.py --output docs/simulation.md
python benchmarks/simulate_intervals.py --quick
"""

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from itertools import combinations, product
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.stats import t as student_t

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))
sys.path.insert(0, str(Path(__file__).parent))

from latent_errors import CLUSTER_SIZE, draw_errors, loading, mean_agreement, true_jaccard
from simulation_page import simulation_page

from miniature.agreement.comparison import BOOTSTRAP
from miniature.measures.sets import set_values
from miniature.scorecard.difference import measure_difference
from miniature.scorecard.verdicts import ALPHA
from miniature.seeds import generator
from miniature.statistics.bootstrap import bca_interval, resample_clusters
from miniature.statistics.significance import holm
from miniature.statistics.trainings import example_covariance, spread_form
from miniature.statistics.uncertainty import Uncertainty, half_width, probability_within

EXAMPLES, SPREADS, MARGINS, REPLICATES = (
    (200, 500, 2000, 10_000),
    (0, 0.005, 0.02),
    (0, 0.05),
    (0, 1, 2, 3, 9),
)
RESAMPLES = 2000
# Beyond the margin by so much lies the drop that a verdict should find.
DROP = 0.10
# Simulations of which all resamples are made in one matrix product.
BATCH = 16
# Widths take a root each, so that their mean is over the first simulations only.
WIDTHS = 200


class Cell(NamedTuple):
    """One setting of the simulation."""

    n: int
    clustered: bool
    spread: float


class Simulated(NamedTuple):
    """All simulations of one cell.

    Attributes
    ----------
    values : ndarray of float, shape [simulations, pairs]
        Observed agreements: of all pairs of trainings, the reference's first, then of the reference with
        models.
    truth : ndarray of float, shape [simulations, pairs]
        The same in the population.
    expected : ndarray of float, shape [simulations, models]
        True difference to the floor with each model's training and the replicates' averaged over.
    covariance : ndarray of float, shape [simulations, pairs, pairs]
        Over examples.
    df : int
        Degrees of freedom of that.
    covered : ndarray of bool, shape [simulations, 2]
        Whether the intervals of the agreement with the first and the last model hold the truth.
    """

    values: np.ndarray
    truth: np.ndarray
    expected: np.ndarray
    covariance: np.ndarray
    df: int
    covered: np.ndarray


def simulate(
    cell: Cell, offsets: tuple[float, ...], *, trainings: int, simulations: int, seed: int = 0
) -> Simulated:
    """Draw models and examples, and what the library makes of them.

    Parameters
    ----------
    cell : Cell
    offsets : tuple of float
        How much each model's agreement with the reference differs from a replicate's.
    trainings : int
        Trainings of the reference, itself included.
    simulations : int
    seed : int
    """
    random = generator(seed, "simulation", *cell, *offsets, trainings)
    models = trainings + len(offsets)
    pairs = [*combinations(range(trainings), 2), *((0, trainings + i) for i in range(len(offsets)))]
    a, b = np.array(pairs).T
    z = random.standard_normal((simulations, models))
    of_kind = [0.0] * trainings + list(offsets)
    loadings = np.stack([loading(o, cell.spread, z[:, k]) for k, o in enumerate(of_kind)], axis=1)
    clusters = cell.n // CLUSTER_SIZE if cell.clustered else cell.n
    counts = resample_clusters(clusters, resamples=RESAMPLES, seed=seed)
    values, covariance, covered = [], [], []
    truth = true_jaccard(loadings[:, a] * loadings[:, b])
    for start in range(0, simulations, BATCH):
        batch = range(start, min(start + BATCH, simulations))
        wrong = np.stack([draw_errors(random, loadings[s], cell.n, clustered=cell.clustered) for s in batch])
        sums = np.concatenate([wrong, wrong[:, a] & wrong[:, b]], axis=1, dtype=np.float32)
        sums = sums.reshape(len(batch), models + len(pairs), clusters, -1).sum(axis=-1)
        drawn = counts @ sums.reshape(-1, clusters).T  # [resamples, batch x columns]: whole numbers, exact
        drawn = drawn.reshape(RESAMPLES, len(batch), -1)
        for i, s in enumerate(batch):
            resampled = _jaccard(drawn[:, i], models, a, b)  # [resamples, pairs]
            found = _jaccard(sums[i].sum(axis=-1)[None], models, a, b)[0]
            values.append(found)
            matrix, df = example_covariance(resampled.T, BOOTSTRAP, clusters=clusters)
            covariance.append(matrix)
            covered.append(
                [
                    _holds(found[p], resampled[:, p], sums[i][[a[p], b[p], models + p]], truth[s, p], cell.n)
                    for p in (len(pairs) - len(offsets), len(pairs) - 1)
                ]
            )
            if s == 0:
                _check_shortcut(wrong[i], found, resampled, pairs, matrix, counts, trainings, clusters)
    expected = np.stack([mean_agreement(loadings[:, 0], o, cell.spread) for o in offsets], axis=1)
    expected -= mean_agreement(loadings[:, 0], 0.0, cell.spread)[:, None]
    return Simulated(np.array(values), truth, expected, np.array(covariance), df, np.array(covered))


def _jaccard(sums: np.ndarray, models: int, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    both = sums[:, models:]
    return both / (sums[:, a] + sums[:, b] - both)


def _holds(value: float, resampled: np.ndarray, sums: np.ndarray, truth: float, n: int) -> bool:
    """Whether the interval of an agreement table holds the truth."""
    size_a, size_b, both = sums
    rest = [column.sum() - column for column in (size_a, size_b, both)]
    left_out = rest[2] / (rest[0] + rest[1] - rest[2])
    low, high = bca_interval(resampled, float(value), left_out)
    return low <= truth <= high


def _check_shortcut(wrong, found, resampled, pairs, covariance, counts, trainings, clusters) -> None:
    """What is computed here for many simulations at once is what the library computes for one."""
    index = np.arange(wrong.shape[1]) // (wrong.shape[1] // clusters)
    p = len(pairs) - 1
    one, other = wrong[pairs[p][0]], wrong[pairs[p][1]]
    columns = np.stack([np.bincount(index, weights=c) for c in (one | True, one, other, one & other)], axis=1)
    np.testing.assert_allclose(set_values(counts[:50] @ columns)["jaccard"], resampled[:50, p], atol=1e-6)
    for r in (0, 1, 2, trainings - 1):
        names = {pair: tuple(f"m{k}" for k in pair) for pair in pairs}
        result = measure_difference(
            {names[pair]: float(v) for pair, v in zip(pairs, found, strict=True)},
            {names[pair]: resampled[:, i] for i, pair in enumerate(pairs)},
            method=BOOTSTRAP, clusters=clusters, trainings={f"m{k}": f"m{k}" for k in range(r + 1)},
            reference="m0", model=names[pairs[p]][1], closer="higher", margin=0.05,
        )  # fmt: skip
        if r < 2:  # no verdict without a spread over trainings
            assert np.isnan([result.low, result.high, result.p_below, result.p_above]).all()
            assert result.reason
            continue
        difference, uncertainty = differences(
            found[None], covariance[None], counts.shape[1] - 1, r, trainings, len(pairs) - 1
        )
        np.testing.assert_allclose(difference, result.difference)
        np.testing.assert_allclose(
            probability_within(-0.05 - difference, uncertainty), result.p_above, atol=1e-6
        )


def differences(
    values: np.ndarray, covariance: np.ndarray, df: int, r: int, trainings: int, pair: int
) -> tuple[np.ndarray, Uncertainty]:
    """Difference to the floor of r replicates and its uncertainty, for all simulations.

    What `measure_difference` computes for one.

    Parameters
    ----------
    values, covariance, df
        As in `Simulated`.
    r : int
        Replicates used, at least 1.
    trainings : int
        Trainings simulated.
    pair : int
        Column of the model's agreement with the reference.
    """
    contrast = np.zeros(values.shape[1])
    contrast[:r] = -1 / r  # the first pairs are those of the reference
    contrast[pair] = 1
    example = np.einsum("i,sij,j->s", contrast, covariance, contrast)
    if r < 2:
        nothing = np.zeros(len(values))
        return values @ contrast, Uncertainty(example, df, nothing, nothing, 1, 2.0)
    used = [i for i, (_, b) in enumerate(combinations(range(trainings), 2)) if b <= r]
    form = spread_form(r + 1)
    among = values[:, used]
    observed = np.einsum("si,ij,sj->s", among, form, among)
    noise = np.einsum("ij,sij->s", form, covariance[:, used][:, :, used])
    return values @ contrast, Uncertainty(example, df, np.maximum(0, observed), noise, r, 1 + 1 / r)


class Row(NamedTuple):
    """One line of the table: rates over simulations.

    Attributes
    ----------
    cell, r
        Setting and number of replicates.
    cover_agreement, cover_fixed, cover_training : float
        How often 95 % intervals hold the truth: of an agreement and of a difference with the trainings fixed,
        and of a difference with training variation.
    width : float
        Mean width of the last.
    false_alarm : tuple of float
        For each margin, how often a true replicate is not-miniature.
    at_margin : tuple of tuple of float
        For each margin, how often a model exactly there is not-miniature, and how often miniature.
    miniature : float
        How often a true replicate is a miniature by the second margin.
    power : tuple of float
        For each margin, how often a drop beyond it is not-miniature.
    """

    cell: Cell
    r: int
    cover_agreement: float
    cover_fixed: float = np.nan
    cover_training: float = np.nan
    width: float = np.nan
    false_alarm: tuple[float, float] = (np.nan, np.nan)
    at_margin: tuple[tuple[float, float], tuple[float, float]] = ((np.nan, np.nan), (np.nan, np.nan))
    miniature: float = np.nan
    power: tuple[float, float] = (np.nan, np.nan)


def rows_of_cell(cell: Cell, *, simulations: int, seed: int = 0) -> list[Row]:
    """All lines of one cell: every number of replicates."""
    offsets = (0.0, -MARGINS[1], -DROP, -DROP - MARGINS[1])
    trainings = max(REPLICATES) + 1
    s = simulate(cell, offsets, trainings=trainings, simulations=simulations, seed=seed)
    first = s.values.shape[1] - len(offsets)
    held = float(s.covered.mean())
    rows = [Row(cell, 0, held)]
    for r in REPLICATES[1:]:
        found = [differences(s.values, s.covariance, s.df, r, trainings, first + i) for i in range(4)]
        target = [s.truth[:, first + i] - s.truth[:, :r].mean(axis=1) for i in range(4)]
        # With the trainings fixed there is no spread over trainings to count.
        standard = half_width(0.975, Uncertainty(1.0, s.df, 0.0, 0.0, 1, 1.0))
        reached = [np.abs(found[i][0] - target[i]) / np.sqrt(found[i][1].example_variance) for i in (0, 3)]
        fixed = float((np.array(reached) <= standard).mean())
        if r < 2:
            rows.append(Row(cell, r, held, fixed))
            continue
        within = [probability_within(s.expected[:, i] - found[i][0], found[i][1]) for i in (0, 3)]
        widths = [2 * half_width(0.975, _at(found[0][1], k)) for k in range(min(WIDTHS, simulations))]
        replicate, drops = [_claims(*found[0], m) for m in MARGINS], [found[2], found[3]]
        at_margin = _claims(*found[1], MARGINS[1])
        row = Row(
            cell, r, held, fixed,
            cover_training=float(np.mean([(w >= 0.025) & (w <= 0.975) for w in within])),
            width=float(np.mean(widths)),
            false_alarm=tuple(claim[0] for claim in replicate),
            at_margin=(replicate[0], at_margin),
            miniature=replicate[1][1],
            power=tuple(_claims(*drop, m)[0] for drop, m in zip(drops, MARGINS, strict=True)),
        )  # fmt: skip
        rows.append(row)
    return rows


def _claims(difference: np.ndarray, uncertainty: Uncertainty, margin: float) -> tuple[float, float]:
    """How often a single verdict is not-miniature, and how often miniature."""
    below = probability_within(margin + difference, uncertainty)
    return float((below <= ALPHA).mean()), float((1 - below <= ALPHA).mean())


def _at(uncertainty: Uncertainty, k: int) -> Uncertainty:
    return uncertainty._replace(
        example_variance=float(uncertainty.example_variance[k]),
        training_variance=float(uncertainty.training_variance[k]),
        training_noise=float(uncertainty.training_noise[k]),
    )


def family_rates(cell: Cell, r: int, *, models: int, simulations: int, seed: int = 0) -> dict[str, float]:
    """How often a scorecard of many models holds a false claim anywhere, after Holm's correction.

    The first of two scorecards is of true replicates with margin 0, the second of models exactly at the
    margin: in both, either claim is false.
    """
    rates = {}
    for name, offset, margin in (("replicates", 0.0, 0.0), ("at the margin", -MARGINS[1], MARGINS[1])):
        s = simulate(cell, (offset,) * models, trainings=r + 1, simulations=simulations, seed=seed)
        first = s.values.shape[1] - models
        below = np.empty((simulations, models))
        for i in range(models):
            difference, uncertainty = differences(s.values, s.covariance, s.df, r, r + 1, first + i)
            below[:, i] = probability_within(margin + difference, uncertainty)
        rates[name, "not-miniature"] = float(np.mean([holm(p).min() <= ALPHA for p in below]))
        rates[name, "miniature"] = float(np.mean([holm(1 - p).min() <= ALPHA for p in below]))
        rates[name, "uncorrected"] = float((below.min(axis=1) <= ALPHA).mean())
    return rates


def limit_rates(spread: float, r: int, *, simulations: int = 100_000, seed: int = 0) -> tuple[float, float]:
    """How often a true replicate is not-miniature at margin 0, and is covered, with every example known.

    Only trainings vary then, which makes a hundred times as many simulations cheap. The uncertainty is
    Student's t there, to 1e-8 (tests/unit/test_uncertainty.py), and is taken as such.
    """
    z = generator(seed, "limit", spread, r).standard_normal((simulations, r + 2))
    loadings = loading(0.0, spread, z)
    a, b = np.array([*combinations(range(r + 1), 2)]).T
    among = true_jaccard(loadings[:, a] * loadings[:, b])
    variance = np.einsum("si,ij,sj->s", among, spread_form(r + 1), among)
    difference = true_jaccard(loadings[:, 0] * loadings[:, -1]) - among[:, :r].mean(axis=1)
    below = student_t.cdf(difference / np.sqrt(variance * (1 + 1 / r)), r)
    return float((below <= ALPHA).mean()), float((np.abs(below - 0.5) <= 0.475).mean())


def limits() -> dict[tuple[float, int], tuple[float, float]]:
    """`limit_rates` of every spread and number of replicates."""
    return {(spread, r): limit_rates(spread, r) for spread in SPREADS[1:] for r in REPLICATES[2:]}


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--simulations", type=int, default=1000, help="a cell")
    parser.add_argument("--workers", type=int, default=1, help="processes; the figures do not depend on it")
    parser.add_argument(
        "--quick", action="store_true", help="a tenth of the simulations of the two middle sizes"
    )
    parser.add_argument("--output", type=Path, help="write the page here as well")
    options = parser.parse_args()
    simulations = options.simulations // 10 if options.quick else options.simulations
    cells = [Cell(*c) for c in product(EXAMPLES[1:3] if options.quick else EXAMPLES, (False, True), SPREADS)]
    with ProcessPoolExecutor(options.workers) as pool:
        # The largest first, so that no worker ends with one; told in the order of the table.
        found = {cell: pool.submit(rows_of_cell, cell, simulations=simulations) for cell in reversed(cells)}
        families = {
            spread: pool.submit(
                family_rates, Cell(2000, False, spread), 3, models=20, simulations=simulations
            )
            for spread in SPREADS[1:]
        }
        for done, _ in enumerate(as_completed([*found.values(), *families.values()]), 1):
            print(f"{done} of {len(found) + len(families)} cells", file=sys.stderr, flush=True)
    rows = [row for cell in cells for row in found[cell].result()]
    families = {spread: future.result() for spread, future in families.items()}
    page = simulation_page(rows, families, limits(), simulations, DROP)
    print(page, end="")
    if options.output:
        options.output.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
