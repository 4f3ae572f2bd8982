"""What models keep of the reference against what they cost, with the front that no other model beats."""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator

from miniature.figures.labels import text_width, wrap
from miniature.figures.sheet import Sheet
from miniature.figures.style import GRID, MUTED, Look, model_looks, neutral_style
from miniature.tables.costs import CHANGED

SIZE, SMALL = 10.0, 8.6
LINE = 1.4 * SMALL
NAME = 1.5 * SIZE  # of the legend
EDGE, LEFT, TICKS = 9.0, 56.0, 46.0  # points, as all lengths here
PANEL, BETWEEN = (350.0, 180.0), (22.0, 26.0)
COSTS = {
    "bytes": ("megabytes on disk", 1e6, "front_bytes"),
    "latency_ms": ("milliseconds for one text", 1.0, "front_latency"),
}
# Linear up to 1, which is another training or one decision of a hundred, and by factors beyond.
AXIS = {"linthresh": 1.0, "linscale": 1.0}
CHANGED_TICKS = (0, 0.5, 1, 2, 5, 10, 20, 50, 100)
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
    # A raster font is a little wider than its outlines.
    names = 34 + 1.04 * max(text_width(model, SIZE) for model in shown)
    right = LEFT + 2 * PANEL[0] + BETWEEN[0]
    about = wrap(
        "Up and left is better. Steps: no model keeps as much for less. Bars: one-sided 95 % bounds. "
        f"Dashed: another training of {reference}. {note}",
        right - LEFT, SMALL,
    )  # fmt: skip
    with neutral_style(SIZE):
        rows = len(panels) * (PANEL[1] + BETWEEN[1]) - BETWEEN[1]
        # As many columns of names as the panels' height asks for.
        columns = math.ceil(len(shown) * NAME / (rows + TICKS))
        sheet = Sheet(right + columns * names, TICKS + rows + 34 + LINE * len(about) + EDGE)
        grid = []
        for row, ((panel, task), own) in enumerate(panels):
            bottom = TICKS + rows - PANEL[1] - row * (PANEL[1] + BETWEEN[1])
            grid.append([])
            for column, (cost, (label, unit, front)) in enumerate(COSTS.items()):
                left = LEFT + column * (PANEL[0] + BETWEEN[0])
                axes = sheet.axes(left, bottom, *PANEL, sharex=grid[0][column] if row else None)
                grid[-1].append(axes)
                _draw(axes, own, looks, cost, unit, front)
                _dress(axes, points[cost] / unit, own, label=label if row + 1 == len(panels) else "")
                axes.tick_params(labelleft=not column, labelbottom=row + 1 == len(panels))
            name = f"{panel}, {task}" if points["task"].nunique() > 1 else panel
            grid[-1][0].set_ylabel(f"{name}, %" if panel == CHANGED else f"{name}, kept")
        sheet.figure.legend(
            handles=[_handle(looks[model], model) for model in shown], loc="upper left",
            bbox_to_anchor=((right + 6) / sheet.width, (TICKS + rows + 6) / sheet.height), frameon=False,
            handletextpad=0.3, borderpad=0, fontsize=SIZE, ncols=columns, columnspacing=1.0,
        )  # fmt: skip
        top = sheet.height - EDGE
        title = f"What is kept of {reference}, and what it costs"
        sheet.text(LEFT, top, title, size=1.3 * SIZE, weight="bold", va="top")
        sheet.text(LEFT, top - 20, "\n".join(about), size=SMALL, color=MUTED, va="top", linespacing=1.25)
    return sheet.figure


def _draw(axes: Axes, own: pd.DataFrame, looks: dict[str, Look], cost: str, unit: float, front: str) -> None:
    scale = 100.0 if own["panel"].iloc[0] == CHANGED else 1.0
    best = own[own[front]].sort_values(cost, kind="stable")
    axes.step(best[cost] / unit, scale * best["value"], where="post", color=MUTED, linewidth=1.0, zorder=1)
    axes.axhline(
        scale * own["retrained"].iloc[0], color=MUTED, linewidth=0.9, linestyle=(0, (5, 2)), zorder=1
    )
    for row in own.to_dict("records"):
        look, x = looks[row["model"]], row[cost] / unit
        if not np.isnan(row["low"]):
            bounds = [scale * row["low"], scale * row["high"]]
            axes.plot([x, x], bounds, color=look.color, linewidth=1.2, zorder=2)
        # A white rim parts markers that lie over each other; a hollow one is drawn by its rim.
        rim = look.color if look.hollow else "white"
        axes.plot(
            [x], [scale * row["value"]], marker=look.marker, markersize=13 if look.marker == "*" else 10,
            color=look.color, markerfacecolor=look.face, markeredgecolor=rim, zorder=3, linestyle="none",
            markeredgewidth=1.2 if look.hollow else 0.6, clip_on=False,
        )  # fmt: skip


def _dress(axes: Axes, costs: pd.Series, own: pd.DataFrame, *, label: str) -> None:
    axes.set_yscale("symlog", **AXIS)
    if own["panel"].iloc[0] == CHANGED:
        # Upside down, so that up is better everywhere.
        axes.set_ylim(1.25 * max(1.0, 100 * np.nanmax([own["value"], own["high"], own["retrained"]])), -0.15)
        ticks = CHANGED_TICKS
    else:
        least = np.nanmin([own["low"].min(), own["value"].min()])
        most = np.nanmax([own["value"].max(), own["high"].max(), 1.0])
        axes.set_ylim(max(LEAST_KEPT, min(0.0, least - 0.05)), 1.25 * most)
        ticks = KEPT_TICKS
    axes.yaxis.set_major_locator(FixedLocator(ticks))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_xscale("log")
    axes.set_xlim(costs.min() / 1.15, 1.15 * costs.max())
    steps = (1.0, 1.5, 2.0, 3.0, 5.0, 7.0) if costs.max() < 10 * costs.min() else (1.0, 2.0, 5.0)
    axes.xaxis.set_major_locator(LogLocator(subs=steps))
    axes.xaxis.set_minor_locator(NullLocator())
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_xlabel(label)
    axes.grid(color=GRID, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def _handle(look: Look, model: str) -> Line2D:
    return Line2D(
        [], [], marker=look.marker, markersize=8, color=look.color, markerfacecolor=look.face,
        linestyle="none", label=model,
    )  # fmt: skip
