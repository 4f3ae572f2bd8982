"""Labels at the ends of curves, moved apart just enough to be readable."""

from collections.abc import Sequence

import numpy as np
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path


def spread(wanted: Sequence[float], *, gap: float, low: float, high: float) -> list[float]:
    """Positions at least `gap` apart, in the given order, as close as possible to the given ones."""
    count = len(wanted)
    if count == 0:
        return []
    if count > 1:
        gap = min(gap, (high - low) / (count - 1))
    # In ascending order; among equals the later entry is lower.
    order = sorted(range(count), key=lambda i: (wanted[i], -i))
    blocks: list[tuple[float, int]] = []  # (mean, size)
    for rank, i in enumerate(order):
        mean, size = float(wanted[i]) - rank * gap, 1
        while blocks and blocks[-1][0] > mean:
            other, other_size = blocks.pop()
            mean = (mean * size + other * other_size) / (size + other_size)
            size += other_size
        blocks.append((mean, size))
    shifted = np.repeat([mean for mean, _ in blocks], [size for _, size in blocks])
    # Clipping keeps a nondecreasing sequence nondecreasing, so the gaps still hold.
    shifted = np.clip(shifted, low, high - (count - 1) * gap)
    places = [0.0] * count
    for rank, i in enumerate(order):
        places[i] = round(float(shifted[rank] + rank * gap), 9)
    return places


def text_width(text: str, size: float, *, weight: str = "normal") -> float:
    """Width of a line of text in points, in the font of the figures."""
    font = FontProperties(family="DejaVu Sans", weight=weight, size=size)
    return float(text_to_path.get_text_width_height_descent(text, font, ismath=False)[0])


def wrap(text: str, width: float, size: float, *, weight: str = "normal") -> list[str]:
    """Break text at spaces into lines no wider than `width` points, as far as its words allow."""
    lines: list[str] = []
    for word in text.split():
        if lines and text_width(f"{lines[-1]} {word}", size, weight=weight) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines or [""]
