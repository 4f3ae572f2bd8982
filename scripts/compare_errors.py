"""Do two models get the same examples wrong? All pairs, one task."""

from _job import run_job
from miniature.agreement.comparison import Comparing, write_comparison
from miniature.characteristics.errors.compare import compare_errors
from miniature.files import read_parquet


def main(snakemake):
    """Compare the error sets and write agreement rows and the resampled values for the verdict."""
    params, inputs = snakemake.params, snakemake.input
    compared = compare_errors(
        {model: read_parquet(path) for model, path in zip(params.models, inputs.errors, strict=True)},
        Comparing.on(dict(snakemake.wildcards.items()), **params.comparing),
        read_parquet(inputs.table)["cluster"].to_numpy(),
        predictions={
            model: read_parquet(path)
            for model, path in zip(params.predicting, inputs.predictions, strict=True)
        },
        labels=params.labels,
        kind=params.kind,
    )
    write_comparison(compared, **dict(snakemake.output.items()))


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
