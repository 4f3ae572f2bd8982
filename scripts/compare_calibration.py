"""How well are the models calibrated, and how far apart are two? All models and pairs, every task."""

from _job import run_job
from miniature.agreement.comparison import Resampling, concat_comparisons
from miniature.characteristics.calibration.compare import compare_calibration
from miniature.files import read_parquet, write_csv, write_parquet
from miniature.job.iteration import groups_like


def main(snakemake):
    """Compare confidences and write the agreement table and what its verdict rests on."""
    params = snakemake.params
    found = []
    per_task = groups_like(snakemake.input.confidences, params.models)
    for task, models, table, paths in zip(
        params.tasks, params.models, snakemake.input.tables, per_task, strict=True
    ):
        found.append(
            compare_calibration(
                {model: read_parquet(path) for model, path in zip(models, paths, strict=True)},
                bins=params.bins,
                reference=params.reference,
                clusters=read_parquet(table)["cluster"].to_numpy(),
                task=task,
                dataset=task,
                split="test",
                resampling=Resampling(**params.resampling),
                verdict=params.verdict,
            )
        )
    compared = concat_comparisons(found)
    write_csv(compared.rows, snakemake.output.agreement)
    write_parquet(compared.resamples, snakemake.output.resamples)


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
