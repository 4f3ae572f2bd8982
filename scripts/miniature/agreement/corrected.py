"""How far an agreement reaches from chance to the best that was possible."""

import numpy as np

# At or below this distance from chance to ceiling the ratio says more about rounding than about the models.
LEAST_ROOM = 0.05


def correct_for_chance(
    value: float | np.ndarray,
    chance: float | np.ndarray,
    ceiling: float | np.ndarray,
    *,
    least_room: float = LEAST_ROOM,
) -> float | np.ndarray:
    """Chance-corrected agreement ``(A - c) / (u - c)``: 0 at chance level, 1 at the ceiling.

    The form of Cohen's kappa and of the adjusted Rand index (Hubert and Arabie 1985), with the largest value
    that the two set sizes allow in the place of 1. Negative below chance.

    Parameters
    ----------
    value, chance, ceiling : float or array_like of float, one shape
        Agreement, its chance level, and its best value; where lower is closer the ceiling lies below chance.
    least_room : float
        Distance from chance to ceiling that has to be exceeded.

    Returns
    -------
    float or ndarray of float64
        NaN where the distance from chance to ceiling is at most `least_room`, or where a part is NaN.

    Raises
    ------
    ValueError
        If the shapes differ.

    Examples
    --------
    >>> round(correct_for_chance(0.5, 0.25, 0.75), 4)
    0.5
    >>> correct_for_chance(0.5, 0.48, 0.52)
    nan
    """
    a, c, u = (np.asarray(x, dtype=np.float64) for x in (value, chance, ceiling))
    if not a.shape == c.shape == u.shape:
        raise ValueError(f"Values pair up with chance and ceiling: {a.shape}, {c.shape}, {u.shape}.")
    room = u - c
    enough = np.abs(room) > least_room  # false for NaN
    corrected = np.divide(a - c, room, out=np.full(a.shape, np.nan), where=enough)
    return corrected if corrected.ndim else float(corrected)
