"""The reproduction page: one file that needs nothing else, every text in it escaped."""

from collections.abc import Mapping
from html import escape

import pandas as pd

from miniature.claims.table import NOT_SUPPORTED, NOT_TESTED, SUPPORTED
from miniature.tables.reproduction import (
    NOT_COMPARABLE,
    NOT_MEASURED,
    OUTSIDE,
    WITHIN,
    printed_figures,
    summarise,
)

# Color is never the only sign: the cell has the words.
TONES = {
    WITHIN: "good", SUPPORTED: "good", OUTSIDE: "bad", NOT_SUPPORTED: "bad",
    NOT_COMPARABLE: "mute", NOT_MEASURED: "mute", NOT_TESTED: "mute",
}  # fmt: skip

# What the page says of the published figures.
SHOWN = ("paper", "status", "source", "commit", "questions")

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #1a1a1a; background: #fff; }
body { max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2.5rem; }
p, li { max-width: 48rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: 0.875rem; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: 0.35rem 0.6rem; border-bottom: 1px solid #ddd; }
th { border-bottom: 2px solid #888; white-space: nowrap; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.status { white-space: nowrap; font-weight: 600; }
.good { color: #1b6e3c; } .bad { color: #a3271d; } .mute { color: #666; }
td.name { white-space: nowrap; }
code { font-size: 0.85em; }
"""

CLAIM_HEADINGS = {
    "claim": "Claim",
    "verdict": "Verdict",
    "evidence": "Evidence",
    "command": "Command",
    "file": "File",
}
FIGURE_HEADINGS = {
    "figure": "Figure", "model a": "Model", "model b": "and", "published": "Published", "ours": "Ours",
    "difference": "Difference", "interval": "Interval", "tolerance": "Tolerance", "status": "Status",
    "why": "Why",
}  # fmt: skip


def reproduction_page(
    figures: pd.DataFrame,
    claims: pd.DataFrame,
    *,
    study: str,
    published: Mapping[str, object],
    control: str = "",
) -> str:
    """HTML of the page that sets a study beside the paper.

    Parameters
    ----------
    figures : DataFrame
        See `miniature.tables.reproduction.reproduction_table`.
    claims : DataFrame
        See `miniature.claims.table.claims_table`.
    study : str
        Its name.
    published : mapping
        The file of published figures; its ``paper``, ``source``, ``commit`` and ``status`` are shown.
    control : str, optional
        What the control says of the numerical noise; see `miniature.tables.control.describe_control`.

    Returns
    -------
    str
        A whole document with no script, no link to another file and no date.
    """
    counts = ", ".join(f"{number} {status}" for status, number in summarise(figures).items() if number)
    verdicts = claims["verdict"].value_counts(sort=False)
    judged = ", ".join(f"{number} {verdict}" for verdict, number in verdicts.items())
    said = {name: escape(str(published.get(name, ""))) for name in SHOWN}
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Reproduction: {escape(study)}</title>
<style>{STYLE}</style>
</head>
<body>
<h1>The study <code>{escape(study)}</code> beside the paper</h1>
<p>{said["paper"]}</p>
<h2>The paper's claims</h2>
<p>{escape(judged)}. Each verdict is computed from this study's files and says nothing beyond its models
and data.</p>
<p><em>Differs</em> means that a null hypothesis was rejected: the agreement lies below that of two
trainings of the same model, by more than the margin the study named beforehand, with 95 % confidence.
A low agreement alone is no difference: without second trainings such a claim is inconclusive.</p>
{_table(claims, CLAIM_HEADINGS, status="verdict", code=("command", "file"))}
{_numerical_noise(control)}<h2>The published figures</h2>
<p>{escape(counts)}.</p>
<p>{said["status"]}</p>
<p>Source: <code>{said["source"]}</code>, commit <code>{said["commit"]}</code>. <em>errors</em> are wrongly
answered questions of {said["questions"]}; <em>jaccard</em> is the Jaccard index of two error sets. A figure
is comparable where data and checkpoints are the same; training settings are for the study to justify.</p>
{_table(printed_figures(figures), FIGURE_HEADINGS, status="status")}
</body>
</html>
"""


def _numerical_noise(control: str) -> str:
    return f"<h2>Numerical noise</h2>\n<p>{escape(control)}</p>\n" if control else ""


def _table(
    table: pd.DataFrame, headings: Mapping[str, str], *, status: str, code: tuple[str, ...] = ()
) -> str:
    numbers = ("published", "ours", "difference", "interval", "tolerance")
    head = "".join(
        f"<th{' class=number' if name in numbers else ''}>{escape(text)}</th>"
        for name, text in headings.items()
    )
    body = []
    for row in table.to_dict("records"):
        cells = []
        for name in headings:
            text = escape("" if pd.isna(row[name]) else str(row[name]))
            if name == status:
                cells.append(f'<td class="status {TONES.get(row[name], "")}">{text}</td>')
            elif name in numbers:
                cells.append(f'<td class="number">{text}</td>')
            else:
                # A path may break behind a slash, a model's name nowhere.
                text = f"<code>{text.replace('/', '/<wbr>')}</code>" if name in code else text
                cells.append(f"<td{' class=name' if name.startswith('model') else ''}>{text}</td>")
        body.append(f"<tr>{''.join(cells)}</tr>\n")
    return (
        f'<div class="scroll"><table>\n<thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{''.join(body)}</tbody>\n</table></div>"
    )
