"""Table 1: the models, their sizes and their scores."""

from itertools import islice

from _job import run_job
from miniature.agreement.table import read_agreement
from miniature.files import read_parquet
from miniature.predictions import score_classification as classification
from miniature.predictions import score_squad as squad
from miniature.predictions.match import summarize_errors
from miniature.tables.models import DIGITS, models_table
from miniature.tables.sizes import model_size
from miniature.tables.write import write_table


def main(snakemake):
    """Score every model on every task and write the table."""
    params, inputs, output = snakemake.params, snakemake.input, snakemake.output
    scores = {}
    predicted, listed = iter(inputs.predictions), iter(inputs.errors)
    for task, kind, table_path, predicting, listing in zip(
        params.tasks, params.kinds, inputs.tables, params.predicting, params.listing, strict=True
    ):
        table = read_parquet(table_path)
        scores[task] = {}
        for model, path in zip(predicting, islice(predicted, len(predicting)), strict=True):
            predictions = read_parquet(path)
            if kind == "question-answering":
                scores[task][model] = squad.summarize(predictions, table["answerable"])
            else:
                scores[task][model] = classification.summarize(predictions)
        for model, path in zip(listing, islice(listed, len(listing)), strict=True):
            scores[task][model] = summarize_errors(read_parquet(path), table, kind)
    folders = inputs.models[: len(params.trained)]
    distribution = read_agreement(inputs.distribution) if inputs.get("distribution") else None
    if distribution is not None and params.k is not None:
        # Detection quality at the verdict's K; length alone has no K.
        distribution = distribution[distribution["k"].isna() | (distribution["k"] == params.k)]
    write_table(
        models_table(
            models=params.models,
            sizes={
                **params.stated,
                **{model: model_size(folder) for model, folder in zip(params.trained, folders, strict=True)},
            },
            scores=scores,
            distribution=distribution,
        ),
        csv=output.csv,
        md=output.md,
        tex=output.tex,
        caption="Models, their sizes and their scores",
        label="tab:models",
        digits=DIGITS,
    )


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
