"""Do two models call the same inputs strange? All pairs, every K."""

from pathlib import Path

from _job import run_job
from miniature.agreement.comparison import Resampling, concat_comparisons
from miniature.characteristics.distribution.compare import compare_distribution
from miniature.characteristics.distribution.detect import Detection
from miniature.files import read_parquet, write_csv, write_parquet
from miniature.job.iteration import groups_like, list_of


def word_counts(table):
    """Words of question and context: the length that a detector could mistake for a domain."""
    texts = table["question"] + " " + table["context"] if "question" in table else table["text"]
    return texts.str.split().str.len().to_numpy()


def calibration_clusters(table, detections):
    """Clusters of the calibration split; each row is its own where the split is given as embeddings only."""
    if table is not None:
        return table["cluster"].to_numpy()
    return next((d.calibration["id"].unique() for d in detections.values()), [])


def main(snakemake):
    """Compare the sets called out of distribution; write the agreement table and the resampled values."""
    params, inputs = snakemake.params, snakemake.input
    data = {Path(path).parent.name: read_parquet(path) for path in list_of(inputs.tables)}
    calibration = {Path(path).parent.name: read_parquet(path) for path in list_of(inputs.calibration_tables)}
    comparisons = []
    for (task, other), models, rows, distances in zip(
        params.pairs,
        params.models,
        groups_like(inputs.ood, params.models),
        groups_like(inputs.calibration, params.models),
        strict=True,
    ):
        detections = {
            model: Detection(*map(read_parquet, paths))
            for model, *paths in zip(models, rows, distances, strict=True)
        }
        comparisons.append(
            compare_distribution(
                detections,
                reference=params.reference,
                clusters=data[task]["cluster"].to_numpy(),
                ood_clusters=data[other]["cluster"].to_numpy(),
                calibration_clusters=calibration_clusters(calibration.get(task), detections),
                lengths=word_counts(data[task]),
                ood_lengths=word_counts(data[other]),
                percentile=params.percentile,
                task=task,
                dataset=task,
                split="test",
                ood_dataset=other,
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
