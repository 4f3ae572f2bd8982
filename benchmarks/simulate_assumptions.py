"""How far do intervals and verdicts miss where what they assume does not hold?

python benchmarks/simulate_assumptions.py --output docs/assumptions.md
"""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from scipy.special import ndtri

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))
sys.path.insert(0, str(Path(__file__).parent))

from latent_errors import CORRELATION, ERROR_RATE, true_jaccard
from simulation_page import markdown_table, text

from miniature.measures.sets import set_counts, set_values
from miniature.seeds import generator
from miniature.statistics.bootstrap import resample_clusters
from miniature.statistics.pairs import resample_measures

# How many clusters, and how many examples each has: as many as the others, or geometrically distributed.
CLUSTERS = ((5, 40), (10, 30), (20, 20), (40, 10), (100, 5), (400, 5))
# Share of the variance of an example's difficulty, for either model, that its cluster has in common.
COMMON = 0.5
RESAMPLES = 1000

PAGE = """
Made by `python benchmarks/simulate_assumptions.py`. What intervals and verdicts deliver where their
assumptions hold is in [simulation.md](simulation.md).
"""
SKEWED = """
Verdicts take agreements to vary normally over trainings. How often they err with every example known, and
trainings that are skewed (most are usual, a few far off), is in [simulation.md](simulation.md), *With every
example known*. The promise of a scorecard, at most 5 % of models with a false claim of a kind, is about
claims after the correction within a model.
"""
FEW = """
How often the 95 % interval of an agreement (BCa, whole clusters resampled) holds the truth, in percent of
{simulations:,} simulations; Jaccard {jaccard:.2f}, {error:.0f} % errors, half of the variance of an
example's difficulty common to its cluster. *Unequal*: sizes are geometrically distributed around the mean.
Nearly all misses are intervals that lie too low. The development set of SQuAD has 35 articles, and 1,204
paragraphs, which are the clusters here.
"""


def coverage(clusters: int, size: int, *, equal: bool, simulations: int, seed: int = 0) -> float:
    """How often the interval of an agreement holds the truth; where it is empty it does not."""
    random = generator(seed, "few clusters", clusters, size, equal)
    truth = float(true_jaccard(np.array(CORRELATION)))
    held = 0
    for simulation in range(simulations):
        sizes = np.full(clusters, size) if equal else random.geometric(1 / size, clusters)
        index = np.repeat(np.arange(clusters), sizes)

        def latent(index: np.ndarray = index) -> np.ndarray:
            own = random.standard_normal(len(index))
            return np.sqrt(COMMON) * random.standard_normal(clusters)[index] + np.sqrt(1 - COMMON) * own

        shared = np.sqrt(CORRELATION) * latent()
        one, other = (
            shared + np.sqrt(1 - CORRELATION) * random.standard_normal(len(index)) < ndtri(ERROR_RATE)
            for _ in range(2)
        )
        counts = resample_clusters(clusters, resamples=RESAMPLES, seed=simulation)
        [found] = resample_measures(set_counts(one, other, index, clusters)[None], counts, set_values)
        held += found["jaccard"].low <= truth <= found["jaccard"].high
    return held / simulations


def cluster_section(found: Mapping[tuple[int, int, bool], float], simulations: int) -> str:
    """Coverage of intervals from few clusters."""
    rows = [
        (str(clusters), str(size), *(f"{100 * found[clusters, size, equal]:.1f}" for equal in (True, False)))
        for clusters, size in CLUSTERS
    ]
    said = FEW.format(
        simulations=simulations, jaccard=float(true_jaccard(np.array(CORRELATION))), error=100 * ERROR_RATE
    )
    header = ("clusters", "examples in each", "equal", "unequal")
    return "\n\n".join(["## Few clusters", text(said), markdown_table(header, rows)])


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--simulations", type=int, default=1000, help="a cell of the few clusters")
    parser.add_argument("--output", type=Path, help="write the page here as well")
    options = parser.parse_args()
    found = {
        (clusters, size, equal): coverage(clusters, size, equal=equal, simulations=options.simulations)
        for clusters, size in CLUSTERS
        for equal in (True, False)
    }
    parts = [
        "# Where the assumptions do not hold",
        text(PAGE),
        "## Skewed trainings",
        text(SKEWED),
        cluster_section(found, options.simulations),
    ]
    page = "\n\n".join(parts) + "\n"
    print(page, end="")
    if options.output:
        options.output.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
