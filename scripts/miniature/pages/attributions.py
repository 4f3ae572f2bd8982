"""A page of examples with the words of two models' attributions shaded, side by side."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import jinja2
import numpy as np
import pandas as pd

from miniature.measures.rankings import rank_correlations

# Of the examples that both models explain, so many of those that they explain least alike.
EXAMPLES = 12
# Texts beyond this are cut, at a word.
LONGEST = 120

TEMPLATE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ title }}</title>
<style>
body { font: 16px/1.6 system-ui, sans-serif; color: #111; }
body { margin: 1.5rem auto; max-width: 75rem; padding: 0 1rem; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(18rem, 1fr)); gap: .5rem 2rem; }
.pair p { margin: .2rem 0 .6rem; overflow-wrap: anywhere; }
h3 { font-size: 1rem; margin: 1.2rem 0 .2rem; }
.for { background: rgba(23, 92, 168, var(--s)); padding: 0 .1em; }
.dark { color: #fff; }
.against { border-bottom: 3px dotted rgba(17, 17, 17, var(--s)); }
small { color: #444; }
</style>
</head>
<body>
<h1>{{ title }}</h1>
<p>The darker a word, the more it speaks for the model's own decision; a dotted line marks words that speak
against it. Shown are the examples whose explanations differ most (lowest rank correlation).
Method: {{ method }}.</p>
{% for section in sections %}
<h2>{{ reference }} and {{ section.model }}</h2>
{% if not section.examples %}<p>No example is explained for both.</p>{% endif %}
{% for example in section.examples %}
<h3>{{ example.id }} <small>rank correlation {{ "%.2f"|format(example.correlation) }}</small></h3>
<div class="pair">
{% for side in example.sides %}<p><small>{{ side.model }}: <b>{{ side.target or "no answer" }}</b></small><br>
{% for word in side.words %}
<span class="{{ word.looks }}" style="--s:{{ word.strength }}">{{ word.text }}</span>
{% endfor %}{% if side.cut %}<small>({{ side.cut }} more words)</small>{% endif %}</p>
{% endfor %}
</div>
{% endfor %}
{% endfor %}
</body>
</html>
"""


class Word(NamedTuple):
    """A word as it is drawn: its characters, CSS classes, and how strongly it is marked, from 0 to 1."""

    text: str
    looks: str
    strength: str


def write_attributions(
    texts: pd.DataFrame,
    attributions: Mapping[str, pd.DataFrame],
    *,
    reference: str,
    models: Sequence[str],
    parts: Sequence[str],
    method: str,
    title: str,
) -> str:
    """Make the page.

    Parameters
    ----------
    texts : DataFrame, [examples]
        Data table with ``id`` and the columns named by `parts`.
    attributions : mapping of str to DataFrame, each [examples]
        As `miniature.attribution.explain.explain_table` returns them, of the reference and of `models`.
    reference : str
    models : sequence of str
        Models to show beside the reference.
    parts : sequence of str
        Text columns in the order in which attributions count them.
    method : str
    title : str

    Returns
    -------
    str
        HTML of one file, without scripts; every text of the data is escaped.
    """
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, undefined=jinja2.StrictUndefined)
    sections = [
        {
            "model": model,
            "examples": [
                _example(texts, row, value, {name: attributions[name] for name in (reference, model)}, parts)
                for row, value in _least_alike(attributions[reference], attributions[model])
            ],
        }
        for model in models
    ]
    return environment.from_string(TEMPLATE).render(
        title=title, method=method, reference=reference, sections=sections
    )


def _least_alike(one: pd.DataFrame, other: pd.DataFrame) -> list[tuple[int, float]]:
    """Rows of the examples with the lowest rank correlation, and its value."""
    scores = [[np.asarray(own, dtype=float) for own in table["score"]] for table in (one, other)]
    values = []
    for row, (a, b) in enumerate(zip(*scores, strict=True)):
        seen = np.isfinite(a) & np.isfinite(b) if len(a) == len(b) else np.zeros(0, dtype=bool)
        if seen.any():
            spearman, _ = rank_correlations(a[seen], b[seen], np.zeros(int(seen.sum()), dtype=int), 1)
            if not np.isnan(spearman[0]):
                values.append((row, float(spearman[0])))
    return sorted(values, key=lambda item: item[1])[:EXAMPLES]


def _example(
    texts: pd.DataFrame,
    row: int,
    correlation: float,
    tables: Mapping[str, pd.DataFrame],
    parts: Sequence[str],
) -> dict:
    sides = []
    for model, table in tables.items():
        found = table.iloc[row]
        scores = np.asarray(found["score"], dtype=float)
        largest = np.nanmax(np.abs(scores)) or 1.0
        words = [
            _word(str(texts[parts[part]].iloc[row])[start:end], score / largest)
            for part, start, end, score in zip(
                found["part"], found["start"], found["end"], scores, strict=True
            )
        ]
        sides.append(
            {
                "model": model,
                "target": found["target"],
                "words": words[:LONGEST],
                "cut": max(0, len(words) - LONGEST),
            }
        )
    return {"id": texts["id"].iloc[row], "correlation": correlation, "sides": sides}


def _word(text: str, share: float) -> Word:
    """How a word with this share of the largest score is drawn."""
    if not np.isfinite(share) or share == 0:
        return Word(text, "", "0")
    # White letters where the ground is too dark for black ones.
    looks = "against" if share < 0 else "for dark" if share > 0.85 else "for"
    return Word(text, looks, f"{abs(share):.2f}")
