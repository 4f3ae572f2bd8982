"""One value of one measure with all columns of its agreement row."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from miniature.agreement.comparison import Comparison, make_resamples, rests_on
from miniature.agreement.table import make_rows


class Finding(NamedTuple):
    """One value of one measure on one pair of models, or on one model.

    Attributes
    ----------
    model_a, model_b : str
    measure : str
    over : str
        The examples: ``id``, ``ood`` or ``all``.
    value, chance, ceiling : float
        NaN where not applicable.
    low, high : float
        Interval; NaN if there is none.
    ci_method : str
    draws : ndarray of float64
        The value in each resample, or without each block; empty if there are none.
    chance_draws : ndarray of float64 or None
        The chance level in each; None if it is the same in all.
    drawn_by : str
        `miniature.agreement.comparison.BOOTSTRAP` or `JACKKNIFE`.
    """

    model_a: str
    model_b: str
    measure: str
    over: str
    value: float
    chance: float = float("nan")
    ceiling: float = float("nan")
    low: float = float("nan")
    high: float = float("nan")
    ci_method: str = ""
    draws: np.ndarray = np.empty(0)
    drawn_by: str = ""
    chance_draws: np.ndarray | None = None


def tabulate_findings(
    findings: Sequence[Finding],
    *,
    labels: Mapping[str, object],
    sizes: Mapping[str, tuple[int, int]],
    verdict: Mapping[str, object] | None,
) -> Comparison:
    """Agreement rows, and the resampled values of those that the verdict depends on.

    Parameters
    ----------
    findings : sequence of Finding
    labels : mapping
        Columns that all rows share.
    sizes : mapping of str to tuple of int
        For each value of `over`, examples and clusters.
    verdict : mapping or None
        The study's `verdict` entry for the characteristic.

    Returns
    -------
    Comparison

    Examples
    --------
    >>> found = Finding("large", "tiny", "jaccard_id", "id", 0.5)
    >>> rows = tabulate_findings([found], labels={"k": 3}, sizes={"id": (10, 4)}, verdict=None).rows
    >>> rows[["measure", "k", "value", "n", "n_clusters"]].values.tolist()
    [['jaccard_id', 3, 0.5, 10, 4]]
    """
    if not findings:
        return Comparison(make_rows(), make_resamples())
    same = ("model_a", "model_b", "measure", "value", "chance", "ceiling")
    rows = make_rows(
        **labels, **{name: [getattr(f, name) for f in findings] for name in same},
        ci_low=[f.low for f in findings], ci_high=[f.high for f in findings],
        ci_method=["" if np.isnan(f.low) else f.ci_method for f in findings],
        n=[sizes[f.over][0] for f in findings], n_clusters=[sizes[f.over][1] for f in findings],
    )  # fmt: skip
    names = ("task", "dataset", "split", "ood_dataset", "feature", "k")
    row = {name: labels[name] for name in names if name in labels}
    kept = [
        make_resamples(
            str(labels["task"]),
            f.model_a,
            f.model_b,
            f.drawn_by,
            f.draws,
            f.chance if f.chance_draws is None else f.chance_draws,
        )
        for f in findings
        if len(f.draws) and f.model_a != f.model_b and rests_on(verdict, **row, measure=f.measure)
    ]
    return Comparison(rows, pd.concat([make_resamples(), *kept], ignore_index=True))
