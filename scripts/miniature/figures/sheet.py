"""The sheet that a figure is laid out on: every place and length is in points."""

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

POINTS = 72.0  # in an inch


class Sheet:
    """A figure without pyplot, on which texts and axes are placed from the lower left corner.

    Parameters
    ----------
    width, height : float
        Points.
    """

    def __init__(self, width: float, height: float):
        self.width, self.height = width, height
        self.figure = Figure(figsize=(width / POINTS, height / POINTS), facecolor="white")
        FigureCanvasAgg(self.figure)

    def grow(self, more: float) -> None:
        """Make the sheet higher; what is placed before keeps its share of it."""
        self.height += more
        self.figure.set_size_inches(self.width / POINTS, self.height / POINTS)

    def text(self, x: float, y: float, text: str, **how: object) -> None:
        """Write a text; what looks like mathematics in a name stays as it is."""
        self.figure.text(x / self.width, y / self.height, text, parse_math=False, **how)

    def axes(self, left: float, bottom: float, width: float, height: float, **how: object) -> Axes:
        """Add axes."""
        box = (left / self.width, bottom / self.height, width / self.width, height / self.height)
        return self.figure.add_axes(box, **how)
