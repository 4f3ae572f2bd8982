"""What models keep against what they cost, as a figure."""

from _job import run_job
from miniature.figures.costs import plot_costs
from miniature.figures.files import save_figure
from miniature.tables.costs import read_costs_table, read_points


def main(snakemake):
    """Draw the figure."""
    params, inputs, output = snakemake.params, snakemake.input, snakemake.output
    machines = read_costs_table(inputs.costs)[["machine", "threads"]].drop_duplicates()
    told = [
        f"{row.machine}, {row.threads} thread{'s' if row.threads > 1 else ''}."
        for row in machines.itertuples()
    ]
    figure = plot_costs(
        read_points(inputs.points), models=params.models, reference=params.reference, note=" ".join(told)
    )
    save_figure(figure, {"pdf": output.pdf, "svg": output.svg, "png": output.png})


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
