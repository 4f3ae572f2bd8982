"""Transfer of attacks: a matrix for each attack, from the source model (row) to the target (column)."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from miniature.figures.labels import text_width, wrap
from miniature.figures.sheet import Sheet
from miniature.figures.style import GRID, INK, MUTED, neutral_style
from miniature.statistics.significance import METHOD, wilson_interval

COLUMNS = ("task", "recipe", "source", "target", "n", "broken", "rate", "ci_low", "ci_high", "ci_method")
# One hue from light to dark: a grayscale print keeps the order.
SHADES = LinearSegmentedColormap.from_list("shades", ["#FFFFFF", "#9CC3E4", "#2B6CB0", "#08284F"])
FEW = 10  # texts; a rate over fewer is marked
WIDTH = 13.3 * 72  # points: a slide
SIZE = 12.0
SMALL = 0.78 * SIZE
EDGE, GAP, HEADING = 14.0, 40.0, 34.0
KEY, KEY_HEIGHT = 180.0, 10.0  # points of the bar of shades


@dataclass(frozen=True)
class Cells:
    """How large cells are and what is written in them; all lengths in points."""

    width: float
    height: float
    names: float  # font size
    slant: float  # degrees; rotation of the columns' names
    rates: bool
    counts: bool


# The most models with which a matrix is drawn so: with more the cells say less, and the csv has the rest.
KINDS = {
    12: Cells(58.0, 36.0, SIZE, 35.0, rates=True, counts=True),
    40: Cells(21.0, 15.0, 0.85 * SIZE, 90.0, rates=True, counts=False),
    10_000: Cells(10.0, 10.0, 0.7 * SIZE, 90.0, rates=False, counts=False),
}


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
        sheet = _TransferSheet(points, list(models))
        sheet.draw()
    return sheet.figure


class _TransferSheet(Sheet):
    """Places matrices, names, key and notes."""

    def __init__(self, points: pd.DataFrame, models: list[str]):
        self.points, self.models = points, models
        self.panels = list(points.groupby(["task", "recipe"], sort=False).groups)
        self.cells = next(cells for most, cells in KINDS.items() if len(models) <= most)
        size, slant = self.cells.names, math.radians(self.cells.slant)
        # A raster font is a little wider than its outlines.
        names = 1.03 * max((text_width(model, size) for model in models), default=0.0)
        rising = names * math.sin(slant) + size
        overhang = max(0.0, names * math.cos(slant) - self.cells.width / 2)
        self.left = max(names, text_width("made against ↓", SMALL)) + 12
        self.top = rising + 3.2 * SIZE
        self.matrix = (len(models) * self.cells.width, len(models) * self.cells.height)
        self.panel = (self.left + self.matrix[0] + overhang, self.top + self.matrix[1])
        fitting = int((WIDTH - 2 * EDGE + GAP) // (self.panel[0] + GAP))
        self.across = max(1, min(len(self.panels), fitting))
        down = math.ceil(len(self.panels) / self.across)
        width = max(self.across * (self.panel[0] + GAP) - GAP, 0.55 * WIDTH) + 2 * EDGE
        self.notes = wrap(self._note(), 0.95 * (width - 2 * EDGE), SMALL)
        self.bottom = EDGE + 1.35 * SMALL * len(self.notes) + 10  # up to the key
        self.panels_from = self.bottom + KEY_HEIGHT + 2.2 * SMALL + 16
        super().__init__(width, self.panels_from + down * (self.panel[1] + GAP) - GAP + HEADING + EDGE)

    def draw(self) -> None:
        """Draw everything."""
        heading = "Do texts that broke one model break another?"
        self.text(EDGE, self.height - EDGE, heading, size=1.25 * SIZE, weight="bold", va="top")
        for place, (task, recipe) in enumerate(self.panels):
            down, across = divmod(place, self.across)
            x = EDGE + across * (self.panel[0] + GAP)
            y = self.height - EDGE - HEADING - down * (self.panel[1] + GAP)
            rows = self.points[(self.points["task"] == task) & (self.points["recipe"] == recipe)]
            self._draw_panel(f"{recipe} on {task}", rows, x, y)
        self._draw_key()
        self.text(EDGE, EDGE, "\n".join(self.notes), size=SMALL, color=MUTED, va="bottom", linespacing=1.25)

    def _note(self) -> str:
        what = "the share of the texts that broke the row's model and also break the column's"
        if self.cells.counts:
            return (
                f"Each cell: {what}, and of how many: those whose original the column's model had right. "
                f"Names in the same order both ways; a dotted frame marks fewer than {FEW} texts."
            )
        unit = ", in per cent" if self.cells.rates else ""
        return (
            f"Each cell: {what}{unit}, of those whose original the column's model had right. Names in the "
            f"same order both ways; hatched: fewer than {FEW} texts. All numbers are in the csv."
        )

    def _draw_panel(self, title: str, rows: pd.DataFrame, x: float, y: float) -> None:
        """One matrix with its names; `y` is its upper edge."""
        cells, count = self.cells, len(self.models)
        self.text(x, y, title, size=SIZE, va="top")
        left, top = x + self.left, y - self.top
        self.text(x, top + 8, "made against ↓", size=SMALL, color=MUTED)
        self.text(left, y - 2.5 * SIZE, "tried on →", size=SMALL, color=MUTED)
        axes = self.axes(left, top - self.matrix[1], *self.matrix, xlim=(0, count), ylim=(count, 0))
        axes.axis("off")
        for i, model in enumerate(self.models):
            middle = top - (i + 0.5) * cells.height
            self.text(left - 8, middle, model, size=cells.names, ha="right", va="center_baseline")
            upright = {"ha": "center", "va": "bottom"} if cells.slant == 90 else {"rotation_mode": "anchor"}
            at = left + (i + 0.5) * cells.width
            self.text(at, top + 5, model, size=cells.names, rotation=cells.slant, **upright)
        known = {(row["source"], row["target"]): row for row in rows.to_dict("records")}
        for i, source in enumerate(self.models):
            for j, target in enumerate(self.models):
                self._draw_cell(axes, None if i == j else known.get((source, target)), j, i)

    def _draw_cell(self, axes: Axes, cell: Mapping | None, x: int, y: int) -> None:
        """One cell; the diagonal is empty, a cell without texts is hatched."""
        cells = self.cells
        if cell is None:
            _box(axes, x, y, "#F4F4F4")
            return
        middle = {"ha": "center", "va": "center"}
        if not cell["n"]:
            _box(axes, x, y, "white", hatch="///")
            if cells.counts:
                axes.text(x + 0.5, y + 0.5, "no text", size=SMALL, color=MUTED, **middle)
            return
        color = SHADES(cell["rate"])
        ink = INK if _luminance(color) > 0.45 else "white"
        few = cell["n"] < FEW
        _box(axes, x, y, color, hatch="////" if few and not cells.counts else None)
        if not cells.rates:
            return
        if not cells.counts:
            axes.text(x + 0.5, y + 0.5, f"{100 * cell['rate']:.0f}", size=0.9 * SMALL, color=ink, **middle)
            return
        if few:
            inner = Rectangle(
                (x + 3 / cells.width, y + 3 / cells.height), 1 - 6 / cells.width, 1 - 6 / cells.height,
                fill=False, edgecolor=ink, linestyle=":", linewidth=1,
            )  # fmt: skip
            axes.add_patch(inner)
        axes.text(x + 0.5, y + 0.34, f"{cell['rate']:.0%}", color=ink, **middle)
        axes.text(x + 0.5, y + 0.74, f"of {cell['n']}", size=SMALL, color=ink, **middle)

    def _draw_key(self) -> None:
        """Shades from none to all."""
        y = self.bottom + 1.6 * SMALL
        axes = self.axes(EDGE, y, KEY, KEY_HEIGHT, xticks=[], yticks=[])
        axes.imshow([[i / 49 for i in range(50)]], cmap=SHADES, aspect="auto", interpolation="nearest")
        axes.spines[:].set_color(MUTED)
        axes.spines[:].set_linewidth(0.6)
        for x, label, ha in ((0.0, "none", "left"), (KEY / 2, "half", "center"), (KEY, "all", "right")):
            self.text(EDGE + x, y - 4, label, size=SMALL, color=MUTED, ha=ha, va="top")
        self.text(EDGE + KEY + 8, y, "break it too", size=SMALL, color=MUTED)


def _box(axes: Axes, x: int, y: int, color: object, hatch: str | None = None) -> None:
    edge = GRID if hatch is None else "#C8C8C8"
    axes.add_patch(Rectangle((x, y), 1, 1, facecolor=color, edgecolor=edge, hatch=hatch, linewidth=0.8))


def _luminance(color: Sequence[float]) -> float:
    """Luminance of a color, from 0 to 1 (Rec. 709)."""
    return 0.2126 * color[0] + 0.7152 * color[1] + 0.0722 * color[2]
