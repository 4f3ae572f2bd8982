"""What a noise floor from other trainings lets one say, in words, computed from the tables.

Every number and every comparison in the text is taken from the data; where the data do not carry a
statement, the text says so or leaves it out.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from miniature.measures.sets import set_counts, set_values
from miniature.scorecard.floor import origin_means
from miniature.scorecard.verdicts import MINIATURE, NOT_MEASURED, NOT_MINIATURE, UNDECIDED
from miniature.statistics.bootstrap import (
    cluster_index,
    percentile_bounds,
    resample_clusters,
)
from miniature.tables.floor import COMPARED, OTHER, REFERENCE, SAME, VARIANT

RESAMPLES = 2000
Pair = tuple[str, str]


class Contrast(NamedTuple):
    """How much better some pairs of models agree than others do, with a 95 % interval over examples."""

    value: float
    low: float
    high: float

    @property
    def sign(self) -> int:
        """1 or -1 where the interval leaves 0 out, 0 otherwise."""
        return int(self.low > 0) - int(self.high < 0)

    def __str__(self) -> str:
        return f"{self.value:+.3f}, 95 % interval {self.low:+.3f} to {self.high:+.3f}"


def contrast_pairs(
    wrong: Mapping[str, np.ndarray],
    clusters: np.ndarray,
    more: Sequence[Pair],
    less: Sequence[Pair],
    *,
    seed: int,
    resamples: int = RESAMPLES,
) -> Contrast:
    """Mean Jaccard of some pairs' errors minus that of others', with an interval over examples."""
    index, count = cluster_index(clusters)
    drawn = resample_clusters(count, resamples=resamples, seed=seed).astype(np.float64)
    # First row: every cluster once, which is the sample itself.
    drawn = np.concatenate([np.ones((1, count)), drawn])  # [1 + resamples, clusters]

    def mean_jaccard(pairs: Sequence[Pair]) -> np.ndarray:
        sums = [set_counts(wrong[a], wrong[b], index, count) for a, b in pairs]
        return np.mean([set_values(drawn @ s)["jaccard"] for s in sums], axis=0)

    difference = mean_jaccard(more) - mean_jaccard(less)
    return Contrast(*map(float, (difference[0], *percentile_bounds(difference[1:]))))


def nearest_compared(table: pd.DataFrame) -> str | None:
    """Name of the model compared whose errors agree best with the reference's; None where there is none."""
    compared = table[(table["kind"] == COMPARED) & table["Jaccard"].notna()]
    return str(compared.loc[compared["Jaccard"].idxmax(), "model"]) if len(compared) else None


def floor_contrasts(
    table: pd.DataFrame, wrong: Mapping[str, np.ndarray], clusters: np.ndarray, *, seed: int
) -> dict[str, tuple[Contrast, Contrast]]:
    """Contrasts of every other origin's models with the nearest model compared.

    Parameters
    ----------
    table : DataFrame
        From `miniature.tables.floor.floor_table`.
    wrong, clusters, seed
        As for `contrast_pairs`.

    Returns
    -------
    dict of str to tuple of Contrast
        For each origin: seen from the reference, its models against the nearest model compared; and seen
        from its models, the reference against that model. Empty where nothing is compared.
    """
    nearest = nearest_compared(table)
    reference = str(table.loc[table["kind"] == REFERENCE, "model"].iloc[0])
    same = table[table["kind"] == SAME]
    if nearest is None:
        return {}
    found = {}
    for origin, rows in same.groupby("origin", sort=False):
        own = [(reference, model) for model in rows["model"]]
        other = [(nearest, model) for model in rows["model"]]
        found[str(origin)] = (
            contrast_pairs(wrong, clusters, own, [(reference, nearest)], seed=seed),
            contrast_pairs(wrong, clusters, own, other, seed=seed),
        )
    return found


class _Facts:
    """The floor table by model, and what follows from it."""

    def __init__(self, table: pd.DataFrame, pairs: Mapping[Pair, float]):
        self.table = table.set_index("model", drop=False)
        self.pairs = pairs
        self.reference = str(table.loc[table["kind"] == REFERENCE, "model"].iloc[0])
        same = table[table["kind"] == SAME]
        self.groups = {
            str(origin): list(rows["model"]) for origin, rows in same.groupby("origin", sort=False)
        }
        self.means = self._means("Jaccard", [SAME])
        self.floor = _mean(self.means.values())
        self.nearest = nearest_compared(table)

    def _means(self, column: str, kinds: Sequence[str]) -> dict[str, float]:
        rows = self.table[self.table["kind"].isin(kinds)]
        origins = {self.reference: "", **dict(zip(rows["model"], rows["origin"], strict=True))}
        values = rows[column].astype("Float64").astype(float)
        return origin_means(values.to_dict(), origins, reference=self.reference)

    def cell(self, model: str, column: str) -> float:
        value = self.table.at[model, column]
        return float("nan") if pd.isna(value) else float(value)

    def points(self, model: str) -> str:
        return f"{self.cell(model, 'accuracy difference'):+.1f}"

    def accuracy(self, models: Iterable[str]) -> float:
        return _mean(self.cell(model, "accuracy %") for model in models)

    def of_kind(self, kind: str) -> list[str]:
        return list(self.table.loc[self.table["kind"] == kind, "model"])

    def with_variants(self) -> float:
        return _mean(self._means("Jaccard", [SAME, VARIANT]).values())

    def kappa_share(self, origin: str, model: str) -> float:
        mean, own = self._means("kappa", [SAME]).get(origin, math.nan), self.cell(model, "kappa")
        # With the same errors, or nothing but errors, there is no difference to be a share of.
        return (1 - mean) / (1 - own) if own < 1 else float("nan")


VERDICTS = (NOT_MINIATURE, MINIATURE, UNDECIDED)


def write_findings(
    table: pd.DataFrame,
    pairs: Mapping[Pair, float],
    contrasts: Mapping[str, tuple[Contrast, Contrast]],
    *,
    task: str,
    card: pd.DataFrame,
) -> str:
    """Tell the findings in Markdown.

    Parameters
    ----------
    table : DataFrame
        From `miniature.tables.floor.floor_table`.
    pairs : mapping of tuple of str to float
        Jaccard of every two models, in either order.
    contrasts : mapping of str to tuple of Contrast
        From `floor_contrasts`.
    task : str
        Name of the task.
    card : DataFrame
        The scorecard (`miniature.scorecard.build.build_scorecard`), all characteristics.

    Returns
    -------
    str
        What was found in a few short sentences; then a list with one item for each finding, and a last one
        for what they rest on.
    """
    facts = _Facts(table, pairs)
    short = "".join(f"- {line}\n" for line in _short(facts, card))
    items = [_floor_item(facts, task)]
    if facts.nearest is not None:
        items += [_nearest_item(facts, contrasts), _other_side_item(facts, contrasts)]
        items += _rest_item(facts)
    items += _scale_item(facts)
    items += [*_verdict_item(card), _limits_item(facts, card)]
    return f"{short}\n## In full\n\n" + "".join(f"- {item}\n" for item in items)


def _short(facts: _Facts, card: pd.DataFrame) -> list[str]:
    """The finding in a sentence each on floor, nearest model and verdicts."""
    lines = [
        f"Other trainings of `{facts.reference}` share its errors to a Jaccard index of {facts.floor:.3f}: "
        "the noise floor."
    ]
    if facts.nearest is not None:
        lines.append(
            f"`{facts.nearest}`, the nearest of the models compared, reaches "
            f"{facts.cell(facts.nearest, 'Jaccard'):.3f}."
        )
    rows = card[(card["characteristic"] == "errors") & card["verdict"].isin(VERDICTS)]
    said = []
    for verdict in VERDICTS:
        models = [
            f"`{row.model}`" + (f" (keeps {100 * row.kept:.0f} %)" if verdict == NOT_MINIATURE else "")
            for row in rows[rows["verdict"] == verdict].itertuples()
        ]
        if models:
            said.append(f"{_listed(models)} {'is' if len(models) == 1 else 'are'} {verdict}")
    return [*lines, f"On errors, {'; '.join(said)}."] if said else lines


def _floor_item(facts: _Facts, task: str) -> str:
    told = []
    for origin, models in facts.groups.items():
        points = _listed(facts.points(model) for model in models)
        several = f", the mean of {len(models)} that count as one" if len(models) > 1 else ""
        told.append(f"{facts.means[origin]:.3f} ({origin}{several}; accuracy {points} points)")
    variants = facts.of_kind(VARIANT)
    counted = (
        f" (With {len(variants)} variants of theirs that are not quite the same model it would be "
        f"{facts.with_variants():.3f}.)"
        if variants
        else ""
    )
    n = int(facts.table["n"].dropna().max())
    return (
        f"**A rough noise floor of {facts.floor:.3f}.** On the {n:,} examples of `{task}`, the mistakes of "
        f"`{facts.reference}` ({facts.accuracy([facts.reference]):.1f} % right) agree with those of other "
        f"trainings of it to a Jaccard index of {_listed(told)}; the floor gives each origin one "
        f"weight.{counted}"
    )


def _nearest_item(facts: _Facts, contrasts: Mapping[str, tuple[Contrast, Contrast]]) -> str:
    model, reference = str(facts.nearest), facts.reference
    value = facts.cell(model, "Jaccard")
    told = []
    for origin, (contrast, _) in contrasts.items():
        verb = {1: "agrees better", -1: "agrees less well", 0: "agrees neither better nor worse"}[
            contrast.sign
        ]
        gap = abs(facts.accuracy(facts.groups[origin]) - facts.accuracy([reference]))
        nearer = gap < abs(facts.cell(model, "accuracy difference"))
        accuracy = ", and is nearer to it in accuracy too" if contrast.sign > 0 and nearer else ""
        told.append(f"{origin} {verb} with `{reference}` ({contrast}){accuracy}")
    best = max(facts.means, key=lambda origin: facts.means[origin])
    gap, kappa_share = 1 - facts.means[best], facts.kappa_share(best, model)
    side = "below" if value < facts.floor else "above"
    by_kappa = "" if math.isnan(kappa_share) else f" ({100 * kappa_share:.0f} % by kappa)"
    differ = f"{best}'s and the reference,"
    if value >= facts.means[best]:
        own = (
            f"`{model}` by {1 - value:.3f}" if value < 1 else f"while `{model}` makes the very same mistakes"
        )
        said = f"Two trainings, {differ} differ by {gap:.3f} (1 - Jaccard), {own}."
    else:
        said = (
            f"Yet two trainings of the large model, {differ} already differ by {gap:.3f} (1 - Jaccard), "
            f"{100 * gap / (1 - value):.0f} % of the {1 - value:.3f} by which `{model}` differs{by_kappa}."
        )
    return (
        f"**`{model}`, the nearest of the models compared, reaches {value:.3f}** "
        f"({facts.points(model)} points), {abs(value - facts.floor):.3f} {side} that floor. Against it, "
        f"{'; '.join(told)}. {said}"
    )


def _other_side_item(facts: _Facts, contrasts: Mapping[str, tuple[Contrast, Contrast]]) -> str:
    """Compare from the side of the others, to whom the reference and the model compared are both foreign."""
    model, told = str(facts.nearest), []
    for origin, (_, contrast) in contrasts.items():
        models = facts.groups[origin]
        own, other = (_mean(facts.pairs[m, name] for m in models) for name in (facts.reference, model))
        accuracy = facts.accuracy(models)
        to_reference = abs(accuracy - facts.accuracy([facts.reference]))
        to_model = abs(accuracy - facts.accuracy([model]))
        nearer = facts.reference if to_reference < to_model else model
        told.append(
            f"{origin} agrees with `{facts.reference}` to {own:.3f} and with `{model}` to {other:.3f} "
            f"({contrast}; nearer in accuracy to `{nearer}`)"
        )
    groups = list(facts.groups.values())
    third = [
        _mean(facts.pairs[a, b] for a in groups[i] for b in groups[j])
        for i in range(len(groups))
        for j in range(i + 1, len(groups))
    ]
    among = f"; among themselves they reach {_listed(f'{value:.3f}' for value in third)}" if third else ""
    return (
        f"**Seen from the others' side**, to whom both are strangers: {'; '.join(told)}{among}. "
        "Intervals are over examples, whole contexts resampled, with the trainings as they are; each stands "
        "for itself, and the nearest model was found on the same examples."
    )


def _rest_item(facts: _Facts) -> list[str]:
    lowest = min(facts.means.values())
    rest = [model for model in facts.of_kind(COMPARED) if model != facts.nearest]
    below = sorted(
        (model for model in rest if facts.cell(model, "Jaccard") < lowest),
        key=lambda model: -facts.cell(model, "Jaccard"),
    )
    if not below:
        return []
    cells = _listed(
        f"`{model}` {facts.cell(model, 'Jaccard'):.3f} ({facts.points(model)} points, at most "
        f"{facts.cell(model, 'ceiling'):.3f})"
        for model in below
    )
    whole = (
        "The other models compared lie" if len(below) == len(rest) else f"{len(below)} models compared lie"
    )
    weaker = all(facts.cell(model, "accuracy difference") < 0 for model in below)
    confounded = (
        " They are less accurate as well, which alone sets the most they could reach: how much of the fall "
        "is accuracy and how much other mistakes, this does not say."
    )
    return [f"**{whole} below every origin of the floor**: {cells}.{confounded if weaker else ''}"]


def _scale_item(facts: _Facts) -> list[str]:
    strangers = facts.of_kind(OTHER)
    if not strangers:
        return []
    cells = _listed(f"`{m}` {facts.cell(m, 'Jaccard'):.3f} ({facts.points(m)} points)" for m in strangers)
    return [f"**For scale**, systems that are another model altogether: {cells}."]


def _verdict_item(card: pd.DataFrame) -> list[str]:
    """The scorecard's own words and counts, characteristic by characteristic."""
    items = []
    for name, rows in card.groupby("characteristic", sort=False):
        judged = rows[rows["verdict"] != NOT_MEASURED]
        if not len(judged):
            continue
        told = []
        for verdict, group in judged.groupby("verdict", sort=True):
            models = _listed(
                f"`{row.model}`{_kept(row)}"
                for row in group.sort_values("kept", ascending=False, kind="stable").itertuples()
            )
            told.append(f"`{verdict}`: {models}")
        first = judged.iloc[0]
        bar = f"margin {first['margin']:g}" if math.isnan(first["keep"]) else f"keep {first['keep']:g}"
        items.append(
            f"**Verdicts on {name}** ({len(judged)} models; {first['measure']} on `{first['task']}`, {bar}): "
            f"{'; '.join(told)}."
        )
    return items


def _kept(row: object) -> str:
    if math.isnan(row.kept):
        return ""
    low, high = 100 * row.kept_low, 100 * row.kept_high
    bounds = "" if math.isnan(low) else f", {low:.0f} to {high:.0f}"
    return f" (keeps {100 * row.kept:.0f} %{bounds})"


_SAID = {
    "origin": "Others differ in code and settings as well as in seed, which may lower the floor and widen "
    "its "
    "spread. A floor from second trainings by one recipe would say more",
    "retrained": "Trainings of one recipe differ in the seed alone",
}


def _limits_item(facts: _Facts, card: pd.DataFrame) -> str:
    count = len(facts.means)
    kinds = [kind for kind in card["floor_kind"] if kind in _SAID]
    kind = kinds[0] if kinds else "origin"
    word = "origin" if kind == "origin" else "training"
    origins = f"one other {word}" if count == 1 else f"{count} other {word}s"
    shared = (
        f"; the models compared come from where `{facts.reference}` comes from, which may favor them"
        if facts.nearest is not None
        else ""
    )
    rows = card[(card["characteristic"] == "errors") & card["floor_low"].notna()]
    opening = f"**No verdict on agreement follows.** A floor from {origins} has no interval."
    if len(rows):
        low, high = rows.iloc[0][["floor_low", "floor_high"]]
        opening = (
            f"**What they rest on** is a floor from {origins}: {low:.2f} to {high:.2f} with 95 % confidence."
        )
    return f"{opening} {_SAID[kind]}{shared}."


def _mean(values: Iterable[float]) -> float:
    values = list(values)
    return float(sum(values) / len(values))


def _listed(parts: Iterable[str]) -> str:
    parts = list(parts)
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
