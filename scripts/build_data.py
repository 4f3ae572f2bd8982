"""One split of one dataset as a table with a fixed row order."""

from _job import run_job
from miniature.config.plan import least_examples
from miniature.data.build import build_split
from miniature.data.tables import SCHEMAS
from miniature.files import write_parquet
from miniature.messages import StudyError
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
    least = least_examples(snakemake.config, wildcards.dataset, wildcards.split)
    if len(table) < least:
        raise StudyError(
            f"The split has {len(table)} examples, but the measurements need {least} "
            "(more than k_max, and all that are attacked).",
            where=f"datasets: {wildcards.dataset}: splits: {wildcards.split}",
            fix=f"k_max: {len(table) - 1}   # and vulnerability examples: {len(table)} at most"
            if len(table) > 1
            else f"path: a file with at least {least} examples",
        )
    write_parquet(table, snakemake.output[0], SCHEMAS[params.dataset["task"]])


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
