"""Examples with the words of two models' attributions shaded, side by side."""

from _job import run_job
from miniature.data.tables import TEXTS
from miniature.files import atomic_path, read_parquet
from miniature.pages.attributions import write_attributions


def main(snakemake):
    """Write the page of the reference next to each other model."""
    params, inputs = snakemake.params, snakemake.input
    attributions = {
        model: read_parquet(path) for model, path in zip(params.models, inputs.attributions, strict=True)
    }
    reference = params.reference
    table = read_parquet(inputs.table).set_index("id", drop=False)
    page = write_attributions(
        table.loc[attributions[reference]["id"]].reset_index(drop=True),
        attributions,
        reference=reference,
        models=[model for model in params.models if model != reference],
        parts=TEXTS[params.kind],
        method=params.method,
        title=f"Words that decide: {snakemake.wildcards.task}",
    )
    with atomic_path(snakemake.output[0]) as path:
        path.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
