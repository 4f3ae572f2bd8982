"""Predictions of a model that was run elsewhere, in the order of the data table."""

import logging

from _job import run_job
from miniature.config.plan import numbered_columns
from miniature.files import read_parquet, write_parquet
from miniature.predictions.formats import read_recorded
from miniature.predictions.match import match_predictions
from miniature.predictions.records import Options
from miniature.predictions.schemas import RECORDED_PREDICTIONS_SCHEMA, SCHEMAS
from miniature.retrieval.files import check_digest

logger = logging.getLogger(__name__)


def main(snakemake):
    """Read, match and score them."""
    params, wildcards, source = snakemake.params, snakemake.wildcards, snakemake.params.source
    where = f"{source['path']}, predictions of model {wildcards.model}"
    if params.sha256:
        check_digest(source["path"], params.sha256, where=f"predictions of model {wildcards.model}")
    said = ("format", "benchmark", "filter", "metric", "columns")
    in_order = source.get("order") == "data"
    options = Options(
        **{k: source[k] for k in said if k in source}, dataset=wildcards.dataset, in_order=in_order
    )
    recorded = read_recorded(source["path"], options, where=where)
    for note in recorded.notes:
        logger.warning("%s: %s", where, note)
    table = match_predictions(
        recorded,
        read_parquet(snakemake.input.table),
        kind=params.kind,
        labels=params.labels,
        values=params.label_values,
        stated=source.get("labels"),
        in_order=in_order,
        model=wildcards.model,
        dataset=wildcards.dataset,
        # No parameter of the rule: it changes a message only.
        columns=numbered_columns(snakemake.config, wildcards.dataset),
        reference=read_parquet(snakemake.input.reference) if snakemake.input.get("reference") else None,
        other_prompts=params.other_prompts,
    )
    write_parquet(table, snakemake.output[0], SCHEMAS.get(params.kind, RECORDED_PREDICTIONS_SCHEMA))


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
