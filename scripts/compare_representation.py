"""Do two models put the same examples near each other? All pairs, every K."""

from _job import run_job
from miniature.agreement.table import concat_rows
from miniature.characteristics.representation import compare_representation
from miniature.files import read_npy, read_parquet, write_csv
from miniature.iteration import groups_like


def main(snakemake):
    """Compare the neighbour sets and write the agreement table."""
    params = snakemake.params
    tables = []
    for task, models, table, neighbors, ties in zip(
        params.tasks,
        params.models,
        snakemake.input.tables,
        groups_like(snakemake.input.neighbors, params.models),
        groups_like(snakemake.input.ties, params.models),
        strict=True,
    ):
        tables.append(
            compare_representation(
                {model: read_npy(path) for model, path in zip(models, neighbors, strict=True)},
                {model: read_parquet(path) for model, path in zip(models, ties, strict=True)},
                reference=params.reference,
                clusters=read_parquet(table)["cluster"].to_numpy(),
                task=task,
                dataset=task,
                split="test",
                feature=params.feature,
            )
        )
    write_csv(concat_rows(tables), snakemake.output[0])


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
