"""Predictions of a model that was run elsewhere, in the order of the data table."""

from _job import run_job
from miniature.config.plan import numbered_columns
from miniature.files import read_parquet, write_parquet
from miniature.predictions.match import match_predictions
from miniature.predictions.read import read_predictions
from miniature.predictions.schemas import CLASSIFICATION_PREDICTIONS_SCHEMA, QA_PREDICTIONS_SCHEMA
from miniature.retrieval.files import check_digest


def main(snakemake):
    """Read, match and score them."""
    params, wildcards, path = snakemake.params, snakemake.wildcards, snakemake.input.artefact
    check_digest(path, params.sha256, where=f"predictions of model {wildcards.model}")
    table = match_predictions(
        read_predictions(path, model=wildcards.model),
        read_parquet(snakemake.input.table),
        kind=params.kind,
        labels=params.labels,
        values=params.label_values,
        model=wildcards.model,
        dataset=wildcards.dataset,
        path=path,
        # No parameter of the rule: it changes a message only.
        columns=numbered_columns(snakemake.config, wildcards.dataset),
    )
    question = params.kind == "question-answering"
    schema = QA_PREDICTIONS_SCHEMA if question else CLASSIFICATION_PREDICTIONS_SCHEMA
    write_parquet(table, snakemake.output[0], schema)


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
