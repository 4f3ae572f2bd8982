"""A pinned remote file, as plain bytes."""

from _job import run_job
from miniature.files import write_json
from miniature.retrieval.files import describe_file, retrieve_file


def main(snakemake):
    """Download the file that the parameters name, and record it."""
    params, output = snakemake.params, snakemake.output
    retrieve_file(params.url, snakemake.wildcards.digest, output.file)
    write_json(describe_file(params.source, params.url, output.file), output.record)


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
