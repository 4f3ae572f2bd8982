"""Do two models find the same inputs out of distribution? All pairs, every K, one other dataset."""

from _job import run_job
from miniature.agreement.comparison import Comparing, write_comparison
from miniature.characteristics.distribution.compare import Examples, compare_distribution
from miniature.characteristics.distribution.detect import Detection
from miniature.files import read_parquet
from miniature.models.texts import text_columns


def word_counts(table):
    """Words of all texts of each example: the length that a detector could mistake for a domain."""
    task = "question-answering" if "question" in table else "classification"
    return sum(table[name].str.split().str.len().to_numpy() for name in text_columns(table, task))


def calibration_clusters(tables, detections):
    """Clusters of the calibration split; each row is its own where the split is given as embeddings only."""
    if tables:
        return tables[0]["cluster"].to_numpy()
    return next((d.calibration["id"].unique() for d in detections.values()), [])


def main(snakemake):
    """Compare the sets called out of distribution; write agreement rows and the resampled values."""
    params, inputs = snakemake.params, snakemake.input
    detections = {
        model: Detection(*map(read_parquet, paths))
        for model, *paths in zip(params.models, inputs.ood, inputs.calibration, strict=True)
    }
    test, ood = read_parquet(inputs.test_table), read_parquet(inputs.ood_table)
    calibration = [read_parquet(path) for path in inputs.calibration_table]
    compared = compare_distribution(
        detections,
        Comparing.on(dict(snakemake.wildcards.items()), **params.comparing),
        Examples(
            test=test["cluster"].to_numpy(),
            ood=ood["cluster"].to_numpy(),
            calibration=calibration_clusters(calibration, detections),
            test_lengths=word_counts(test),
            ood_lengths=word_counts(ood),
        ),
        percentile=params.percentile,
    )
    write_comparison(compared, **dict(snakemake.output.items()))


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
