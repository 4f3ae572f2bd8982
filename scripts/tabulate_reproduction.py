"""The authors' published numbers next to ours."""

import pandas as pd

from _job import run_job
from miniature.files import read_csv
from miniature.tables.errors import PAIR_HEADINGS
from miniature.tables.reproduction import printed_figures, read_published, reproduction_table
from miniature.tables.write import write_table

TEXT = {"task": str, "model a": str, "model b": str}


def main(snakemake):
    """Read the table of errors, if the study compares errors, and write the comparison."""
    params, inputs, output = snakemake.params, snakemake.input, snakemake.output
    tables = [read_csv(path, dtype=TEXT) for path in filter(None, [inputs.errors])]
    table = reproduction_table(
        read_published(inputs.published),
        models=params.models,
        pairs=tables[0] if tables else pd.DataFrame(columns=list(PAIR_HEADINGS)),
        task=params.task,
    )
    write_table(
        table,
        csv=output.csv,
        md=output.md,
        tex=output.tex,
        caption="Published numbers and ours",
        label="tab:reproduction",
        printed=printed_figures(table),
    )


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
