"""A WordPiece vocabulary from the training texts, for models trained from scratch."""

from _job import run_job
from miniature.files import atomic_folder, read_parquet
from miniature.models.vocabulary import table_texts, train_vocabulary


def main(snakemake):
    """Train the tokenizer on every table listed."""
    texts = []
    for path, kind in zip(snakemake.input, snakemake.params.kinds, strict=True):
        texts += table_texts(read_parquet(path), kind)
    with atomic_folder(snakemake.output[0]) as folder:
        train_vocabulary(texts, size=snakemake.params["size"], folder=folder)


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
