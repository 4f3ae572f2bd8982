"""Do two models call the same inputs strange? All pairs, every K."""

from pathlib import Path

from _job import run_job
from miniature.agreement.table import concat_rows
from miniature.characteristics.distribution import compare_distribution
from miniature.files import read_parquet, write_csv
from miniature.iteration import groups_like


def word_counts(table):
    """Words of question and context: the length that a detector could mistake for a domain."""
    texts = table["question"] + " " + table["context"] if "question" in table else table["text"]
    return texts.str.split().str.len().to_numpy()


def main(snakemake):
    """Compare the sets called out of distribution and write the agreement table."""
    params = snakemake.params
    data = {Path(path).parent.name: read_parquet(path) for path in snakemake.input.tables}
    tables = []
    per_pair = groups_like(snakemake.input.ood, params.models)
    for (task, other), models, paths in zip(params.pairs, params.models, per_pair, strict=True):
        tables.append(
            compare_distribution(
                {model: read_parquet(path) for model, path in zip(models, paths, strict=True)},
                reference=params.reference,
                clusters=data[task]["cluster"].to_numpy(),
                ood_clusters=data[other]["cluster"].to_numpy(),
                lengths=word_counts(data[task]),
                ood_lengths=word_counts(data[other]),
                task=task,
                dataset=task,
                split="test",
                ood_dataset=other,
                feature=params.feature,
            )
        )
    write_csv(concat_rows(tables), snakemake.output[0])


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
