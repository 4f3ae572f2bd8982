"""The effect of an attack on a model, with the number of examples behind each figure.

The authors' own evaluation counts examples that were wrong beforehand as broken with no queries and no
changes, which flatters weak models (``evaluate`` in their code). Here the success rate is over the
examples that were right, and every number comes with its n.
"""

from collections.abc import Iterable

import pandas as pd

from miniature.attack.rows import ATTACKED, BROKEN, BUDGET, FAILED
from miniature.statistics.significance import wilson_interval


def summarize_attack(attacks: pd.DataFrame, common_ids: Iterable[str] | None = None) -> dict:
    """Accuracy before and under attack, success rate, words changed and queries.

    Parameters
    ----------
    attacks : DataFrame
        A table of `rows.ATTACKS_SCHEMA`.
    common_ids : iterable of str, optional
        Count these examples only (for instance those that every compared model classified correctly).

    Returns
    -------
    dict
        n : examples with a result (error rows are left out)
        n_errors : error rows
        n_attacked : right before the attack
        n_success, n_query_budget : outcomes among them; an exhausted time budget counts as a query budget
        accuracy_before : n_attacked / n
        accuracy_after : right before and not broken, / n; an exhausted budget counts as not broken
        success_rate : n_success / n_attacked
        success_rate_if_spent : the same, if every exhausted budget had ended in success
        accuracy_before_low, accuracy_before_high, accuracy_after_low, accuracy_after_high,
        success_rate_low, success_rate_high : 95 % intervals (Wilson) of these rates over examples
        words_mean : words per attacked example
        words_changed_rate : mean over successes of words changed / words
        queries_mean : mean over attacked examples, including the first query of the original text
        queries_mean_success : mean over successes

        A rate or mean over no examples is NaN.
    """
    if common_ids is not None:
        attacks = attacks[attacks["id"].isin(set(common_ids))]
    valid = attacks[~attacks["outcome"].isin(FAILED)]
    attacked = valid[valid["outcome"].isin(ATTACKED)]
    success = attacked[attacked["outcome"].isin(BROKEN)]
    spent = int(attacked["outcome"].isin(BUDGET).sum())
    return {
        "n": len(valid),
        "n_errors": len(attacks) - len(valid),
        "n_attacked": len(attacked),
        "n_success": len(success),
        "n_query_budget": spent,
        "accuracy_before": _ratio(len(attacked), len(valid)),
        "accuracy_after": _ratio(len(attacked) - len(success), len(valid)),
        "success_rate": _ratio(len(success), len(attacked)),
        "success_rate_if_spent": _ratio(len(success) + spent, len(attacked)),
        **_interval("accuracy_before", len(attacked), len(valid)),
        **_interval("accuracy_after", len(attacked) - len(success), len(valid)),
        **_interval("success_rate", len(success), len(attacked)),
        "words_mean": _mean(attacked["words"]),
        "words_changed_rate": _mean(success["words_changed"].astype(float) / success["words"].astype(float)),
        "queries_mean": _mean(attacked["queries"]),
        "queries_mean_success": _mean(success["queries"]),
    }


def find_common_ids(tables: Iterable[pd.DataFrame]) -> list[str]:
    """Ids attacked in every table: those that every model classified correctly, without an error row.

    Parameters
    ----------
    tables : iterable of DataFrame
        Tables of `rows.ATTACKS_SCHEMA`, one per model.

    Returns
    -------
    list of str
        In the order of the first table; empty if there is no table.
    """
    tables = list(tables)
    if not tables:
        return []
    common = set.intersection(*(set(table["id"][table["outcome"].isin(ATTACKED)]) for table in tables))
    return [id for id in tables[0]["id"] if id in common]


def _interval(name: str, part: int, whole: int) -> dict:
    low, high = wilson_interval(part, whole)
    return {f"{name}_low": low, f"{name}_high": high}


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")


def _mean(values: pd.Series) -> float:
    return float(values.astype(float).mean()) if len(values) else float("nan")
