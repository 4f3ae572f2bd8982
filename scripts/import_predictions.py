"""Predictions of a model that was run elsewhere, in the order of the data table."""

import logging

from _job import run_job
from miniature.config.plan import numbered_columns
from miniature.files import read_parquet, write_parquet
from miniature.predictions.schemas import RECORDED_PREDICTIONS_SCHEMA, SCHEMAS
from miniature.predictions.source import read_matched
from miniature.retrieval.files import check_digest

logger = logging.getLogger(__name__)


def main(snakemake):
    """Read, match and score them."""
    params, wildcards, source = snakemake.params, snakemake.wildcards, snakemake.params.source
    if params.sha256:
        check_digest(source["path"], params.sha256, where=f"predictions of model {wildcards.model}")
    table, notes = read_matched(
        source,
        read_parquet(snakemake.input.table),
        kind=params.kind,
        labels=params.labels,
        values=params.label_values,
        model=wildcards.model,
        dataset=wildcards.dataset,
        # Not a parameter of the rule: it only changes a message.
        columns=numbered_columns(snakemake.config, wildcards.dataset),
        reference=read_parquet(snakemake.input.reference) if snakemake.input.get("reference") else None,
        other_prompts=params.other_prompts,
    )
    for note in notes:
        logger.warning("%s, predictions of model %s: %s", source["path"], wildcards.model, note)
    write_parquet(table, snakemake.output[0], SCHEMAS.get(params.kind, RECORDED_PREDICTIONS_SCHEMA))


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
