"""A model made from another's fine-tuned checkpoint; a killed training continues from its last checkpoint."""

from _job import run_job
from miniature.files import read_parquet
from miniature.job.partial import digest_inputs, keyed_folder, remove
from miniature.models.classes import named_values
from miniature.models.results import check_result_folder
from miniature.seeds import derive_seed
from miniature.training.derive import derive_model
from miniature.training.finetune import FineTuning


def main(snakemake):
    """Make the model named by the wildcards."""
    params, wildcards, inputs = snakemake.params, snakemake.wildcards, snakemake.input
    # Before the key, which damage would change: work under another key is removed.
    check_result_folder(inputs.origin)
    table = read_parquet(inputs.train[0]) if inputs.train else None
    settings = {name: value for name, value in params.items() if name != "partial"}
    derive_model(
        params.derive,
        inputs.origin,
        snakemake.output[0],
        FineTuning(
            task=params.kind,
            labels=named_values(params.labels, params.label_values),
            settings=params.settings,
            text_settings=params.text,
            seed=derive_seed(params.seed, "derive", wildcards.task, wildcards.model),
            device=params.device,
            checkpoint_folder=keyed_folder(params.partial, [settings, digest_inputs(inputs)]),
        ),
        table,
    )
    remove(params.partial)


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
