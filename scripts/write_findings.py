"""What the noise floor from models of other origin lets one say, in words."""

from _job import run_job
from miniature.agreement.table import read_agreement
from miniature.files import atomic_path, read_parquet
from miniature.findings import contrast_agreement, nearest_compared, write_findings
from miniature.tables.floor import REFERENCE, SAME, read_floor


def main(snakemake):
    """Compute the contrasts and write the text."""
    params, inputs = snakemake.params, snakemake.input
    table = read_floor(inputs.floor)
    errors = {m: read_parquet(path)["error"] for m, path in zip(params.models, inputs.errors, strict=True)}
    # Examples that every model was judged on: contrasts are paired.
    known = ~sum(error.isna() for error in errors.values()).astype(bool).to_numpy()
    wrong = {m: error.fillna(False).to_numpy(dtype=bool)[known] for m, error in errors.items()}
    clusters = read_parquet(inputs.table)["cluster"].to_numpy()[known]
    nearest = nearest_compared(table)
    contrasts = {}
    if nearest is not None:
        for origin, rows in table[table["kind"] == SAME].groupby("origin", sort=False):
            contrasts[origin] = contrast_agreement(
                wrong,
                clusters,
                reference=table.loc[table["kind"] == REFERENCE, "model"].iloc[0],
                models=list(rows["model"]),
                against=nearest["model"],
                seed=params.seed,
            )
    agreement = read_agreement(inputs.agreement)
    rows = agreement[(agreement["task"] == params.task) & (agreement["measure"] == "jaccard")]
    pairs = {}
    for a, b, value in zip(rows["model_a"], rows["model_b"], rows["value"], strict=True):
        pairs[a, b] = pairs[b, a] = float(value)
    with atomic_path(snakemake.output[0]) as temporary:
        temporary.write_text(write_findings(table, pairs, contrasts, task=params.task), encoding="utf-8")


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
