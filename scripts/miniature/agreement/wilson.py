"""An interval for a rate, also where it is 0 or 1 or rests on few examples."""

from scipy.stats import norm

METHOD = "wilson"


def wilson_interval(part: int, whole: int, *, level: float = 0.95) -> tuple[float, float]:
    """Score interval of a binomial rate (Wilson 1927).

    The examples count as independent of one another.

    Parameters
    ----------
    part, whole : int
        How many of how many.
    level : float
        Confidence, two-sided.

    Returns
    -------
    low, high : float
        Within [0, 1]; NaN where `whole` is 0.

    Raises
    ------
    ValueError
        `part` is not between 0 and `whole`, or the level not between 0 and 1.

    Examples
    --------
    >>> [round(x, 4) for x in wilson_interval(0, 10)]
    [0.0, 0.2775]
    """
    if not 0 <= part <= whole or not 0 < level < 1:
        raise ValueError(f"{part} of {whole} at the level {level}")
    if whole == 0:
        return float("nan"), float("nan")
    z = float(norm.ppf(0.5 + level / 2))
    rate = part / whole
    scale = 1 + z**2 / whole
    middle = (rate + z**2 / (2 * whole)) / scale
    half = z / scale * (rate * (1 - rate) / whole + z**2 / (4 * whole**2)) ** 0.5
    # At the ends rounding would leave a hair beside what is exactly 0 or 1.
    return (0.0 if part == 0 else middle - half), (1.0 if part == whole else middle + half)
