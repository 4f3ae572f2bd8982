"""The score: agreement on a scale where 0 is chance and 1 is the noise floor."""

import math
from collections.abc import Iterable

from miniature.agreement.corrected import LEAST_ROOM


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
    return corrected / floor if floor > LEAST_ROOM else math.nan
