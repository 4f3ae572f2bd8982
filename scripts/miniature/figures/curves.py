"""One panel: agreement of pairs of models against K, with every curve named at its end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from miniature.figures.labels import spread, text_width
from miniature.figures.panels import chance_range, chance_varies
from miniature.figures.style import GRID, INK, MUTED, REFERENCE_MARKER, Look

LEADER = 13.0  # points from the end of a curve to the marker of its label
MARKER_STEP = 10.0  # points between the two markers of a pair
LINE_HEIGHT = 1.22  # of the label's font size
FULL_SIZE = 9.5  # points; beside labels smaller than that, markers are smaller too
MOST_MARKERS = 12  # more values of K than this: markers on some of them only
FLOOR_DASHES = (0, (6, 2))
CONTEXT = "#c4c4c4"
NAMED_AT_EACH_END = 3  # in a panel with more curves than labels fit


@dataclass(frozen=True)
class Curve:
    """A curve ready to draw: its numbers, its styles (one model or two), its name."""

    models: tuple[str, ...]  # of which the reference is none
    looks: tuple[Look, ...]
    k: np.ndarray  # [points]
    value: np.ndarray  # [points], NaN where not measured
    low: np.ndarray  # [points], NaN without an interval
    high: np.ndarray  # [points]

    @property
    def name(self) -> str:
        """What is written at its end."""
        return "–".join(self.models)

    @property
    def end(self) -> float:
        """Last finite value, next to which the label is placed."""
        return float(self.value[np.isfinite(self.value)][-1])


def pair_curves(
    pairs: Mapping[tuple[str, str], pd.DataFrame], looks: Mapping[str, Look], reference: str
) -> list[Curve]:
    """Curves of a panel; a pair with the reference has the style of the other model only."""
    found = []
    for (a, b), rows in pairs.items():
        shown = [model for model in (a, b) if model != reference]
        found.append(
            Curve(
                models=tuple(shown),
                looks=tuple(looks[model] for model in shown),
                k=rows["k"].to_numpy(float),
                value=rows["value"].to_numpy(float),
                low=rows["ci_low"].to_numpy(float),
                high=rows["ci_high"].to_numpy(float),
            )
        )
    return found


def floor_curves(pairs: Mapping[tuple[str, str], pd.DataFrame], replicates: Sequence[str]) -> list[Curve]:
    """Curves of the reference with its additional trainings: the noise floor of a panel."""
    return [
        Curve(
            (),
            (),
            rows["k"].to_numpy(float),
            rows["value"].to_numpy(float),
            *[np.full(len(rows), np.nan)] * 2,
        )
        for (a, b), rows in pairs.items()
        if a in replicates or b in replicates
    ]


def marked_points(count: int, k: np.ndarray, shift: float) -> np.ndarray:
    """The points that get a marker: all if few, else some evenly spaced on the log axis."""
    if len(k) <= MOST_MARKERS:
        return np.arange(len(k))
    low, high = np.log(k[0]), np.log(k[-1])
    wanted = np.exp(low + (high - low) * (np.arange(count) + 0.15 + 0.7 * shift) / count)
    return np.unique(np.abs(k[:, None] - wanted[None, :]).argmin(axis=0))


def k_ticks(low: int, high: int) -> list[int]:
    """Ticks of K on a log axis: 1, 2, 5, 10, ..., or fewer if they would be crowded."""
    digits = range(len(str(high)))
    ticks = [m * 10**d for d in digits for m in (1, 2, 5) if low <= m * 10**d <= high]
    if len(ticks) > 8:
        ticks = [10**d for d in digits if low <= 10**d <= high]
    return ticks or [low]


def spaced_ticks(ticks: Sequence[int], *, width: float, size: float) -> list[int]:
    """Those of the ticks of a log axis whose numbers keep apart, from the first one on.

    Examples
    --------
    >>> spaced_ticks([1, 2, 5, 10, 20, 50, 100, 200], width=80.0, size=6.0)
    [1, 2, 5, 10, 20, 50, 200]
    """
    per = width / max(np.log(ticks[-1] / ticks[0]), 1e-9)
    kept = [ticks[0]]
    for k in ticks[1:]:
        apart = per * np.log(k / kept[-1])
        if apart >= 0.5 * (text_width(str(k), size) + text_width(str(kept[-1]), size)) + 0.3 * size:
            kept.append(k)
    return kept


def draw_curves(
    axes: Axes,
    curves: list[Curve],
    rows: pd.DataFrame,
    floor: Sequence[Curve] = (),
    context: Sequence[Curve] = (),
    *,
    size: float,
) -> None:
    """Draw bands, chance, additional trainings, curves and those without a name; format the axes."""
    ks = rows["k"].astype(int)
    low, high = int(ks.min()), int(ks.max())
    axes.set_xscale("log")
    axes.set_xlim((low, high) if high > low else (low / 2, low * 2))
    axes.minorticks_off()
    ticks = sorted(set(ks)) if ks.nunique() <= 8 else k_ticks(low, high)
    box = axes.get_window_extent().width * 72 / axes.figure.dpi
    ticks = spaced_ticks(ticks, width=box, size=axes.xaxis.get_ticklabels()[0].get_size())
    axes.set_xticks(ticks, [str(k) for k in ticks])
    axes.grid(axis="y", color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)

    chance = chance_range(rows)
    if not chance.empty:
        k = chance["k"].to_numpy(float)
        if chance_varies(rows):
            axes.fill_between(k, chance["low"], chance["high"], color=MUTED, alpha=0.13, linewidth=0)
        marker = "_" if len(k) == 1 else ""
        axes.plot(k, chance["mean"], color=MUTED, linestyle=":", linewidth=1.8, marker=marker, zorder=2)

    for curve in floor:
        alone = {"marker": REFERENCE_MARKER, "markersize": 8.0} if len(curve.k) == 1 else {}
        axes.plot(curve.k, curve.value, color=INK, linewidth=1.1, linestyle=FLOOR_DASHES, zorder=3.5, **alone)

    for curve in context:
        alone = {"marker": "_"} if len(curve.k) == 1 else {}
        axes.plot(curve.k, curve.value, color=CONTEXT, linewidth=0.8, zorder=2.5, **alone)

    # Many curves are drawn thin, so that none hides another.
    scale = _scale(size)
    width = scale * (2.2 if len(curves) <= 8 else 1.7 if len(curves) <= 15 else 1.0)
    for rank, curve in enumerate(curves):
        _draw_interval(axes, curve, alpha=0.18 if len(curves) <= 8 else 0.08)
        first, last = curve.looks[0], curve.looks[-1]
        axes.plot(curve.k, curve.value, color=first.color, linewidth=width, zorder=3)
        if len(curve.looks) > 1:
            # A pair has both colors: dashes of the second on the first.
            axes.plot(curve.k, curve.value, color=last.color, linewidth=width, zorder=3, dashes=(4, 4))
        points = marked_points(5, curve.k, rank / max(len(curves), 1))
        marker_size = scale * (6.5 if len(curves) <= 8 else 5.5 if len(curves) <= 15 else 3.5)
        for turn, look in enumerate(curve.looks):
            marked = points[turn :: len(curve.looks)]
            axes.plot(
                curve.k[marked],
                curve.value[marked],
                color=look.color,
                marker=look.marker,
                markersize=marker_size,
                markerfacecolor=look.face,
                markeredgewidth=1.0 if look.hollow else 0.5,
                markeredgecolor=look.color if look.hollow else "white",
                linestyle="",
                clip_on=False,
                zorder=4,
            )


def _draw_interval(axes: Axes, curve: Curve, alpha: float) -> None:
    """95 % band, if there is one."""
    known = np.isfinite(curve.low) & np.isfinite(curve.high)
    if not known.any():
        return
    color = curve.looks[0].color
    if known.sum() == 1:
        axes.vlines(curve.k[known], curve.low[known], curve.high[known], color=color, linewidth=1.2)
    else:
        axes.fill_between(
            curve.k, curve.low, curve.high, where=known, color=color, alpha=alpha, linewidth=0, zorder=1
        )


def _scale(size: float) -> float:
    """Size of what is drawn beside labels of that size."""
    return min(1.0, size / FULL_SIZE)


def named_curves(curves: list[Curve], room: int) -> list[Curve]:
    """Curves to label: all if labels fit, else the highest and lowest at the largest K."""
    if len(curves) <= room:
        return curves
    ranked = sorted(curves, key=lambda curve: -curve.end)
    return ranked[:NAMED_AT_EACH_END] + ranked[-NAMED_AT_EACH_END:]


def label_width(
    curves: list[Curve], size: float, *, names: bool, notes: Sequence[str] = ("chance",)
) -> float:
    """Width in points of the column of labels beside a panel; `notes` are labels without markers."""
    if not curves:
        return 0.0
    text = [text_width(curve.name, size) if names else 0.0 for curve in curves]
    markers = max(len(curve.looks) for curve in curves)
    plain = max(text_width(note, size) for note in notes)
    return LEADER + max(MARKER_STEP * _scale(size) * markers + max(text), plain) + 4.0


def draw_labels(
    axes: Axes,
    curves: list[Curve],
    rows: pd.DataFrame,
    *,
    width: float,
    height: float,
    size: float,
    names: bool,
    floor: tuple[str, Sequence[Curve]] = ("", ()),
) -> None:
    """Label the curves in the column next to the panel."""
    axes.set_axis_off()
    axes.set_xlim(0, width)
    low, high = axes.get_ylim()
    # Name, end, color and dashes of curves without a marker.
    notes: list[tuple[str, float, str, object]] = []
    if floor[1]:
        notes.append((floor[0], float(np.mean([curve.end for curve in floor[1]])), INK, FLOOR_DASHES))
    chance = chance_range(rows)
    if not chance.empty:
        notes.append(("chance", float(chance["mean"].iloc[-1]), MUTED, ":"))
    ends = [*(curve.end for curve in curves), *(end for _, end, _, _ in notes)]
    point = (high - low) / height
    places = spread(
        ends, gap=size * LINE_HEIGHT * point, low=low + 0.5 * size * point, high=high - 0.3 * size * point
    )
    for curve, place in zip(curves, places, strict=False):
        color = MUTED if len(curve.looks) > 1 else curve.looks[0].color
        _draw_leader(axes, curve.end, place, color, "-")
        x = LEADER + 1
        for look in curve.looks:
            axes.plot(
                x, place, marker=look.marker, markersize=6.5 * _scale(size), color=look.color,
                markerfacecolor=look.face, linestyle="", clip_on=False,
            )  # fmt: skip
            x += MARKER_STEP * _scale(size)
        if names:
            axes.text(x - 3, place, curve.name, size=size, va="center_baseline", color=INK, parse_math=False)
    for (name, end, color, dashes), place in zip(notes, places[len(curves) :], strict=True):
        _draw_leader(axes, end, place, color, dashes)
        axes.text(
            LEADER - 2, place, name, size=size, va="center_baseline", color=color, style="italic",
            parse_math=False,
        )  # fmt: skip


def _draw_leader(axes: Axes, end: float, place: float, color: str, dashes: object) -> None:
    """Line from the end of a curve to its label."""
    axes.plot(
        [2, LEADER - 4], [end, place], color=color, linewidth=0.8, alpha=0.8, clip_on=False, linestyle=dashes
    )
