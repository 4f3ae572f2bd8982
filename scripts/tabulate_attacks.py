"""Table 3: the effect of the attack on each model."""

from itertools import islice

from _job import run_job
from miniature.attack.summary import find_common_ids, summarize_attack
from miniature.files import read_parquet
from miniature.tables.attacks import DIGITS, attacks_table, printed_attacks
from miniature.tables.write import write_table


def main(snakemake):
    """Summarize every attack, over all examples and over those that every model classified correctly."""
    params, output = snakemake.params, snakemake.output
    summaries, common = {}, {}
    paths, models = iter(snakemake.input), params.models
    for pair in params.pairs:
        attacks = {
            model: read_parquet(path) for model, path in zip(models, islice(paths, len(models)), strict=True)
        }
        ids = find_common_ids(attacks.values())
        summaries[tuple(pair)] = {model: summarize_attack(table) for model, table in attacks.items()}
        common[tuple(pair)] = {model: summarize_attack(table, ids) for model, table in attacks.items()}
    table = attacks_table(summaries, models=params.models, common=common)
    write_table(
        table,
        csv=output.csv,
        md=output.md,
        tex=output.tex,
        caption="Accuracy before and under attack, with 95 % intervals over examples",
        label="tab:attacks",
        digits=DIGITS,
        printed=printed_attacks(table),
    )


if __name__ == "__main__":
    run_job(main, snakemake)  # noqa: F821
