"""What every model costs, beside what it keeps."""

import json
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from miniature.agreement.table import make_table, read_table
from miniature.messages import StudyError

CAPTION = (
    "Costs of every model: size, operations of one text, and speed on one machine (median with quartiles "
    "over texts; spread: how far the medians of two halves of the passes lie apart; waited: share of the "
    "time in which others had the processor)"
)
COLUMNS = (
    "model", "task", "parameters", "nonzero", "bytes", "flops", "latency_ms", "latency_low", "latency_high",
    "latency_spread", "throughput", "throughput_spread", "memory_mb", "computed_in", "engine", "machine",
    "threads", "examples", "tokens", "batch_size", "touched", "waited",
)  # fmt: skip
TEXT_COLUMNS = ("model", "task", "computed_in", "engine", "machine", "touched")
COUNT_COLUMNS = ("parameters", "nonzero", "bytes", "flops", "threads", "examples", "batch_size")
# Beyond this spread, or this share of the time without a processor, the table says that times are noisy.
NOISY = 0.10


def read_costs(files: Mapping[tuple[str, str], str | os.PathLike]) -> pd.DataFrame:
    """Table of costs from what each model's job wrote.

    Parameters
    ----------
    files : mapping of (model, task) to path
        JSON of `miniature.inference.costs.measure_costs`, with ``bytes``.

    Returns
    -------
    DataFrame
        With `COLUMNS`, a row for each file in their order.

    Raises
    ------
    StudyError
        A file is damaged.
    """
    rows = []
    for (model, task), file in files.items():
        try:
            found = json.loads(Path(file).read_text(encoding="utf-8"))
            touched = ", ".join(f"{count} {kind}" for kind, count in (found["touched"] or {}).items())
            rows.append({"model": model, "task": task, **found, "touched": touched})
        except (ValueError, LookupError, TypeError, AttributeError):
            raise StudyError(
                "The costs of a model cannot be read.", where=str(file), fix=f"rm {file}"
            ) from None
    return make_table(COLUMNS, TEXT_COLUMNS, COUNT_COLUMNS, {n: [row[n] for row in rows] for n in COLUMNS})


def read_costs_table(path: str | os.PathLike) -> pd.DataFrame:
    """Table of costs from its csv, with the types that `read_costs` gives."""
    return read_table(path, COLUMNS, TEXT_COLUMNS, COUNT_COLUMNS)


def printed_costs(costs: pd.DataFrame) -> pd.DataFrame:
    """The same to read: millions, megabytes, and which medians are noisy."""

    def timed(value: float, low: float, high: float) -> str:
        return f"{value:.2f} ({low:.2f} to {high:.2f})"

    rows = costs.to_dict("records")
    return pd.DataFrame(
        {
            "model": costs["model"],
            "task": costs["task"],
            "parameters (M)": [f"{row['parameters'] / 1e6:.3f}" for row in rows],
            "not zero %": [
                "" if pd.isna(row["nonzero"]) else f"{100 * row['nonzero'] / row['parameters']:.1f}"
                for row in rows
            ],
            "MB": [f"{row['bytes'] / 1e6:.3f}" for row in rows],
            "MFLOP": [f"{row['flops'] / 1e6:.1f}" for row in rows],
            "ms alone": [timed(row["latency_ms"], row["latency_low"], row["latency_high"]) for row in rows],
            "spread %": [_noise(row["latency_spread"]) for row in rows],
            "texts/s batched": [f"{row['throughput']:.0f}" for row in rows],
            "its spread %": [_noise(row["throughput_spread"]) for row in rows],
            "waited %": [_noise(row["waited"]) for row in rows],
            "memory (MB)": [f"{row['memory_mb']:.0f}" for row in rows],
            "computed in": costs["computed_in"],
            "engine": costs["engine"],
            "touched": costs["touched"],
            "machine": costs["machine"],
            "threads": costs["threads"],
        }
    )  # fmt: skip


def _noise(share: float) -> str:
    return "" if pd.isna(share) else f"{100 * share:.0f}{' (noisy)' if share > NOISY else ''}"


def pareto_front(cost: Sequence[float], kept: Sequence[float]) -> np.ndarray:
    """Which models no other one beats: none costs as little and keeps as much, one of both better.

    Parameters
    ----------
    cost, kept : array_like of float, shape [models]
        Less is better, and more is better. NaN is never on the front.

    Returns
    -------
    ndarray of bool, shape [models]

    Examples
    --------
    >>> pareto_front([1, 2, 3, 2], [0.2, 0.9, 0.9, 0.5]).tolist()
    [True, True, False, False]
    """
    cost, kept = np.asarray(cost, dtype=float), np.asarray(kept, dtype=float)
    if cost.shape != kept.shape or cost.ndim != 1:
        raise ValueError(f"one length: {cost.shape}, {kept.shape}")
    known = ~(np.isnan(cost) | np.isnan(kept))
    no_worse = (cost[:, None] <= cost) & (kept[:, None] >= kept)  # [better, worse]
    beats = no_worse & ((cost[:, None] < cost) | (kept[:, None] > kept)) & known[:, None]
    return known & ~beats.any(axis=0)


POINT_COLUMNS = (
    "panel", "task", "model", "value", "low", "high", "verdict", "bytes", "latency_ms", "front_bytes",
    "front_latency", "retrained",
)  # fmt: skip
CHANGED = "decisions changed"


def read_points(path: str | os.PathLike) -> pd.DataFrame:
    """What `cost_points` gave, from its csv."""
    fronts = ("front_bytes", "front_latency")
    table = read_table(path, POINT_COLUMNS, ("panel", "task", "model", "verdict", *fronts), ("bytes",))
    return table.assign(**{name: table[name] == "True" for name in fronts})


def cost_points(
    costs: pd.DataFrame, tolerance: pd.DataFrame, scorecard: pd.DataFrame, *, reference: str
) -> pd.DataFrame:
    """What each model keeps beside what it costs, a panel for each way to say what is kept.

    Parameters
    ----------
    costs : DataFrame
        From `read_costs`.
    tolerance : DataFrame
        `miniature.scorecard.tolerance.COLUMNS`: shares of decisions changed with one-sided 95 % bounds.
    scorecard : DataFrame
        `miniature.scorecard.build.SCORECARD_COLUMNS`: the share of agreement kept with its bounds.
    reference : str
        It changes no decision; what is kept of it is a share of what its own trainings keep.

    Returns
    -------
    DataFrame
        With `POINT_COLUMNS`, models in the order of `costs`; a model without a value has no row.
        ``retrained`` is what another training of the reference has: 1 of what is kept, by definition.
    """
    kept = scorecard[scorecard["kept"].notna()]
    changed = tolerance[(tolerance["measure"] == "decisions_changed") & tolerance["value"].notna()]
    panels = [
        (CHANGED, task, changed[changed["task"] == task], "value", "low", "high")
        for task in costs["task"].unique()
    ]
    for (name, task), rows in kept.groupby(["characteristic", "task"], sort=False):
        panels.append((name, task, rows, "kept", "kept_low", "kept_high"))
    found = []
    for panel, task, rows, value, low, high in panels:
        again = 1.0
        if panel == CHANGED:
            again = rows.loc[rows["original"] == reference, "retraining"].max()
        own = {
            row["model"]: (row[value], row[low], row[high], row["verdict"]) for row in rows.to_dict("records")
        }
        if panel == CHANGED:
            own[reference] = [0.0, math.nan, math.nan, ""]
        here = [row for row in costs[costs["task"] == task].to_dict("records") if row["model"] in own]
        gains = [-own[row["model"]][0] if panel == CHANGED else own[row["model"]][0] for row in here]
        fronts = [pareto_front([row[key] for row in here], gains) for key in ("bytes", "latency_ms")]
        found += [
            (
                panel,
                task,
                row["model"],
                *own[row["model"]],
                row["bytes"],
                row["latency_ms"],
                *map(bool, front),
                again,
            )
            for row, *front in zip(here, *fronts, strict=True)
        ]
    return pd.DataFrame(found, columns=list(POINT_COLUMNS))
