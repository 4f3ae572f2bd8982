"""Errors of a model given only by its list of wrong ids."""

from _job import run_job
from miniature.config.plan import numbered_columns
from miniature.files import read_parquet, write_parquet
from miniature.predictions.match import match_errors
from miniature.predictions.read import read_error_ids
from miniature.retrieval.files import check_digest


def main(snakemake):
    """Read the list and mark every example right or wrong."""
    params, wildcards, path = snakemake.params, snakemake.wildcards, snakemake.input.artifact
    check_digest(path, params.sha256, where=f"errors of model {wildcards.model}")
    table = match_errors(
        read_error_ids(path, model=wildcards.model),
        read_parquet(snakemake.input.table),
        model=wildcards.model,
        dataset=wildcards.dataset,
        path=path,
        # Not a parameter of the rule: it only changes a message.
        columns=numbered_columns(snakemake.config, wildcards.dataset),
    )
    write_parquet(table, snakemake.output[0])


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
