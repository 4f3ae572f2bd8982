"""Tables as CSV (exact), Markdown (to read) and LaTeX (to print), with the same bytes on every run."""

import os
from collections.abc import Callable, Mapping
from numbers import Integral, Real

import pandas as pd

from miniature.files import atomic_path, write_csv
from miniature.tables.escape import escape_markdown, escape_tex

PER_CENT_DECIMALS = 1
DECIMALS = 3


def write_table(
    table: pd.DataFrame,
    *,
    csv: str | os.PathLike,
    md: str | os.PathLike,
    tex: str | os.PathLike,
    caption: str,
    label: str,
    digits: Mapping[str, int] | None = None,
    also: Mapping[str, pd.DataFrame] | None = None,
    printed: pd.DataFrame | None = None,
) -> None:
    """Write a table in three formats.

    Parameters
    ----------
    table : DataFrame
        Column names are the headings; the index is not written.
    csv, md, tex : path
        Files to write, each atomically. The CSV has ten significant digits; the others are rounded.
    caption : str
        Plain text; escaped as the format requires.
    label : str
        LaTeX label; letters, digits, ``:``, ``-`` and ``_``.
    digits : mapping of heading to int, optional
        Decimals of a printed column; by default one for a heading that ends in ``%``, three for other
        fractions and none for whole numbers.
    also : mapping of caption to DataFrame, optional
        Further views of the same numbers, printed below the table in Markdown and LaTeX but not in the CSV.
    printed : DataFrame, optional
        Shown in Markdown and LaTeX instead of `table`, if rows need their own decimals.

    Raises
    ------
    ValueError
        The label is not valid in LaTeX.
    """
    if not label or not all(c.isascii() and (c.isalnum() or c in ":-_") for c in label):
        raise ValueError(f"{label!r} is not a LaTeX label")
    views = {caption: table if printed is None else printed, **(also or {})}
    markdown = "\n".join(markdown_table(view, text, digits) for text, view in views.items())
    latex = "\n".join(
        latex_table(view, text, label if i == 0 else f"{label}-{i + 1}", digits)
        for i, (text, view) in enumerate(views.items())
    )
    write_csv(table, csv)
    for path, text in ((md, markdown), (tex, f"% needs \\usepackage{{booktabs,graphicx}}\n{latex}")):
        with atomic_path(path) as temporary:
            temporary.write_text(text, encoding="utf-8", newline="\n")


def format_cell(value: object, decimals: int) -> str:
    """Format a value: missing as empty, whole numbers unchanged, others rounded.

    Examples
    --------
    >>> format_cell(0.12345, 3), format_cell(7, 3), format_cell(float("nan"), 3), format_cell(-0.0001, 1)
    ('0.123', '7', '', '0.0')
    """
    if pd.api.types.is_scalar(value) and pd.isna(value):
        return ""
    if isinstance(value, Real) and not isinstance(value, Integral):
        shown = f"{float(value):.{decimals}f}"
        # No minus sign before a zero produced by rounding.
        return shown.removeprefix("-") if float(shown) == 0 else shown
    return str(value)


def _decimals(heading: str, digits: Mapping[str, int] | None) -> int:
    usual = PER_CENT_DECIMALS if heading.endswith("%") else DECIMALS
    return (digits or {}).get(heading, usual)


def _p_value(value: object, decimals: int, heading: str) -> str:
    """A cell; under a heading of p-values none that is above 0 is printed as 0."""
    least = 10.0**-decimals
    if heading.split()[-1:] == ["p"] and isinstance(value, Real) and 0 < value < least / 2:
        return f"<{least:.{decimals}f}"
    return format_cell(value, decimals)


def _cells(
    table: pd.DataFrame, digits: Mapping[str, int] | None, escape: Callable[[str], str]
) -> tuple[list[str], list[list[str]], list[bool]]:
    """Headings, rows of text, and whether each column is numeric."""
    headings = [str(name) for name in table.columns]
    numeric = [pd.api.types.is_numeric_dtype(dtype) for dtype in table.dtypes]
    places = [_decimals(heading, digits) for heading in headings]
    rows = [
        [escape(_p_value(table.iat[i, j], places[j], headings[j])) for j in range(len(headings))]
        for i in range(len(table))
    ]
    return [escape(heading) for heading in headings], rows, numeric


def markdown_table(table: pd.DataFrame, caption: str, digits: Mapping[str, int] | None = None) -> str:
    """Table in GitHub's Markdown under its caption, numbers right-aligned, columns padded."""
    headings, rows, numeric = _cells(table, digits, escape_markdown)
    widths = [max(3, *(len(cell) for cell in column)) for column in zip(headings, *rows, strict=True)]

    def line(cells: list[str]) -> str:
        padded = (
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(cells, widths, numeric, strict=True)
        )
        return f"| {' | '.join(padded)} |\n"

    rule = ["-" * (w - 1) + ":" if right else "-" * w for w, right in zip(widths, numeric, strict=True)]
    return f"{escape_markdown(caption)}\n\n{line(headings)}{line(rule)}{''.join(map(line, rows))}"


def latex_table(
    table: pd.DataFrame, caption: str, label: str, digits: Mapping[str, int] | None = None
) -> str:
    """LaTeX table environment with booktabs rules, shrunk to the text width if wider."""
    headings, rows, numeric = _cells(table, digits, escape_tex)
    # A hyphen before a number becomes a minus sign.
    rows = [
        [
            f"$-${cell[1:]}" if number and cell.startswith("-") else cell
            for cell, number in zip(row, numeric, strict=True)
        ]
        for row in rows
    ]
    body = "".join(f"{' & '.join(row)} \\\\\n" for row in rows)
    return (
        "\\begin{table}\n\\centering\n"
        f"\\caption{{{escape_tex(caption)}}}\n\\label{{{label}}}\n"
        "\\resizebox{\\ifdim\\width>\\textwidth\\textwidth\\else\\width\\fi}{!}{%\n"
        f"\\begin{{tabular}}{{{''.join('r' if right else 'l' for right in numeric)}}}\n"
        f"\\toprule\n{' & '.join(headings)} \\\\\n\\midrule\n{body}\\bottomrule\n"
        "\\end{tabular}}\n\\end{table}\n"
    )
