"""One agreement table of a characteristic from those of its tasks."""

from _job import run_job
from miniature.agreement.comparison import Comparison, concat_comparisons, read_resamples, write_comparison
from miniature.agreement.table import read_agreement


def main(snakemake):
    """Concatenate the rows of all tasks, and the resampled values."""
    inputs = snakemake.input
    parts = [
        Comparison(read_agreement(agreement), read_resamples(resamples))
        for agreement, resamples in zip(inputs.agreement, inputs.resamples, strict=True)
    ]
    write_comparison(concat_comparisons(parts), **dict(snakemake.output.items()))


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
