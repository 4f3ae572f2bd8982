"""Agreement of errors against accuracy: independent trainings of the reference and the compared models.

Accuracy is on the axis because it confounds agreement: it determines both the highest value that two error
counts allow and the value that unrelated models would reach, and both are drawn.
"""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from miniature.figures.labels import spread, text_width, wrap
from miniature.figures.sheet import Sheet
from miniature.figures.style import COLORS, GRID, INK, MUTED, neutral_style
from miniature.measures.sets import set_measures
from miniature.scorecard.floor import origin_means
from miniature.tables.floor import COMPARED, OTHER, REFERENCE, SAME, VARIANT

WIDTH = 11.0 * 72  # points
SIZE, SMALL = 10.0, 8.6
LINE = 1.35 * SMALL
LEAST_PLOT = 280.0  # points; a plot is higher where its names need it
EDGE, LEFT, LEADER = 9.0, 52.0, 26.0
TICKS = 40.0  # below the axes
# Color, marker, size and fill of each kind of model; they differ in shape and fill, so that a grayscale print
# remains readable. Variants are not named: they are context for the floor, and crowd around it.
KINDS = {
    SAME: (COLORS[0], "D", 7.5, True),
    VARIANT: (COLORS[0], "D", 5.0, False),
    COMPARED: (COLORS[1], "o", 8.0, True),
    OTHER: (MUTED, "s", 7.5, False),
}
NOTE = (
    "1 = exactly the same mistakes. Ceiling: the maximum that the two error counts allow; it falls as a "
    "model's accuracy departs from the reference's. Chance: unrelated mistakes at the same rates. Each "
    "origin has equal weight in the floor; the band is the range of origins, and the scorecard has the "
    "interval. The independent trainings differ in code and settings as well as in seed."
)


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
    with neutral_style(SIZE):
        sheet = _FloorSheet(table, task)
        sheet.draw()
    return sheet.figure


class _FloorSheet(Sheet):
    """Places title, axes, the column of names, legend and note; every length is in points."""

    def __init__(self, table: pd.DataFrame, task: str):
        self.reference = table[table["kind"] == REFERENCE].iloc[0]
        self.others = table[(table["kind"] != REFERENCE) & table["Jaccard"].notna()].reset_index(drop=True)
        self.named = self.others[self.others["kind"] != VARIANT].reset_index(drop=True)
        self.own = f"{self.reference['model']}, the reference"
        self.names = [f"{row['model']}  {row['Jaccard']:.3f}" for row in self.named.to_dict("records")]
        column = LEADER + text_width(self.own, SMALL, weight="bold")
        # A raster font is a little wider than its outlines.
        column = 1.04 * max([column, *(LEADER + text_width(name, SMALL) for name in self.names)])
        width = max(WIDTH, 2 * column)
        self.plot = (
            width - LEFT - column - EDGE,
            max(LEAST_PLOT, LINE * (len(self.names) + 3)),
        )
        self.means = self._means()
        inside = 0.96 * (width - 2 * EDGE)
        self.title = wrap(
            f"Who makes the same mistakes as {self.reference['model']}?", inside, 1.5 * SIZE, weight="bold"
        )
        self.about = [line for text in self._about(task) for line in wrap(text, inside, SIZE)]
        self.note = wrap(NOTE, inside, SMALL)
        self.legend = self._legend(inside)
        self.bottom = EDGE + LINE * len(self.note) + 8 + LINE * 1.5 * len(self.legend) + TICKS
        head = 1.9 * SIZE * len(self.title) + 1.4 * SIZE * len(self.about) + 14
        super().__init__(width, self.bottom + self.plot[1] + head + EDGE)

    def draw(self) -> None:
        """Draw everything."""
        axes = self.axes(LEFT, self.bottom, *self.plot, ylim=(0, 1), xlim=self._limits())
        accuracy = float(self.reference["accuracy %"])
        _draw_limits(axes, accuracy / 100)
        axes.plot([accuracy] * 2, [0, 1], color=INK, linewidth=0.8, linestyle=(0, (1, 2)), zorder=1)
        axes.plot([accuracy], [1], marker="*", markersize=13, color=INK, clip_on=False, zorder=5)
        self._draw_floor(axes)
        _draw_models(axes, self.others)
        self._draw_names(axes)
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_xlabel("examples answered correctly, percent")
        axes.set_ylabel("Jaccard of the error sets")
        axes.grid(axis="y", color=GRID, linewidth=0.6, zorder=0)
        axes.set_axisbelow(True)
        top = self.height - EDGE
        title = "\n".join(self.title)
        self.text(EDGE, top, title, size=1.5 * SIZE, weight="bold", va="top", linespacing=1.2)
        top -= 1.9 * SIZE * len(self.title) + 2
        self.text(EDGE, top, "\n".join(self.about), size=SIZE, color=MUTED, va="top", linespacing=1.25)
        self.text(EDGE, EDGE, "\n".join(self.note), size=SMALL, color=MUTED, va="bottom", linespacing=1.2)
        self._draw_legend()

    def _limits(self) -> tuple[float, float]:
        accuracies = [*self.others["accuracy %"].astype(float), float(self.reference["accuracy %"])]
        low, high = min(accuracies), max(accuracies)
        room = 0.07 * max(high - low, 10.0)
        return low - room, high + room

    def _means(self) -> dict[str, float]:
        """Mean agreement with each origin of the floor."""
        same = self.others[self.others["kind"] == SAME]
        reference = str(self.reference["model"])
        origins = {reference: "", **dict(zip(same["model"], same["origin"], strict=True))}
        values = dict(zip(same["model"], same["Jaccard"].astype(float), strict=True))
        return origin_means(values, origins, reference=reference) if values else {}

    def _about(self, task: str) -> list[str]:
        n = self.others["n"].dropna().astype(int)
        counted = "" if n.empty else f", n = {n.min():,}" + (f" to {n.max():,}" if n.max() > n.min() else "")
        about = [f"{task}{counted}"]
        if self.means:
            floor = sum(self.means.values()) / len(self.means)
            listed = ", ".join(f"{origin} {value:.3f}" for origin, value in self.means.items())
            about.append(f"Rough noise floor {floor:.3f}, from other trainings: {listed}")
        return about

    def _draw_floor(self, axes: Axes) -> None:
        """The floor as a line, and the means of the origins as a band."""
        if not self.means:
            return
        values, color = self.means.values(), KINDS[SAME][0]
        axes.axhspan(min(values), max(values), color=color, alpha=0.13, linewidth=0, zorder=0)
        axes.axhline(sum(values) / len(values), color=color, linewidth=1.1, linestyle="--", zorder=1)

    def _draw_names(self, axes: Axes) -> None:
        """Name every point in a column at the right, each joined to its point."""
        left, right = axes.get_xlim()
        wanted = [*self.named["Jaccard"].astype(float), 1.0]
        places = spread(wanted, gap=LINE / self.plot[1], low=0.0, high=1.0)
        edge = right + (right - left) * LEADER / self.plot[0]
        for row, name, place in zip(self.named.to_dict("records"), self.names, places, strict=False):
            color = KINDS[row["kind"]][0]
            x, y = float(row["accuracy %"]), float(row["Jaccard"])
            ends = ([x, right, edge], [y, y, place])
            axes.plot(*ends, color=color, linewidth=0.5, alpha=0.5, zorder=1.5, clip_on=False)
            self._name(axes, edge, place, name, color=color)
        accuracy = float(self.reference["accuracy %"])
        axes.plot(
            [accuracy, right, edge], [1, 1, places[-1]], color=INK, linewidth=0.5, zorder=1.5, clip_on=False
        )
        self._name(axes, edge, places[-1], self.own, color=INK, weight="bold")

    def _name(self, axes: Axes, x: float, y: float, name: str, **how: object) -> None:
        axes.annotate(
            name, (x, y), (2, 0), textcoords="offset points", fontsize=SMALL, va="center_baseline",
            annotation_clip=False, parse_math=False, **how,
        )  # fmt: skip

    def _legend(self, room: float) -> list[list[tuple[str, str]]]:
        """Rows of the legend: kind and words of each item, as many as fit."""
        words = {
            SAME: f"other trainings of {self.reference['model']}",
            VARIANT: "their variants, not in the floor",
            COMPARED: "models compared", OTHER: "other systems", "ceiling": "ceiling", "chance": "chance",
            "floor": "rough noise floor",
        }  # fmt: skip
        shown = [kind for kind in KINDS if (self.others["kind"] == kind).any()]
        shown += ["ceiling", "chance", *(["floor"] if self.means else [])]
        rows: list[list[tuple[str, str]]] = [[]]
        used = 0.0
        for kind in shown:
            width = text_width(words[kind], SMALL) + 34
            if rows[-1] and used + width > room:
                rows.append([])
                used = 0.0
            rows[-1].append((kind, words[kind]))
            used += width
        return rows

    def _draw_legend(self) -> None:
        sheet = self.axes(
            0, 0, self.width, self.height, xlim=(0, self.width), ylim=(0, self.height), zorder=-1
        )
        sheet.axis("off")
        lines = {"ceiling": (MUTED, "-"), "chance": (MUTED, ":"), "floor": (KINDS[SAME][0], "--")}
        y = self.bottom - TICKS - 0.75 * LINE
        for row in self.legend:
            x = EDGE
            for kind, words in row:
                if kind in lines:
                    color, dashes = lines[kind]
                    sheet.plot([x, x + 16], [y, y], color=color, linestyle=dashes, linewidth=1.1)
                else:
                    sheet.plot([x + 8], [y], **_marked(kind))
                self.text(x + 20, y, words, size=SMALL, va="center_baseline")
                x += text_width(words, SMALL) + 34
            y -= 1.5 * LINE


def _draw_limits(axes: Axes, accuracy: float) -> None:
    """Draw ceiling and chance for every accuracy that a model could have."""
    # The axis leaves room around the points, so it can extend beyond 100 %.
    x = np.linspace(*np.clip(axes.get_xlim(), 0, 100), 400)
    p, q = 1 - accuracy, 1 - x / 100
    # Chance and ceiling follow from the rates alone; the overlap does not matter.
    _, chance, ceiling = set_measures(np.stack(np.broadcast_arrays(1.0, p, q, 0.0), axis=-1))["jaccard"]
    axes.fill_between(x, chance, ceiling, color=GRID, alpha=0.35, linewidth=0, zorder=0)
    axes.plot(x, ceiling, color=MUTED, linewidth=1.0, zorder=1)
    axes.plot(x, chance, color=MUTED, linewidth=1.0, linestyle=":", zorder=1)


def _marked(kind: str) -> dict[str, object]:
    color, marker, size, filled = KINDS[kind]
    return {
        "marker": marker, "markersize": size, "color": color, "linestyle": "none", "markeredgewidth": 1.0,
        "markerfacecolor": color if filled else "white", "markeredgecolor": "white" if filled else color,
    }  # fmt: skip


def _draw_models(axes: Axes, others: pd.DataFrame) -> None:
    for row in others.to_dict("records"):
        x, color = row["accuracy %"], KINDS[row["kind"]][0]
        if row["kind"] != VARIANT:
            ends = [row["chance"], row["ceiling"]]
            axes.plot([x, x], ends, color=color, linewidth=0.7, alpha=0.45, zorder=2)
            for end in ends:
                axes.plot([x], [end], marker="_", markersize=7, color=color, alpha=0.8, zorder=2)
        order = {COMPARED: 5, VARIANT: 3}.get(row["kind"], 4)
        axes.plot([x], [row["Jaccard"]], zorder=order, **_marked(row["kind"]))
