"""Do two models represent the examples alike? Neighbours at every K, and embeddings as a whole; all pairs."""

from _job import run_job
from miniature.agreement.comparison import Resampling, concat_comparisons
from miniature.characteristics.representation.compare import compare_representation
from miniature.files import read_npy, read_parquet, write_csv, write_parquet
from miniature.job.iteration import groups_like


def main(snakemake):
    """Compare neighbours and embeddings; write the agreement table and the resampled values."""
    params = snakemake.params
    comparisons = []
    for task, models, table, neighbors, ties, embeddings in zip(
        params.tasks,
        params.models,
        snakemake.input.tables,
        groups_like(snakemake.input.neighbors, params.models),
        groups_like(snakemake.input.ties, params.models),
        groups_like(snakemake.input.embeddings, params.models),
        strict=True,
    ):
        comparisons.append(
            compare_representation(
                {model: read_npy(path) for model, path in zip(models, neighbors, strict=True)},
                {model: read_parquet(path) for model, path in zip(models, ties, strict=True)},
                {model: read_npy(path) for model, path in zip(models, embeddings, strict=True)},
                reference=params.reference,
                clusters=read_parquet(table)["cluster"].to_numpy(),
                task=task,
                dataset=task,
                split="test",
                feature=params.feature,
                resampling=Resampling(**params.resampling),
                verdict=params.verdict,
            )
        )
    compared = concat_comparisons(comparisons)
    write_csv(compared.rows, snakemake.output.agreement)
    write_parquet(compared.resamples, snakemake.output.resamples)


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
