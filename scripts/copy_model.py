"""A checkpoint that was fine-tuned elsewhere, checked and used unchanged."""

from _job import run_job
from miniature.models.classes import named_values
from miniature.retrieval.registry import check_retrieved
from miniature.training.as_is import copy_checkpoint


def main(snakemake):
    """Copy the model named by the wildcards."""
    params = snakemake.params
    check_retrieved(snakemake.input.sources)
    copy_checkpoint(
        params.spec,
        snakemake.output[0],
        task=params.kind,
        labels=named_values(params.labels, params.label_values),
        text_settings=params.text,
    )


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
