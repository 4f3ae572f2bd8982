"""The nearest neighbors of every example in a model's representation, and their ties."""

from _job import run_job
from miniature.characteristics.representation.neighbors import search_neighbors
from miniature.files import read_npy, write_npy, write_parquet


def main(snakemake):
    """Search exactly, for every K up to k_max."""
    neighbors, ties = search_neighbors(read_npy(snakemake.input[0]), snakemake.params.k_max)
    write_parquet(ties, snakemake.output.ties)
    write_npy(neighbors, snakemake.output.neighbors)


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
