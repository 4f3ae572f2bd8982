"""One page that compares the study with the paper."""

from _job import run_job
from miniature.files import atomic_path, read_csv
from miniature.pages.reproduction import reproduction_page
from miniature.tables.control import describe_control
from miniature.tables.reproduction import read_published


def main(snakemake):
    """Write both tables, with how to read them, as one HTML file."""
    inputs = snakemake.input
    page = reproduction_page(
        read_csv(inputs.figures).fillna({"model b": ""}),
        read_csv(inputs.claims),
        study=snakemake.params.study,
        published=read_published(inputs.published),
        control=describe_control(read_csv(inputs.control), reference=snakemake.params.reference)
        if inputs.get("control")
        else "",
    )
    with atomic_path(snakemake.output[0]) as temporary:
        temporary.write_text(page, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
