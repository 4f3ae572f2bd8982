"""Which examples a model calls out of distribution, for every K."""

from _job import run_job
from miniature.characteristics.distribution.detect import detect_ood
from miniature.files import read_npy, read_parquet, write_parquet


def main(snakemake):
    """Measure distances to the bank and compare them with the threshold."""
    inputs, wildcards = snakemake.input, snakemake.wildcards
    calibration = read_npy(inputs.calibration)
    # A calibration split given as embeddings only has no table; its rows are then identified by number.
    tables = inputs.get("calibration_table", [])
    calibration_ids = read_parquet(tables[0])["id"] if tables else [str(i) for i in range(len(calibration))]
    found = detect_ood(
        read_npy(inputs.bank),
        calibration,
        read_npy(inputs.test),
        read_npy(inputs.ood),
        ks=snakemake.params.k,
        percentile=snakemake.params.percentile,
        test_ids=read_parquet(inputs.test_table)["id"],
        ood_ids=read_parquet(inputs.ood_table)["id"],
        calibration_ids=calibration_ids,
        dataset=wildcards.task,
        ood_dataset=wildcards.ood_dataset,
    )
    write_parquet(found.rows, snakemake.output.rows)
    write_parquet(found.calibration, snakemake.output.calibration)


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
