"""Which examples a model calls out of distribution, for every K."""

from _job import run_job
from miniature.characteristics.distribution import detect_ood
from miniature.files import read_npy, read_parquet, write_parquet


def main(snakemake):
    """Measure distances to the bank and compare them with the threshold."""
    inputs, wildcards = snakemake.input, snakemake.wildcards
    table = detect_ood(
        read_npy(inputs.bank),
        read_npy(inputs.calibration),
        read_npy(inputs.test),
        read_npy(inputs.ood),
        ks=snakemake.params.k,
        percentile=snakemake.params.percentile,
        test_ids=read_parquet(inputs.test_table)["id"],
        ood_ids=read_parquet(inputs.ood_table)["id"],
        dataset=wildcards.task,
        ood_dataset=wildcards.ood_dataset,
    )
    write_parquet(table, snakemake.output[0])


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
