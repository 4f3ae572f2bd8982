"""Table 1: the models, their sizes and task scores, and trivial baselines."""

from collections.abc import Mapping, Sequence

import pandas as pd

from miniature.names import replicate_of

NO_ANSWER = "(answers nothing)"
MAJORITY = "(always the majority class)"

# Decimals of the printed table where they differ from the usual number.
DIGITS = {"parameters (M)": 2, "size (MB)": 2}


def models_table(
    *,
    models: Sequence[str],
    sizes: Mapping[str, Mapping],
    scores: Mapping[str, Mapping[str, Mapping]],
    distribution: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """One row for each model, then one for each baseline without a model.

    Parameters
    ----------
    models : sequence of str
        The study's models in config order.
    sizes : mapping of model to mapping
        ``layers``, ``hidden``, ``parameters`` and ``bytes`` from `miniature.tables.sizes.model_size`, or as
        stated in the study with ``latency_ms``; a model without them has empty cells.
    scores : mapping of task to mapping of model to mapping
        Results of `summarize` of `miniature.predictions.score_squad` or `score_classification`, in percent.
    distribution : DataFrame, optional
        The agreement table of out-of-distribution detection, whose rows of one model (``model_a`` equal to
        ``model_b``) hold ``auroc``, ``fpr95`` and ``length_auroc``; shown at the largest K.

    Returns
    -------
    DataFrame
        The headings are those of the printed table. "%" columns are in percent, others are not. ``trained
        again`` names the model that an additional training repeats; it is present only if there are such
        trainings.

    Notes
    -----
    The row of no answer at all is derived from the same summaries: every unanswerable question is correct,
    and the rest of ``baseline_exact`` was answerable.
    """
    rows: list[dict] = []
    for model in models:
        size = sizes.get(model, {})
        row = {
            "model": model,
            "trained again": replicate_of(model),
            "layers": size.get("layers"),
            "hidden": size.get("hidden"),
            "parameters (M)": _divided(size.get("parameters"), 1e6),
            "size (MB)": _divided(size.get("bytes"), 1e6),
            "latency (ms)": size.get("latency_ms"),
        }
        for task, of_models in scores.items():
            row |= _score_cells(task, of_models.get(model, {}))
        rows.append(row)
    rows += _baselines(scores)
    table = pd.DataFrame(rows).astype({"layers": "Int64", "hidden": "Int64"})
    if table["latency (ms)"].isna().all():
        table = table.drop(columns="latency (ms)")
    if table["trained again"].isna().all():
        table = table.drop(columns="trained again")
    if distribution is not None:
        table = table.merge(ood_quality(distribution, models), on="model", how="left")
    # A column without any score is omitted.
    own = list(table.columns).index("size (MB)") + 1
    scored = [column for column in table.columns[own:] if table[column].notna().any()]
    return table[[*table.columns[:own], *scored]]


def _score_cells(task: str, summary: Mapping) -> dict:
    if "accuracy" in summary:
        return {f"{task} accuracy %": summary["accuracy"]}
    return {f"{task} {heading} %": summary.get(key) for heading, key in QA_COLUMNS.items() if key in summary}


QA_COLUMNS = {
    "EM": "exact",
    "F1": "f1",
    "HasAns EM": "HasAns_exact",
    "HasAns F1": "HasAns_f1",
    "NoAns EM": "NoAns_exact",
}


def _baselines(scores: Mapping[str, Mapping[str, Mapping]]) -> list[dict]:
    """Rows for always answering nothing and for the majority class, where a task has them."""
    nothing: dict = {}
    majority: dict = {}
    for task, of_models in scores.items():
        summary = next(iter(of_models.values()), {})
        if summary.get("baseline_accuracy") is not None:
            majority[f"{task} accuracy %"] = summary["baseline_accuracy"]
        if summary.get("baseline_exact") is not None:
            exact = summary["baseline_exact"]
            answerable, unanswerable = summary.get("HasAns_total") or 0, summary.get("NoAns_total") or 0
            # For an empty answer F1 and exact match are equal.
            nothing |= {f"{task} EM %": exact, f"{task} F1 %": exact}
            if answerable:
                left = (exact * (answerable + unanswerable) - 100 * unanswerable) / answerable
                nothing |= {f"{task} HasAns EM %": left, f"{task} HasAns F1 %": left}
            if unanswerable:
                nothing[f"{task} NoAns EM %"] = 100.0
    return [{"model": name, **cells} for name, cells in ((NO_ANSWER, nothing), (MAJORITY, majority)) if cells]


def ood_quality(distribution: pd.DataFrame, models: Sequence[str]) -> pd.DataFrame:
    """Detection quality of each model, one column per measure and out-of-distribution dataset."""
    own = distribution[distribution["model_a"] == distribution["model_b"]]
    table = pd.DataFrame({"model": list(models)})
    for (task, dataset), rows in own.groupby(["task", "ood_dataset"], sort=False, dropna=False):
        several = own["task"].nunique() > 1
        name = f"{task} / {dataset}" if several else str(dataset)
        for measure, heading in QUALITY_COLUMNS.items():
            found = rows[rows["measure"] == measure]
            if found.empty:
                continue
            k = found["k"].max()
            if not pd.isna(k):
                found = found[found["k"] == k]
                heading = f"{heading} (K={int(k)})"
            values = found.set_index("model_a")["value"]
            table[f"{name} {heading}"] = [float(values.get(model, float("nan"))) for model in models]
    return table


QUALITY_COLUMNS = {"auroc": "AUROC", "fpr95": "FPR95", "length_auroc": "AUROC of length alone"}


def _divided(number: int | None, by: float) -> float | None:
    return None if number is None else number / by
