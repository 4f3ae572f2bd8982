"""Embeddings of a model that was run elsewhere, one row for each row of the data table."""

from _job import run_job
from miniature.files import read_parquet, write_npy
from miniature.predictions.embeddings import read_embeddings
from miniature.retrieval.files import check_digest


def main(snakemake):
    """Read and check them."""
    wildcards, path = snakemake.wildcards, snakemake.input.artifact
    check_digest(path, snakemake.params.sha256, where=f"embeddings of model {wildcards.model}")
    # A bank or a calibration split may be given as embeddings only; then no table says how many rows it has.
    table = snakemake.input.get("table") or None
    rows = len(read_parquet(table)) if table else None
    write_npy(read_embeddings(path, rows, model=wildcards.model, table=table), snakemake.output[0])


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
