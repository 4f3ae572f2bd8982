"""The complete study, stored with its results: every value and its origin."""

from pathlib import Path

from _job import run_job
from miniature.files import atomic_path


def main(snakemake):
    """Write study.yaml, which reads back as the study."""
    with atomic_path(Path(snakemake.output[0])) as path:
        path.write_text(snakemake.params.text, encoding="utf-8")


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
