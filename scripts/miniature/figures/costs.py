"""What models keep of the reference against what they cost, with the front that no other model beats."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullFormatter, NullLocator

from miniature.figures.labels import text_width
from miniature.figures.style import GRID, INK, MUTED, Look, model_looks, neutral_style
from miniature.tables.costs import CHANGED

SIZE, SMALL = 10.0, 8.6
WIDTH, HEIGHT, TOP, BOTTOM = 5.0, 2.7, 0.75, 0.65  # inches: of a panel, and around all
COSTS = {
    "bytes": ("megabytes on disk", 1e6, "front_bytes"),
    "latency_ms": ("milliseconds for one text", 1.0, "front_latency"),
}
# A share above 1 is closer than another training: linear up to there, and by factors beyond.
KEPT_TICKS = (0, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500)
LEAST_KEPT = -0.2


def plot_costs(points: pd.DataFrame, *, models: Sequence[str], reference: str, note: str) -> Figure:
    """Draw what is kept against bytes and against latency.

    Parameters
    ----------
    points : DataFrame
        `miniature.tables.costs.POINT_COLUMNS`.
    models : sequence of str
        All models of the study, for their colors.
    reference : str
    note : str
        Machine and threads.

    Returns
    -------
    matplotlib.figure.Figure
        Made without pyplot; save it with `miniature.figures.files.save_figure`.
    """
    looks = model_looks(models, reference)
    shown = [model for model in models if model in set(points["model"])]
    panels = list(points.groupby(["panel", "task"], sort=False))
    names = 0.75 + max(text_width(model, SIZE) for model in shown) / 72
    width, height = 2 * WIDTH + names, len(panels) * HEIGHT + TOP + BOTTOM
    with neutral_style(SIZE):
        figure = Figure(figsize=(width, height), facecolor="white")
        FigureCanvasAgg(figure)
        grid = figure.subplots(
            len(panels), 2, squeeze=False, sharex="col", sharey="row",
            gridspec_kw={
                "left": 0.75 / width, "right": 1 - names / width, "top": 1 - TOP / height,
                "bottom": BOTTOM / height, "wspace": 0.06, "hspace": 0.16,
            },
        )  # fmt: skip
        for row, ((panel, task), own) in zip(grid, panels, strict=True):
            for axes, (cost, (_, unit, front)) in zip(row, COSTS.items(), strict=True):
                _draw(axes, own, looks, cost, unit, front)
            _dress_rows(row[0], panel, task, own, several=points["task"].nunique() > 1)
        for axes, (label, _, _) in zip(grid[-1], COSTS.values(), strict=True):
            _dress_costs(axes, label)
        handles = [_handle(looks[model], model) for model in shown]
        figure.legend(
            handles=handles, loc="center left", bbox_to_anchor=(1 - (names - 0.1) / width, 0.5),
            frameon=False, handletextpad=0.3, fontsize=SIZE,
        )  # fmt: skip
        figure.text(
            0.75 / width, 1 - 0.22 / height, f"What is kept of {reference}, and what it costs",
            fontsize=1.2 * SIZE, fontweight="bold", va="center",
        )  # fmt: skip
        figure.text(
            0.75 / width, 1 - 0.47 / height,
            "Up and left is better. Steps: nobody keeps as much for less. Bars: one-sided 95 % bounds."
            f" Kept 1: as another training of {reference}. {note}", fontsize=SMALL, color=MUTED, va="center",
        )  # fmt: skip
    return figure


def _draw(axes: Axes, own: pd.DataFrame, looks: dict[str, Look], cost: str, unit: float, front: str) -> None:
    scale = 100.0 if own["panel"].iloc[0] == CHANGED else 1.0
    best = own[own[front]].sort_values(cost, kind="stable")
    axes.step(best[cost] / unit, scale * best["value"], where="post", color=MUTED, linewidth=1.0, zorder=1)
    for row in own.to_dict("records"):
        look, x, y = looks[row["model"]], row[cost] / unit, scale * row["value"]
        if not np.isnan(row["low"]):
            axes.plot(
                [x, x], [scale * row["low"], scale * row["high"]], color=look.color, linewidth=1.2, zorder=2
            )
        axes.plot(
            [x], [y], marker=look.marker, markersize=8, color=look.color, markerfacecolor=look.face, zorder=3,
            linestyle="none",
        )  # fmt: skip
    if own["panel"].iloc[0] != CHANGED:
        axes.axhline(1.0, color=MUTED, linewidth=0.9, linestyle=(0, (5, 2)), zorder=1)
    axes.set_xscale("log")
    axes.grid(color=GRID, linewidth=0.7)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _dress_rows(axes: Axes, panel: str, task: str, own: pd.DataFrame, *, several: bool) -> None:
    name = f"{panel}, {task}" if several else panel
    if panel == CHANGED:
        # Upside down, so that up is better everywhere.
        high = 100 * np.nanmax([own["value"].max(), own["high"].max(), 0.01])
        axes.set_ylim(1.06 * high, -0.06 * high)
        axes.set_ylabel(f"{name}, %")
        return
    low, high = np.nanmin([own["low"].min(), own["value"].min()]), np.nanmax([own["value"].max(), 1.0])
    axes.set_yscale("symlog", linthresh=1.0, linscale=1.0)
    axes.set_ylim(max(LEAST_KEPT, min(0.0, low - 0.05)), 1.25 * high)
    axes.yaxis.set_major_locator(FixedLocator(KEPT_TICKS))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_ylabel(f"{name}, kept")


def _dress_costs(axes: Axes, label: str) -> None:
    axes.set_xlabel(label, color=INK)
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 3.0, 5.0)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_minor_formatter(NullFormatter())


def _handle(look: Look, model: str) -> Line2D:
    return Line2D(
        [], [], marker=look.marker, markersize=8, color=look.color, markerfacecolor=look.face,
        linestyle="none", label=model,
    )  # fmt: skip
