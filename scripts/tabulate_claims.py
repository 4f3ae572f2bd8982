"""The paper's claims and the verdict of this study on each."""

from pathlib import Path

from _job import run_job
from miniature.agreement.comparison import read_resamples
from miniature.agreement.table import concat_rows, read_agreement
from miniature.claims.table import claims_table
from miniature.files import read_parquet
from miniature.scorecard.floor import FloorModel
from miniature.tables.scorecard import read_scorecard
from miniature.tables.write import write_table


def main(snakemake):
    """Read the scorecard, the agreement tables and the attacks, and judge each claim."""
    params, inputs, output = snakemake.params, snakemake.input, snakemake.output
    attacks = {Path(path).stem: read_parquet(path) for path in inputs.attacks}
    clusters = ()
    if attacks:
        attacked = next(iter(attacks.values()))["id"]
        clusters = read_parquet(inputs.table).set_index("id")["cluster"].loc[attacked].to_numpy()
    write_table(
        claims_table(
            read_scorecard(inputs.scorecard),
            concat_rows([read_agreement(path) for path in inputs.agreement]),
            attacks,
            compressed=params.compressed,
            reference=params.reference,
            verdict=params.verdict,
            results=f"results/{params.study}",
            command=params.command,
            resamples=dict(zip(params.resampled, map(read_resamples, inputs.resamples), strict=True)),
            clusters=clusters,
            floor=[FloorModel(**entry) for entry in params.floor],
        ),
        csv=output.csv,
        md=output.md,
        tex=output.tex,
        caption="The paper's claims in this study",
        label="tab:claims",
    )


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
