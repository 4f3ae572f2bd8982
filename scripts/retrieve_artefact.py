"""A pinned file of the net, as plain bytes."""

from _job import run_job
from miniature.retrieval.files import retrieve_file


def main(snakemake):
    """Download what the parameters name."""
    retrieve_file(snakemake.params.url, snakemake.wildcards.digest, snakemake.output[0])


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
