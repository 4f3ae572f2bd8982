"""A model's level (accuracy, Brier score) against the levels of the reference's trainings.

An agreement is a property of a pair; a level is one of each model, and what a pair has is the difference of
two levels, with a sign. Its size alone would not do to judge by: the sizes of differences between trainings
have another spread than the difference of a model that lies far off, and noise from examples makes every one
of them larger.
"""

from collections.abc import Mapping

import numpy as np
from scipy.optimize import brentq
from scipy.stats import chi2

from miniature.agreement.uncertainty import Uncertainty, half_width, probability_within

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
    `miniature.difference.group_form`. Degrees of freedom: the number of other groups.

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
    low, high = (float(MEAN_SIZE * np.sqrt(variance * df / chi2.ppf(p, df))) for p in (side, 1 - side))
    return low, high
