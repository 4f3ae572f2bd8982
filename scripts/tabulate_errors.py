"""Table 2: which models make the same mistakes."""

from itertools import islice

from _job import run_job
from miniature.agreement.table import read_agreement
from miniature.files import read_parquet
from miniature.tables.errors import error_matrix, error_pairs
from miniature.tables.write import write_table


def main(snakemake):
    """Write all pairs, and a square for each task."""
    params, inputs, output = snakemake.params, snakemake.input, snakemake.output
    agreement = read_agreement(inputs.agreement)
    counts = {}
    paths = iter(inputs.errors)
    for task, models in zip(params.tasks, params.comparing, strict=True):
        counts[task] = {
            model: int(read_parquet(path)["error"].fillna(False).astype(bool).sum())
            for model, path in zip(models, islice(paths, len(models)), strict=True)
        }
    write_table(
        error_pairs(agreement, models=params.models, reference=params.reference, errors=counts),
        csv=output.csv,
        md=output.md,
        tex=output.tex,
        caption="Agreement of prediction errors",
        label="tab:errors",
        also={
            f"Jaccard index of the error sets, {task}": error_matrix(
                agreement, models=params.originals, task=task
            )
            for task in params.tasks
        },
    )


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
