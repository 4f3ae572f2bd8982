"""The scorecard: one row for every model and characteristic, with its verdict."""

import pandas as pd

from _job import run_job
from miniature.agreement.comparison import read_resamples
from miniature.agreement.table import concat_rows, read_agreement
from miniature.files import write_csv
from miniature.scorecard.build import build_scorecard
from miniature.scorecard.floor import FloorModel


def main(snakemake):
    """Read every agreement table and decide."""
    params = snakemake.params
    agreement: pd.DataFrame = concat_rows([read_agreement(path) for path in snakemake.input.agreement])
    resamples = dict(zip(params.resampled, map(read_resamples, snakemake.input.resamples), strict=True))
    card = build_scorecard(
        agreement,
        models=params.models,
        reference=params.reference,
        verdict=params.verdict,
        resamples=resamples,
        floor=[FloorModel(**entry) for entry in params.floor],
        family=params.family,
    )
    write_csv(card, snakemake.output[0])


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
