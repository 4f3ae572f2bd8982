"""The nearest neighbors of every example in a model's representation, and their ties."""

import numpy as np

from _job import run_job
from miniature.characteristics.representation.neighbors import search_neighbors
from miniature.files import read_npy, write_npy, write_parquet
from miniature.statistics.halves import ranking_length


def main(snakemake):
    """Search exactly, for every K up to k_max, and as far beyond it as intervals of halves need."""
    embeddings, k_max = read_npy(snakemake.input[0]), snakemake.params.k_max
    length = ranking_length(k_max, len(embeddings)) if k_max < len(embeddings) else k_max
    ranking, ties = search_neighbors(embeddings, k_max, length=length)
    write_parquet(ties, snakemake.output.ties)
    write_npy(ranking, snakemake.output.ranking)
    write_npy(np.ascontiguousarray(ranking[:, :k_max]), snakemake.output.neighbors)


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
