"""Table 3: the effect of the attack on each model, over all of its correct answers and over shared ones."""

from collections.abc import Mapping, Sequence

import pandas as pd

from miniature.tables.write import format_cell

# Heading, key of the summary, factor: rates are printed in percent.
COLUMNS = (
    ("n", "n", 1),
    ("accuracy before %", "accuracy_before", 100),
    ("accuracy before low %", "accuracy_before_low", 100),
    ("accuracy before high %", "accuracy_before_high", 100),
    ("accuracy after %", "accuracy_after", 100),
    ("accuracy after low %", "accuracy_after_low", 100),
    ("accuracy after high %", "accuracy_after_high", 100),
    ("attacked", "n_attacked", 1),
    ("success %", "success_rate", 100),
    ("success low %", "success_rate_low", 100),
    ("success high %", "success_rate_high", 100),
    ("success if budgets broke %", "success_rate_if_spent", 100),
    ("words changed %", "words_changed_rate", 100),
    ("queries", "queries_mean", 1),
    ("failed to run", "n_errors", 1),
)
COMMON_COLUMNS = (
    ("common n", "n", 1),
    ("common success %", "success_rate", 100),
    ("common success low %", "success_rate_low", 100),
    ("common success high %", "success_rate_high", 100),
    ("common success if budgets broke %", "success_rate_if_spent", 100),
    ("common words changed %", "words_changed_rate", 100),
    ("common queries", "queries_mean", 1),
)
COUNTS = ("n", "attacked", "failed to run", "common n")
DIGITS = {"queries": 1, "common queries": 1}


def attacks_table(
    summaries: Mapping[tuple[str, str], Mapping[str, Mapping]],
    *,
    models: Sequence[str],
    common: Mapping[tuple[str, str], Mapping[str, Mapping]] | None = None,
) -> pd.DataFrame:
    """One row for each task, recipe and model.

    Parameters
    ----------
    summaries : mapping of (task, recipe) to mapping of model to mapping
        Results of `miniature.attack.summary.summarize_attack` for each model.
    models : sequence of str
        The study's models in config order; one without a summary has empty cells.
    common : same as `summaries`, optional
        The same over the examples that every model classified correctly before the attack: otherwise a more
        accurate model would be attacked on harder examples.

    Returns
    -------
    DataFrame
        Rates with their 95 % intervals over examples (``low``, ``high``). Columns ``if budgets broke`` are
        present only if a budget ran out, ``failed to run`` only if an attack failed to run.
    """
    rows = []
    for (task, recipe), of_models in summaries.items():
        shared = (common or {}).get((task, recipe), {})
        for model in models:
            row = {"task": task, "recipe": recipe, "model": model}
            row |= _cells(COLUMNS, of_models.get(model, {}))
            if common is not None:
                row |= _cells(COMMON_COLUMNS, shared.get(model, {}))
            rows.append(row)
    headings = ["task", "recipe", "model", *(c[0] for c in COLUMNS)]
    if common is not None:
        headings += [c[0] for c in COMMON_COLUMNS]
    table = pd.DataFrame(rows, columns=headings)
    table = table.astype({name: "Int64" for name in COUNTS if name in table})
    if not (table["success if budgets broke %"].astype(float) > table["success %"].astype(float)).any():
        table = table.drop(columns=[name for name in table if name.endswith("if budgets broke %")])
    if not (table["failed to run"] > 0).any():
        table = table.drop(columns="failed to run")
    return table


def printed_attacks(table: pd.DataFrame) -> pd.DataFrame:
    """Each rate with its interval in one cell.

    Parameters
    ----------
    table : DataFrame
        From `attacks_table`.

    Returns
    -------
    DataFrame
        Without the columns of bounds; columns with an interval contain text.
    """
    bounded = [name for name in table if f"{name[:-2]} low %" in table]
    bounds = [f"{name[:-2]} {end} %" for name in bounded for end in ("low", "high")]
    printed = table.drop(columns=bounds)
    for name in bounded:
        cells = [
            [format_cell(value, 1) for value in table[f"{name[:-2]}{end} %"]] for end in ("", " low", " high")
        ]
        printed[name] = [
            f"{value} ({low} to {high})" if low else value for value, low, high in zip(*cells, strict=True)
        ]
    return printed


def _cells(columns: tuple[tuple[str, str, int], ...], summary: Mapping) -> dict:
    cells = {}
    for heading, key, factor in columns:
        value = summary.get(key)
        cells[heading] = None if value is None else value * factor
    return cells
