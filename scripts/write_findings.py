"""Findings from a noise floor of independently trained models, as text."""

import numpy as np

from _job import run_job
from miniature.agreement.table import read_agreement
from miniature.files import atomic_path, read_parquet
from miniature.pages.findings import floor_contrasts, write_findings
from miniature.tables.floor import read_floor
from miniature.tables.scorecard import read_scorecard


def main(snakemake):
    """Compute the contrasts and write the text."""
    params, inputs = snakemake.params, snakemake.input
    table = read_floor(inputs.floor)
    errors = {m: read_parquet(path)["error"] for m, path in zip(params.models, inputs.errors, strict=True)}
    # Contrasts are paired: only examples with a result for every model.
    known = np.logical_and.reduce([error.notna() for error in errors.values()])
    contrasts = floor_contrasts(
        table,
        {model: error[known].to_numpy(dtype=bool) for model, error in errors.items()},
        read_parquet(inputs.table)["cluster"].to_numpy()[known],
        seed=params.seed,
    )
    agreement = read_agreement(inputs.agreement)
    rows = agreement[(agreement["task"] == params.task) & (agreement["measure"] == "jaccard")]
    pairs = {}
    for a, b, value in zip(rows["model_a"], rows["model_b"], rows["value"], strict=True):
        pairs[a, b] = pairs[b, a] = float(value)
    card = read_scorecard(inputs.scorecard)
    text = write_findings(table, pairs, contrasts, task=params.task, card=card)
    with atomic_path(snakemake.output[0]) as temporary:
        temporary.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
