"""The page that `simulate_intervals.py` prints: what was asked, what came out, the whole grid."""

from collections.abc import Iterable, Mapping, Sequence
from textwrap import fill

import numpy as np
from latent_errors import CLUSTER_SIZE

INTRODUCTION = """
Made by `python benchmarks/simulate_intervals.py`: {simulations:,} simulations a cell of models whose
true agreement is known in closed form (`benchmarks/latent_errors.py`); what judges them is the library's
own code. A rate near 5 % has a standard error of {error:.1f} points, and the worst of many cells lies a
few of these out. Ranges are over all cells of the grid: n of {sizes}; independent examples and clusters
of {cluster}; a standard deviation over trainings of {spreads}; margins of 0 and 0.05; 2, 3 and 9
replicates.
"""
FEW = """
With no replicate or one, every verdict is `inconclusive` by construction: one pair of trainings shows no
spread. What such a study still has is the intervals with the trainings fixed.
"""
LIMIT = """
Where examples are many, the bounds are those of Student's t, whose level is 5 % and not less. These are
the cells near 5 % below, and so this is how often a true replicate is `not-miniature` at margin 0, and
how often the interval holds the truth, in percent of 100,000 simulations in which every example is known
and only trainings vary.
"""
FAMILY = """
20 models, 3 replicates, n = 2,000. How often a false claim stands anywhere on the scorecard, in percent:
of true replicates at margin 0, and of models exactly at the margin 0.05. Last: how often there would be
a false `not-miniature` without Holm's correction.
"""
GRID = """
Percent of simulations, but for *width*. *Agreement* and *difference*: how often 95 % intervals with the
trainings fixed hold the truth; *with training*: the same of intervals of the difference that include
training variation, whose mean width follows. *Replicate n-m*: how often a true replicate is
`not-miniature`, at margin 0 and at 0.05. *At margin n-m* and *at margin m*: how often a model exactly at
the margin 0.05 is `not-miniature`, or `miniature`. *Replicate m*: how often a true replicate is
`miniature` at margin 0.05 (at margin 0 it lies at the margin, and may be so 5 % of the time). *Drop
found*: how often a model {drop:.2f} beyond the margin is `not-miniature`, at margin 0 and at 0.05. *SD*:
standard deviation of the agreement with the reference over trainings. Verdicts are single ones, without
Holm's correction.
"""
HEADER = (
    "n", "clusters", "SD", "replicates", "agreement", "difference", "with training", "width",
    "replicate n-m", "at margin n-m", "at margin m", "replicate m", "drop found",
)  # fmt: skip


def simulation_page(
    rows: Sequence,
    families: Mapping[float, Mapping],
    limits: Mapping[tuple, tuple],
    simulations: int,
    drop: float,
) -> str:
    """Page in Markdown.

    Parameters
    ----------
    rows : sequence of simulate_intervals.Row
    families : mapping of float to mapping
        For each spread over trainings, what `simulate_intervals.family_rates` returns.
    limits : mapping of tuple to tuple of float
        From `simulate_intervals.limits`.
    simulations : int
        A cell.
    drop : float
        How far beyond the margin the models lie that a verdict should find.
    """
    introduction = INTRODUCTION.format(
        simulations=simulations, error=100 * np.sqrt(0.05 * 0.95 / simulations), cluster=CLUSTER_SIZE,
        sizes=_listed(f"{row.cell.n:,}" for row in rows),
        spreads=_listed(f"{row.cell.spread:g}" for row in rows),
    )  # fmt: skip
    claims = ("not-miniature", "miniature", "uncorrected")
    family = [
        (f"{spread:g}", kind, *(f"{100 * rates[kind, claim]:.1f}" for claim in claims))
        for spread, rates in families.items()
        for kind in ("replicates", "at the margin")
    ]
    parts = [
        "# Do the intervals cover, and how often do verdicts err?",
        text(introduction),
        markdown_table(("what", "asked", "found"), _summary(rows, drop)),
        text(FEW),
        limit_section(limits),
        "## Many verdicts on one scorecard",
        text(FAMILY),
        markdown_table(
            ("SD", "scorecard of", "false not-miniature", "false miniature", "not-miniature without Holm"),
            family,
        ),
        "## The whole grid",
        text(GRID.format(drop=drop)),
        markdown_table(HEADER, map(_cells, rows)),
    ]
    return "\n\n".join(parts) + "\n"


def limit_section(limits: Mapping[tuple[float, int], tuple[float, float]]) -> str:
    """What is left when every example is known: the error of the bounds over trainings alone."""
    rows = [
        (f"{spread:g}", str(r), f"{100 * alarm:.2f}", f"{100 * held:.2f}")
        for (spread, r), (alarm, held) in limits.items()
    ]
    header = ("SD", "replicates", "replicate not-miniature", "interval holds")
    return "\n\n".join(["## With every example known", text(LIMIT), markdown_table(header, rows)])


def _summary(rows: Sequence, drop: float) -> list[tuple[str, str, str]]:
    judged = [row for row in rows if row.r >= 2]
    large = [r for r in judged if (r.cell.n, r.cell.spread) == (10_000, 0.005)]
    medium = [r for r in judged if (r.cell.n, r.cell.spread) == (2000, 0.005)]
    held = "95 % intervals of {} hold the truth"
    return [
        (held.format("an agreement, trainings fixed,"), "93 to 97 %", _span(r.cover_agreement for r in rows)),
        (held.format("a difference, trainings fixed,"), "93 to 97 %",
         _span(r.cover_fixed for r in rows if r.r)),
        (held.format("a difference, with training variation,"), "at least 93 %",
         _span(r.cover_training for r in judged)),
        ("a true replicate is `not-miniature`", "at most 5 %",
         _span(rate for r in judged for rate in r.false_alarm)),
        ("a model exactly at the margin is `not-miniature`", "at most 5 %",
         _span(pair[0] for r in judged for pair in r.at_margin)),
        ("a model exactly at the margin is `miniature`", "at most 5 %",
         _span(pair[1] for r in judged for pair in r.at_margin)),
        ("a true replicate is `miniature`: n = 10,000, margin 0.05, SD 0.005", "at least 80 %",
         _span(r.miniature for r in large)),
        (f"a drop {drop:.2f} beyond the margin is `not-miniature`: n = 2,000, SD 0.005", "at least 90 %",
         _span(rate for r in medium for rate in r.power)),
    ]  # fmt: skip


def _listed(values: Iterable[str]) -> str:
    *most, last = dict.fromkeys(values)
    return f"{', '.join(most)} and {last}" if most else last


def _span(values: Iterable[float]) -> str:
    values = list(values)
    return f"{100 * min(values):.1f} to {100 * max(values):.1f} %" if values else "not in this grid"


def _cells(row) -> list[str]:
    def percent(*rates: float) -> str:
        return " / ".join("" if np.isnan(x) else f"{100 * x:.1f}" for x in rates).strip(" /")

    return [
        f"{row.cell.n:,}", f"of {CLUSTER_SIZE}" if row.cell.clustered else "no", f"{row.cell.spread:g}",
        str(row.r),
        percent(row.cover_agreement), percent(row.cover_fixed), percent(row.cover_training),
        "" if np.isnan(row.width) else f"{row.width:.3f}", percent(*row.false_alarm),
        percent(row.at_margin[1][0]), percent(row.at_margin[1][1]), percent(row.miniature),
        percent(*row.power),
    ]  # fmt: skip


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Table in Markdown, of cells as they are."""
    cells = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in cells)


def text(paragraph: str) -> str:
    """Paragraph with its lines filled."""
    return fill(" ".join(paragraph.split()), 120, break_long_words=False, break_on_hyphens=False)
