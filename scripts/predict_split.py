"""Predictions and embeddings of one model on one split, from a single forward pass."""

from _job import run_job
from miniature.files import read_parquet, write_npy, write_parquet
from miniature.inference import classification, question_answering
from miniature.predictions.schemas import CLASSIFICATION_PREDICTIONS_SCHEMA, QA_PREDICTIONS_SCHEMA


def main(snakemake):
    """Run the model over the table and write both files."""
    params = snakemake.params
    table = read_parquet(snakemake.input.table)
    options = {
        "text_settings": params.text,
        "feature": params.inference["feature"],
        "batch_tokens": params.inference["batch_tokens"],
        "precision": params.inference["precision"],
        "device": params.device,
    }
    if params.kind == "question-answering":
        predictions, embeddings = question_answering.predict(snakemake.input.model, table, **options)
        schema = QA_PREDICTIONS_SCHEMA
    else:
        predictions, embeddings = classification.predict(
            snakemake.input.model, table, labels=params.labels, **options
        )
        schema = CLASSIFICATION_PREDICTIONS_SCHEMA
    write_npy(embeddings, snakemake.output.embeddings)
    write_parquet(predictions, snakemake.output.predictions, schema)


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
