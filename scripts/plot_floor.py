"""The floor figure: agreement of errors against accuracy, with independent trainings marked."""

from _job import run_job
from miniature.figures.files import save_figure
from miniature.figures.floor import plot_floor
from miniature.files import write_csv
from miniature.tables.floor import read_floor


def main(snakemake):
    """Draw the floor table, and write the data of the figure."""
    output = snakemake.output
    table = read_floor(snakemake.input[0])
    write_csv(table, output.csv)
    figure = plot_floor(table, task=snakemake.params.task)
    save_figure(figure, {"pdf": output.pdf, "svg": output.svg, "png": output.png})


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
