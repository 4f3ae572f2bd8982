"""Rows of the agreement table for the neighbour Jaccard of one pair of models at every K."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from miniature.agreement.corrected import correct_for_chance
from miniature.agreement.halves import halves_interval
from miniature.agreement.intervals import HALVES, rests_on
from miniature.agreement.table import make_rows


class CurveRows(NamedTuple):
    """Rows of one pair, and the resampled values of the one that the verdict rests on, if any does."""

    rows: list[pd.DataFrame]
    resampled: np.ndarray | None


def curve_rows(
    value: np.ndarray,
    chance: np.ndarray,
    deviations: np.ndarray | None,
    *,
    labels: Mapping[str, object],
    verdict: Mapping[str, object] | None,
) -> CurveRows:
    """Neighbour Jaccard at every K, its form corrected for chance, and its mean over all K.

    Parameters
    ----------
    value : ndarray of float64, shape [k_max]
        Agreement, as `neighbor_jaccard` gives it.
    chance : ndarray of float64, shape [k_max]
        Agreement of random neighbours.
    deviations : ndarray of float64, shape [splits, k_max], or None
        As `half_deviations` gives them; without, no interval.
    labels : mapping
        Columns that all rows share, ``n`` and ``n_clusters`` among them.
    verdict : mapping or None
        What the study's verdict rests on.

    Returns
    -------
    CurveRows
        ``jaccard`` and ``jaccard_corrected`` for each K, ``jaccard_area`` without K.

    Examples
    --------
    >>> labels = {"n": 4, "model_a": "a", "model_b": "b"}
    >>> rows = curve_rows(np.array([0.75]), np.array([0.5]), None, labels=labels, verdict=None).rows
    >>> [float(r["value"][0]) for r in rows]
    [0.75, 0.5, 0.75]
    """
    k_max = len(value)
    ks = np.arange(1, k_max + 1)
    wanted = _wanted(labels, verdict, k_max)
    nothing = np.full(k_max, np.nan)
    low, high, area_bounds = nothing, nothing, (np.nan, np.nan)
    resampled = None
    if deviations is not None:
        area, count = deviations.mean(axis=1), int(labels["n_clusters"])
        if wanted:
            at = wanted[1] - 1 if wanted[1] else None
            resampled = value.mean() + area if at is None else value[at] + deviations[:, at]
        low, high = halves_interval(value, deviations, clusters=count)
        area_bounds = halves_interval(value.mean(), area, clusters=count)
    if resampled is not None and wanted[0] == "jaccard_corrected":
        at_k, one = np.full(len(resampled), chance[wanted[1] - 1]), np.ones(len(resampled))
        resampled = correct_for_chance(resampled, at_k, one)
    # Chance and ceiling are fixed by n and K, so that the corrected form moves with the value as it is.
    corrected, *bounds = (correct_for_chance(x, chance, np.ones(k_max)) for x in (value, low, high))
    method = np.where(np.isnan(low), "", HALVES)
    rows = [
        make_rows(
            **labels, k=ks, measure="jaccard", value=value, ci_low=low, ci_high=high, ci_method=method,
            chance=chance, ceiling=1.0,
        ),
        make_rows(
            **labels, k=ks, measure="jaccard_corrected", value=corrected, ci_low=bounds[0],
            ci_high=bounds[1], ci_method=np.where(np.isnan(bounds[0]), "", HALVES),
            chance=0 * corrected, ceiling=1 + 0 * corrected,  # empty where the value is
        ),
        make_rows(
            **labels, measure="jaccard_area", value=value.mean(), ci_low=area_bounds[0],
            ci_high=area_bounds[1], ci_method="" if np.isnan(area_bounds[0]) else HALVES,
            chance=chance.mean(), ceiling=1.0,
        ),
    ]  # fmt: skip
    return CurveRows(rows, resampled)


def _wanted(
    labels: Mapping[str, object], verdict: Mapping[str, object] | None, k_max: int
) -> tuple[str, int | None] | None:
    """Measure and K that the verdict rests on, where it is one of a curve."""
    names = ("task", "dataset", "split", "feature")
    row = {name: labels[name] for name in names if name in labels}
    for measure in ("jaccard", "jaccard_corrected", "jaccard_area"):
        k = (verdict or {}).get("k") if measure != "jaccard_area" else None
        if rests_on(verdict, **row, measure=measure, k=k):
            # A K that was not measured, or none where one is needed, is told by the scorecard.
            fits = k is None if measure == "jaccard_area" else k is not None and 1 <= k <= k_max
            return (measure, k) if fits else None
    return None
