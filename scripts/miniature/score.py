"""The score: agreement on a scale where 0 is chance and 1 is the noise floor."""

import math
from collections.abc import Iterable

# Where chance and ceiling, or chance and floor, lie nearer to each other, a quotient says nothing.
LEAST_RANGE = 0.05


def corrected_agreement(value: float, chance: float, ceiling: float, *, closer: str) -> float:
    """Agreement on a scale where 0 is chance and 1 the best that the set sizes allow.

    Parameters
    ----------
    value, chance, ceiling : float
        As in a row of the agreement table.
    closer : str
        The measure's direction. Where lower is closer, the ceiling is the smallest value possible.

    Returns
    -------
    float
        NaN where the measure has no chance or ceiling, or they are at most 0.05 apart.

    Examples
    --------
    >>> corrected_agreement(0.5, 0.25, 0.75, closer="higher")
    0.5
    """
    scale = ceiling - chance if closer == "higher" else chance - ceiling
    return (value - chance) / (ceiling - chance) if scale > LEAST_RANGE else math.nan


def relative_score(corrected: float, floors: Iterable[tuple[float, float]]) -> float:
    """Corrected agreement as a share of the floor's.

    Parameters
    ----------
    corrected : float
        Of the model with the reference.
    floors : iterable of tuple
        Corrected agreement of each training of the reference with it, and its weight; weights add up to 1.

    Returns
    -------
    float
        NaN without a floor, where an agreement is not defined, or where the floor is at most 0.05 above
        chance.

    Examples
    --------
    >>> relative_score(0.4, [(0.7, 0.5), (0.9, 0.5)])
    0.5
    """
    floor = math.fsum(value * weight for value, weight in floors)
    return corrected / floor if floor > LEAST_RANGE else math.nan
