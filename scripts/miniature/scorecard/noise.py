"""Floors that no verdict rests on: is a model further from its reference than their kind of noise?"""

import math
import os
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from miniature.agreement.table import make_table, read_table
from miniature.scorecard.build import PairsOfModel
from miniature.scorecard.difference import above_chance, in_order
from miniature.scorecard.floor import KINDS, FloorModel, floor_of, measured_weights, trainings_of
from miniature.statistics.kept import Kept, describe_share, kept_bounds
from miniature.statistics.paired import FEWEST_CLUSTERS
from miniature.statistics.trainings import example_covariance

NOISE_COLUMNS = (
    "model", "characteristic", "task", "measure", "k", "kind", "of", "realizations", "agreement", "noise",
    "kept", "kept_low", "kept_high", "as_measured", "n", "n_clusters", "reason",
)  # fmt: skip
TEXT_COLUMNS = ("model", "characteristic", "task", "measure", "kind", "of", "as_measured", "reason")
COUNT_COLUMNS = ("k", "realizations", "n", "n_clusters")


def measure_noise(
    agreement: pd.DataFrame,
    *,
    models: Sequence[str],
    reference: str,
    verdict: Mapping[str, Mapping[str, object]],
    resamples: Mapping[str, pd.DataFrame],
    floor: Sequence[FloorModel],
) -> pd.DataFrame:
    """Every model beside the floors that no verdict rests on.

    A model whose agreement with the reference is lower than that of a rerun (requantization, prompt) differs
    by more than that kind of noise makes. That is no verdict: it counts the examples and takes the
    realizations as they are.

    Parameters
    ----------
    agreement : DataFrame
        Agreement rows of all characteristics.
    models : sequence of str
        Models to compare, in the study's order.
    reference : str
    verdict : mapping of str to mapping
        Of each characteristic, as for `miniature.scorecard.build.build_scorecard`. Levels have no chance to
        stand above, and no rows.
    resamples : mapping of str to DataFrame
        By characteristic.
    floor : sequence of FloorModel
        Other realizations of the reference, and of the models themselves.

    Returns
    -------
    DataFrame
        With `NOISE_COLUMNS`, a row for each model, characteristic and kind. ``noise`` is the mean agreement
        of the model ``of`` with its other ``realizations``; ``kept`` is the model's agreement above chance as
        a share of it, with one-sided 95 % bounds over examples, and ``as_measured`` says ``further`` where
        the upper one is below 1, ``closer`` where the lower one is above, else ``level``.
    """
    resting, trainings = trainings_of(floor, reference)
    rows = []
    for model in models:
        kinds = [
            (of, kind)
            for of in (reference, model)
            for kind in KINDS
            if floor_of(floor, of, kind) and not (trainings and of == reference and kind == resting)
        ]
        among = [reference, model, *(f.model for f in floor if f.of in (reference, model))]
        agreements = {name: settings for name, settings in verdict.items() if "keep" in settings}
        for characteristic, settings in agreements.items() if kinds else ():
            pairs = PairsOfModel.read(agreement, characteristic, settings, model, resamples, among)
            if (reference, model) in pairs.rows:
                rows += [_row(pairs, model, characteristic, settings, reference, floor, *of) for of in kinds]
    columns = {name: [row.get(name) for row in rows] for name in NOISE_COLUMNS} if rows else {}
    return make_table(NOISE_COLUMNS, TEXT_COLUMNS, COUNT_COLUMNS, columns)


def read_noise(path: str | os.PathLike) -> pd.DataFrame:
    """The table from its csv, with the types that `measure_noise` gives."""
    return read_table(path, NOISE_COLUMNS, TEXT_COLUMNS, COUNT_COLUMNS)


def _row(
    pairs: PairsOfModel,
    model: str,
    characteristic: str,
    settings: Mapping[str, object],
    reference: str,
    floor: Sequence[FloorModel],
    of: str,
    kind: str,
) -> dict[str, object]:
    measured, own = pairs.measured, pairs.rows[reference, model]
    known = {(a, b) for pair in measured.values for a, b in (pair, pair[::-1])}
    weights = measured_weights(floor_of(floor, of, kind), known, reference=of, model="")
    row = {
        "model": model, "characteristic": characteristic, "kind": kind, "of": of, "task": settings["task"],
        "measure": settings["measure"], "k": settings.get("k"), "agreement": own["value"], "n": own["n"],
        "n_clusters": own["n_clusters"], "realizations": len(weights), "as_measured": "",
        "reason": "",
    }  # fmt: skip
    if not weights:
        return row | {"reason": f"no agreement of {of} with its other realizations was measured"}
    order = [in_order((of, name), measured.values) for name in weights] + [(reference, model)]
    row["noise"] = math.fsum(
        w * measured.values[pair] for w, pair in zip(weights.values(), order, strict=False)
    )
    excess, draws, reason = above_chance(measured, order)
    clusters = 0 if pd.isna(own["n_clusters"]) else int(own["n_clusters"])
    if not reason and clusters < FEWEST_CLUSTERS:
        reason = f"{clusters} clusters of examples: too few to resample"
    if reason:
        return row | {"reason": reason}
    covariance, df = example_covariance(draws, measured.method, clusters=clusters)
    mean = np.array([*weights.values(), 0.0])
    kept = Kept(
        float(excess[-1]), float(excess @ mean), float(covariance[-1, -1]), float(mean @ covariance @ mean),
        float(covariance[-1] @ mean), df, 0.0, 0.0, 1, len(weights),
    )  # fmt: skip
    low, high = kept_bounds(kept)
    if math.isnan(low):
        return row | {"kept": kept.share, "reason": "these realizations may agree no better than chance"}
    bounds = {"kept_low": low, "kept_high": high, "as_measured": describe_share(low, high)}
    return row | {"kept": kept.share, **bounds}
