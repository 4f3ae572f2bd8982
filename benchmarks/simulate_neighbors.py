"""Do the intervals of neighbor agreement cover? Simulated models, their neighbors searched as in a study.

python benchmarks/simulate_neighbors.py --output docs/simulation-neighbors.md
python benchmarks/simulate_neighbors.py --quick
"""

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.special import stdtrit

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))

from miniature.agreement.comparison import HALVES
from miniature.characteristics.representation.neighbors import search_neighbors
from miniature.measures.neighbors import neighbor_jaccard
from miniature.seeds import generator
from miniature.statistics.halves import half_deviations, halves_interval, ranking_length, split_halves
from miniature.statistics.trainings import example_covariance

KS = (1, 2, 5, 10, 50, 100)
# With clusters: how many examples each has, and their common share of the variance.
CLUSTER_SIZE, COMMON = 5, 0.7
PAIRS = [("large", "a"), ("large", "b")]


class Cell(NamedTuple):
    """One population: normal points, seen by each model with noise of its own."""

    n: int
    width: int
    noise: float
    clustered: bool
    k_max: int = 50


CELLS = (
    Cell(200, 3, 0.2, False, 100),
    Cell(300, 5, 0.3, False),
    Cell(300, 20, 0.5, False),
    Cell(500, 50, 1.0, False),
    Cell(1000, 3, 0.2, False, 10),
    Cell(200, 20, 0.5, True, 100),
    Cell(500, 20, 0.5, True),
)


def draw_embeddings(random: np.random.Generator, cell: Cell) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Embeddings of three models and the cluster of each example."""
    size = CLUSTER_SIZE if cell.clustered else 1
    index = np.arange(cell.n) // size
    points = random.standard_normal((cell.n, cell.width))
    if cell.clustered:
        shared = random.standard_normal((cell.n // size, cell.width))[index]
        points = np.sqrt(COMMON) * shared + np.sqrt(1 - COMMON) * points
    noise = cell.noise * random.standard_normal((3, cell.n, cell.width))
    return dict(zip(("large", "a", "b"), (points + noise).astype(np.float32), strict=True)), index


class Row(NamedTuple):
    """One line of the table.

    Attributes
    ----------
    cell, k
    agreement : float
        Mean over simulations, which is the truth at this n and K.
    covered, covered_difference : float
        How often 95 % intervals hold the truth, of an agreement and of the difference of two.
    ratio, ratio_difference : float
        Mean standard error over the true standard deviation.
    """

    cell: Cell
    k: int
    agreement: float
    covered: float
    ratio: float
    covered_difference: float
    ratio_difference: float


def rows_of_cell(cell: Cell, *, simulations: int, seed: int = 0) -> list[Row]:
    """All lines of one cell, the mean over all K (k = 0) last."""
    random = generator(seed, "neighbors", *cell)
    ks, k_max = [k for k in KS if k <= cell.k_max], cell.k_max
    values, inside, errors, differences = [], [], [], []
    for s in range(simulations):
        embeddings, index = draw_embeddings(random, cell)
        clusters = int(index[-1]) + 1
        rankings = {m: search_neighbors(x, ranking_length(k_max, cell.n))[0] for m, x in embeddings.items()}
        halves = split_halves(index, clusters, seed=seed + s)
        moved = half_deviations(rankings, PAIRS, halves, k_max=k_max)  # [pairs, splits, k_max]
        found = np.stack([neighbor_jaccard(*(rankings[m][:, :k_max] for m in pair)) for pair in PAIRS])
        found, moved = (np.concatenate([x, x.mean(axis=-1, keepdims=True)], axis=-1) for x in (found, moved))
        values.append(found)
        inside.append(halves_interval(found[0], moved[0], clusters=clusters))
        errors.append(moved[0].std(axis=0, ddof=1))
        covariance = [example_covariance(moved[..., i], HALVES, clusters=clusters) for i in range(k_max + 1)]
        differences.append([np.sqrt(c[0, 0] + c[1, 1] - 2 * c[0, 1]) for c, _ in covariance])
        df = covariance[0][1]
    values, inside, errors, differences = map(np.array, (values, inside, errors, differences))
    truth = values[:, 0].mean(axis=0)
    covered = (inside[:, 0] <= truth) & (truth <= inside[:, 1])
    difference = values[:, 0] - values[:, 1]
    held = np.abs(difference) <= stdtrit(df, 0.975) * differences
    return [
        Row(
            cell, k, float(truth[k - 1]), float(covered[:, k - 1].mean()),
            float(errors[:, k - 1].mean() / values[:, 0, k - 1].std(ddof=1)),
            float(held[:, k - 1].mean()),
            float(differences[:, k - 1].mean() / difference[:, k - 1].std(ddof=1)),
        )
        for k in [*ks, 0]
    ]  # fmt: skip


def neighbors_page(rows: list[Row], simulations: int) -> str:
    """The page in Markdown."""
    covered, difference = ([100 * getattr(r, x) for r in rows] for x in ("covered", "covered_difference"))
    error = 100 * np.sqrt(0.95 * 0.05 / simulations)
    lines = [
        "# Do the intervals of neighbor agreement cover?",
        "",
        "Made by `python benchmarks/simulate_neighbors.py`. Normal points of *width* numbers and standard",
        "deviation 1 are seen by three models, each with *noise* of its own; neighbors are searched and",
        "intervals made by the library's own code. The truth is the mean agreement over all samples of",
        f"this n, at this K. Clusters are of {CLUSTER_SIZE} examples, which share {100 * COMMON:.0f} %",
        f"of the variance. Each row is of {simulations} simulations: a rate of 95 % has a standard",
        f"error of {error:.1f} points.",
        "",
        "95 % intervals of an agreement hold the truth in",
        f"{min(covered):.1f} to {max(covered):.1f} % of cases, those of the difference of two",
        f"agreements with one reference in {min(difference):.1f} to {max(difference):.1f} %.",
        "*SE / SD* is the mean standard error over the standard deviation between samples: 1 where the",
        "width is right, more where it is too large.",
        "",
        "| n | width | noise | clusters | K | agreement | holds | SE / SD | difference holds | SE / SD |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for r in rows:
        c = r.cell
        lines.append(
            f"| {c.n:,} | {c.width} | {c.noise:g} | {f'of {CLUSTER_SIZE}' if c.clustered else 'no'} | "
            f"{r.k or 'mean over all'} | {r.agreement:.3f} | {100 * r.covered:.1f} | {r.ratio:.2f} | "
            f"{100 * r.covered_difference:.1f} | {r.ratio_difference:.2f} |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--simulations", type=int, default=300, help="a cell")
    parser.add_argument("--workers", type=int, default=1, help="processes; the figures do not depend on it")
    parser.add_argument("--quick", action="store_true", help="a tenth of the simulations of the small cells")
    parser.add_argument("--output", type=Path, help="write the page here as well")
    options = parser.parse_args()
    simulations = options.simulations // 10 if options.quick else options.simulations
    cells = [cell for cell in CELLS if cell.n <= 300] if options.quick else CELLS
    with ProcessPoolExecutor(options.workers) as pool:
        found = [pool.submit(rows_of_cell, cell, simulations=simulations) for cell in cells]
        page = neighbors_page([row for rows in found for row in rows.result()], simulations)
    print(page, end="")
    if options.output:
        options.output.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
