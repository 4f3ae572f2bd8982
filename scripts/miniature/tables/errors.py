"""Table 2: agreement of errors for all pairs of models, with chance and ceiling."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from miniature.names import replicate_of
from miniature.statistics.significance import mcnemar

# Columns in which the rows of comparisons differ.
COMPARISON = ("task", "dataset", "split")
MEASURES = {
    "kappa": "kappa",
    "accuracy_difference": "accuracy difference",
    "negative_flips": "negative flips",
    "positive_flips": "positive flips",
}
# The interval of the accuracy difference, and McNemar's test of it.
OF_ACCURACY = ("difference low", "difference high", "McNemar p")


def error_pairs(
    agreement: pd.DataFrame,
    *,
    models: Sequence[str],
    reference: str | None = None,
    errors: Mapping[str, Mapping[str, int]] | None = None,
) -> pd.DataFrame:
    """One row for each pair of models and task: the agreement of their errors.

    Parameters
    ----------
    agreement : DataFrame
        Agreement table of the errors.
    models : sequence of str
        The study's models in config order; rows of other models are omitted, as are pairs of an additional
        training with any model but the one that it repeats (the agreement table has them).
    reference : str, optional
        The reference: its pairs are tested for equal accuracy.
    errors : mapping of task to mapping of model to int, optional
        Number of errors of each model.

    Returns
    -------
    DataFrame
        task, model a, model b, errors a, errors b (where given), Jaccard, its interval (where there is one),
        chance, ceiling, kappa, accuracy difference (b minus a), its interval over clusters, flips, McNemar's
        exact p-value for pairs with the reference (see `miniature.statistics.significance.mcnemar`: it treats
        examples as independent, unlike the interval), n. Columns without any value are omitted. Sorted by
        task in order of appearance, then by pair in config order.
    """
    place = {model: i for i, model in enumerate(models)}
    rows = agreement[agreement["model_a"].isin(place) & agreement["model_b"].isin(place)]
    rows = rows[rows["model_a"] != rows["model_b"]]
    shown = [_is_shown(a, b) for a, b in zip(rows["model_a"], rows["model_b"], strict=True)]
    rows = rows[np.array(shown, dtype=bool)]
    found = []
    for _, compared in rows.groupby(list(COMPARISON), sort=False, dropna=False):
        pairs = compared.groupby(["model_a", "model_b"], sort=False)
        for (a, b), pair in sorted(pairs, key=lambda item: (place[item[0][0]], place[item[0][1]])):
            found.append(_pair_row(a, b, pair.set_index("measure"), errors, reference))
    table = pd.DataFrame(found, columns=list(found[0]) if found else PAIR_HEADINGS)
    if "errors a" in table:
        table = table.astype({"errors a": "Int64", "errors b": "Int64"})
    table = table.astype({"n": "Int64"})
    for optional in ("CI low", "CI high", *MEASURES.values(), *OF_ACCURACY):
        if optional in table and table[optional].isna().all():
            table = table.drop(columns=optional)
    return table


def _is_shown(a: str, b: str) -> bool:
    """Whether a pair consists of models, or of a model and an additional training of it."""
    again = [replicate_of(name) for name in (a, b)]
    return again == [None, None] or again == [None, a] or again == [b, None]


PAIR_HEADINGS = (
    "task", "model a", "model b", "Jaccard", "CI low", "CI high", "chance", "ceiling",
    *MEASURES.values(), *OF_ACCURACY, "n",
)  # fmt: skip


def _pair_row(
    a: str,
    b: str,
    pair: pd.DataFrame,
    errors: Mapping[str, Mapping[str, int]] | None,
    reference: str | None,
) -> dict:
    if not pair.index.is_unique:
        raise ValueError(f"the agreement table has two rows for {a} and {b} and one measure")
    jaccard = pair.loc["jaccard"]
    row = {"task": jaccard["task"], "model a": a, "model b": b}
    if errors is not None:
        of_task = errors.get(str(jaccard["task"]), {})
        row |= {"errors a": of_task.get(a), "errors b": of_task.get(b)}
    row |= {
        "Jaccard": jaccard["value"],
        "CI low": jaccard["ci_low"],
        "CI high": jaccard["ci_high"],
        "chance": jaccard["chance"],
        "ceiling": jaccard["ceiling"],
    }
    row |= {heading: pair["value"].get(measure) for measure, heading in MEASURES.items()}
    for bound, heading in zip(("ci_low", "ci_high"), OF_ACCURACY, strict=False):
        row[heading] = pair[bound].get("accuracy_difference")
    row["McNemar p"] = float("nan")
    flips = [pair["value"].get(f"{kind}_flips", float("nan")) for kind in ("negative", "positive")]
    if reference in (a, b) and not pd.isna(flips).any():
        # Shares of n examples, so whole numbers up to rounding.
        row["McNemar p"] = mcnemar(*(round(share * int(jaccard["n"])) for share in flips))
    row["n"] = jaccard["n"]
    return row


def error_matrix(agreement: pd.DataFrame, *, models: Sequence[str], task: str) -> pd.DataFrame:
    """Jaccard of the error sets of every two models of one task, as a square.

    Parameters
    ----------
    agreement : DataFrame
        Agreement table of the errors.
    models : sequence of str
        The study's models in config order, for rows and columns.
    task : str
        The task.

    Returns
    -------
    DataFrame
        ``model``, then a column for each model. Symmetric; the diagonal is empty, as is a pair without
        a value.
    """
    rows = agreement[(agreement["task"] == task) & (agreement["measure"] == "jaccard")]
    values = {}
    for a, b, value in zip(rows["model_a"], rows["model_b"], rows["value"], strict=True):
        if a != b:
            values[a, b] = values[b, a] = float(value)
    square = [[values.get((a, b), float("nan")) for b in models] for a in models]
    table = pd.DataFrame(square, columns=list(models), dtype=float)
    table.insert(0, "model", list(models), allow_duplicates=True)
    return table
