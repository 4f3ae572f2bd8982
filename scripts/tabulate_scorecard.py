"""The scorecard as a table to read and to print."""

from _job import run_job
from miniature.tables.scorecard import describe_verdicts, printed_scorecard, read_scorecard, scorecard_table
from miniature.tables.write import write_table


def main(snakemake):
    """Write the scorecard with its intervals in one cell each."""
    output = snakemake.output
    table = scorecard_table(read_scorecard(snakemake.input[0]))
    write_table(
        table,
        csv=output.csv,
        md=output.md,
        tex=output.tex,
        caption=describe_verdicts(table),
        label="tab:scorecard",
        printed=printed_scorecard(table),
    )


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
