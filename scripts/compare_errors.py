"""Do two models get the same examples wrong? All pairs, every task."""

from _job import run_job
from miniature.agreement.comparison import Resampling, concat_comparisons
from miniature.characteristics.errors.compare import compare_errors
from miniature.files import read_parquet, write_csv, write_parquet
from miniature.job.iteration import groups_like, list_of


def main(snakemake):
    """Compare the error sets and write the agreement table and what its verdict rests on."""
    params = snakemake.params
    found = []
    per_task = groups_like(snakemake.input.errors, params.models)
    said_per_task = groups_like(list_of(snakemake.input.get("predictions", [])), params.predicting)
    for task, kind, models, predicting, labels, table, paths, said in zip(
        params.tasks, params.kinds, params.models, params.predicting, params.labels, snakemake.input.tables,
        per_task, said_per_task, strict=True,
    ):  # fmt: skip
        found.append(
            compare_errors(
                {model: read_parquet(path) for model, path in zip(models, paths, strict=True)},
                reference=params.reference,
                clusters=read_parquet(table)["cluster"].to_numpy(),
                task=task,
                dataset=task,
                split="test",
                resampling=Resampling(**params.resampling),
                verdict=params.verdict,
                predictions={model: read_parquet(path) for model, path in zip(predicting, said, strict=True)},
                labels=labels,
                kind=kind,
            )
        )
    compared = concat_comparisons(found)
    write_csv(compared.rows, snakemake.output.agreement)
    write_parquet(compared.resamples, snakemake.output.resamples)


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
