"""An attack on a classifier; a killed run, and one with more examples, continues from the finished ones."""

from _job import run_job
from miniature.attack.rows import ATTACKS_SCHEMA, attack_settings
from miniature.attack.run import attack_table
from miniature.data.sampling import subsample
from miniature.files import read_parquet, write_json, write_parquet
from miniature.job.partial import keyed_folder
from miniature.retrieval.registry import check_retrieved
from miniature.seeds import generator


def main(snakemake):
    """Attack a seeded sample of the test examples, the same one for every model."""
    params, inputs, wildcards = snakemake.params, snakemake.input, snakemake.wildcards
    check_retrieved(inputs.get("sentence_encoder", []))
    # The journal itself is keyed by the digests of both models, the recipe and the code. It stays, so that
    # more examples cost no more than the new ones: the sample that they are is nested.
    folder = keyed_folder(params.partial, params.code)
    table = subsample(
        read_parquet(inputs.table),
        params.examples,
        generator(params.seed, "attack", wildcards.task),
        "characteristics: vulnerability: examples",
        nested=True,
    )
    attacks = attack_table(
        inputs.model,
        inputs.get("masked_lm"),
        table,
        params.recipe,
        labels=params.labels,
        text_settings=params.text,
        journal=folder / "journal.jsonl",
        sentence_encoder_folder=params.sentence_encoder,
        device=params.device,
        seed=params.seed,
        version=params.code,
    )
    write_parquet(attacks, snakemake.output.attacks, ATTACKS_SCHEMA)
    record = attack_settings(
        params.recipe,
        task=wildcards.task,
        model=wildcards.model,
        examples=len(table),
        labels=params.labels,
        text_settings=params.text,
        device=params.device,
        threads=params.compute_threads,
        seed=params.seed,
    )
    write_json(record, snakemake.output.settings)


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
