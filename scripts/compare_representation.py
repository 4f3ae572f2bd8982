"""Do two models represent the examples similarly? Neighbors at every K, and whole embeddings; all pairs."""

from _job import run_job
from miniature.agreement.comparison import Comparing, write_comparison
from miniature.characteristics.representation.compare import compare_representation
from miniature.files import read_npy, read_parquet


def main(snakemake):
    """Compare neighbors and embeddings; write agreement rows and the resampled values."""
    params, inputs = snakemake.params, snakemake.input
    compared = compare_representation(
        {model: read_npy(path) for model, path in zip(params.models, inputs.neighbors, strict=True)},
        {model: read_npy(path) for model, path in zip(params.models, inputs.rankings, strict=True)},
        {model: read_parquet(path) for model, path in zip(params.models, inputs.ties, strict=True)},
        {model: read_npy(path) for model, path in zip(params.models, inputs.embeddings, strict=True)},
        Comparing.on(dict(snakemake.wildcards.items()), **params.comparing),
        read_parquet(inputs.table)["cluster"].to_numpy(),
        processes=params.compute_threads,
    )
    write_comparison(compared, **dict(snakemake.output.items()))


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
