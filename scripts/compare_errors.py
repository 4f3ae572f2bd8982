"""Do two models get the same examples wrong? All pairs, every task."""

from _job import run_job
from miniature.agreement.table import concat_rows
from miniature.characteristics.errors import compare_errors
from miniature.files import read_parquet, write_csv
from miniature.iteration import groups_like


def main(snakemake):
    """Compare the error sets and write the agreement table."""
    params = snakemake.params
    tables = []
    per_task = groups_like(snakemake.input.errors, params.models)
    for task, models, table, paths in zip(
        params.tasks, params.models, snakemake.input.tables, per_task, strict=True
    ):
        tables.append(
            compare_errors(
                {model: read_parquet(path) for model, path in zip(models, paths, strict=True)},
                reference=params.reference,
                clusters=read_parquet(table)["cluster"].to_numpy(),
                task=task,
                dataset=task,
                split="test",
            )
        )
    write_csv(concat_rows(tables), snakemake.output[0])


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
