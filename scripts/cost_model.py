"""What a model costs to run on this machine, which does nothing else meanwhile."""

from _job import run_job
from miniature.files import read_parquet, write_json
from miniature.inference.costs import measure_costs
from miniature.tables.sizes import model_size


def main(snakemake):
    """Measure the model named by the wildcards."""
    params, inputs = snakemake.params, snakemake.input
    size = model_size(inputs.model)
    costs = measure_costs(
        inputs.model,
        read_parquet(inputs.table),
        task=params.kind,
        text_settings=params.text,
        device=params.device,
        **params.costs,
    )
    # A graph that was not made here says how many numbers it holds, scales among them.
    costs["parameters"] = costs["parameters"] or size["parameters"]
    write_json({"bytes": size["bytes"], **costs}, snakemake.output[0])


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
