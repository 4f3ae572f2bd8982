"""The costs of all models as a table, and beside what they keep."""

from _job import run_job
from miniature.files import write_csv
from miniature.scorecard.tolerance import read_tolerance
from miniature.tables.costs import CAPTION, cost_points, printed_costs, read_costs
from miniature.tables.scorecard import read_scorecard
from miniature.tables.write import write_table


def main(snakemake):
    """Write the table and what the figure shows."""
    params, inputs, output = snakemake.params, snakemake.input, snakemake.output
    costs = read_costs(dict(zip(map(tuple, params.pairs), inputs.costs, strict=True)))
    write_table(
        costs,
        csv=output.csv,
        md=output.md,
        tex=output.tex,
        caption=CAPTION,
        label="tab:costs",
        printed=printed_costs(costs),
    )
    points = cost_points(
        costs,
        read_tolerance(inputs.tolerance),
        read_scorecard(inputs.scorecard),
        reference=params.reference,
    )
    write_csv(points, output.points)


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
