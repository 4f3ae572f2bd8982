"""Agreement of errors against accuracy: independent trainings of the reference and the compared models.

Accuracy is on the axis because it confounds agreement: it determines both the highest value that two error
counts allow and the value that unrelated models would reach, and both are drawn.
"""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from miniature.figures.labels import spread, text_width, wrap
from miniature.figures.style import COLORS, GRID, INK, MUTED, neutral_style
from miniature.measures.sets import set_measures
from miniature.scorecard.floor import origin_means
from miniature.tables.floor import COMPARED, OTHER, REFERENCE, SAME, VARIANT

WIDTH, HEIGHT = 11.0, 6.2  # inches
SIZE = 10.0
SMALL = 8.6
AXES = (0.065, 0.235, 0.92, 0.635)
# Color, marker, size and fill of each kind of model; they differ in shape and fill, so that a grayscale print
# remains readable. Variants are not named: they are context for the floor, and crowd around it.
KINDS = {
    SAME: (COLORS[0], "D", 7.5, True),
    VARIANT: (COLORS[0], "D", 5.0, False),
    COMPARED: (COLORS[1], "o", 8.0, True),
    OTHER: (MUTED, "s", 7.5, False),
}
NEAR_X, NEAR_Y = 4.0, 0.055  # points closer than this (percent, Jaccard) share a column of labels


def plot_floor(table: pd.DataFrame, *, task: str) -> Figure:
    """Draw the floor table.

    Parameters
    ----------
    table : DataFrame
        From `miniature.tables.floor.floor_table`, or read back from its CSV.
    task : str
        Name of the task, for the title.

    Returns
    -------
    matplotlib.figure.Figure
        Made without pyplot; save it with `miniature.figures.files.save_figure`.
    """
    reference = table[table["kind"] == REFERENCE].iloc[0]
    others = table[(table["kind"] != REFERENCE) & table["Jaccard"].notna()].reset_index(drop=True)
    with neutral_style(SIZE):
        figure = Figure(figsize=(WIDTH, HEIGHT), facecolor="white")
        FigureCanvasAgg(figure)
        axes = figure.add_axes(AXES)
        axes.set_xlim(*_limits(table))
        axes.set_ylim(0, 1)
        _draw_limits(axes, float(reference["accuracy %"]) / 100)
        _draw_reference(axes, reference)
        _draw_floor(axes, table, others)
        _draw_models(axes, others)
        _draw_labels(axes, others)
        _dress(figure, axes, reference, others, task)
    return figure


def _limits(table: pd.DataFrame) -> tuple[float, float]:
    """Limits of the accuracy axis, with room for the longest name at the right."""
    accuracies = table["accuracy %"].astype(float)
    low, high = float(accuracies.min()), float(accuracies.max())
    span = max(high - low, 10.0)
    name = max(text_width(f"{model}  0.000", SMALL) for model in table["model"]) + 16
    share = min(name / (72 * WIDTH * AXES[2]), 0.4)
    return low - 0.1 * span, high + (1.1 * span) * share / (1 - share)


def _draw_limits(axes: Axes, accuracy: float) -> None:
    """Draw ceiling and chance for every accuracy that a model could have."""
    # The axis leaves room for names, so it can extend beyond 100 %.
    x = np.linspace(*np.clip(axes.get_xlim(), 0, 100), 400)
    p, q = 1 - accuracy, 1 - x / 100
    # Chance and ceiling follow from the rates alone; the overlap does not matter.
    _, chance, ceiling = set_measures(np.stack(np.broadcast_arrays(1.0, p, q, 0.0), axis=-1))["jaccard"]
    axes.fill_between(x, chance, ceiling, color=GRID, alpha=0.35, linewidth=0, zorder=0)
    axes.plot(x, ceiling, color=MUTED, linewidth=1.0, zorder=1)
    axes.plot(x, chance, color=MUTED, linewidth=1.0, linestyle=":", zorder=1)


def _draw_reference(axes: Axes, reference: pd.Series) -> None:
    x = float(reference["accuracy %"])
    axes.plot([x, x], [0, 1], color=INK, linewidth=0.8, linestyle=(0, (1, 2)), zorder=1)
    axes.plot([x], [1], marker="*", markersize=13, color=INK, clip_on=False, zorder=5)
    axes.annotate(
        f"{reference['model']}, the reference", (x, 1), (11, 0), textcoords="offset points",
        fontsize=SMALL, fontweight="bold", color=INK, va="center",
    )  # fmt: skip


def _draw_floor(axes: Axes, table: pd.DataFrame, others: pd.DataFrame) -> None:
    """Draw the floor as a line, and the means of the origins as a band."""
    same = others[others["kind"] == SAME]
    if same.empty:
        return
    reference = str(table.loc[table["kind"] == REFERENCE, "model"].iloc[0])
    origins = {reference: "", **dict(zip(same["model"], same["origin"], strict=True))}
    values = dict(zip(same["model"], same["Jaccard"].astype(float), strict=True))
    means = origin_means(values, origins, reference=reference)
    floor = sum(means.values()) / len(means)
    color = KINDS[SAME][0]
    axes.axhspan(min(means.values()), max(means.values()), color=color, alpha=0.13, linewidth=0, zorder=0)
    axes.axhline(floor, color=color, linewidth=1.1, linestyle="--", zorder=1)
    left = axes.get_xlim()[0]
    listed = ", ".join(f"{origin} {value:.3f}" for origin, value in means.items())
    axes.annotate(
        f"rough noise floor {floor:.3f}", (left, max(means.values())), (6, 15), textcoords="offset points",
        fontsize=SIZE, fontweight="bold", color=color, va="bottom",
    )  # fmt: skip
    axes.annotate(
        f"other trainings: {listed}", (left, max(means.values())), (6, 3),
        textcoords="offset points", fontsize=SMALL, color=color, va="bottom",
    )  # fmt: skip


def _draw_models(axes: Axes, others: pd.DataFrame) -> None:
    for row in others.to_dict("records"):
        color, marker, size, filled = KINDS[row["kind"]]
        x = row["accuracy %"]
        if row["kind"] == VARIANT:
            axes.plot(
                [x], [row["Jaccard"]], marker=marker, markersize=size, color=color, linestyle="none",
                markerfacecolor="white", zorder=3,
            )  # fmt: skip
            continue
        axes.plot([x, x], [row["chance"], row["ceiling"]], color=color, linewidth=0.7, alpha=0.45, zorder=2)
        for end in ("chance", "ceiling"):
            axes.plot([x], [row[end]], marker="_", markersize=7, color=color, alpha=0.8, zorder=2)
        axes.plot(
            [x], [row["Jaccard"]], marker=marker, markersize=size, linestyle="none",
            markerfacecolor=color if filled else "white", markeredgecolor="white" if filled else color,
            markeredgewidth=1.0, zorder=5 if row["kind"] == COMPARED else 4,
        )  # fmt: skip


def clusters(others: pd.DataFrame) -> list[list[int]]:
    """Chains of rows whose points are so close that their labels would overlap; isolated points alone."""
    x, y = others["accuracy %"].to_numpy(dtype=float), others["Jaccard"].to_numpy(dtype=float)
    left = list(range(len(others)))
    groups = []
    while left:
        group = [left.pop(0)]
        for i in group:
            near = [j for j in left if abs(x[i] - x[j]) < NEAR_X and abs(y[i] - y[j]) < NEAR_Y]
            group += near
            left = [j for j in left if j not in near]
        groups.append(sorted(group))
    return groups


def _draw_labels(axes: Axes, others: pd.DataFrame) -> None:
    """Name every point: isolated points at their right, crowded points in a column at their left."""
    others = others[others["kind"] != VARIANT].reset_index(drop=True)
    height = axes.get_window_extent().height * 72 / axes.figure.dpi
    gap = 1.35 * SMALL / height
    for group in clusters(others):
        rows = others.iloc[group]
        if len(rows) == 1:
            _label(axes, rows.iloc[0], None, None)
            continue
        places = spread(rows["Jaccard"].tolist(), gap=gap, low=0.03, high=0.97)
        column = float(rows["accuracy %"].min()) - 0.035 * np.ptp(axes.get_xlim())
        for (_, row), place in zip(rows.iterrows(), places, strict=True):
            _label(axes, row, column, place)


def _label(axes: Axes, row: pd.Series, column: float | None, place: float | None) -> None:
    color = KINDS[row["kind"]][0]
    text = f"{row['model']}  {row['Jaccard']:.3f}"
    x, y = float(row["accuracy %"]), float(row["Jaccard"])
    behind = {"boxstyle": "square,pad=0.12", "facecolor": "white", "edgecolor": "none", "alpha": 0.75}
    look = {"fontsize": SMALL, "color": color, "zorder": 6, "bbox": behind}
    if column is None:
        axes.annotate(text, (x, y), (9, 0), textcoords="offset points", va="center", **look)
        return
    axes.plot([column, x], [place, y], color=color, linewidth=0.5, alpha=0.7, zorder=3)
    axes.annotate(text, (column, place), (-3, 0), textcoords="offset points", ha="right", va="center", **look)


def _dress(figure: Figure, axes: Axes, reference: pd.Series, others: pd.DataFrame, task: str) -> None:
    """Write title, axes, legend and the note on how to read the figure."""
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.set_xlabel("examples answered correctly, percent")
    axes.set_ylabel("Jaccard of the error sets")
    axes.grid(axis="y", color=GRID, linewidth=0.6, zorder=0)
    axes.set_axisbelow(True)
    n = others["n"].dropna().astype(int)
    counted = "" if n.empty else f", n = {n.min():,}" + (f" to {n.max():,}" if n.max() > n.min() else "")
    figure.text(
        0.012, 0.965, f"Who makes the same mistakes as {reference['model']}?",
        fontsize=1.5 * SIZE, fontweight="bold", va="top",
    )  # fmt: skip
    figure.text(0.012, 0.912, f"{task}{counted}", fontsize=SIZE, color=MUTED, va="top")
    names = {
        SAME: f"other trainings of {reference['model']}",
        VARIANT: "their variants, not in the floor",
        COMPARED: "models compared",
        OTHER: "other systems",
    }
    drawn = [kind for kind in KINDS if (others["kind"] == kind).any()]
    handles = []
    for kind in drawn:
        color, marker, size, filled = KINDS[kind]
        (handle,) = axes.plot(
            [], [], linestyle="none", marker=marker, markersize=size, color=color, label=names[kind],
            markerfacecolor=color if filled else "white", markeredgewidth=1.2,
        )  # fmt: skip
        handles.append(handle)
    (ceiling,) = axes.plot([], [], color=MUTED, linewidth=1.0, label="ceiling")
    (chance,) = axes.plot([], [], color=MUTED, linewidth=1.0, linestyle=":", label="chance")
    figure.legend(
        handles=[*handles, ceiling, chance], loc="upper left", bbox_to_anchor=(0.06, 0.155),
        ncols=len(handles) + 2, frameon=False, fontsize=SMALL, columnspacing=1.8, handletextpad=0.5,
        borderaxespad=0.0,
    )  # fmt: skip
    note = (
        "1 = exactly the same mistakes. Ceiling: the maximum that the two error counts allow; it falls as a "
        "model's accuracy departs from the reference's. Chance: unrelated mistakes at the same rates. Each "
        "origin has equal weight in the floor; the band is the range of origins, and the scorecard has the "
        "interval. The independent trainings differ in code and settings as well as in seed."
    )
    lines = wrap(note, 72 * WIDTH * 0.97, SMALL)
    figure.text(0.012, 0.018, "\n".join(lines), fontsize=SMALL, color=MUTED, va="bottom")
