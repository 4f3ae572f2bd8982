"""How far the agreement of two trainings of one model varies from training to training."""

from collections.abc import Mapping
from itertools import combinations

import numpy as np
from scipy.optimize import brentq
from scipy.special import gammaincinv

from miniature.agreement.comparison import BOOTSTRAP, HALVES, JACKKNIFE
from miniature.statistics.halves import halves_degrees
from miniature.statistics.uncertainty import Uncertainty, half_width, probability_within

# Mean size of the difference of two draws from a normal distribution, in its standard deviations.
MEAN_SIZE = 2 / np.sqrt(np.pi)


def level_contrast(groups: Mapping[str, list[str]]) -> np.ndarray:
    """Weights that take a model's level minus the mean level of the reference's trainings.

    Parameters
    ----------
    groups : mapping of str to list of str
        For each other origin, its trainings; the reference is an origin of its own.

    Returns
    -------
    ndarray of float64, shape [trainings + 1]
        For the levels of the groups' trainings and of the model, each minus that of the reference.

    Examples
    --------
    >>> level_contrast({"a": ["a"], "b": ["b", "c"]}).round(3).tolist()
    [-0.333, -0.167, -0.167, 1.0]
    """
    share = 1 / (len(groups) + 1)
    return np.array([*(-share / len(group) for group in groups.values() for _ in group), 1.0])


def level_form(groups: Mapping[str, list[str]]) -> np.ndarray:
    """Quadratic form that gives the variance of a level over trainings, for trainings in groups.

    The variance of the groups' mean levels, the reference being a group of one, and for what the mean of a
    group hides (1 - 1/size) times the variance within it, as a mean over the other groups: see
    `miniature.scorecard.difference.group_form`. Degrees of freedom: the number of other groups.

    Parameters
    ----------
    groups : mapping of str to list of str
        As for `level_contrast`.

    Returns
    -------
    ndarray of float64, shape [trainings, trainings]
        For the levels of the groups' trainings, each minus that of the reference.

    Examples
    --------
    >>> levels = np.array([0.1, 0.4])  # that of the reference is 0
    >>> form = level_form({"a": ["a"], "b": ["b"]})
    >>> bool(np.isclose(levels @ form @ levels, np.var([0, 0.1, 0.4], ddof=1)))
    True
    """
    sizes = [len(group) for group in groups.values()]
    trainings, count = sum(sizes), len(groups) + 1
    means = np.zeros((count, trainings))  # row 0 is the reference
    form = np.zeros((trainings, trainings))
    start = 0
    for row, size in enumerate(sizes, start=1):
        own = np.zeros(trainings)
        own[start : start + size] = 1
        means[row] = own / size
        if size > 1:
            form += (np.diag(own) - np.outer(own, own) / size) / size / len(groups)
        start += size
    centred = np.eye(count) - 1 / count
    return form + means.T @ centred @ means / (count - 1)


def size_bounds(size: float, uncertainty: Uncertainty, probability: float = 0.95) -> tuple[float, float]:
    """One-sided bounds of the size of a difference whose estimate has this size.

    Parameters
    ----------
    size : float
        At least 0.
    uncertainty : Uncertainty
        Of the difference itself, with its sign.
    probability : float

    Returns
    -------
    low, high : float
        ``low`` is the largest margin that the size can be said to exceed, where `p_beyond` gives 0.05; 0
        where there is none. ``high`` is the smallest that it can be said to stay below.

    Examples
    --------
    >>> low, high = size_bounds(0.5, Uncertainty(0.01, 10**6, 0.0, 0.0, 3, 1.0))
    >>> round(low, 3), round(high, 3)
    (0.336, 0.664)
    """
    high = size + half_width(probability, uncertainty)
    level = 1 - probability
    if p_beyond(size, 0.0, uncertainty) > level:
        return 0.0, high
    return float(brentq(lambda m: p_beyond(size, m, uncertainty) - level, 0.0, size, xtol=1e-12)), high


def p_beyond(size: float | np.ndarray, margin: float, uncertainty: Uncertainty) -> np.ndarray:
    """P-value of the claim that a difference is larger than the margin, in whichever direction.

    The probability, at a difference of exactly the margin, of an estimate at least this far from 0 on either
    side; without a margin the two-sided p-value.

    Parameters
    ----------
    size : float or ndarray, shape [...]
        Of the estimate, at least 0.
    margin : float
        At least 0.
    uncertainty : Uncertainty
        Of the difference itself; its variances may be arrays of the shape of `size`.

    Returns
    -------
    ndarray of float64, shape [...]

    Examples
    --------
    >>> p_beyond(0.196, 0.0, Uncertainty(0.01, 10**6, 0.0, 0.0, 3, 1.0)).round(3).item()
    0.05
    """
    near = probability_within(margin - np.asarray(size), uncertainty)
    return np.minimum(1.0, near + probability_within(-margin - np.asarray(size), uncertainty))


def p_inside(size: float | np.ndarray, margin: float, uncertainty: Uncertainty) -> np.ndarray:
    """P-value of the claim that a difference is smaller than the margin, by two one-sided tests.

    Parameters and shape as for `p_beyond`.

    Examples
    --------
    >>> p_inside(0.0, 0.1645, Uncertainty(0.01, 10**6, 0.0, 0.0, 3, 1.0)).round(3).item()
    0.05
    """
    return probability_within(np.asarray(size) - margin, uncertainty)


def mean_size_interval(variance: float, df: int, side: float = 0.975) -> tuple[float, float]:
    """Interval of the mean size of the difference between two trainings, from the variance of a level.

    Parameters
    ----------
    variance : float
        Estimated, examples' part and all.
    df : int
        Its degrees of freedom.
    side : float
        Confidence of each end.

    Examples
    --------
    >>> low, high = mean_size_interval(1.0, 10**6)
    >>> round(low, 2), round(high, 2)
    (1.13, 1.13)
    """
    # Quantiles of chi-square. They have a name in scipy.stats, which takes half a second to import.
    low, high = (
        float(MEAN_SIZE * np.sqrt(variance * df / (2 * gammaincinv(df / 2, p)))) for p in (side, 1 - side)
    )
    return low, high


def example_covariance(values: np.ndarray, method: str, *, clusters: int) -> tuple[np.ndarray, int]:
    """Covariance of estimates over samples of examples, and its degrees of freedom.

    The same resamples serve all rows, so that the variance of any difference of them can be read off it.

    Parameters
    ----------
    values : array_like of float, shape [estimates, resamples]
        Each estimate in each resample.
    method : str
        `BOOTSTRAP`: covariance over draws, times clusters / (clusters - 1), because a resample of few
        clusters varies too little (Davison and Hinkley 1997). `JACKKNIFE`: (B - 1)/B times the sum of
        products of deviations over the B leave-one-block-out values (Efron and Tibshirani 1993, section
        11.5). `HALVES`: covariance over draws, which `agreement.halves` has scaled.
    clusters : int
        Clusters of examples.

    Returns
    -------
    covariance : ndarray of float64, shape [estimates, estimates]
        NaN where an estimate is not defined in some resample: to leave that resample out would make the
        covariance too small in silence.
    degrees_of_freedom : int
        Clusters or blocks, minus 1; of `HALVES`, as `halves_degrees` counts them.

    Raises
    ------
    ValueError
        With a method of another name, fewer than two clusters or fewer than two resamples.

    Examples
    --------
    >>> covariance, df = example_covariance([[1.0, 2.0, 3.0]], JACKKNIFE, clusters=3)
    >>> covariance.round(4).tolist(), df
    ([[1.3333]], 2)
    """
    values = np.asarray(values, dtype=np.float64)
    resamples = values.shape[1]
    if method not in (BOOTSTRAP, JACKKNIFE, HALVES) or clusters < 2 or resamples < 2:
        raise ValueError(f"No covariance of {resamples} resamples of {clusters} clusters by '{method}'.")
    deviations = values - values.mean(axis=1, keepdims=True)
    products = deviations @ deviations.T
    if method == JACKKNIFE:
        return products * (resamples - 1) / resamples, resamples - 1
    if method == HALVES:
        return products / (resamples - 1), max(1, int(halves_degrees(resamples, clusters)))
    return products / (resamples - 1) * clusters / (clusters - 1), clusters - 1


Pair = tuple[str, str]


def group_form(groups: Mapping[str, list[str]], reference: str) -> np.ndarray:
    """Quadratic form that gives the variance of an agreement over trainings, for trainings in groups.

    Between groups it is that of the groups' mean agreements. A mean of several trainings of one group varies
    less than one training does, so that the variance within a group that the mean hides, (1 - 1/size) times
    the variance over its trainings of their agreement with the reference, is added, as a mean over groups.
    For groups of one training each this is without bias, for others nearly so.

    Parameters
    ----------
    groups : mapping of str to list of str
        For each other origin, its trainings.
    reference : str

    Returns
    -------
    ndarray of float64, shape [pairs, pairs]
        For agreements in the order of all pairs of different groups, the reference's first.

    Examples
    --------
    >>> one_each = group_form({"a": ["a"], "b": ["b"]}, "large")
    >>> bool(np.allclose(one_each, spread_form(3)))
    True
    """
    pairs = training_pairs(groups, reference)
    members = [[reference], *groups.values()]
    means = np.zeros((len(members) * (len(members) - 1) // 2, len(pairs)))
    for row, (one, other) in enumerate(combinations(members, 2)):
        for column, (a, b) in enumerate(pairs):
            means[row, column] = (a in one and b in other) / len(one) / len(other)
    form = means.T @ spread_form(len(members)) @ means
    for group in groups.values():
        own = np.array([a == reference and b in group for a, b in pairs], dtype=float)
        size = len(group)
        if size > 1:
            variance = (np.diag(own) - np.outer(own, own) / size) / (size - 1)
            form += variance * (1 - 1 / size) / len(groups)
    return form


def reference_form(groups: Mapping[str, list[str]]) -> np.ndarray:
    """Quadratic form of the variance over trainings from agreements with the reference alone.

    It takes the reference for whatever training it is, where `group_form` takes it for a typical one: the
    sample variance of the groups' means, with what the mean of a group hides added as there. Degrees of
    freedom: groups minus 1.

    Parameters
    ----------
    groups : mapping of str to list of str
        For each other origin, its trainings; at least two.

    Returns
    -------
    ndarray of float64, shape [trainings, trainings]
        For the reference's agreements with the groups' trainings, in their order.

    Examples
    --------
    >>> values = np.array([0.5, 0.6, 0.7, 0.9])
    >>> form = reference_form({name: [name] for name in "abcd"})
    >>> bool(np.isclose(values @ form @ values, values.var(ddof=1)))
    True
    """
    sizes = [len(group) for group in groups.values()]
    trainings, count = sum(sizes), len(groups)
    means, form, start = np.zeros((count, trainings)), np.zeros((trainings, trainings)), 0
    for row, size in enumerate(sizes):
        own = np.zeros(trainings)
        own[start : start + size] = 1
        means[row] = own / size
        if size > 1:
            form += (np.diag(own) - np.outer(own, own) / size) / size / count
        start += size
    return form + means.T @ (np.eye(count) - 1 / count) @ means / (count - 1)


def training_pairs(groups: Mapping[str, list[str]], reference: str) -> list[Pair]:
    """All pairs of trainings of different groups, the reference's first.

    Examples
    --------
    >>> training_pairs({"a": ["a"], "b": ["b"]}, "large")
    [('large', 'a'), ('large', 'b'), ('a', 'b')]
    """
    members = [[reference], *groups.values()]
    return [(a, b) for one, other in combinations(members, 2) for a in one for b in other]


def spread_form(trainings: int) -> np.ndarray:
    """Matrix of the quadratic form that estimates the variance of an agreement over trainings.

    Two pairs that share a training are not independent, so the variance of all pairs' values is no estimate.
    An agreement of exchangeable trainings i and j splits into A_ij = mean + e_i + e_j + e_ij with
    uncorrelated parts. What is wanted is the variance over j with i held fixed, var(e) + var(e_ij): how much
    the agreement with one reference varies over other trainings. The analysis of variance of the pairs gives
    it without bias,

        MS_e / (g - 2) + MS_res (1 - 1 / (g - 2)),

    from E[MS_e] = var(e_ij) + (g - 2) var(e) and E[MS_res] = var(e_ij). For three trainings this is the
    sample variance of the three pairs.

    Parameters
    ----------
    trainings : int
        g, the trainings that were compared with each other, at least 3.

    Returns
    -------
    ndarray of float64, shape [pairs, pairs]
        M, so that ``v @ M @ v`` is the variance for the pairs' values ``v`` in the order of
        ``itertools.combinations``.

    Raises
    ------
    ValueError
        With fewer than three trainings: one pair has no spread.

    Notes
    -----
    The two-way random effects model of a symmetric array without diagonal, as in diallel crosses (Griffing
    1956, method 4, model II); any exchangeable array splits so (Hoeffding 1948), with parts that are
    uncorrelated though not always independent.

    Examples
    --------
    >>> values = np.array([0.50, 0.60, 0.70])
    >>> round(float(values @ spread_form(3) @ values), 10), round(float(values.var(ddof=1)), 10)
    (0.01, 0.01)
    """
    g = trainings
    if g < 3:
        raise ValueError(f"The spread over trainings needs three of them; here are {g}.")
    pairs = list(combinations(range(g), 2))
    member = np.zeros((len(pairs), g))
    for row, pair in enumerate(pairs):
        member[row, list(pair)] = 1
    effect = (member.T - 2 / g) / (g - 2)  # [g, pairs]: the least squares estimate of every e_i
    residual = np.eye(len(pairs)) - 1 / len(pairs) - member @ effect  # [pairs, pairs]
    return effect.T @ effect / (g - 1) + 2 / (g * (g - 2)) * residual.T @ residual
