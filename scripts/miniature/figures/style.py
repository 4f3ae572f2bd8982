"""The common style of all figures: sizes, and a fixed color and marker for each model.

A model keeps its color and marker in every panel because both follow from its position in the study's list of
models. Markers differ as well as colors, so that a grayscale print remains readable.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import matplotlib

INK = "#1a1a1a"  # text and the reference
MUTED = "#6b6b6b"  # axes, notes, chance
GRID = "#e3e3e3"

# Okabe and Ito's palette for color-blind readers without its yellow, which is invisible on white; then three
# colors of Paul Tol's "muted" scheme for studies with more models.
COLORS = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#B3509A",
    "#E69F00",
    "#56B4E9",
    "#882255",
    "#8A8A2B",
    "#332288",
)
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">")
REFERENCE_MARKER = "*"


@dataclass(frozen=True)
class Look:
    """The style of one model in every figure."""

    color: str
    marker: str
    hollow: bool = False  # every second cycle of the palette, for more models than colors

    @property
    def face(self) -> str:
        """Fill of the marker."""
        return "white" if self.hollow else self.color


def model_looks(models: Sequence[str], reference: str) -> dict[str, Look]:
    """Color and marker of each model, by its position in the study's list."""
    looks = {reference: Look(INK, REFERENCE_MARKER)}
    for place, model in enumerate(m for m in models if m != reference):
        cycle, turn = divmod(place, len(COLORS))
        # From the third cycle on a color has other markers: no two of 162 models look alike.
        marker = MARKERS[(turn + cycle // 2) % len(MARKERS)]
        looks[model] = Look(COLORS[turn], marker, hollow=cycle % 2 == 1)
    return looks


@contextmanager
def neutral_style(font_size: float) -> Iterator[None]:
    """Matplotlib settings of this project only, regardless of the user's matplotlibrc."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(
            {
                "font.family": "DejaVu Sans",  # shipped with matplotlib: the same glyphs on every machine
                "font.size": font_size,
                "text.color": INK,
                "axes.labelcolor": INK,
                "axes.edgecolor": MUTED,
                "xtick.color": MUTED,
                "ytick.color": MUTED,
                "xtick.labelcolor": INK,
                "ytick.labelcolor": INK,
                "pdf.fonttype": 42,  # text in the PDF remains text
                "svg.fonttype": "path",
                "svg.hashsalt": "miniature",  # otherwise ids in the SVG are random
            }
        )
        yield
