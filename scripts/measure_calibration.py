"""A model's confidence in each prediction, and whether the prediction was correct."""

from _job import run_job
from miniature.characteristics.calibration.compare import CONFIDENCE_SCHEMA, measure_calibration
from miniature.files import read_parquet, write_parquet


def main(snakemake):
    """Write confidence and correctness of every example."""
    table = measure_calibration(read_parquet(snakemake.input[0]), snakemake.params.labels)
    write_parquet(table, snakemake.output[0], CONFIDENCE_SCHEMA)


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
