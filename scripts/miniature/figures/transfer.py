"""Transfer of attacks: a matrix for each attack, from the source model (row) to the target (column)."""

import math
from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from miniature.figures.labels import text_width, wrap
from miniature.figures.style import GRID, INK, MUTED, neutral_style
from miniature.statistics.significance import METHOD, wilson_interval

COLUMNS = ("task", "recipe", "source", "target", "n", "broken", "rate", "ci_low", "ci_high", "ci_method")
# One hue from light to dark: a grayscale print keeps the order.
SHADES = LinearSegmentedColormap.from_list("shades", ["#FFFFFF", "#9CC3E4", "#2B6CB0", "#08284F"])
FEW = 10  # texts; a rate over fewer is marked
WIDTH = 13.3 * 72  # points: a slide
SIZE = 12.0
SMALL = 0.78 * SIZE
CELL, ROW = 58.0, 36.0  # points
EDGE, GAP = 14.0, 40.0
HEADING = 34.0
SLANT = 35.0  # degrees; rotation of column names


def transfer_points(tables: Mapping[tuple[str, str], pd.DataFrame]) -> pd.DataFrame:
    """Rates of transfer with their intervals.

    Parameters
    ----------
    tables : mapping of (task, recipe) to DataFrame
        ``source``, ``target``, ``n`` and ``broken``: see `miniature.attack.transfer.count_transfer`.

    Returns
    -------
    DataFrame
        `COLUMNS`, one row for each ordered pair. A rate over no texts is empty; intervals are Wilson's, 95 %.
    """
    rows = []
    for (task, recipe), table in tables.items():
        for row in table.to_dict("records"):
            n, broken = int(row["n"]), int(row["broken"])
            low, high = wilson_interval(broken, n)
            rows.append(
                {
                    "task": task, "recipe": recipe, "source": row["source"], "target": row["target"],
                    "n": n, "broken": broken, "rate": broken / n if n else math.nan, "ci_low": low,
                    "ci_high": high, "ci_method": METHOD if n else None,
                }
            )  # fmt: skip
    return pd.DataFrame(rows, columns=list(COLUMNS))


def plot_transfer(points: pd.DataFrame, *, models: Sequence[str]) -> Figure:
    """Draw a matrix for each task and recipe.

    Parameters
    ----------
    points : DataFrame
        From `transfer_points`.
    models : sequence of str
        The attacked models in the study's order.

    Returns
    -------
    matplotlib.figure.Figure
        Made without pyplot; save it with `miniature.figures.files.save_figure`.
    """
    with neutral_style(SIZE):
        sheet = _Sheet(points, list(models))
        sheet.draw()
    return sheet.figure


class _Sheet:
    """Places matrices, names and legend; all lengths are in points from the upper left corner."""

    def __init__(self, points: pd.DataFrame, models: list[str]):
        self.points, self.models = points, models
        self.panels = list(points.groupby(["task", "recipe"], sort=False).groups)
        names = max((text_width(model, SIZE) for model in models), default=0.0)
        slanted = names * math.sin(math.radians(SLANT)) + SIZE
        overhang = max(0.0, names * math.cos(math.radians(SLANT)) - CELL / 2)
        self.left, self.top = max(names, text_width("made against ↓", SMALL)) + 12, slanted + 3.2 * SIZE
        self.panel_width = self.left + len(models) * CELL + overhang
        self.panel_height = self.top + len(models) * ROW
        fitting = int((WIDTH - 2 * EDGE + GAP) // (self.panel_width + GAP))
        self.across = max(1, min(len(self.panels), fitting))
        down = math.ceil(len(self.panels) / self.across)
        content = self.across * (self.panel_width + GAP) - GAP
        self.width = max(content, 0.55 * WIDTH) + 2 * EDGE
        self.notes = wrap(
            "Each cell: the share of the texts that broke the row's model and also break the column's, and "
            "of how many: those whose original the column's model had right. Names in the same order both "
            f"ways; a dotted frame marks fewer than {FEW} texts.",
            0.95 * (self.width - 2 * EDGE),  # small letters are a little wider than measured
            SMALL,
        )
        self.key = EDGE + HEADING + down * (self.panel_height + GAP) - GAP + 26
        self.height = self.key + 34 + len(self.notes) * 1.35 * SMALL + EDGE
        self.figure = Figure(figsize=(self.width / 72, self.height / 72))
        FigureCanvasAgg(self.figure)
        self.axes: Axes = self.figure.add_axes((0, 0, 1, 1))
        self.axes.set(xlim=(0, self.width), ylim=(self.height, 0))
        self.axes.axis("off")

    def draw(self) -> None:
        """Draw everything."""
        heading = "Do texts that broke one model break another?"
        self._text(EDGE, EDGE + 1.2 * SIZE, heading, size=1.25 * SIZE, weight="bold")
        for place, (task, recipe) in enumerate(self.panels):
            x = EDGE + (place % self.across) * (self.panel_width + GAP)
            y = EDGE + HEADING + (place // self.across) * (self.panel_height + GAP)
            rows = self.points[(self.points["task"] == task) & (self.points["recipe"] == recipe)]
            cells = {(row["source"], row["target"]): row for row in rows.to_dict("records")}
            self._panel(f"{recipe} on {task}", cells, x, y)
        self._key()

    def _panel(self, title: str, cells: Mapping[tuple[str, str], Mapping], x: float, y: float) -> None:
        self._text(x, y + SIZE, title)
        x0, y0 = x + self.left, y + self.top
        self._text(x, y0 - 8, "made against ↓", size=SMALL, color=MUTED)
        self._text(x0, y + 2.5 * SIZE, "tried on →", size=SMALL, color=MUTED)
        for i, model in enumerate(self.models):
            self._text(x0 - 8, y0 + (i + 0.5) * ROW, model, ha="right", va="center")
            self._text(x0 + (i + 0.5) * CELL, y0 - 5, model, rotation=SLANT, rotation_mode="anchor")
        for i, source in enumerate(self.models):
            for j, target in enumerate(self.models):
                self._cell(cells.get((source, target)), x0 + j * CELL, y0 + i * ROW, own=i == j)

    def _cell(self, cell: Mapping | None, x: float, y: float, *, own: bool) -> None:
        """One cell; the diagonal is empty, a cell without texts is hatched."""
        if own or cell is None:
            self._box(x, y, "#F4F4F4")
            return
        if not cell["n"]:
            self._box(x, y, "white", hatch="///")
            self._text(
                x + CELL / 2, y + ROW / 2, "no text", ha="center", va="center", size=SMALL, color=MUTED
            )
            return
        color = SHADES(cell["rate"])
        self._box(x, y, color)
        ink = INK if _luminance(color) > 0.45 else "white"
        if cell["n"] < FEW:
            self.axes.add_patch(
                Rectangle(
                    (x + 3, y + 3), CELL - 6, ROW - 6, fill=False, edgecolor=ink, linestyle=":", linewidth=1
                )
            )
        middle = x + CELL / 2
        self._text(middle, y + 0.34 * ROW, f"{cell['rate']:.0%}", ha="center", va="center", color=ink)
        self._text(middle, y + 0.74 * ROW, f"of {cell['n']}", ha="center", va="center", size=SMALL, color=ink)

    def _box(self, x: float, y: float, color, hatch: str | None = None) -> None:
        edge = GRID if hatch is None else "#C8C8C8"
        self.axes.add_patch(
            Rectangle((x, y), CELL, ROW, facecolor=color, edgecolor=edge, hatch=hatch, linewidth=1)
        )

    def _key(self) -> None:
        """Legend: shades from none to all, and how to read a cell."""
        steps, width = 50, 180.0
        for step in range(steps):
            x = EDGE + step * width / steps
            # Slightly wider than its slot, so that no white line shows between two.
            self.axes.add_patch(
                Rectangle(
                    (x, self.key), width / steps + 0.3, 10, facecolor=SHADES(step / (steps - 1)), linewidth=0
                )
            )
        self.axes.add_patch(
            Rectangle((EDGE, self.key), width, 10, fill=False, edgecolor=MUTED, linewidth=0.6)
        )
        for share, label, ha in (
            (0.0, "none", "left"),
            (0.5, "half", "center"),
            (1.0, "all break it too", "left"),
        ):
            x = EDGE + share * width + (8 if share == 1.0 else 0)
            y = self.key + (9 if share == 1.0 else 21)
            self._text(x, y, label, size=SMALL, color=MUTED, ha=ha)
        for line, text in enumerate(self.notes):
            self._text(EDGE, self.key + 40 + line * 1.35 * SMALL, text, size=SMALL, color=MUTED)

    def _text(self, x: float, y: float, text: str, *, size: float = SIZE, **options) -> None:
        self.axes.text(x, y, text, fontsize=size, **options)


def _luminance(color: Sequence[float]) -> float:
    """Luminance of a color, from 0 to 1 (Rec. 709)."""
    return 0.2126 * color[0] + 0.7152 * color[1] + 0.0722 * color[2]
