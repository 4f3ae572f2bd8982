"""A model fine-tuned on a task; a killed run continues from its last checkpoint."""

from _job import run_job
from miniature.files import read_parquet
from miniature.job.partial import digest_inputs, keyed_folder, remove
from miniature.models.classes import named_values
from miniature.models.results import check_result_folder
from miniature.retrieval.registry import check_retrieved
from miniature.seeds import derive_seed
from miniature.training.finetune import FineTuning, finetune


def main(snakemake):
    """Fine-tune the model named by the wildcards."""
    params, wildcards = snakemake.params, snakemake.wildcards
    vocabulary, teacher = snakemake.input.sources, snakemake.input.teacher
    check_retrieved(vocabulary)
    # Before the key, which damage would change: work under another key is removed.
    train = read_parquet(snakemake.input.train)
    for folder in teacher:
        check_result_folder(folder)
    settings = {name: value for name, value in params.items() if name != "partial"}
    checkpoints = keyed_folder(params.partial, [settings, digest_inputs(snakemake.input)])
    finetune(
        params.spec,
        train,
        FineTuning(
            task=params.kind,
            labels=named_values(params.labels, params.label_values),
            settings=params.settings,
            text_settings=params.text,
            seed=derive_seed(params.seed, "finetune", wildcards.task, wildcards.model),
            device=params.device,
            checkpoint_folder=checkpoints,
        ),
        vocabulary=vocabulary[0] if "architecture" in params.spec else None,
        output_folder=snakemake.output[0],
        teacher_folder=teacher[0] if teacher else None,
    )
    remove(params.partial)


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
