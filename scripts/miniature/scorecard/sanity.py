"""What verdicts take for granted: no file under two names, labels that mean what they say, a usual reference.

None of them changes a verdict. What they find is shown in the answer.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment

from miniature.measures.registry import MEASURES
from miniature.scorecard.build import select_rows
from miniature.scorecard.outputs import Outputs
from miniature.statistics.paired import FEW_CLUSTERS
from miniature.statistics.significance import mcnemar

# A reading of the labels that is right so much more often is taken for the one that was meant.
SWAPPED = 0.2
SIGNIFICANT = 0.05
# Two models of which one runs the other's checkpoint again may agree to the last digit.
Pair = tuple[str, str]


def check_outputs(
    outputs: Mapping[str, Outputs],
    *,
    task: str,
    reference: str,
    subjects: Sequence[str] = (),
    labels: Sequence[str] | None = None,
    reruns: Sequence[Pair] = (),
) -> Iterator[str]:
    """What is strange about predictions on one task.

    Parameters
    ----------
    outputs : mapping of str to Outputs
        By model.
    task, reference : str
    subjects : sequence of str
        Models that are compared with the reference.
    labels : sequence of str, optional
        Class names in class order.
    reruns : sequence of (str, str)
        Pairs of which one is the other's checkpoint run again.

    Yields
    ------
    str
        Two models with the same predictions to the last digit; accuracy below that of always naming the
        commonest class; labels that look swapped; a significant loss of accuracy against the reference.

    Examples
    --------
    >>> same = Outputs(np.zeros(3), np.zeros(3, dtype=int))
    >>> list(check_outputs({"a": same, "b": same}, task="reviews", reference="a"))
    ['a and b: the same predictions on reviews, to the last digit. One file under two names?']
    """
    for a, b in combinations(outputs, 2):
        if (a, b) not in reruns and (b, a) not in reruns and _same(outputs[a], outputs[b]):
            yield f"{a} and {b}: the same predictions on {task}, to the last digit. One file under two names?"
    for name, found in outputs.items():
        yield from _check_labels(name, found, task, labels)
    lost = [
        _loss(name, outputs[name], outputs[reference])
        for name in subjects
        if name in outputs and reference in outputs
    ]
    if any(lost):
        yield f"significantly less accurate than {reference} on {task}: {', '.join(filter(None, lost))}."


def _same(a: Outputs, b: Outputs) -> bool:
    """Whether all that is known of two models is the same, and something beyond right and wrong is."""
    if a.answer is None or b.answer is None or not len(a.answer) or not (a.answer == b.answer).all():
        return False
    if a.probabilities is None or b.probabilities is None:
        return a.probabilities is b.probabilities
    return bool(np.array_equal(a.probabilities, b.probabilities, equal_nan=True))


def _check_labels(name: str, found: Outputs, task: str, labels: Sequence[str] | None) -> Iterator[str]:
    if found.label is None or not labels or found.probabilities is None:
        return
    known = (found.label >= 0) & ~np.isnan(found.probabilities).any(axis=1) & ~np.isnan(found.error)
    if not known.any():
        return
    label, said = found.label[known], found.probabilities[known].argmax(axis=1)
    table = np.zeros((len(labels), len(labels)))
    np.add.at(table, (label, said), 1)
    table /= table.sum()
    right, commonest = float(np.trace(table)), float(table.sum(axis=1).max())
    rows, columns = linear_sum_assignment(-table)
    best = float(table[rows, columns].sum())
    if best > commonest and best > right + SWAPPED:
        moved = [f"{labels[c]} as {labels[r]}" for r, c in zip(rows, columns, strict=True) if r != c]
        yield (
            f"{name}: labels of {task} look swapped. It is right on {100 * right:.1f} %, and on "
            f"{100 * best:.1f} % with {', '.join(moved)}."
        )
    elif right < commonest:
        yield (
            f"{name}: right on {100 * right:.1f} % of {task}, less than always naming the commonest class "
            f"({100 * commonest:.1f} %)."
        )


def _loss(name: str, found: Outputs, original: Outputs) -> str:
    """Points of accuracy that a model loses, with McNemar's p-value; empty where it may lose none."""
    known = ~(np.isnan(found.error) | np.isnan(original.error))
    before, after = original.error[known] == 1, found.error[known] == 1
    lost, gained = int((~before & after).sum()), int((before & ~after).sum())
    p = mcnemar(lost, gained)
    if lost <= gained or p > SIGNIFICANT:
        return ""
    return f"{name} by {100 * (lost - gained) / int(known.sum()):.1f} points (p {_shown(p)})"


def _shown(p: float) -> str:
    return "< 1e-6" if p < 1e-6 else f"= {p:.2g}"


def check_reference(
    agreement: pd.DataFrame,
    verdict: Mapping[str, Mapping[str, object]],
    *,
    reference: str,
    trainings: Sequence[str],
) -> Iterator[str]:
    """Whether the reference is a usual training of itself.

    Parameters
    ----------
    agreement : DataFrame
        Agreement rows of all characteristics.
    verdict : mapping
        The study's verdicts.
    reference : str
    trainings : sequence of str
        Its other trainings, of which it takes two.

    Yields
    ------
    str
        A characteristic in which the other trainings agree with the reference much less, or much more, than
        with each other: above chance less than the bar's share, or the inverse. Floors of two and three
        trainings take the reference for a typical one, and every model compressed from it shares what is
        peculiar to it.
    """
    for name, settings in verdict.items():
        closer = MEASURES[str(settings["measure"])].closer
        if closer == "zero" or len(trainings) < 2:
            continue
        rows = select_rows(agreement[agreement["examples_of"] == ""], name, settings)
        sign = 1 if closer == "higher" else -1
        excess = {
            frozenset((a, b)): sign * (value - chance)
            for a, b, value, chance in zip(
                rows["model_a"], rows["model_b"], rows["value"], rows["chance"], strict=True
            )
        }
        own = [excess.get(frozenset((reference, t)), np.nan) for t in trainings]
        among = [excess.get(frozenset(pair), np.nan) for pair in combinations(trainings, 2)]
        with_reference, with_others = float(np.mean(own)), float(np.mean(among))
        bar = float(settings.get("keep", 0.8))
        if not with_others > 0:
            continue
        share = with_reference / with_others
        if share < bar or share > 1 / bar:
            yield (
                f"{reference} is no typical training of itself in {name}: its other trainings agree with it "
                f"by {with_reference:.3f} above chance, with each other by {with_others:.3f}."
            )


def check_clusters(card: pd.DataFrame) -> Iterator[str]:
    """Characteristics whose examples come in few clusters; where there is no example there is no interval.

    Examples
    --------
    >>> card = pd.DataFrame({"characteristic": ["errors", "vulnerability"], "n_clusters": [7, 0]})
    >>> list(check_clusters(card))
    ['errors: examples of only 7 clusters; intervals are too narrow below 20.']
    """
    for name, rows in card.groupby("characteristic", sort=False):
        known = rows["n_clusters"][rows["n_clusters"] > 0]
        if len(known) and int(known.min()) < FEW_CLUSTERS:
            yield (
                f"{name}: examples of only {int(known.min())} clusters; intervals are too narrow below "
                f"{FEW_CLUSTERS}."
            )
