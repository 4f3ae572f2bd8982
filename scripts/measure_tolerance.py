"""Every model against its own original: what changed, and whether that is tolerated."""

import json

from _job import run_job
from miniature.agreement.comparison import read_resamples
from miniature.agreement.table import read_agreement
from miniature.files import atomic_path, read_parquet, write_csv
from miniature.scorecard.outputs import read_outputs
from miniature.scorecard.sanity import check_outputs
from miniature.scorecard.tolerance import neighbors_of_pairs, tolerance_rows, tolerance_table


def main(snakemake):
    """Compare the outputs on every task, and write what is strange about them beside it."""
    params, inputs = snakemake.params, snakemake.input
    neighbors, measured_on = {}, None
    if params.neighbors:
        neighbors = neighbors_of_pairs(
            read_agreement(inputs.agreement[0]),
            read_resamples(inputs.resamples[0]),
            params.neighbors,
            limit=params.limits.get("neighbor_agreement", float("nan")),
        )
        measured_on = params.neighbors["task"]
    predictions, errors = iter(inputs.predictions), iter(inputs.errors)  # task by task, model by model
    rows, warnings = [], []
    for i, task in enumerate(params.tasks):
        outputs = read_outputs(
            {model: read_parquet(next(predictions)) for model in params.predicting[i]},
            {model: read_parquet(next(errors)) for model in params.listing[i]},
            kind=params.kinds[i],
            labels=params.labels[i],
        )
        rows.append(
            tolerance_rows(
                outputs,
                read_parquet(inputs.tables[i])["cluster"].to_numpy(),
                subjects=params.subjects,
                originals=params.originals,
                trainings=params.trainings,
                task=task,
                dataset=task,
                limits=params.limits,
                neighbors=neighbors if task == measured_on else None,
            )
        )
        warnings += check_outputs(
            outputs,
            task=task,
            reference=params.reference,
            subjects=params.judged,
            labels=params.labels[i],
            reruns=[tuple(pair) for pair in params.reruns],
        )
    write_csv(tolerance_table(rows), snakemake.output.tolerance)
    with atomic_path(snakemake.output.warnings) as temporary:
        temporary.write_text(json.dumps(warnings, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
