"""What a larger study could tell, from the spread that this one measured."""

from _job import run_job
from miniature.tables.planning import CAPTION, DIGITS, measured_planning
from miniature.tables.scorecard import read_scorecard
from miniature.tables.write import write_table


def main(snakemake):
    """Write the table for every characteristic whose spread is known."""
    output = snakemake.output
    write_table(
        measured_planning(read_scorecard(snakemake.input[0])),
        csv=output.csv,
        md=output.md,
        tex=output.tex,
        caption=CAPTION,
        label="tab:planning",
        digits=DIGITS,
    )


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
