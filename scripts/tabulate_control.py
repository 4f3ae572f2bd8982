"""The reference compared with itself, run again with another batch size and thread count."""

from _job import run_job
from miniature.agreement.table import concat_rows, read_agreement
from miniature.tables.control import control_table, describe_control
from miniature.tables.write import write_table


def main(snakemake):
    """Compare the two runs on what each verdict rests on."""
    params, inputs, output = snakemake.params, snakemake.input, snakemake.output
    files = dict(zip(params.characteristics, zip(inputs.reference, inputs.control, strict=True), strict=True))
    table = control_table(
        concat_rows([read_agreement(path) for path in inputs.agreement]),
        files,
        reference=params.reference,
        control=params.control,
        verdict=params.verdict,
    )
    write_table(
        table,
        csv=output.csv,
        md=output.md,
        tex=output.tex,
        caption=describe_control(table, reference=params.reference),
        label="tab:control",
        digits={"agreement": 6, "distance": 6},
    )


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
