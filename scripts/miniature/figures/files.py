"""Saves figures as the same bytes every time: no dates, no random ids, written atomically."""

import io
from collections.abc import Mapping
from pathlib import Path

from matplotlib.figure import Figure

from miniature.figures.style import neutral_style
from miniature.files import atomic_path

# Metadata that each format would otherwise write: the time and the version of matplotlib.
METADATA = {
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    "svg": {"Date": None, "Creator": None},
    "png": {"Software": None},
}


def figure_bytes(figure: Figure, kind: str, *, dpi: int) -> bytes:
    """Render a figure as the content of a file."""
    if kind not in METADATA:
        raise ValueError(f"cannot save a figure as {kind!r}, only as {', '.join(METADATA)}")
    buffer = io.BytesIO()
    with neutral_style(10.0):
        figure.savefig(buffer, format=kind, metadata=METADATA[kind], dpi=dpi if kind == "png" else 72)
    return buffer.getvalue()


def save_figure(figure: Figure, paths: Mapping[str, str | Path], *, dpi: int = 200) -> None:
    """Write a figure in several formats.

    Parameters
    ----------
    figure : Figure
        Any figure.
    paths : mapping of str to path
        File for each format (``pdf``, ``svg``, ``png``).
    dpi : int
        Pixels per inch of a png.
    """
    for kind, path in paths.items():
        content = figure_bytes(figure, kind, dpi=dpi)
        with atomic_path(path) as temporary:
            temporary.write_bytes(content)
