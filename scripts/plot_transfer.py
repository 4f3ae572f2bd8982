"""Transfer of attacks as a figure, with its data."""

from _job import run_job
from miniature.figures.files import save_figure
from miniature.figures.transfer import plot_transfer, transfer_points
from miniature.files import read_csv, write_csv


def main(snakemake):
    """Draw a matrix for each task and recipe."""
    params, output = snakemake.params, snakemake.output
    tables = {
        tuple(pair): read_csv(path, dtype={"source": str, "target": str})
        for pair, path in zip(params.pairs, snakemake.input, strict=True)
    }
    points = transfer_points(tables)
    write_csv(points, output.csv)
    figure = plot_transfer(points, models=params.models)
    save_figure(figure, {"pdf": output.pdf, "svg": output.svg, "png": output.png})


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
