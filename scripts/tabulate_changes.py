"""Which decisions one model changed, worst first."""

import pandas as pd

from _job import run_job
from miniature.files import atomic_path, read_parquet, write_csv
from miniature.tables.changed import CHANGES, COLUMNS, MOST_PRINTED, changed_examples
from miniature.tables.write import markdown_table


def main(snakemake):
    """Write all of them as CSV, and print the first ones."""
    params, inputs, output = snakemake.params, snakemake.input, snakemake.output
    found = [
        changed_examples(*map(read_parquet, files), task=task, labels=labels, texts=params.texts)
        for task, labels, *files in zip(
            params.tasks, params.labels, inputs.tables, inputs.reference, inputs.model, strict=True
        )
    ]
    order = {name: i for i, name in enumerate(CHANGES)}
    table = pd.concat(found).reset_index(drop=True)
    table = table.sort_values("change", key=lambda column: column.map(order), kind="stable")
    write_csv(table[list(COLUMNS)], output.csv)
    name = snakemake.wildcards.model
    caption = f"Decisions that {name} changed: {len(table)}"
    if len(table) > MOST_PRINTED:
        caption += f", of which the first {MOST_PRINTED} (all are in the CSV)"
    shown = table[:MOST_PRINTED] if params.texts else table[:MOST_PRINTED].drop(columns="text")
    with atomic_path(output.md) as path:
        path.write_text(markdown_table(shown, caption, None), encoding="utf-8")


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
