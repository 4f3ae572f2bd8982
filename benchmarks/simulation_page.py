"""Markdown for the pages of simulations."""

from collections.abc import Iterable, Sequence
from textwrap import fill


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Table in Markdown, of cells as they are."""
    cells = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in cells)


def text(paragraph: str) -> str:
    """Paragraph with its lines filled."""
    return fill(" ".join(paragraph.split()), 120, break_long_words=False, break_on_hyphens=False)
