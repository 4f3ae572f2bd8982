"""Jaccard index with chance and ceiling from counts, for many resamples and pairs of models at once."""

import numpy as np

from miniature.agreement.corrected import correct_for_chance


def jaccard_of_counts(
    sizes: np.ndarray, a: np.ndarray, b: np.ndarray, both: np.ndarray
) -> dict[str, np.ndarray]:
    """Jaccard index over the union of some datasets, with chance and ceiling within each of them.

    Parameters
    ----------
    sizes : array_like of float, shape [..., datasets]
        Examples of each dataset.
    a, b, both : array_like of float, shape [..., datasets]
        Members of the first set, of the second, and of both, in each dataset.

    Returns
    -------
    dict of str to ndarray of float64, shape [...]
        ``value``, ``chance`` (as `chance_jaccard`), ``ceiling`` (as `ceiling_jaccard`), ``corrected`` (as
        `correct_for_chance`); NaN where both sets are empty.

    Examples
    --------
    >>> found = jaccard_of_counts([10.0], [5.0], [5.0], [4.0])
    >>> {name: round(float(value), 4) for name, value in found.items()}
    {'value': 0.6667, 'chance': 0.3333, 'ceiling': 1.0, 'corrected': 0.5}
    """
    sizes, a, b, both = np.broadcast_arrays(*(np.asarray(x, dtype=np.float64) for x in (sizes, a, b, both)))
    by_chance = np.divide(a * b, sizes, out=np.zeros(sizes.shape), where=sizes > 0)
    union = (a + b - both).sum(axis=-1)
    value = _ratio(both.sum(axis=-1), union)
    chance = _ratio(by_chance.sum(axis=-1), (a + b - by_chance).sum(axis=-1))
    ceiling = _ratio(np.minimum(a, b).sum(axis=-1), np.maximum(a, b).sum(axis=-1))
    corrected = np.asarray(correct_for_chance(value, chance, ceiling))
    return {"value": value, "chance": chance, "ceiling": ceiling, "corrected": corrected}


def _ratio(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    return np.divide(top, bottom, out=np.full(np.shape(top), np.nan), where=bottom > 0)
