"""A dataset from the Hub, at its revision, as plain files."""

from _job import run_job
from miniature.names import hub_id
from miniature.retrieval.datasets import retrieve_dataset


def main(snakemake):
    """Download the repository that the wildcards name."""
    wildcards = snakemake.wildcards
    retrieve_dataset(
        hub_id(wildcards.repository),
        None if wildcards.config_name == "default" else wildcards.config_name,
        wildcards.revision,
        snakemake.output[0],
        pins=snakemake.params.pins,
    )


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
