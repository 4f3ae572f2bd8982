"""What it takes to decide: more trainings, more examples, or neither."""

import math

import numpy as np
import pandas as pd

from miniature.scorecard.difference import Difference
from miniature.statistics.kept import Kept, p_miniature, p_not_miniature
from miniature.statistics.trainings import p_beyond, p_inside

# Chance of a call that a plan is made for, as so many standard errors.
POWER = 0.84
LEVEL = 0.05
MOST_TRAININGS, MOST_TIMES = 20, 100
# Standard error of the share kept over n examples, times the root of n: what simulated and real scorecards
# show.
PER_EXAMPLE = 1.7
TIMES = (1.5, 2, 3, 5, 7.5, 10, 20, 50, 100)


def rescale(kept: Kept, *, times: float = 1.0, trainings: int | None = None) -> Kept:
    """The same estimate from so many times the examples and from another number of trainings.

    Parameters
    ----------
    kept : Kept
        Of numbers.
    times : float
    trainings : int, optional

    Examples
    --------
    >>> more = rescale(Kept(0.3, 0.4, 1e-4, 1e-4, 0.0, 99, 2e-4, 1e-4, 3, 3), times=4, trainings=6)
    >>> more.model_variance, more.training_df, round(more.training_variance, 7)
    (2.5e-05, 5, 0.000125)
    """
    r = kept.trainings if trainings is None else trainings
    spread = max(0.0, float(kept.training_variance) - float(kept.training_noise))
    noise = float(kept.training_noise) / times
    return kept._replace(
        model_variance=kept.model_variance / times,
        floor_variance=kept.floor_variance / times * kept.trainings / r,
        covariance=kept.covariance / times,
        example_df=max(1, round((kept.example_df + 1) * times) - 1),
        training_variance=spread + noise, training_noise=noise,
        training_df=r if r < 4 else r - 1, trainings=r,
    )  # fmt: skip


def decides(kept: Kept, bar: float, level: float = LEVEL) -> bool:
    """Whether such data would decide with a chance of about four in five, the share staying what it is."""
    share = float(kept.share)
    toward = 1.0 if share > bar else -1.0
    _, u = kept.contrast(bar)
    spread = max(0.0, float(u.training_variance) - float(u.training_noise))
    error = math.sqrt(float(u.example_variance) + u.factor * spread)
    shifted = kept._replace(model=float(kept.model) - toward * POWER * error)
    claim = p_miniature if toward > 0 else p_not_miniature
    return bool(claim(shifted, bar) <= level)


def what_decides(found: Difference, bar: float, *, examples: int, tests: int = 1) -> str:
    """What would decide a row that is open.

    Parameters
    ----------
    found : Difference
    bar : float
    examples : int
        On which it was measured.
    tests : int
        Rows of the family, for whose number the level is divided.

    Returns
    -------
    str
        ``would be decided by 6 replicates or 5,000 examples``, or that hardly anything would.
    """
    if found.level is not None:
        return _of_level(found, bar, examples)
    kept = found.kept
    if kept is None:
        return found.reason
    level = LEVEL / max(1, tests)

    def enough(**more: float) -> bool:
        return decides(rescale(kept, **more), bar, level)

    r, n = kept.trainings, examples
    trainings = next((more for more in range(r + 1, MOST_TRAININGS + 1) if enough(trainings=more)), None)
    times = next((t for t in TIMES if enough(times=t)), None)
    both = next((t for t in TIMES if enough(times=t, trainings=2 * r)), None)
    options = []
    if trainings:
        options.append(f"{trainings} {found.others}")
    if times:
        options.append(f"{_round_up(times * n):,} examples")
    if not options and both:
        options.append(f"{2 * r} {found.others} with {_round_up(both * n):,} examples")
    if options:
        return f"would be decided by {' or '.join(options)}"
    share = f"it keeps {100 * float(kept.share):.0f} %, near the bar of {100 * bar:g} %"
    return f"{share}: hardly any amount of data would decide"


def _of_level(found: Difference, margin: float, examples: int) -> str:
    level = found.level
    size, u = abs(level.value), level.uncertainty
    for times in TIMES:
        df = max(1, int(u.example_df * times))
        more = u._replace(example_variance=u.example_variance / times, example_df=df)
        shift = POWER * math.sqrt(float(more.example_variance))
        inside = p_inside(size + shift, margin, more) <= LEVEL
        if inside or p_beyond(max(0.0, size - shift), margin, more) <= LEVEL:
            return f"would be decided by {_round_up(times * examples):,} examples"
    near = f"it differs by {size:.3g}, near the margin of {margin:g}"
    return f"{near}: hardly any number of examples would decide"


def _round_up(number: float) -> int:
    unit = 10 ** max(0, int(math.log10(max(number, 1))) - 1)
    return int(math.ceil(number / unit) * unit)


def reach(n: int, trainings: int, spread: float, *, bar: float = 0.8, tests: int = 1) -> tuple[float, float]:
    """What a study can tell before it is made.

    Parameters
    ----------
    n : int
        Examples, or clusters of them.
    trainings : int
        Other trainings of the reference, at least 2.
    spread : float
        Standard deviation over trainings of the agreement above chance with the reference, as a share of it.
    bar : float
    tests : int
        Characteristics: the first of so many claims.

    Returns
    -------
    low, high : float
        A model that keeps at most `low` is called `not-miniature`, one that keeps at least `high` is called
        `miniature`, each with a chance of about four in five.

    Raises
    ------
    ValueError
        With fewer than two trainings, or a spread below 0.

    Examples
    --------
    >>> [round(share, 2) for share in reach(5000, 3, 0.03)]
    [0.72, 0.88]
    """
    if trainings < 2 or not spread >= 0 or n < 2:
        raise ValueError(
            f"Two examples and two trainings at least, and a spread: {n}, {trainings}, {spread}."
        )
    # The model's own variance, the floor's half and what both share: the contrast has that of PER_EXAMPLE.
    variance = PER_EXAMPLE**2 / n
    level = LEVEL / tests

    def at(share: float) -> Kept:
        return Kept(
            share, 1.0, variance, variance / 2, 0.2 * variance, n - 1,
            spread**2 + 0.6 * variance, 0.6 * variance,
            trainings if trainings < 4 else trainings - 1, trainings,
        )  # fmt: skip

    grid = np.arange(0.005, 2.5, 0.005)
    # From the bar outward, to the first share on each side that would be decided.
    low = next((share for share in grid[grid < bar][::-1] if decides(at(share), bar, level)), 0.0)
    high = next((share for share in grid[grid > bar] if decides(at(share), bar, level)), math.inf)
    return float(low), float(high)


def planning_table(
    sizes: tuple[int, ...] = (1000, 2000, 5000, 10_000),
    spreads: tuple[float, ...] = (0.015, 0.03, 0.08, 0.12),
    trainings: tuple[int, ...] = (2, 3, 6),
    *,
    bar: float = 0.8,
    tests: int = 1,
) -> pd.DataFrame:
    """What a study of each size can tell, by the spread over trainings; see `reach`.

    Examples
    --------
    >>> planning_table((5000,), (0.03,), (3,)).values.tolist()
    [[0.03, 5000, '0.72 / 0.88']]
    """
    rows = []
    for spread in spreads:
        for n in sizes:
            row: dict[str, object] = {"spread": spread, "examples": n}
            for r in trainings:
                low, high = reach(n, r, spread, bar=bar, tests=tests)
                row[f"{r} replicates"] = f"{low:.2f} / {high:.2f}" if low else f"none / {high:.2f}"
            rows.append(row)
    return pd.DataFrame(rows)
