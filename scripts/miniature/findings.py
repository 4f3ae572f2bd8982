"""What a noise floor from models of other origin lets one say, in words, computed from the tables.

Every number and every comparison in the text is taken from the data; where the data do not carry a
statement, the text says so or leaves it out.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from miniature.agreement.bootstrap import (
    cluster_index,
    pair_sums,
    percentile_interval,
    resample_clusters,
    set_measures,
)
from miniature.floor import origin_means
from miniature.tables.floor import COMPARED, OTHER, REFERENCE, SAME

RESAMPLES = 2000


class Contrast(NamedTuple):
    """How much better one model agrees with the reference than another does."""

    value: float
    low: float
    high: float

    @property
    def sign(self) -> int:
        """1 or -1 where the interval leaves no doubt, 0 otherwise."""
        return int(self.low > 0) - int(self.high < 0)


def contrast_agreement(
    wrong: Mapping[str, np.ndarray],
    clusters: np.ndarray,
    *,
    reference: str,
    models: list[str],
    against: str,
    seed: int,
    resamples: int = RESAMPLES,
) -> Contrast:
    """Mean Jaccard of some models with the reference minus that of another, with an interval over examples.

    Whole clusters are resampled, the same ones for all models; the trainings stay as they are, so that the
    interval says nothing about what other trainings would have given.

    Parameters
    ----------
    wrong : mapping of str to ndarray of bool, shape [examples]
        Which examples each model gets wrong.
    clusters : array_like of str, shape [examples]
        What each example shares its context with.
    reference : str
    models : list of str
        Their agreements are averaged.
    against : str
        The model whose agreement is taken away.
    seed : int
        The study's seed.
    resamples : int
        At least 1.

    Returns
    -------
    Contrast
        95 % percentile interval; NaN bounds where a resample has no error at all.

    Examples
    --------
    >>> wrong = {name: np.arange(40) % 4 < 2 for name in ("large", "copy")}
    >>> wrong["other"] = np.arange(40) % 4 > 1
    >>> contrast_agreement(wrong, np.arange(40) // 4, reference="large", models=["copy"], against="other", seed=0)
    Contrast(value=1.0, low=1.0, high=1.0)
    """
    index, count = cluster_index(clusters)
    weights = resample_clusters(count, resamples=resamples, seed=seed)
    # First row: every cluster once, which is the sample itself.
    weights = np.concatenate([np.ones((1, count), dtype=weights.dtype), weights])

    def jaccard(model: str) -> np.ndarray:
        sums = pair_sums(wrong[reference], wrong[model], index, count)
        return set_measures(weights.astype(np.float64) @ sums)["jaccard"]

    difference = np.mean([jaccard(model) for model in models], axis=0) - jaccard(against)
    return Contrast(float(difference[0]), *percentile_interval(difference[1:]))


def write_findings(
    table: pd.DataFrame,
    pairs: Mapping[tuple[str, str], float],
    contrasts: Mapping[str, Contrast],
    *,
    task: str,
) -> str:
    """Tell the findings in Markdown.

    Parameters
    ----------
    table : DataFrame
        From `miniature.tables.floor.floor_table`.
    pairs : mapping of tuple of str to float
        Jaccard of every two models, in either order.
    contrasts : mapping of str to Contrast
        For each other origin, `contrast_agreement` of its models against the nearest model compared.
    task : str
        Name of the task.

    Returns
    -------
    str
        A list with one item for each finding, and a last one for what does not follow.
    """
    reference = table[table["kind"] == REFERENCE].iloc[0]
    name = reference["model"]
    same = table[table["kind"] == SAME]
    groups = {origin: rows for origin, rows in same.groupby("origin", sort=False)}
    origins = {name: "", **dict(zip(same["model"], same["origin"], strict=True))}
    means = origin_means(
        dict(zip(same["model"], same["Jaccard"], strict=True)), origins, reference=name
    )
    floor = sum(means.values()) / len(means)
    items = [_floor_item(reference, groups, means, floor, task, table)]
    nearest = nearest_compared(table)
    if nearest is not None:
        items.append(_nearest_item(name, nearest, means, floor, contrasts))
        items += _other_side_item(name, nearest["model"], groups, pairs)
        items += _rest_item(table, nearest, means, floor)
    items += _scale_item(table, reference, floor)
    items.append(_limits_item(len(means), nearest is not None))
    return "\n".join(f"- {item}" for item in items) + "\n"


def nearest_compared(table: pd.DataFrame) -> pd.Series | None:
    """Find the model compared whose errors agree best with the reference's."""
    compared = table[(table["kind"] == COMPARED) & table["Jaccard"].notna()]
    return compared.loc[compared["Jaccard"].idxmax()] if len(compared) else None


def _floor_item(reference, groups, means, floor, task, table) -> str:
    n = int(table["n"].dropna().max())
    told = []
    for origin, rows in groups.items():
        points = _listed(f"{value:+.1f}" for value in rows["accuracy difference"])
        count = "" if len(rows) == 1 else f", the mean of {len(rows)} that count as one"
        told.append(f"{means[origin]:.3f} ({origin}{count}; accuracy {points} points)")
    return (
        f"**A rough noise floor: {floor:.3f}.** On the {n:,} examples of `{task}`, the errors of "
        f"`{reference['model']}` ({reference['accuracy %']:.1f} % right) agree with those of the same model "
        f"trained by others to a Jaccard index of {_listed(told)}. Each origin has one weight."
    )


def _nearest_item(name, nearest, means, floor, contrasts) -> str:
    model, value = nearest["model"], nearest["Jaccard"]
    told = []
    for origin, contrast in contrasts.items():
        size = f"{abs(contrast.value):.3f}"
        interval = f"95 % interval {contrast.low:+.3f} to {contrast.high:+.3f}"
        if contrast.sign > 0:
            told.append(f"{origin} agrees better than it does, by {size} ({interval})")
        elif contrast.sign < 0:
            told.append(f"{origin} agrees less well than it does, by {size} ({interval})")
        else:
            told.append(f"{origin} agrees neither better nor worse ({contrast.value:+.3f}, {interval})")
    shares = {origin: (1 - mean) / (1 - value) for origin, mean in means.items()}
    best = min(shares, key=lambda origin: shares[origin])
    share = f"{100 * shares[best]:.0f} %"
    return (
        f"**`{model}`, the nearest of the models compared, reaches {value:.3f}** "
        f"({nearest['accuracy difference']:+.1f} points), {abs(value - floor):.3f} "
        f"{'below' if value < floor else 'above'} the floor: {_listed(told)}. Even the nearer of the others' models "
        f"already disagrees with `{name}` ({1 - means[best]:.3f}) by {share} of what `{model}` does "
        f"({1 - value:.3f}). The intervals resample contexts and leave the trainings as they are."
        if len(means) > 1
        else f"**`{model}`, the nearest of the models compared, reaches {value:.3f}** "
        f"({nearest['accuracy difference']:+.1f} points), {abs(value - floor):.3f} "
        f"{'below' if value < floor else 'above'} the floor: {_listed(told)}. The others' model already disagrees "
        f"with `{name}` ({1 - means[best]:.3f}) by {share} of what `{model}` does ({1 - value:.3f}). "
        "The intervals resample contexts and leave the trainings as they are."
    )


def _other_side_item(name, model, groups, pairs) -> list[str]:
    """Compare from the side of the others, who share no recipe with either."""
    told, nearer = [], 0
    for origin, rows in groups.items():
        own = np.mean([pairs[m, name] for m in rows["model"]])
        other = np.mean([pairs[m, model] for m in rows["model"]])
        nearer += own > other
        told.append(f"{own:.3f} against {other:.3f} ({origin})")
    if nearer != len(groups):
        return []
    third = [
        np.mean([pairs[a, b] for a in rows["model"] for b in other["model"]])
        for i, rows in enumerate(groups.values())
        for other in list(groups.values())[i + 1 :]
    ]
    among = f" Among themselves the others' models reach {_listed(f'{v:.3f}' for v in third)}." if third else ""
    return [
        f"**Seen from the others' side**, who share a recipe with neither, `{name}` is nearer than `{model}`: "
        f"{_listed(told)}.{among}"
    ]


def _rest_item(table, nearest, means, floor) -> list[str]:
    rest = table[(table["kind"] == COMPARED) & (table["model"] != nearest["model"])]
    below = rest[rest["Jaccard"] < min(means.values())].sort_values("Jaccard", ascending=False)
    if below.empty:
        return []
    cells = [
        f"`{row.model}` {row.Jaccard:.3f} ({row.points:+.1f} points, ceiling {row.ceiling:.3f})"
        for row in below.rename(columns={"accuracy difference": "points"}).itertuples()
    ]
    whole = "The other models compared all lie" if len(below) == len(rest) else "These models lie"
    return [
        f"**{whole} below every other origin's mean**: {_listed(cells)}. But they are less accurate too, and their "
        "error counts alone set these ceilings: how much of the fall is accuracy and how much is other mistakes, "
        "this comparison does not say."
        if (below["accuracy difference"] < 0).all()
        else f"**{whole} below every other origin's mean**: {_listed(cells)}."
    ]


def _scale_item(table, reference, floor) -> list[str]:
    own = set(table.loc[table["kind"] == SAME, "origin"])
    strangers = table[(table["kind"] == OTHER) & ~table["origin"].isin(own)]
    if strangers.empty:
        return []
    cells = [
        f"`{row.model}` {row.Jaccard:.3f} ({row.points:+.1f} points)"
        for row in strangers.rename(columns={"accuracy difference": "points"}).itertuples()
    ]
    return [f"**For scale**, systems that are another model altogether: {_listed(cells)}."]


def _limits_item(origins: int, compared: bool) -> str:
    count = "one other origin is one point" if origins == 1 else f"{origins} other origins are {origins} points"
    recipe = (
        " Other groups differ from the reference in recipe as well as in seed, which lowers this floor; models of the "
        "reference's own origin share its recipe, which favours them."
        if compared
        else " Other groups differ from the reference in recipe as well as in seed, which lowers this floor."
    )
    return (
        f"**No verdict follows**: {count}, and no interval of the floor can be had from them.{recipe} A floor from "
        "second trainings of the same recipe is what would settle it."
    )


def _listed(parts) -> str:
    parts = list(parts)
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
