"""Which examples a model gets wrong."""

from _job import run_job
from miniature.characteristics.errors.compare import find_errors
from miniature.files import read_parquet, write_parquet


def main(snakemake):
    """Mark every example right or wrong."""
    write_parquet(find_errors(read_parquet(snakemake.input[0]), snakemake.params.kind), snakemake.output[0])


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
