"""The floor table: agreement of errors with the reference, and with its independent trainings."""

from _job import run_job
from miniature.agreement.table import read_agreement
from miniature.files import read_parquet
from miniature.tables.floor import DIGITS, floor_table
from miniature.tables.write import write_table


def main(snakemake):
    """Count errors and write the table."""
    params, inputs, output = snakemake.params, snakemake.input, snakemake.output
    counts = {}
    for model, path in zip(params.models, inputs.errors, strict=True):
        known = read_parquet(path)["error"].dropna()
        counts[model] = (int(known.sum()), len(known))
    write_table(
        floor_table(
            read_agreement(inputs.agreement),
            task=params.task,
            models=params.models,
            reference=params.reference,
            origins=params.origins,
            named_origins=params.named_origins,
            errors=counts,
        ),
        csv=output.csv,
        md=output.md,
        tex=output.tex,
        caption="Agreement of errors with the reference, and the noise floor from other trainings of it",
        label="tab:floor",
        digits=DIGITS,
    )


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
