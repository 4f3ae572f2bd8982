"""Where the results come from: code, settings, packages, machine, time."""

from pathlib import Path

from _job import run_job
from miniature.files import write_json
from miniature.provenance import collect_provenance


def main(snakemake):
    """Write provenance.json beside the results it describes."""
    root = Path(snakemake.output[0]).parent
    behind = [*root.glob("data/*/*.parquet"), *root.glob("*/**/*.safetensors")]
    write_json(
        collect_provenance(
            config=snakemake.params.config,
            results=[Path(path) for path in snakemake.input if Path(path).suffix != ".json"],
            made_from=sorted(path for path in behind if ".partial" not in path.parts),
            retrieved=[Path(path) for path in snakemake.input if Path(path).suffix == ".json"],
            benchmarks=Path(snakemake.params.benchmarks),
            repository=Path(snakemake.scriptdir),
        ),
        snakemake.output[0],
    )


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
