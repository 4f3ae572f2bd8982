"""The scorecard as a figure, with its data."""

from _job import run_job
from miniature.figures.files import save_figure
from miniature.figures.scorecard import plot_scorecard, scorecard_points
from miniature.files import write_csv
from miniature.tables.scorecard import read_scorecard


def main(snakemake):
    """Draw every verdict."""
    output = snakemake.output
    scorecard = read_scorecard(snakemake.input[0])
    points = scorecard_points(scorecard)
    write_csv(points, output.csv)
    figure = plot_scorecard(points, scorecard, reference=snakemake.params.reference)
    save_figure(figure, {"pdf": output.pdf, "svg": output.svg, "png": output.png})


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
