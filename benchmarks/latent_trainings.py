"""Simulated trainings that differ in direction, strength and error rate, their true agreement known.

Independent of what the library assumes: trainings do not vary normally, nor by one number each. Examples
are of two kinds, easy and hard. Training k gets an example wrong where

    strength_k (LOADING g + width direction_k . h) + own noise < threshold_k,

with g the example's difficulty, a mixture of two normals, h a vector of other features of it and
`direction_k` a unit vector: two trainings share the more errors the nearer their directions are. Strengths
are skewed (most trainings are usual, a few are far off), thresholds make error rates unequal. Given the
kind of example the two models' variables are bivariate normal, so that rates and overlaps follow from
Owen's T function.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
from scipy.special import ndtr, owens_t

# Shares, means and standard deviation of the two kinds of examples, hard ones first.
KINDS = np.array([0.3, 0.7])
MEANS = np.array([-1.0, 3 / 7])
WITHIN = 0.80
LOADING = 1.05
THRESHOLD = -0.60
DIMENSIONS = 6
# How much of a training's departure is direction, strength and error rate, at spread 1.
DIRECTION, STRENGTH, RATE = 0.35, 0.08, 0.12
# No training is weaker, stronger or wider than this: its own noise must not vanish.
WEAKEST, STRONGEST, WIDEST = 0.3, 1.06, 0.41


class Trainings(NamedTuple):
    """Parameters of trainings, shape [...] each; directions [..., DIMENSIONS]."""

    strength: np.ndarray
    threshold: np.ndarray
    direction: np.ndarray
    width: np.ndarray

    def at(self, index) -> "Trainings":
        """Those of some places."""
        return Trainings(*(x[index] for x in self))


def draw_trainings(
    random: np.random.Generator, shape: tuple[int, ...], spread: float, common=None
) -> Trainings:
    """Trainings of the reference.

    Parameters
    ----------
    random : Generator
    shape : tuple of int
    spread : float
        How much trainings differ; see `spread_for`.
    common : tuple of ndarray, optional
        Standard exponential and standard normal departures that another characteristic of the same
        trainings has, of the same shape: half of the variance is then shared, which is what makes
        characteristics dependent.
    """
    off, shift = random.exponential(size=shape) - 1, random.standard_normal(shape)
    if common is not None:
        off, shift = (np.sqrt(0.5) * (own + shared) for own, shared in zip((off, shift), common, strict=True))
    direction = random.standard_normal((*shape, DIMENSIONS))
    direction /= np.linalg.norm(direction, axis=-1, keepdims=True)
    return Trainings(
        np.clip(1 - spread * STRENGTH * off, WEAKEST, STRONGEST),
        THRESHOLD + spread * RATE * shift,
        direction,
        np.full(shape, min(DIRECTION * np.sqrt(spread), WIDEST)),
    )


def overlaps(a: Trainings, b: Trainings) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """True error rates of two trainings and the rate at which both err, each of the broadcast shape."""
    shared = (a.direction * b.direction).sum(axis=-1) * a.width * b.width + (LOADING * WITHIN) ** 2
    rho = np.clip(a.strength * b.strength * shared, -0.999, 0.999)
    p = q = both = 0.0
    for share, mean in zip(KINDS, MEANS, strict=True):
        h, k = (t.threshold - t.strength * LOADING * mean for t in (a, b))
        p, q = p + share * ndtr(h), q + share * ndtr(k)
        both = both + share * _bivariate(h, k, rho)
    return p, q, both


def _bivariate(h: np.ndarray, k: np.ndarray, rho: np.ndarray) -> np.ndarray:
    """Bivariate normal distribution function (Owen 1956); no argument may be 0."""
    h, k = (np.where(np.abs(x) < 1e-12, 1e-12, x) for x in (h, k))
    root = np.sqrt(1 - rho**2)
    found = (ndtr(h) + ndtr(k)) / 2 - owens_t(h, (k / h - rho) / root) - owens_t(k, (h / k - rho) / root)
    return found - np.where(h * k < 0, 0.5, 0.0)


def excess(p: np.ndarray, q: np.ndarray, both: np.ndarray) -> np.ndarray:
    """Jaccard index above chance."""
    return both / (p + q - both) - p * q / (p + q - p * q)


def true_excess(a: Trainings, b: Trainings) -> np.ndarray:
    """Jaccard index of two trainings' errors in the population, above chance."""
    return excess(*overlaps(a, b))


@cache
def spread_for(deviation: float, *, relative: bool = False, seed: int = 1) -> float:
    """Spread at which the agreement with one reference has this standard deviation over trainings.

    Parameters
    ----------
    deviation : float
        Of the Jaccard index, as a mean over references; with `relative`, of its excess over chance as a
        share of it.
    """

    def reached(spread: float) -> float:
        random = np.random.default_rng(seed)
        references, others = (draw_trainings(random, shape, spread) for shape in ((60, 1), (1, 1500)))
        p, q, both = overlaps(references, others)
        values = excess(p, q, both) if relative else both / (p + q - both)
        spreads = values.std(axis=1)
        return float(np.mean(spreads / values.mean(axis=1)) if relative else spreads.mean())

    low, high = 0.0, 8.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if reached(middle) < deviation else (low, middle)
    return (low + high) / 2


def at_share(references: Trainings, target: np.ndarray, models: Trainings) -> Trainings:
    """Models as given, with the strength at which their true excess with the reference is the target."""
    low = np.zeros(models.strength.shape)
    high = np.full(models.strength.shape, 0.999) / np.sqrt((LOADING * WITHIN) ** 2 + models.width**2)
    for _ in range(45):
        middle = (low + high) / 2
        below = true_excess(references, models._replace(strength=middle)) < target
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return models._replace(strength=(low + high) / 2)


def draw_errors(
    random: np.random.Generator, models: Trainings, examples: int, *, size: int = 1
) -> np.ndarray:
    """Which examples every model gets wrong.

    Parameters
    ----------
    random : Generator
    models : Trainings, shape [simulations, models]
    examples : int
    size : int
        Examples of one cluster, which are neighbors and share their kind and half of their difficulty.

    Returns
    -------
    ndarray of bool, shape [simulations, models, examples]
    """
    simulations, clusters = len(models.strength), examples // size
    kind = (random.random((simulations, clusters)) >= KINDS[0]).astype(int)
    g = random.standard_normal((simulations, examples), dtype=np.float32)
    if size > 1:
        shared = random.standard_normal((simulations, clusters), dtype=np.float32)
        g = np.sqrt(0.5) * (g + np.repeat(shared, size, axis=1))
        kind = np.repeat(kind, size, axis=1)
    g = LOADING * (MEANS.astype(np.float32)[kind] + np.float32(WITHIN) * g)
    h = random.standard_normal((simulations, DIMENSIONS, examples), dtype=np.float32)
    own = random.standard_normal((*models.strength.shape, examples), dtype=np.float32)
    strength, threshold = (x.astype(np.float32)[..., None] for x in (models.strength, models.threshold))
    toward = (models.direction * models.width[..., None]).astype(np.float32) @ h
    left = 1 - models.strength**2 * ((LOADING * WITHIN) ** 2 + models.width**2)
    noise = np.sqrt(np.maximum(left, 0)).astype(np.float32)[..., None] * own
    return strength * (g[:, None] + toward) + noise < threshold
