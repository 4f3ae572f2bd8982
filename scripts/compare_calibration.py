"""How well are the models calibrated, and how far apart are two? All models and pairs, one task."""

from _job import run_job
from miniature.agreement.comparison import Comparing, write_comparison
from miniature.characteristics.calibration.compare import compare_calibration
from miniature.files import read_parquet


def main(snakemake):
    """Compare confidences and write agreement rows and the resampled values for the verdict."""
    params, inputs = snakemake.params, snakemake.input
    compared = compare_calibration(
        {model: read_parquet(path) for model, path in zip(params.models, inputs.confidences, strict=True)},
        Comparing.on(dict(snakemake.wildcards.items()), **params.comparing),
        read_parquet(inputs.table)["cluster"].to_numpy(),
        bins=params.bins,
    )
    write_comparison(compared, **dict(snakemake.output.items()))


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
