"""Models beside the floors that no verdict rests on: reruns, requantizations, prompts, others' trainings."""

from _job import run_job
from miniature.agreement.comparison import read_resamples
from miniature.agreement.table import concat_rows, read_agreement
from miniature.scorecard.floor import FloorModel
from miniature.scorecard.noise import measure_noise
from miniature.tables.noise import CAPTION, printed_noise
from miniature.tables.write import write_table


def main(snakemake):
    """Compare every model with every such floor and write the table."""
    params, inputs, output = snakemake.params, snakemake.input, snakemake.output
    table = measure_noise(
        concat_rows([read_agreement(path) for path in inputs.agreement]),
        models=params.models,
        reference=params.reference,
        verdict=params.verdict,
        resamples=dict(zip(params.resampled, map(read_resamples, inputs.resamples), strict=True)),
        floor=[FloorModel(**entry) for entry in params.floor],
    )
    write_table(
        table, csv=output.csv, md=output.md, tex=output.tex, caption=CAPTION, label="tab:noise",
        printed=printed_noise(table),
    )  # fmt: skip


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
