"""One split of one dataset as a table with a fixed row order."""

from _job import run_job
from miniature.data.build import build_split
from miniature.data.tables import SCHEMAS
from miniature.files import write_parquet
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
    )
    write_parquet(table, snakemake.output[0], SCHEMAS[params.dataset["task"]])


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
