"""Figure 1: agreement against K, (a) with the reference, (b) among the others, (c) on the distribution.

The three panels follow our reading of the paper's figure 1 (Rai, Pal and Awekar, CIKM 2024); the available
text says only that (a) and (b) show representation agreement and (c) distribution agreement, against K.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from miniature.figures.curves import (
    LINE_HEIGHT,
    NAMED_AT_EACH_END,
    Curve,
    draw_curves,
    draw_labels,
    floor_curves,
    label_width,
    named_curves,
    pair_curves,
)
from miniature.figures.labels import text_width, wrap
from miniature.figures.panels import chance_range, chance_varies, curves, panel_data
from miniature.figures.sheet import POINTS, Sheet
from miniature.figures.style import INK, MUTED, Look, model_looks, neutral_style

__all__ = ["panel_data", "plot_figure1"]

MEASURE_NAMES = {
    "jaccard": "Jaccard agreement",
    "jaccard_ood": "Jaccard agreement (OOD set)",
    "jaccard_id": "Jaccard agreement (ID test set)",
    "jaccard_all": "Jaccard agreement (ID and OOD sets)",
}
TICKS = 30.0  # points left of a panel for its tick labels; one more line with an axis label
GAP = 18.0  # points between the labels of one panel and the next panel
EDGE = 8.0  # points of margin around the sheet
# A column of labels wider than this share of a panel shows markers only, explained in a legend.
NAMES_SHARE = 0.5
FONT_PER_INCH = 0.83  # font size, points for each inch of the sheet's width: 11 on a slide of 13.3 inches
LEAST_FONT = 6.5  # points, on any sheet
# In font sizes: panels narrower than this stand below each other, and a sheet too low for them grows.
LEAST_PANEL, LEAST_PLOT = 24.0, 11.0


@dataclass(frozen=True)
class Panel:
    """A panel with its texts, before its position is known."""

    letter: str
    rows: pd.DataFrame
    curves: list[Curve]
    floor: list[Curve]  # the reference with its additional trainings
    limits: tuple[float, float]
    title: str
    context: str
    x_label: str
    y_label: str


def plot_figure1(
    panel_tables: Mapping[str, pd.DataFrame],
    *,
    options: Mapping,
    models: Sequence[str],
    reference: str,
    replicates: Sequence[str] = (),
) -> Figure:
    """Draw the panels side by side.

    Parameters
    ----------
    panel_tables : mapping of str to DataFrame
        Rows of each panel from `panel_data` (or read back from their CSV), by panel letter, in drawing order.
    options : mapping
        The study's ``figure1`` block: ``panels`` (per letter: ``pairs``, ``characteristic``, ``measure`` and,
        optionally ``title``, in which ``{reference}`` is replaced by its name), ``width`` and ``height``
        (inches; the text grows with the width) and, if wanted, ``y_max`` (upper end of the agreement axis:
        ``auto``, or a number, 1 where absent). An axis always starts at 0 or below and always holds every
        curve. On a narrow sheet, as one column of a journal is, panels stand below each other and the sheet
        is as high as they need.
    models : sequence of str
        The study's models in config order, which determines their colors.
    reference : str
        Name of the reference model.
    replicates : sequence of str, optional
        Additional trainings of the reference, drawn as its noise floor.

    Returns
    -------
    matplotlib.figure.Figure
        Made without pyplot; save it with `miniature.figures.files.save_figure`.
    """
    looks = model_looks(models, reference)
    drawn, floors = {}, {}
    for letter, rows in panel_tables.items():
        pairs = curves(rows)
        own = {pair: table for pair, table in pairs.items() if not set(pair) & set(replicates)}
        drawn[letter] = pair_curves(own, looks, reference)
        floors[letter] = floor_curves(pairs, replicates)
    everything = {letter: [*drawn[letter], *floors[letter]] for letter in panel_tables}
    limits = axis_limits(panel_tables, everything, options.get("y_max", 1.0))
    panels = []
    for letter, rows in panel_tables.items():
        chosen = options["panels"][letter]
        measure = str(chosen["measure"])
        panels.append(
            Panel(
                letter=letter,
                rows=rows,
                curves=drawn[letter],
                floor=floors[letter],
                limits=limits[letter],
                title=_title(chosen, reference),
                context=_context(chosen, rows),
                x_label=str(chosen.get("x_label", "K (nearest neighbors)")),
                y_label=MEASURE_NAMES.get(measure, measure),
            )
        )
    others = {model: look for model, look in looks.items() if model != reference}
    size = max(LEAST_FONT, FONT_PER_INCH * float(options["width"]))
    with neutral_style(size):
        shape = (POINTS * float(options["width"]), POINTS * float(options["height"]))
        sheet = _PanelSheet(shape, panels, others, size, reference)
        sheet.draw()
    return sheet.figure


def axis_limits(
    tables: Mapping[str, pd.DataFrame], drawn: Mapping[str, list[Curve]], y_max: float | str
) -> dict[str, tuple[float, float]]:
    """Limits of the agreement axis, shared by panels of the same quantity."""
    kinds = {
        letter: tuple(rows[["characteristic", "measure"]].iloc[0]) if len(rows) else None
        for letter, rows in tables.items()
    }
    limits = {}
    for letter, kind in kinds.items():
        alike = [other for other in tables if kinds[other] == kind]
        columns = [
            c for other in alike for curve in drawn[other] for c in (curve.value, curve.low, curve.high)
        ]
        columns += [chance_range(tables[other])["high"] for other in alike]
        values = [float(number) for column in columns for number in column if math.isfinite(number)]
        highest, lowest = max(values, default=1.0), min(values, default=0.0)
        top = math.ceil(highest * 11 - 1e-9) / 10 if y_max == "auto" else float(y_max)
        if highest <= 1.0:
            top = min(top, 1.0)
        top = max(top, math.ceil(highest * 10 - 1e-9) / 10, 0.1)
        limits[letter] = (min(0.0, math.floor(lowest * 10) / 10), top)
    return limits


def _title(panel: Mapping, reference: str) -> str:
    """Title from the study, or a description of the comparison."""
    if panel.get("title"):
        return str(panel["title"]).replace("{reference}", reference)
    what = str(panel["characteristic"]).replace("_", " ").capitalize()
    if panel["pairs"] == "reference":
        return f"{what}: with {reference}"
    return f"{what}: among the others"


def _context(panel: Mapping, rows: pd.DataFrame) -> str:
    """Describe the measure, the data and the number of examples."""
    if rows.empty:
        return str(panel["characteristic"])
    first = rows.iloc[0]
    text = f"{first['characteristic']}, {first['dataset']}"
    if isinstance(first["ood_dataset"], str) and first["ood_dataset"]:
        text += f" / {first['ood_dataset']}"
    counts = rows["n"].dropna().astype(int)
    if counts.empty:
        return text
    low, high = counts.min(), counts.max()
    return f"{text}, n = {low:,}" + ("" if low == high else f" to {high:,}")


class _PanelSheet(Sheet):
    """Places the panels and their texts on the figure."""

    def __init__(
        self,
        shape: tuple[float, float],
        panels: list[Panel],
        others: Mapping[str, Look],
        size: float,
        reference: str,
    ):
        super().__init__(*shape)
        self.panels, self.others, self.size = panels, others, size
        self.reference = reference
        self.floor_name = f"{reference} again"
        self.small = 0.86 * size  # labels and notes
        self.big = 1.12 * size  # titles
        fitting = int((self.width - 2 * EDGE + GAP) // (LEAST_PANEL * size + GAP))
        self.across = max(1, min(len(panels), fitting))
        self.down = math.ceil(len(panels) / self.across)
        # The axis is labeled where the measure changes from one panel to the next.
        self.labelled = [
            i % self.across == 0 or panel.y_label != panels[i - 1].y_label for i, panel in enumerate(panels)
        ]
        self.left = [TICKS + (1.7 * size if labelled else 0.0) for labelled in self.labelled]

    def draw(self) -> None:
        """Draw everything."""
        # A raster font is a little wider than its outlines.
        footer = wrap(self._footer(), 0.93 * (self.width - 2 * EDGE), 0.8 * self.size)
        # The curves to name are chosen with an estimated height, before the rest of the layout.
        usual = max(0.55 * self.height / self.down, LEAST_PLOT * self.size)
        room = int(usual / (LINE_HEIGHT * self.small)) - 1
        named = [named_curves(panel.curves, room) for panel in self.panels]
        crowded = any(len(n) < len(panel.curves) for n, panel in zip(named, self.panels, strict=True))
        share = self._plot_width([0.0] * len(self.panels))
        notes = [["chance", *([self.floor_name] if panel.floor else [])] for panel in self.panels]
        names = [label_width(n, self.small, names=True) <= NAMES_SHARE * share for n in named]
        columns = [
            label_width(n, self.small, names=shown, notes=plain)
            for n, shown, plain in zip(named, names, notes, strict=True)
        ]
        shown = {m for n in named for curve in n for m in curve.models} if crowded else set(self.others)
        legend = [] if all(names) else self._legend(shown)
        self.grow(1.6 * max(0, len(legend) - 2) * self.size)
        plot_width = self._plot_width(columns)
        titles = [
            wrap(panel.title, plot_width + column, self.big, weight="bold")
            for panel, column in zip(self.panels, columns, strict=True)
        ]
        about = [
            self._about(panel, len(n), plot_width + column)
            for panel, n, column in zip(self.panels, named, columns, strict=True)
        ]
        below = EDGE + 1.1 * len(footer) * self.size
        ticks = 3.1 * self.size + 9  # under every panel: numbers and the name of the axis
        bottom = below + 1.6 * len(legend) * self.size + ticks
        lines = max(len(text) for text in about)
        heading = max(map(len, titles)) * 1.2 * self.big + 1.3 * lines * self.small + 2.1 * self.size
        used = EDGE + bottom + self.down * heading + (self.down - 1) * ticks
        self.grow(max(0.0, used + self.down * LEAST_PLOT * self.size - self.height))
        plot_height = (self.height - used) / self.down
        self._draw_legend(legend, below + 0.4 * self.size)
        self.text(EDGE, EDGE, "\n".join(footer), size=0.8 * self.size, color=MUTED, va="bottom")
        x = EDGE
        for i, panel in enumerate(self.panels):
            row, place = divmod(i, self.across)
            x = self.left[i] + (x if place else EDGE)
            top = self.height - EDGE - row * (heading + plot_height + ticks)
            self._draw_heading(panel.letter, titles[i], about[i], x, top)
            y = top - heading - plot_height
            axes = self.axes(x, y, plot_width, plot_height, ylim=panel.limits)
            if panel.curves:
                self._draw_panel(axes, panel, named[i], labelled=self.labelled[i])
                column = self.axes(x + plot_width, y, columns[i], plot_height, ylim=panel.limits)
                draw_labels(
                    column, named[i], panel.rows, width=columns[i], height=plot_height, size=self.small,
                    names=names[i], floor=(self.floor_name, panel.floor),
                )  # fmt: skip
            else:
                self._draw_nothing(axes)
            x += plot_width + columns[i] + GAP

    def _plot_width(self, columns: Sequence[float]) -> float:
        """Width of each panel beside columns of labels so wide, the same in every row of panels."""
        rows = [slice(i, i + self.across) for i in range(0, len(self.panels), self.across)]
        taken = max(sum(self.left[row]) + sum(columns[row]) for row in rows)
        return (self.width - 2 * EDGE - GAP * (self.across - 1) - taken) / self.across

    def _about(self, panel: Panel, named: int, width: float) -> list[str]:
        """Lines under a panel's title."""
        lines = wrap(panel.context, width, self.small)
        if named < len(panel.curves):
            crowd = f"{len(panel.curves)} pairs; the {NAMED_AT_EACH_END} highest and lowest in color"
            lines += wrap(crowd, width, self.small)
        return lines

    def _draw_heading(self, letter: str, title: list[str], about: list[str], x: float, y: float) -> None:
        self.text(x - 22, y + 0.1 * self.size, letter, size=1.35 * self.size, weight="bold", va="top")
        self.text(x, y, "\n".join(title), size=self.big, weight="bold", va="top", linespacing=1.15)
        y -= 1.2 * self.big * len(title) + 0.3 * self.size
        self.text(x, y, "\n".join(about), size=self.small, color=MUTED, va="top", linespacing=1.3)

    def _draw_panel(self, axes: Axes, panel: Panel, named: list[Curve], *, labelled: bool) -> None:
        axes.tick_params(labelsize=0.9 * self.size, width=0.8, length=3)
        context = [curve for curve in panel.curves if not any(curve is one for one in named)]
        draw_curves(axes, named, panel.rows, panel.floor, context, size=self.small)
        axes.set_xlabel(panel.x_label, size=self.size)
        if labelled:
            axes.set_ylabel(panel.y_label, size=self.size)
            axes.annotate(
                "↑ more alike", (0, 1), (3, 4), xycoords="axes fraction", textcoords="offset points",
                size=self.small, color=MUTED, va="bottom",
            )  # fmt: skip

    def _draw_nothing(self, axes: Axes) -> None:
        """State that a panel has no data, instead of drawing an empty frame."""
        axes.set_xticks([])
        axes.set_yticks([])
        axes.spines[:].set_color(MUTED)
        axes.text(
            0.5, 0.5, "not measured\nin this study", transform=axes.transAxes, ha="center", va="center",
            size=self.size, color=MUTED,
        )  # fmt: skip

    def _legend(self, shown: Collection[str]) -> list[list[str]]:
        """Rows of the legend: models in order, as many as fit."""
        models = [model for model in self.others if model in shown]
        widest = max((text_width(model, self.small) for model in models), default=0.0)
        columns = max(1, int((self.width - 2 * EDGE) // (widest + 3.5 * self.small)))
        return [models[i : i + columns] for i in range(0, len(models), columns)]

    def _draw_legend(self, rows: list[list[str]], y: float) -> None:
        """Name the markers under the panels."""
        if not rows:
            return
        # Matplotlib fills a legend by columns.
        columns = len(rows[0])
        order = [row[i] for i in range(columns) for row in rows if i < len(row)]
        looks = [self.others[model] for model in order]
        handles = [
            Line2D([], [], color=look.color, marker=look.marker, markerfacecolor=look.face, linestyle="")
            for look in looks
        ]
        self.figure.legend(
            handles, order, loc="lower left", ncols=columns, frameon=False, fontsize=self.small,
            bbox_to_anchor=(EDGE / self.width, y / self.height), labelcolor=INK,
            handletextpad=0.1, columnspacing=1.2, borderaxespad=0.0, borderpad=0.0, labelspacing=0.5,
        )  # fmt: skip

    def _footer(self) -> str:
        """Notes that explain the figure to a reader who has nothing else."""
        drawn = [curve for panel in self.panels for curve in panel.curves]
        text = "1 = the two models agree on every example. Dotted: agreement expected by chance alone"
        varies = any(chance_varies(panel.rows) for panel in self.panels)
        text += " (gray: its range over the pairs)." if varies else "."
        if any(math.isfinite(high) for curve in drawn for high in curve.high):
            text += " Bands: 95 % intervals over examples."
        if any(panel.floor for panel in self.panels):
            text += f" Dashed: {self.reference} with its additional trainings, the noise floor."
        if any(len(curve.looks) > 1 for curve in drawn):
            text += " The curve of a pair has the colors and markers of both models."
        return text
