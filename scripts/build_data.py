"""One split of one dataset as a table with a fixed row order."""

from _job import run_job
from miniature.config.plan import check_size
from miniature.data.build import build_split
from miniature.data.tables import schema_of
from miniature.files import write_parquet
from miniature.predictions.gold import log_reader
from miniature.retrieval.registry import check_retrieved


def main(snakemake):
    """Read, check, subsample and write the split named by the wildcards."""
    params, wildcards = snakemake.params, snakemake.wildcards
    check_retrieved(snakemake.input)
    table = build_split(
        params.dataset,
        wildcards.split,
        name=wildcards.dataset,
        seed=params.seed,
        bank_examples=params.bank_examples,
        read_log=log_reader(wildcards.dataset),
    )
    # Not a parameter of the rule: the rows do not depend on what is measured on them.
    check_size(snakemake.config, wildcards.dataset, wildcards.split, len(table))
    write_parquet(table, snakemake.output[0], schema_of(table, params.dataset["task"]))


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
