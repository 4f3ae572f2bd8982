"""Where the results come from: code, settings, packages, machine, time."""

from pathlib import Path

from _job import run_job
from miniature.config.plan import all_tasks, trained_models
from miniature.files import write_json
from miniature.job.provenance import collect_provenance


def main(snakemake):
    """Write provenance.json next to the results it describes."""
    root, config = Path(snakemake.output[0]).parent, snakemake.params.config
    # Only what this study names: the folder may contain files of earlier versions of it.
    data = [root / "data" / name for name in config["datasets"]]
    checkpoints = [
        *(root / "models" / task / model for task in all_tasks(config) for model in trained_models(config)),
        *(root / "masked_lms" / name for name in config.get("masked_lms", {})),
    ]
    behind = [file for folder in data for file in folder.glob("[!.]*.parquet")]
    behind += [file for folder in checkpoints for file in folder.glob("*.safetensors")]
    write_json(
        collect_provenance(
            config=config,
            results=[Path(path) for path in snakemake.input if Path(path).suffix != ".json"],
            made_from=sorted(behind),
            retrieved=[Path(path) for path in snakemake.input if Path(path).suffix == ".json"],
            benchmarks=Path(snakemake.params.benchmarks),
            repository=Path(snakemake.scriptdir),
        ),
        snakemake.output[0],
    )


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
