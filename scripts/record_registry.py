"""Retrieved files: ids, revisions, checksums and licenses in one file."""

from pathlib import Path

from _job import run_job
from miniature.files import write_json
from miniature.retrieval.registry import build_registry


def main(snakemake):
    """Collect all retrieval records next to the registry."""
    output = Path(snakemake.output[0])
    write_json(build_registry(output.parent), output)


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
