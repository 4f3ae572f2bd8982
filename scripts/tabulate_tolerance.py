"""The tolerance table to read and to print."""

from _job import run_job
from miniature.scorecard.tolerance import read_tolerance
from miniature.tables.tolerance import CAPTION, printed_tolerance
from miniature.tables.write import write_table


def main(snakemake):
    """Write what changed against the original, bounds in one cell."""
    output = snakemake.output
    table = read_tolerance(snakemake.input[0])
    write_table(
        table,
        csv=output.csv,
        md=output.md,
        tex=output.tex,
        caption=CAPTION,
        label="tab:tolerance",
        printed=printed_tolerance(table),
    )


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
