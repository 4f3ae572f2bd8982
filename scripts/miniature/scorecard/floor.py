"""Noise floors: how far a model agrees with other realizations of itself, by kind.

Every floor has a kind, and answers its own question. What another *training* shares with the reference is
what a compressed model is judged by; a second run of the same checkpoint, another quantization or another
prompt only say whether a difference is more than that kind of noise.

Each second training that a study makes is an origin of its own. Two checkpoints that others published as
one group share code, settings and often a training run, so that they are no independent evidence of what
another training would have done: only pairs of different origin count, and each origin counts once however
many checkpoints it published.
"""

import math
from collections.abc import Container, Mapping, Sequence
from typing import NamedTuple

RETRAINED, ORIGIN, RERUN, REQUANTIZED, PROMPT = "retrained", "origin", "rerun", "requantized", "prompt"
# What each kind of floor is made of, as tables and figures name it.
KINDS: dict[str, str] = {
    RETRAINED: "other trainings, other seeds",
    ORIGIN: "the same model trained by others",
    RERUN: "the same checkpoint run again",
    REQUANTIZED: "other quantizations",
    PROMPT: "other prompts",
}
# Kinds that a verdict can rest on, the first that there is.
TRAININGS = (RETRAINED, ORIGIN)


class FloorModel(NamedTuple):
    """A model that is part of a noise floor.

    Attributes
    ----------
    model : str
    kind : str
        One of `KINDS`.
    of : str
        The model that it is another realization of.
    origin : str
        Models of one origin have one weight together.
    """

    model: str
    kind: str
    of: str
    origin: str


def floor_of(floor: Sequence[FloorModel], model: str, kind: str) -> dict[str, str]:
    """A model and its other realizations of one kind, each with its origin; empty where there are none.

    Examples
    --------
    >>> floor_of([FloorModel("large.seed1", "retrained", "large", "large.seed1")], "large", "retrained")
    {'large': 'large', 'large.seed1': 'large.seed1'}
    """
    others = {f.model: f.origin for f in floor if f.of == model and f.kind == kind}
    return {model: _own_origin(model, others), **others} if others else {}


def _own_origin(model: str, others: Mapping[str, str]) -> str:
    """An origin that no other has: the model is compared with all of them."""
    return model if model not in others.values() else f"{model} itself"


def trainings_of(floor: Sequence[FloorModel], reference: str) -> tuple[str, dict[str, str]]:
    """The floor that verdicts rest on: its kind, and the reference and its trainings with their origins.

    Other trainings of one's own go before those of others: they differ from the reference in the seed
    alone. Without any, the kind is that of one's own and there are no trainings.

    Examples
    --------
    >>> theirs = FloorModel("theirs", "origin", "large", "them")
    >>> trainings_of([theirs, FloorModel("again", "retrained", "large", "again")], "large")
    ('retrained', {'large': 'large', 'again': 'again'})
    """
    for kind in TRAININGS:
        found = floor_of(floor, reference, kind)
        if found:
            return kind, found
    return RETRAINED, {}


def origin_weights(
    origins: Mapping[str, str], *, reference: str, model: str | None = None
) -> dict[str, float]:
    """Weight of every model in the noise floor.

    Parameters
    ----------
    origins : mapping of str to str
        Origin of the reference and of each model that is the same large model.
    reference : str
        Name of the reference.
    model : str, optional
        A model that is to be compared with the floor. Where it is part of the floor, its own origin is left
        out: a floor that contains a model is no yardstick for it.

    Returns
    -------
    dict of str to float
        Models of another origin than the reference. The weights of an origin add up to one share, all weights
        to 1; empty where there is no such model.

    Examples
    --------
    >>> origins = {"large": "us", "theirs": "them", "a": "others", "b": "others"}
    >>> origin_weights(origins, reference="large")
    {'theirs': 0.5, 'a': 0.25, 'b': 0.25}
    >>> origin_weights(origins, reference="large", model="a")
    {'theirs': 1.0}
    """
    if not origins:
        return {}
    left_out = {origins[reference], origins.get(str(model))}
    used = {name: origin for name, origin in origins.items() if origin not in left_out}
    sizes = {origin: list(used.values()).count(origin) for origin in used.values()}
    return {name: 1 / len(sizes) / sizes[origin] for name, origin in used.items()}


def measured_weights(
    trainings: Mapping[str, str], pairs: Container[tuple[str, str]], *, reference: str, model: str
) -> dict[str, float]:
    """`origin_weights` of those trainings that have been measured with the reference."""
    measured = {name: o for name, o in trainings.items() if name == reference or (reference, name) in pairs}
    return origin_weights(measured, reference=reference, model=model)


def noise_floor(
    values: Mapping[str, float],
    origins: Mapping[str, str],
    *,
    reference: str,
    model: str | None = None,
) -> float:
    """Agreement of the reference with the same large model from other origins, one weight for each origin.

    Parameters
    ----------
    values : mapping of str to float
        Agreement of each model with the reference; a model without, or with NaN, was not measured and has
        no part in the weights.
    origins, reference, model
        As for `origin_weights`.

    Returns
    -------
    float
        NaN where no model of another origin was measured.

    Examples
    --------
    >>> origins = {"large": "us", "theirs": "them", "a": "others", "b": "others"}
    >>> noise_floor({"theirs": 0.6, "a": 0.4, "b": 0.5}, origins, reference="large")
    0.525
    """
    measured = {
        name: origin
        for name, origin in origins.items()
        if name == reference or not math.isnan(values.get(name, math.nan))
    }
    weights = origin_weights(measured, reference=reference, model=model)
    return sum(weight * values[name] for name, weight in weights.items()) if weights else math.nan


def origin_means(
    values: Mapping[str, float], origins: Mapping[str, str], *, reference: str
) -> dict[str, float]:
    """Mean agreement of each other origin with the reference, in the order of the study.

    Examples
    --------
    >>> origins = {"large": "us", "a": "others", "b": "others"}
    >>> origin_means({"a": 0.25, "b": 0.75}, origins, reference="large")
    {'others': 0.5}
    """
    found: dict[str, list[float]] = {}
    for name, origin in origins.items():
        value = values.get(name, math.nan)
        if origin != origins[reference] and not math.isnan(value):
            found.setdefault(origin, []).append(value)
    return {origin: sum(group) / len(group) for origin, group in found.items()}
