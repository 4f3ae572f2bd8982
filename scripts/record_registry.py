"""What was retrieved: ids, revisions, checksums and licences in one file."""

from pathlib import Path

from _job import run_job
from miniature.files import write_json
from miniature.retrieval.registry import build_registry


def main(snakemake):
    """Collect the record of everything that lies beside the registry."""
    output = Path(snakemake.output[0])
    write_json(build_registry(output.parent), output)


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
