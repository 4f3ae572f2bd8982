"""The report of the study, and the card of each of its models."""

import json
from pathlib import Path

from _job import run_job
from miniature.files import atomic_path, read_csv, read_parquet
from miniature.models.texts import text_columns
from miniature.pages.attributions import attribution_sections
from miniature.pages.examples import attacked_examples, changed_section
from miniature.pages.page import page_environment
from miniature.pages.report import Sections, provenance_text, render_cards, render_report
from miniature.scorecard.tolerance import read_tolerance
from miniature.tables.scorecard import read_scorecard


def read_texts(paths):
    """Contents of text files by file name."""
    return {Path(path).name: Path(path).read_text(encoding="utf-8") for path in paths}


def examples_of(sections, snakemake):
    """Add the examples that the study has."""
    inputs, params = snakemake.input, snakemake.params
    changes = zip(params.changed, inputs.changes, strict=True)
    sections.add_examples(
        "Changed decisions", "changed",
        [changed_section(read_csv(path), model, models=len(params.changed)) for model, path in changes],
        "changed" if params.changed else "",
    )  # fmt: skip
    files = iter(inputs.attacks)
    for task, recipe in params.attacks:
        tables = {model: read_parquet(next(files)) for model in params.shown}
        shown = attacked_examples(tables, reference=params.shown[0], models=params.shown[1:])
        title = f"{recipe} on {task}"
        sections.add_examples("Adversarial examples", "attacked", [{"title": title, "examples": shown}])
    files = iter(inputs.attributions)
    for (task, kind), table in zip(params.attributions, inputs.attributed, strict=True):
        tables = {model: read_parquet(next(files)) for model in params.shown}
        texts = read_parquet(table).set_index("id", drop=False)
        found = attribution_sections(
            texts.loc[tables[params.shown[0]]["id"]].reset_index(drop=True), tables,
            reference=params.shown[0], models=params.shown[1:], parts=text_columns(texts, kind),
        )  # fmt: skip
        several = len(params.attributions) > 1
        named = [part | {"model": f"{part['model']} on {task}"} if several else part for part in found]
        sections.add_examples("Words that decide", "attributions", named, "attributions")


def main(snakemake):
    """Write both from what the study has; texts of the data only where the study allows them."""
    inputs, params, output = snakemake.input, snakemake.params, snakemake.output
    templates = read_texts(inputs.templates)
    style = templates.pop("style.css")
    captions = {
        str(Path(path).relative_to(params.captions).with_suffix("")): Path(path).read_text(encoding="utf-8")
        for path in inputs.captions
    }
    answer = json.loads(Path(inputs.answer).read_text(encoding="utf-8"))
    provenance = json.loads(Path(inputs.provenance).read_text(encoding="utf-8"))
    sections = Sections(captions, params.config)
    sections.add_pictures(map(Path, inputs.figures))
    sections.add_tables({Path(name).stem: text for name, text in read_texts(inputs.tables).items()})
    for text in read_texts(inputs.findings).values():
        sections.add_text("Findings", text)
    examples_of(sections, snakemake)
    results = str(Path(output.report).parent)
    sections.add_text("Provenance", provenance_text(provenance, files=results))
    environment = page_environment(templates)
    sizes = read_csv(inputs.sizes)
    pages = {output.report: render_report(environment, answer, sizes, sections, style=style)}
    cards = render_cards(
        environment, answer, sizes, read_scorecard(inputs.scorecard), read_tolerance(inputs.tolerance),
        models=params.models, provenance=provenance, style=style,
    )  # fmt: skip
    folder = Path(output.cards)
    folder.mkdir(parents=True, exist_ok=True)
    for model in params.models:
        pages[folder / f"{model}.md"], pages[folder / f"{model}.html"] = cards[model]
    for path, text in pages.items():
        with atomic_path(path) as temporary:
            temporary.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
