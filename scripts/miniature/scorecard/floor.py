"""A noise floor: how far the reference agrees with other trainings of itself, its own or those of others.

Each second training that a study makes is an origin of its own. Two checkpoints that others published as one
group share code, settings and often a training run, so that they are no independent evidence of what another
training would have done: only pairs of different origin count, and each origin counts once however many
checkpoints it published.
"""

import math
from collections.abc import Container, Mapping, Sequence

from miniature.names import replicate_of


def trainings_of(models: Sequence[str], origins: Mapping[str, str], *, reference: str) -> dict[str, str]:
    """The reference and the other trainings of it that make the noise floor, each with its origin.

    Parameters
    ----------
    models : sequence of str
        All models of the study.
    origins : mapping of str to str
        Origin of the reference and of each model that is the same large model by others.
    reference : str

    Returns
    -------
    dict of str to str
        With second trainings (``{reference}.seed{n}``) these, each an origin of its own: they differ from the
        reference in the seed alone, and models of others do not. Without, `origins`.

    Examples
    --------
    >>> trainings_of(["large", "tiny", "large.seed1"], {}, reference="large")
    {'large': 'large', 'large.seed1': 'large.seed1'}
    """
    replicates = [model for model in models if replicate_of(model) == reference]
    return {name: name for name in [reference, *replicates]} if replicates else dict(origins)


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
        Models of other origin than the reference. The weights of an origin add up to one share, all weights
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
    """Agreement of the reference with the same large model of other origin, one weight for each origin.

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
