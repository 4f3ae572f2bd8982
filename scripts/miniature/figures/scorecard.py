"""The scorecard as a picture: a row for each model, a column for each characteristic, a verdict in each cell.

A verdict has a color and a symbol of its own, so that a print in gray says the same.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from miniature.figures.labels import text_width, wrap
from miniature.figures.sheet import Sheet
from miniature.figures.style import GRID, INK, MUTED, neutral_style
from miniature.measures.registry import MEASURES
from miniature.scorecard.floor import KINDS
from miniature.scorecard.verdicts import MINIATURE, NOT_MEASURED, NOT_MINIATURE, UNDECIDED, UNINFORMATIVE
from miniature.tables.write import format_cell

KEPT = "kept"
POINT_COLUMNS = (
    "model", "characteristic", "axis", "value", "low", "high", "chance", "floor", "floor_low", "floor_high",
    "verdict", "bar",
)  # fmt: skip

WIDTH = 13.3  # inches: a slide; fewer characteristics take less
LEAST_WIDTH = 9.0  # inches: the legend
WIDEST = 300.0  # points of a column
NAME_SHARE = 0.3  # of the sheet: names that are longer are set smaller
SIZE = 12.0
SMALL, TINY = 0.84 * SIZE, 0.76 * SIZE
ROW, DENSE = 27.0, 18.0  # points for each model, and for each of many
MANY = 20
EDGE = 10.0  # points kept free around the sheet
GAP = 16.0  # points between columns
NUMBERS = 36.0  # points beside a column for its values
LEAST_HEIGHT = 3.2  # inches
# A share further out than this is drawn at the edge with an arrow.
KEPT_LIMITS = (-0.2, 1.5)
FLOOR_DASHES = (0, (5, 2))


@dataclass(frozen=True)
class Sign:
    """How a verdict is drawn."""

    color: str
    marker: str
    size: float
    filled: bool
    tint: str  # of the cell behind it


SIGNS = {
    MINIATURE: Sign("#00785A", "o", 9.5, True, "#E3F3EC"),
    NOT_MINIATURE: Sign("#C04A00", "X", 10.5, True, "#FBEADF"),
    UNDECIDED: Sign("#5A5A5A", "D", 7.5, False, "#FFFFFF"),
}


def scorecard_points(scorecard: pd.DataFrame) -> pd.DataFrame:
    """What the picture shows of each row of the scorecard.

    Parameters
    ----------
    scorecard : DataFrame
        See `miniature.scorecard.build.build.build_scorecard`.

    Returns
    -------
    DataFrame
        With `POINT_COLUMNS`, one row for each of the scorecard's. ``axis`` is ``kept`` for a characteristic
        that is judged by the share kept, with its one-sided bounds, else the measure: then value, chance
        and floor are raw agreements, and the interval is that over examples. Where zero is closest the
        value is the distance to the trainings of the reference, or without those to the reference, and the
        floor how far two trainings lie apart.
    """
    rows = []
    for _, column in scorecard.groupby("characteristic", sort=False):
        measured = ~column["verdict"].isin([NOT_MEASURED, UNINFORMATIVE])
        scored = bool(column.loc[measured, "kept"].notna().any())
        rows += [_point(row, scored=scored) for row in column.to_dict("records")]
    table = pd.DataFrame(rows, columns=list(POINT_COLUMNS))
    place = {
        pair: i for i, pair in enumerate(zip(scorecard["model"], scorecard["characteristic"], strict=True))
    }
    order = [place[pair] for pair in zip(table["model"], table["characteristic"], strict=True)]
    return table.iloc[np.argsort(order, kind="stable")].reset_index(drop=True)


def _point(row: Mapping, *, scored: bool) -> dict:
    point = {
        "model": row["model"], "characteristic": row["characteristic"], "verdict": row["verdict"],
        "axis": KEPT if scored else row["measure"],
    }  # fmt: skip
    if row["verdict"] == NOT_MEASURED or (scored and math.isnan(row["kept"])):
        return point
    if scored:
        bounds = {"value": row["kept"], "low": row["kept_low"], "high": row["kept_high"]}
        return point | bounds | {"chance": 0.0, "floor": 1.0, "bar": row["keep"]}
    sizes = {"value": row["agreement"], "low": row["ci_low"], "high": row["ci_high"]}
    if MEASURES[row["measure"]].closer == "zero":
        ends = sorted((abs(row["ci_low"]), abs(row["ci_high"])))
        low = 0.0 if row["ci_low"] <= 0 <= row["ci_high"] else ends[0]
        sizes = {"value": abs(row["agreement"]), "low": low, "high": ends[1], "bar": row["margin"]}
    copied = ("chance", "floor", "floor_low", "floor_high")
    return point | sizes | {name: row[name] for name in copied}


def plot_scorecard(points: pd.DataFrame, scorecard: pd.DataFrame, *, reference: str) -> Figure:
    """Draw the scorecard.

    Parameters
    ----------
    points : DataFrame
        From `scorecard_points`.
    scorecard : DataFrame
        The scorecard itself, for what each column is about.
    reference : str
        Name of the reference.

    Returns
    -------
    matplotlib.figure.Figure
        Made without pyplot; save it with `miniature.figures.files.save_figure`.
    """
    with neutral_style(SIZE):
        sheet = _ScorecardSheet(points, scorecard, reference)
        sheet.draw()
    return sheet.figure


class _ScorecardSheet(Sheet):
    """Places names, columns, legend and notes; every length here is in points."""

    def __init__(self, points: pd.DataFrame, scorecard: pd.DataFrame, reference: str):
        self.points, self.card, self.reference = points, scorecard, reference
        self.models = list(dict.fromkeys(points["model"]))
        self.names = list(dict.fromkeys(points["characteristic"]))
        self.scored = points[points["axis"] == KEPT]
        widest = max([text_width(m, SIZE) for m in self.models], default=0.0)
        self.left = min(widest, NAME_SHARE * 72 * WIDTH) + 12
        self.name_size = SIZE * min(1.0, (self.left - 12) / max(widest, 1.0))
        columns = max(len(self.names), 1)
        room = 72 * WIDTH - 2 * EDGE - self.left
        self.plot_width = min(room / columns - NUMBERS - GAP, WIDEST)
        width = 2 * EDGE + self.left + columns * (self.plot_width + NUMBERS + GAP)
        width = max(width, 72 * LEAST_WIDTH)
        column = self.plot_width + NUMBERS
        words = max((text_width(n, 1.15 * SIZE, weight="bold") for n in self.names), default=0.0)
        # A raster font is a little wider than its outlines.
        self.title_size = 1.15 * SIZE * min(1.0, column / max(1.04 * words, 1.0))
        self.titles = [wrap(n, column, self.title_size, weight="bold") for n in self.names]
        self.notes = [self._note(name) for name in self.names]
        self.footer = wrap(self._footer(), 0.97 * (width - 2 * EDGE), TINY)
        head = max([len(t) for t in self.titles], default=1) * 1.45 * SIZE
        head += max([len(n) for n in self.notes], default=1) * 1.3 * SMALL + 14
        self.below = EDGE + 1.35 * TINY * len(self.footer) + 10  # up to the legend
        self.bottom = self.below + 1.6 * SIZE + 3.6 * SMALL + 12
        self.row = DENSE if len(self.models) > MANY else ROW
        self.rows = self.row * max(len(self.models), 1)
        height = max(72 * LEAST_HEIGHT, self.bottom + self.rows + head + EDGE)
        super().__init__(width, height)

    def draw(self) -> None:
        """Draw everything."""
        self.text(EDGE, EDGE, "\n".join(self.footer), size=TINY, color=MUTED, va="bottom", linespacing=1.3)
        self._legend()
        if not self.names:
            self.text(EDGE, self.height / 2, "no verdict is asked for in this study", size=SIZE, color=MUTED)
            return
        for i, model in enumerate(self.models):
            y = self.bottom + self.rows - self.row * (i + 0.5)
            self.text(EDGE + self.left - 12, y, model, size=self.name_size, ha="right", va="center_baseline")
        limits = shared_limits(self.scored)
        for i, name in enumerate(self.names):
            x = EDGE + self.left + i * (self.plot_width + NUMBERS + GAP)
            y = self.height - EDGE
            self.text(x, y, "\n".join(self.titles[i]), size=self.title_size, weight="bold", va="top")
            y -= 1.45 * SIZE * len(self.titles[i])
            note = "\n".join(self.notes[i])
            self.text(x, y, note, size=SMALL, color=MUTED, va="top", linespacing=1.3)
            column = self.points[self.points["characteristic"] == name].set_index("model")
            scored = bool((column["axis"] == KEPT).all())
            axes = self.axes(x, self.bottom, self.plot_width, self.rows)
            draw_column(
                axes, column.reindex(self.models), scored=scored,
                limits=limits if scored else raw_limits(column),
            )  # fmt: skip

    def _note(self, name: str) -> list[str]:
        """What a column's verdict rests on."""
        row = self.card[self.card["characteristic"] == name].iloc[0]
        k = "" if pd.isna(row["k"]) else f"K = {int(row['k'])}, "
        bar = f"keep {row['keep']:g}" if math.isnan(row["margin"]) else f"margin {row['margin']:g}"
        said = (f"{row['measure']} on {row['task']}", f"{k}{bar}")
        return [line for text in said for line in wrap(text, self.plot_width + NUMBERS, SMALL)]

    def _legend(self) -> None:
        counts = self.points["verdict"].value_counts()
        open_words = (NOT_MEASURED, UNINFORMATIVE)
        labels = {verdict: f"{verdict} ({int(counts.get(verdict, 0))})" for verdict in SIGNS}
        labels |= {v: f"{v} ({int(counts[v])})" for v in open_words if counts.get(v)}
        taken = sum(48 + text_width(label, SIZE) for label in labels.values())
        x = EDGE + (self.left if EDGE + self.left + taken <= self.width else 0)
        for verdict, sign in SIGNS.items():
            label = labels[verdict]
            mark = Line2D(
                [(x + 6) / self.width],
                [(self.below + 0.55 * SIZE) / self.height],
                linestyle="",
                **_marked(sign),
            )
            self.figure.add_artist(mark)
            self.text(x + 18, self.below + 0.55 * SIZE, label, size=SIZE, va="center_baseline")
            x += 18 + text_width(label, SIZE) + 30
        for verdict in open_words:
            if verdict in labels:
                label = f"–  {labels[verdict]}"
                self.text(x, self.below + 0.55 * SIZE, label, size=SIZE, color=MUTED, va="center_baseline")
                x += text_width(label, SIZE) + 30

    def _floor(self) -> str:
        """What the floor is made of."""
        kinds = [kind for kind in dict.fromkeys(self.card["floor_kind"]) if kind]
        return " and ".join(KINDS[kind] for kind in kinds) or "other trainings"

    def _footer(self) -> str:
        """Tell a reader who has only the picture what it takes to read it."""
        raw = self.points[(self.points["axis"] != KEPT) & self.points["value"].notna()]
        large, text = self.reference, ""
        if len(self.scored):
            text += (
                f"Kept: agreement with {large} above chance, as a share of that of {self._floor()}: 0 is "
                "chance, 1 is as near as one of these. Bars: one-sided 95 % bounds on either side, over "
                "examples and trainings; thin line: what a miniature keeps at least. "
            )
        if len(raw):
            opening = "Elsewhere the" if text else "The"
            text += f"{opening} measure itself (dotted: chance; dashed: noise floor). "
        text += (
            "Miniature: keeps more than the bar. Not-miniature: keeps less, and less than one more training "
            "would. Both corrected within a model (Hommel). Undecided is no weak yes; uninformative: nothing "
            "could be lost."
        )
        return text


def shared_limits(scored: pd.DataFrame) -> tuple[float, float]:
    """Limits of every axis of shares kept: chance and floor, and each share and bound up to `KEPT_LIMITS`."""
    values = scored[["value", "low", "high"]].to_numpy(dtype=float).ravel()
    values = np.clip(values[np.isfinite(values)], *KEPT_LIMITS)
    low, high = min([0.0, *values]), max([1.0, *values])
    return round(math.floor(low * 10 - 1e-9) / 10, 1), round(math.ceil(high * 10 + 1e-9) / 10, 1)


def raw_limits(column: pd.DataFrame) -> tuple[float, float]:
    """Limits of an axis of raw agreement: 0 to 1, narrower for small values, wider where one lies outside."""
    values = column[["value", "low", "high", "floor", "chance", "bar"]].to_numpy(dtype=float).ravel()
    values = values[np.isfinite(values)]
    low, high = min([0.0, *values]), max([0.1, *values])
    high = 1.0 if 0.5 < high < 1 else high
    return math.floor(low * 10) / 10, math.ceil(high * 10) / 10


def draw_column(axes: Axes, column: pd.DataFrame, *, scored: bool, limits: tuple[float, float]) -> None:
    """Draw one characteristic: a row for each model, from top to bottom."""
    low, high = limits
    axes.set_xlim(low, high)
    axes.set_ylim(len(column) - 0.5, -0.5)
    axes.set_yticks([])
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(MUTED)
    axes.tick_params(labelsize=SMALL, width=0.8, length=3)
    for y in range(len(column) + 1):
        axes.axhline(y - 0.5, color=GRID, linewidth=0.8, zorder=0)
    if scored:
        axes.axvline(0, color=MUTED, linestyle=":", linewidth=1.4, zorder=1)
        axes.axvline(1, color=INK, linestyle=FLOOR_DASHES, linewidth=1.2, zorder=1)
        axes.set_xticks([0, 0.5, 1], ["0\nchance", "0.5\n", "1\nfloor"])
        axes.set_xlabel("kept", size=SMALL, labelpad=1)
        for bar in column["bar"].dropna().unique():
            axes.axvline(bar, color=MUTED, linewidth=0.9, zorder=1)
    elif not column["value"].notna().any():
        axes.set_xticks([])
    else:
        width = axes.get_window_extent().width * 72 / axes.figure.dpi
        axes.locator_params(axis="x", nbins=max(1, min(4, int(width / (3.4 * SMALL)))))
        measure = column["axis"].dropna().iloc[0] if column["axis"].notna().any() else "agreement"
        axes.set_xlabel(measure, size=SMALL, labelpad=1)
    for y, row in enumerate(column.to_dict("records")):
        _draw_row(axes, y, row, limits, scored=scored)


def _draw_row(axes: Axes, y: int, row: Mapping, limits: tuple[float, float], *, scored: bool) -> None:
    low, high = limits
    sign = SIGNS.get(str(row["verdict"]))
    if sign is None or not np.isfinite(row["value"]):
        if not isinstance(row["verdict"], str):
            return
        words = str(row["verdict"]).replace("-", " ") if sign is None else "no share to show"
        axes.text(
            0.5 * (low + high), y, f"– {words}", size=SMALL, color=MUTED, style="italic", ha="center",
            va="center_baseline", bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5}, zorder=4,
        )  # fmt: skip
        return
    axes.axhspan(y - 0.5, y + 0.5, color=sign.tint, linewidth=0, zorder=-1)
    if not scored:
        if np.isfinite(row["floor_low"]) and np.isfinite(row["floor_high"]):
            axes.fill_betweenx(
                [y - 0.42, y + 0.42],
                row["floor_low"],
                row["floor_high"],
                color="#d0d0d0",
                linewidth=0,
                zorder=1,
            )
        lines = (("chance", MUTED, ":"), ("floor", INK, FLOOR_DASHES), ("bar", MUTED, "-"))
        for name, color, dashes in lines:
            if np.isfinite(row[name]):
                axes.vlines(
                    row[name], y - 0.42, y + 0.42, color=color, linestyle=dashes, linewidth=1.2, zorder=2
                )
    if np.isfinite(row["low"]) and np.isfinite(row["high"]):
        ends = np.clip([row["low"], row["high"]], low, high)
        axes.plot(ends, [y, y], color=sign.color, linewidth=2.4, solid_capstyle="butt", zorder=3)
        for end, bound, arrow in ((row["low"], low, "<"), (row["high"], high, ">")):
            if (end < bound) if arrow == "<" else (end > bound):
                axes.plot(bound, y, marker=arrow, color=sign.color, markersize=6, clip_on=False, zorder=3)
    axes.plot(np.clip(row["value"], low, high), y, linestyle="", clip_on=False, zorder=4, **_marked(sign))
    axes.annotate(
        format_cell(row["value"], 2), (1, y), (NUMBERS, 0), xycoords=("axes fraction", "data"),
        textcoords="offset points", size=SMALL, ha="right", va="center_baseline", color=INK,
    )  # fmt: skip


def _marked(sign: Sign) -> dict[str, object]:
    return {
        "marker": sign.marker, "markersize": sign.size, "color": sign.color,
        "markerfacecolor": sign.color if sign.filled else "white",
        "markeredgecolor": "white" if sign.filled else sign.color,
        "markeredgewidth": 0.8 if sign.filled else 1.8,
    }  # fmt: skip
