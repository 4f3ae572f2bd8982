"""Do the decisions of two models depend on the same words? All pairs, one task."""

from _job import run_job
from miniature.agreement.comparison import Comparing, write_comparison
from miniature.characteristics.attribution.compare import compare_attribution
from miniature.files import read_parquet


def main(snakemake):
    """Compare attributions and write agreement rows and the resampled values for the verdict."""
    params, inputs = snakemake.params, snakemake.input
    attributions = {
        model: read_parquet(path) for model, path in zip(params.models, inputs.attributions, strict=True)
    }
    clusters = read_parquet(inputs.table).set_index("id")["cluster"]
    explained = next(iter(attributions.values()))["id"]
    compared = compare_attribution(
        attributions,
        Comparing.on(dict(snakemake.wildcards.items()), **params.comparing),
        clusters.loc[explained].to_numpy(),
        method=params.method,
        k_max=params.k_max,
    )
    write_comparison(compared, **dict(snakemake.output.items()))


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
