"""One page that sets the study beside the paper."""

import pandas as pd

from _job import run_job
from miniature.files import atomic_path
from miniature.tables.page import reproduction_page
from miniature.tables.reproduction import read_published


def main(snakemake):
    """Write both tables, with how to read them, as one HTML file."""
    inputs = snakemake.input
    page = reproduction_page(
        pd.read_csv(inputs.figures, keep_default_na=False, na_values=[""]).fillna({"model b": ""}),
        pd.read_csv(inputs.claims, keep_default_na=False, na_values=[""]),
        study=snakemake.params.study,
        published=read_published(inputs.published),
    )
    with atomic_path(snakemake.output[0]) as temporary:
        temporary.write_text(page, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
