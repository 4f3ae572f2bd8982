"""One split of one dataset as a table with a fixed row order."""

from functools import partial

from _job import run_job
from miniature.config.plan import least_examples
from miniature.data.build import build_split
from miniature.data.tables import SCHEMAS
from miniature.files import write_parquet
from miniature.messages import StudyError
from miniature.predictions.gold import read_gold
from miniature.predictions.records import Options
from miniature.retrieval.registry import check_retrieved


def _read_log(name, path, dataset):
    """Data table of a log of predictions, or of a table of a kind that logs are of."""
    said = ("columns", "benchmark", "metric")
    options = Options(**{key: dataset[key] for key in said if key in dataset}, dataset=name, texts=True)
    return read_gold(path, dataset["task"], options, dataset.get("labels", {}))


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
        read_log=partial(_read_log, wildcards.dataset),
    )
    # No parameter of the rule: the rows are the same whatever is measured on them.
    least = least_examples(snakemake.config, wildcards.dataset, wildcards.split)
    if len(table) < least:
        raise StudyError(
            f"The split has {len(table)} examples; what is measured on it needs {least} "
            "(more than k_max, and all that are attacked).",
            where=f"datasets: {wildcards.dataset}: splits: {wildcards.split}",
            fix=f"k_max: {max(len(table) - 1, 1)}   # and vulnerability examples: {len(table)} at most",
        )
    write_parquet(table, snakemake.output[0], SCHEMAS[params.dataset["task"]])


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
