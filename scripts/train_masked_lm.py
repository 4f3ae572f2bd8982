"""A masked language model: trained from scratch, trained further, or used unchanged."""

from _job import run_job
from miniature.files import read_parquet
from miniature.job.partial import digest_inputs, keyed_folder, remove
from miniature.models.vocabulary import table_texts
from miniature.retrieval.registry import check_retrieved
from miniature.seeds import derive_seed
from miniature.training.masked_lm import copy_masked_lm, train_masked_lm


def main(snakemake):
    """Build the masked language model named by the wildcards."""
    params = snakemake.params
    check_retrieved(snakemake.input.sources)
    if not params.settings:
        copy_masked_lm(params.spec, snakemake.output[0])
        return
    texts = []
    for path, kind in zip(snakemake.input.tables, params.kinds, strict=True):
        texts += table_texts(read_parquet(path), kind)
    settings = {name: value for name, value in params.items() if name != "partial"}
    checkpoints = keyed_folder(params.partial, [settings, digest_inputs(snakemake.input)])
    train_masked_lm(
        params.spec,
        texts,
        settings=params.settings,
        vocabulary=snakemake.input.sources[0] if "architecture" in params.spec else None,
        seed=derive_seed(params.seed, "masked_lm", snakemake.wildcards.masked_lm),
        device=params.device,
        checkpoint_folder=checkpoints,
        output_folder=snakemake.output[0],
    )
    remove(params.partial)


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
