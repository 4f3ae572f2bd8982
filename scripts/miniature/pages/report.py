"""The report: one page whose first screen is the answer, and a card for each model to paste to a hub."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import jinja2
import pandas as pd

from miniature.pages.answers import answer_rows, card_rows
from miniature.pages.page import caption_html, caption_title, markdown_html, picture

# What stands in a section of its own; the rest is told under "Figures" and "Tables".
GROUPS = {
    "scorecard": "Scorecard", "tolerance": "Scorecard", "planning": "Scorecard", "noise": "Scorecard",
    "costs": "Costs", "claims": "The paper's claims", "reproduction": "The paper's claims",
}  # fmt: skip
ORDER = (
    "Scorecard", "Costs", "Findings", "Figures", "Tables", "Changed decisions", "Adversarial examples",
    "Words that decide", "The paper's claims", "Provenance",
)  # fmt: skip
# Columns of the first screen after the characteristics, where the study has them.
COLUMNS = {
    "decisions changed": "changed", "accuracy": "accuracy", "tolerance": "tolerance", "cost": "cost",
}  # fmt: skip
# A longer table is closed until it is asked for.
LONG = 40


class Sections:
    """The parts of a report, each in its section; a section without parts is none.

    Parameters
    ----------
    captions : mapping of str to str
        Captions in reStructuredText by name: ``figures/figure1``, ``tables/control``, ``changed`` and so on.
    config : mapping
        The study.
    """

    def __init__(self, captions: Mapping[str, str], config: Mapping):
        self.captions, self.config = captions, config
        self.parts: dict[str, list[dict]] = {title: [] for title in ORDER}
        self.about: dict[str, str] = {}

    def _told(self, kind: str, name: str) -> dict:
        text = self.captions.get(f"{kind}/{name}", "")
        title = caption_title(text) or name.replace("_", " ").capitalize()
        return {"title": title, "caption": caption_html(text, self.config) if text else ""}

    def add_pictures(self, paths: Iterable[Path]) -> None:
        """Add figures, each a PNG."""
        for path in paths:
            part = {"kind": "picture", **picture(path), **self._told("figures", path.stem)}
            self.parts[GROUPS.get(path.stem, "Figures")].append(part)

    def add_tables(self, texts: Mapping[str, str]) -> None:
        """Add tables in Markdown, by name."""
        for name, text in texts.items():
            rows = sum(line.startswith("| ") for line in text.splitlines()) - 2
            part = {"kind": "table", "html": markdown_html(text), "rows": rows, "long": rows > LONG}
            self.parts[GROUPS.get(name, "Tables")].append(part | self._told("tables", name))

    def add_examples(self, title: str, kind: str, parts: Iterable[Mapping], caption: str = "") -> None:
        """Add examples: see `miniature.pages.examples` and `miniature.pages.attributions`."""
        self.parts[title] += [{"kind": kind, **part} for part in parts]
        if caption:
            self.about[title] = caption_html(self.captions[caption], self.config)

    def add_text(self, title: str, markdown: str) -> None:
        """Add a text in Markdown."""
        self.parts[title].append({"kind": "text", "html": markdown_html(markdown)})

    def listed(self) -> list[dict]:
        """Sections that have parts, in order."""
        return [
            {
                "id": title.lower().replace(" ", "-").replace("'", ""),
                "title": title,
                "parts": parts,
                "caption": self.about.get(title, ""),
            }
            for title, parts in self.parts.items()
            if parts
        ]


def provenance_text(provenance: Mapping, *, files: str) -> str:
    """Where results come from, in Markdown: what does not change from run to run."""
    code, machine = provenance["code"], provenance["machine"]
    commit = f"commit {code['commit']}" if code["commit"] else "not a git checkout"
    modified = ", with local changes" if code["modified"] else ""
    packages = ", ".join(f"{name} {version}" for name, version in provenance["packages"].items() if version)
    lines = [
        f"- Code: {commit}{modified}; seed {provenance['seed']}",
        f"- Packages: {packages}",
        f"- Machine: Python {machine['python']}, {machine['system']}, {machine['processor']}",
        f"- Made from: {len(provenance['made_from'])} data tables and checkpoints, with their SHA-256 in "
        f"`{files}/provenance.json`",
    ]
    timed = provenance["recipes_with_time_budget"]
    if timed:
        lines.append(f"- Not the same bytes again: a time budget in {', '.join(timed)}")
    return "\n".join(lines)


def render_report(
    environment: jinja2.Environment,
    answer: Mapping,
    sizes: pd.DataFrame,
    sections: Sections,
    *,
    style: str,
) -> str:
    """HTML of the report: one file, no script, nothing from elsewhere.

    Parameters
    ----------
    environment : jinja2.Environment
        From `miniature.pages.page.page_environment`.
    answer : mapping
        As in ``answer.json``.
    sizes : DataFrame
        See `miniature.tables.models.models_table`.
    sections : Sections
    style : str
        The style sheet.

    Returns
    -------
    str
    """
    rows = answer_rows(answer, sizes)
    named = dict.fromkeys(name for row in rows for name in row["verdicts"])
    columns = [heading for heading, key in COLUMNS.items() if any(row[key] for row in rows)]
    return environment.get_template("study.html").render(
        title=f"{answer['study']}: report", style=style, answer=answer, rows=rows,
        characteristics=list(named), columns=columns, sections=sections.listed(),
    )  # fmt: skip


def render_cards(
    environment: jinja2.Environment,
    answer: Mapping,
    sizes: pd.DataFrame,
    card: pd.DataFrame,
    tolerance: pd.DataFrame,
    *,
    models: Sequence[str],
    provenance: Mapping,
    style: str,
) -> dict[str, tuple[str, str]]:
    """Fidelity card of each model, in Markdown and as a page.

    Parameters
    ----------
    environment, answer, sizes, style
        As for `render_report`.
    card : DataFrame
        `miniature.scorecard.build.SCORECARD_COLUMNS`.
    tolerance : DataFrame
        `miniature.scorecard.tolerance.COLUMNS`.
    models : sequence of str
    provenance : mapping
        As in ``provenance.json``; seed and commit are shown.

    Returns
    -------
    dict of str to tuple of str
        By model: a section of a model card in Markdown, and HTML.
    """
    rows = {row["model"]: row for row in answer_rows(answer, sizes)}
    cards = {}
    for model in models:
        text = environment.get_template("card.md").render(
            answer=answer, row=rows[model], card=card_rows(card, tolerance, model),
            seed=provenance["seed"], commit=(provenance["code"]["commit"] or "")[:12],
        )  # fmt: skip
        page = environment.get_template("card.html").render(
            title=f"{model}: fidelity card", style=style, row=rows[model], card=markdown_html(text)
        )
        cards[model] = (text, page)
    return cards
