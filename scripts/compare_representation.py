"""Do two models put the same examples near each other? All pairs, every K."""

from _job import run_job
from miniature.agreement.table import concat_rows
from miniature.characteristics.representation import compare_representation
from miniature.files import read_npy, read_parquet, write_csv
from miniature.iteration import chunks


def main(snakemake):
    """Compare the neighbour sets and write the agreement table."""
    params = snakemake.params
    size = len(params.models)
    tables = []
    for task, table, neighbors, ties in zip(
        params.tasks,
        snakemake.input.tables,
        chunks(snakemake.input.neighbors, size),
        chunks(snakemake.input.ties, size),
        strict=True,
    ):
        tables.append(
            compare_representation(
                {model: read_npy(path) for model, path in zip(params.models, neighbors, strict=True)},
                {model: read_parquet(path) for model, path in zip(params.models, ties, strict=True)},
                reference=params.models[0],
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
