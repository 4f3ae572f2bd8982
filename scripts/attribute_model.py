"""The words that a model's decisions depend on; a killed run continues from its last finished example."""

from _job import run_job
from miniature.attribution.explain import ATTRIBUTIONS_SCHEMA, explain_table
from miniature.data.sampling import subsample
from miniature.files import read_parquet, write_json, write_parquet
from miniature.job.partial import keyed_folder, remove
from miniature.seeds import derive_seed, generator


def main(snakemake):
    """Explain a seeded sample of the test examples, the same one for every model."""
    params, wildcards = snakemake.params, snakemake.wildcards
    table = subsample(
        read_parquet(snakemake.input.table),
        params.examples,
        generator(params.seed, "attribution", wildcards.task),
        "characteristics: attribution: examples",
    )
    attributions, record = explain_table(
        snakemake.input.model,
        table,
        task=params.kind,
        labels=params.labels,
        text_settings=params.text,
        settings=params.settings,
        batch_tokens=params.batch_tokens,
        journal=keyed_folder(params.partial, params.code) / "journal.jsonl",
        device=params.device,
        # A different seed for each model, including the control: differences are the noise of a random
        # method.
        seed=derive_seed(params.seed, "attribution", wildcards.task, wildcards.model),
        version=params.code,
    )
    write_parquet(attributions, snakemake.output.attributions, ATTRIBUTIONS_SCHEMA)
    write_json({**record, "examples": len(table)}, snakemake.output.settings)
    remove(params.partial)


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
