"""How often verdicts decide, and how often they err: simulated trainings with known true agreement.

python benchmarks/simulate_verdicts.py --output docs/simulation.md
"""

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))
sys.path.insert(0, str(Path(__file__).parent))

from latent_trainings import (
    Trainings,
    at_share,
    draw_errors,
    draw_trainings,
    excess,
    spread_for,
    true_excess,
)
from simulation_page import markdown_table, text

from miniature.statistics.kept import (
    Kept,
    estimate_kept,
    p_informative,
    p_miniature,
    p_not_miniature,
    pairs_needed,
)
from miniature.statistics.paired import share_bounds
from miniature.statistics.significance import hommel

BAR, ALPHA = 0.8, 0.05
CHARACTERISTICS = 5
# What the models of the scorecards keep; a replicate is one more training of the reference.
REPLICATE = "replicate"
LADDER = (REPLICATE, 0.87, 0.75, 0.52, 0.31)
# Trainings that stand for all that might have been.
POPULATION = 400
BATCH = 100


class Setting(NamedTuple):
    """One setting of the simulation.

    Attributes
    ----------
    n : int
        Examples; 0 where every example is known.
    r : int
        Other trainings of the reference.
    deviation : float
        Standard deviation over trainings, of the Jaccard index with the reference or, with `relative`, of
        its excess over chance as a share of that.
    relative : bool
    kept : tuple
        What each model keeps.
    dependent : bool
        Whether the characteristics of a training depart together.
    size : int
        Examples in a cluster.
    """

    n: int
    r: int
    deviation: float
    relative: bool = False
    kept: tuple = LADDER
    dependent: bool = True
    size: int = 1


class Outcome(NamedTuple):
    """P-values of every row of every simulated scorecard, each [simulations, models, CHARACTERISTICS]."""

    informative: np.ndarray
    miniature: np.ndarray
    not_miniature: np.ndarray

    def adjusted(self) -> tuple[np.ndarray, np.ndarray]:
        """Both claims after Hommel's correction within a model, as the scorecard makes it."""
        out = self.informative > ALPHA
        return tuple(hommel(np.where(out, np.nan, p)) for p in (self.miniature, self.not_miniature))


def simulate(setting: Setting, simulations: int, seed: int = 0) -> Outcome:
    """Draw trainings, models and examples, and judge every model on every characteristic."""
    starts = range(0, simulations, BATCH)
    parts = [
        _batch(setting, min(BATCH, simulations - start), np.random.default_rng([seed, start]))
        for start in starts
    ]
    return Outcome(*map(np.concatenate, zip(*parts, strict=True)))


def _batch(setting: Setting, simulations: int, random: np.random.Generator) -> Outcome:
    spread = spread_for(setting.deviation, relative=setting.relative)
    population = draw_trainings(np.random.default_rng(12345), (1, POPULATION), spread)
    shape = (simulations, setting.r + 1 + len(setting.kept))
    common = random.exponential(size=shape) - 1, random.standard_normal(shape)
    found = []
    for _ in range(CHARACTERISTICS):
        drawn = draw_trainings(random, shape, spread, common if setting.dependent else None)
        # A mean over all trainings that might have been, as the claims are about it.
        reference = drawn.at((slice(None), slice(1)))
        usual = true_excess(reference, population).mean(axis=1)
        models = _models(drawn, reference, usual, setting)
        found.append(_judge(_estimates(models, setting, random)))
    return Outcome(*(np.stack(p, axis=-1) for p in zip(*found, strict=True)))


def _models(drawn: Trainings, reference: Trainings, usual: np.ndarray, setting: Setting) -> Trainings:
    """The reference, its other trainings, and models that keep exactly what they should.

    A model that keeps less errs more: its error rate is not that of the reference.
    """
    first = setting.r + 1
    parts = [drawn.at((slice(None), slice(first)))]
    for i, kept in enumerate(setting.kept):
        model = drawn.at((slice(None), slice(first + i, first + i + 1)))
        if kept != REPLICATE:
            model = model._replace(threshold=model.threshold + 0.6 * (1 - kept))
            model = at_share(reference, kept * usual[:, None], model)
        parts.append(model)
    return Trainings(*(np.concatenate(x, axis=1) for x in zip(*parts, strict=True)))


def _estimates(models: Trainings, setting: Setting, random: np.random.Generator) -> list[Kept]:
    """What the library knows of every model's share kept."""
    r = setting.r
    names = ["large", *(f"seed{i}" for i in range(1, r + 1))]
    groups = {name: [name] for name in names[1:]}
    among = [(names.index(a), names.index(b)) for a, b in pairs_needed(groups, "large")]
    pairs = np.array([*among, *((0, r + 1 + i) for i in range(len(setting.kept)))])
    a, b = pairs.T
    if setting.n:
        values, covariance = observed(
            draw_errors(random, models, setting.n, size=setting.size), a, b, setting.size
        )
        df = setting.n // setting.size - 1
    else:
        values = true_excess(models.at((slice(None), a)), models.at((slice(None), b)))
        covariance, df = np.zeros((*values.shape, values.shape[1])), 10**6
    estimates = []
    for i in range(len(setting.kept)):
        rows = [*range(len(among)), len(among) + i]
        estimates.append(estimate_kept(values[:, rows], covariance[:, rows][:, :, rows], df, groups, "large"))
    return estimates


def observed(wrong: np.ndarray, a: np.ndarray, b: np.ndarray, size: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Jaccard indices above chance and their covariance over samples of clusters, linearized.

    What a bootstrap gives with ever more resamples, but for terms of higher order in 1/n.

    Parameters
    ----------
    wrong : ndarray of bool, shape [simulations, models, examples]
    a, b : ndarray of int, shape [pairs]
    size : int
        Examples of one cluster, which are neighbors.

    Returns
    -------
    values : ndarray of float, shape [simulations, pairs]
    covariance : ndarray of float, shape [simulations, pairs, pairs]
    """
    simulations, _, n = wrong.shape
    one, other = wrong[:, a], wrong[:, b]
    both = one & other  # [simulations, pairs, examples]
    p, q, x = (m.mean(axis=-1) for m in (one, other, both))
    union, independent = p + q - x, p + q - p * q
    by_p, by_q = (-x / union**2 - (y / independent) ** 2 for y in (q, p))
    by_x = (p + q) / union**2
    parts = ((by_p, one, p), (by_q, other, q), (by_x, both, x))
    influence = sum(
        d.astype(np.float32)[..., None] * (m - y.astype(np.float32)[..., None]) for d, m, y in parts
    )
    clusters = n // size
    influence = influence.reshape(simulations, len(a), clusters, size).sum(axis=-1)
    covariance = influence @ influence.swapaxes(1, 2) / n**2 * clusters / (clusters - 1)
    return excess(p, q, x), covariance.astype(np.float64)


def _judge(estimates: list[Kept]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    claims = (p_informative, lambda k: p_miniature(k, BAR), lambda k: p_not_miniature(k, BAR))
    return tuple(np.stack([claim(k) for k in estimates], axis=1) for claim in claims)


class Rates(NamedTuple):
    """Percentages over simulated scorecards, for one kind of model.

    Attributes
    ----------
    miniature, not_miniature : float
        Of its cells, after the correction within a model.
    any_miniature, any_not : float
        Of models with one such verdict or more.
    alone_miniature, alone_not : float
        Of its cells, were the characteristic the only one.
    """

    miniature: float
    not_miniature: float
    any_miniature: float
    any_not: float
    alone_miniature: float
    alone_not: float


def rates_of(outcome: Outcome) -> list[Rates]:
    """Rates of every model of a setting."""
    claims = [found <= ALPHA for found in outcome.adjusted()]  # NaN is no claim
    alone = [p <= ALPHA for p in (outcome.miniature, outcome.not_miniature)]
    found = []
    for i in range(outcome.miniature.shape[1]):
        cells = [100 * claim[:, i].mean() for claim in claims]
        models = [100 * claim[:, i].any(axis=-1).mean() for claim in claims]
        single = [100 * claim[:, i].mean() for claim in alone]
        found.append(Rates(*cells, *models, *single))
    return found


def tolerance_coverage(
    clusters: int, size: int, share: float, *, simulations: int, seed: int = 0
) -> tuple[float, float, float]:
    """How often each one-sided bound of a share holds the truth, and both ends of the two do, in per cent.

    Clusters of examples differ in how often something changes, by a beta distribution.
    """
    random = np.random.default_rng([seed, clusters, size, round(1e6 * share)])
    index, held = np.repeat(np.arange(clusters), size), []
    for _ in range(simulations):
        chance = random.beta(4 * share, 4 * (1 - share), clusters) if size > 1 else np.full(clusters, share)
        found = share_bounds(random.random(clusters * size) < chance[index], index)
        held.append((found.low <= share, share <= found.high))
    low, high = 100 * np.mean(held, axis=0)
    return float(low), float(high), float(low + high - 100)


SCORECARDS = [(n, deviation, r) for n in (2000, 10_000) for deviation in (0.005, 0.02) for r in (2, 3, 6)]
RELATIVE = (0.015, 0.03, 0.08, 0.12, 0.20)
TOLERANCES = (
    (200, 1, 0.002), (1000, 1, 0.002), (1000, 1, 0.005), (1000, 1, 0.02), (1000, 1, 0.05), (2732, 1, 0.008),
    (2732, 1, 0.29), (40, 5, 0.05), (40, 10, 0.05), (100, 5, 0.01), (100, 5, 0.05), (400, 5, 0.002),
    (400, 5, 0.02), (400, 5, 0.10),
)  # fmt: skip


def settings() -> dict[str, list[Setting]]:
    """Everything that the page reports, by section."""
    return {
        "ladder": [Setting(n, r, d, kept=(*LADDER, 0.63)) for n, d, r in SCORECARDS],
        "bar": [
            Setting(n, r, d, kept=(BAR,)) for n, d in ((2000, 0.005), (2000, 0.02), (5000, 0.02))
            for r in (2, 3, 6)
        ] + [Setting(2000, 3, 0.02, kept=(BAR,), **other) for other in ({"dependent": False}, {"size": 5})],
        "relative": [
            Setting(2000, r, d, relative=True, kept=(*LADDER, BAR)) for d in RELATIVE for r in (3, 6)
        ],
        "known": [
            Setting(0, r, d, relative=True, kept=(REPLICATE, BAR)) for d in (0.03, 0.12) for r in (2, 3, 6)
        ],
    }  # fmt: skip


PAGE = """ Made by `python benchmarks/simulate_verdicts.py`. Trainings are simulated that differ in
direction, in strength (skewed: most are usual, a few far off) and in error rate, on examples of two kinds
of difficulty; models that keep less err more; the five characteristics of a training depart together
(`benchmarks/latent_trainings.py`). The true agreement of every pair is known in closed form, and so is the
share that a model keeps; what judges it is the library's own code, with the bar at {bar}. *SD* is that of
the Jaccard index with the reference over trainings, or where a per cent stands of its excess over chance as
a share of it. The floor is 0.57 over a chance of 0.18.
"""
LADDER_TEXT = """ {simulations:,} scorecards of five models that keep {ladder}, by five characteristics,
each model its own family. *Decided*: of the cells of these five. *Replicate*: one more training of the
reference; how many of its cells are called. *Keeps 0.63*: how many of the cells of such a model are called
`not-miniature`, in company of four others and alone.
"""
BAR_TEXT = """ {simulations:,} models that keep exactly the bar on each of five characteristics: every claim
is false. In per cent of models with one false claim or more; 5 is what is promised.
"""
RELATIVE_TEXT = """ {simulations:,} scorecards each, n = 2,000. Two public BERT-larges by others show a
spread of 12.6 %. At wide spreads a replicate often stays undecided: no size of study helps but more
trainings.
"""
KNOWN_TEXT = """ {simulations:,} models, every example known: what is left is that trainings do not vary
normally. Where a rate exceeds 5 % the promise does not hold for a single characteristic; after the
correction within a model see *models*.
"""
TOLERANCE_TEXT = """ {simulations:,} simulations each of a share that changes, against the original: how
often each one-sided 95 % bound holds it. With fewer than ten changed examples bounds are exact and err on
the wide side; *expected* is how many examples change on average.
"""


def page(found: dict[str, list[list[Rates]]], tolerances: list[tuple], counts: dict[str, int]) -> str:
    """The page in Markdown."""
    per_section = settings()

    def of(section: str, **keys: object) -> list[tuple[Setting, list[Rates]]]:
        rows = zip(per_section[section], found[section], strict=True)
        return [(s, rates) for s, rates in rows if all(getattr(s, k) == v for k, v in keys.items())]

    def decided(rates: list[Rates]) -> float:
        return float(np.mean([r.miniature + r.not_miniature for r in rates[: len(LADDER)]]))

    ((_, usual),) = of("ladder", n=2000, deviation=0.02, r=3)
    bars = [r[0] for r in found["bar"]]
    summary = [
        ("cells decided, n = 2,000, r = 3, SD .02", "at least 60 %", f"{decided(usual):.1f} %"),
        ("a replicate is `miniature`, the same", "at least 90 %",
         f"{usual[0].miniature:.1f} % (alone {usual[0].alone_miniature:.1f} %)"),
        ("a model that keeps 0.63 is `not-miniature`, the same", "at least 80 %",
         f"{usual[-1].not_miniature:.1f} % (alone {usual[-1].alone_not:.1f} %)"),
        ("a model at the bar has a false `not-miniature`", "at most 5.5 %",
         f"{min(r.any_not for r in bars):.1f} to {max(r.any_not for r in bars):.1f} %"),
        ("a model at the bar has a false `miniature`", "at most 5.5 %",
         f"{min(r.any_miniature for r in bars):.1f} to {max(r.any_miniature for r in bars):.1f} %"),
        ("a replicate has a `not-miniature` anywhere, SD up to .02", "at most 5 %",
         f"{max(rates[0].any_not for _, rates in of('ladder')):.1f} % at most"),
    ]  # fmt: skip
    ladder = [
        (f"{s.n:,}", f"{s.deviation:g}", str(s.r), f"{decided(r):.0f}", f"{r[0].miniature:.0f}",
         f"{r[0].any_not:.1f}", f"{r[-1].not_miniature:.0f} / {r[-1].alone_not:.0f}")
        for s, r in of("ladder")
    ]  # fmt: skip
    bar = [
        (f"{s.n:,}", f"{s.deviation:g}", str(s.r), "yes" if s.dependent else "no", str(s.size),
         f"{r[0].any_not:.1f}", f"{r[0].any_miniature:.1f}")
        for s, r in of("bar")
    ]  # fmt: skip
    relative = [
        (f"{100 * s.deviation:g} %", str(s.r), f"{decided(r):.0f}",
         f"{r[0].miniature:.0f} / {r[0].alone_miniature:.0f}",
         f"{r[0].any_not:.1f}", f"{r[-1].any_not:.1f}", f"{r[-1].any_miniature:.1f}")
        for s, r in of("relative")
    ]  # fmt: skip
    known = [
        (f"{100 * s.deviation:g} %", str(s.r), f"{r[0].alone_not:.1f}", f"{r[1].alone_not:.1f}",
         f"{r[1].alone_miniature:.1f}", f"{r[1].any_not:.1f}", f"{r[1].any_miniature:.1f}")
        for s, r in of("known")
    ]  # fmt: skip
    bounds = [
        (f"{clusters * size:,}", str(clusters), f"{share:g}", f"{clusters * size * share:.1f}",
         *(f"{x:.1f}" for x in held[:2]))
        for clusters, size, share, held in tolerances
    ]  # fmt: skip
    listed = ", ".join("1 (a replicate)" if k == REPLICATE else f"{k:g}" for k in LADDER)
    parts = [
        "# How often do verdicts decide, and how often do they err?",
        text(PAGE.format(bar=BAR)),
        markdown_table(("what", "asked", "found"), summary),
        "## Scorecards",
        text(LADDER_TEXT.format(simulations=counts["ladder"], ladder=listed)),
        markdown_table(
            ("n", "SD", "r", "decided, %", "replicate `miniature`, %", "replicate any `not-miniature`, %",
             "keeps 0.63 found, % / alone"), ladder,
        ),
        "## Every characteristic exactly at the bar",
        text(BAR_TEXT.format(simulations=counts["bar"])),
        markdown_table(
            ("n", "SD", "r", "dependent", "examples a cluster", "false `not-miniature`", "false `miniature`"),
            bar,
        ),
        "## Other spreads",
        text(RELATIVE_TEXT.format(simulations=counts["relative"])),
        markdown_table(
            ("SD", "r", "decided, %", "replicate `miniature`, % / alone", "replicate any `not-miniature`, %",
             "at the bar any `not-miniature`, %", "at the bar any `miniature`, %"), relative,
        ),
        "## With every example known",
        text(KNOWN_TEXT.format(simulations=counts["known"])),
        markdown_table(
            ("SD", "r", "replicate `not-miniature`, %", "at the bar `not-miniature`, %",
             "at the bar `miniature`, %", "models any `not-miniature`, %", "models any `miniature`, %"),
            known,
        ),
        "## Bounds of the tolerance",
        text(TOLERANCE_TEXT.format(simulations=counts["tolerance"])),
        markdown_table(
            ("examples", "clusters", "share", "expected", "lower holds, %", "upper holds, %"), bounds
        ),
    ]  # fmt: skip
    return "\n\n".join(parts) + "\n"


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--scale", type=float, default=1.0, help="times the simulations of the page")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--output", type=Path, help="write the page here as well")
    options = parser.parse_args()
    usual = {"ladder": 300, "bar": 5000, "relative": 300, "known": 2000, "tolerance": 2000}
    counts = {name: max(10, round(options.scale * count)) for name, count in usual.items()}
    found: dict[str, list[list[Rates]]] = {}
    with ProcessPoolExecutor(options.jobs) as pool:
        running = {
            name: [pool.submit(simulate, setting, counts[name]) for setting in chosen]
            for name, chosen in settings().items()
        }
        tolerances = [
            (*cell, tolerance_coverage(*cell, simulations=counts["tolerance"])) for cell in TOLERANCES
        ]
        for name, jobs in running.items():
            found[name] = [rates_of(job.result()) for job in jobs]
    made = page(found, tolerances, counts)
    print(made, end="")
    if options.output:
        options.output.write_text(made, encoding="utf-8")


if __name__ == "__main__":
    main()
