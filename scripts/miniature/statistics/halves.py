"""Random halves of the clusters, whose difference shows how far a measure of the whole sample varies.

Two halves share no example, so that they are two independent samples, and nothing in them is repeated: what
an example is to the others (a neighbor) is sampled anew along with what it is itself.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import stdtrit

from miniature.job.forked import map_forked
from miniature.seeds import generator

# Divisions into halves. Their number costs time and decides how well the standard error itself is known: to
# 1 / sqrt(2 SPLITS), a tenth, which Student's t takes into account.
SPLITS = 50


class Halves(NamedTuple):
    """Divisions of one table of examples into halves.

    Attributes
    ----------
    member : ndarray of bool, shape [splits, examples]
        Whether an example is in the first half; a cluster is whole in one of them.
    scale : float
        Times the difference of the halves' values it gives a deviation of the value of the whole sample.
    clusters : int
        Distinct clusters.
    """

    member: np.ndarray
    scale: float
    clusters: int


def split_halves(index: np.ndarray, clusters: int, *, seed: int, splits: int = SPLITS) -> Halves | None:
    """Divide the clusters into halves at random, many times.

    The squared difference of the means of n1 and n2 units drawn from n without replacement is
    s^2 (1/n1 + 1/n2) on average, and a mean of all n varies by s^2 / n: hence the scale sqrt(n1 n2) / n,
    one half where n is even. (The delete-d jackknife with d = n / 2: Shao and Wu 1989.)

    Parameters
    ----------
    index : ndarray of int, shape [examples]
        Cluster of each example, from 0.
    clusters : int
        Distinct clusters.
    seed : int
        The study's seed.
    splits : int

    Returns
    -------
    Halves or None
        None with fewer than two clusters, which cannot be divided.

    Examples
    --------
    >>> halves = split_halves(np.array([0, 0, 1]), 2, seed=0, splits=4)
    >>> halves.member.shape, halves.scale, bool((halves.member[:, 0] == halves.member[:, 1]).all())
    ((4, 3), 0.5, True)
    >>> split_halves(np.array([0, 0]), 1, seed=0) is None
    True
    """
    if clusters < 2:
        return None
    random = generator(seed, "halves", clusters)
    first = clusters // 2
    chosen = random.permuted(np.tile(np.arange(clusters) < first, (splits, 1)), axis=1)
    return Halves(chosen[:, index], math.sqrt(first * (clusters - first)) / clusters, clusters)


def halves_degrees(splits: int, clusters: int) -> float:
    """Degrees of freedom of a variance from random halves."""
    return 1 / (1 / (splits - 1) + 1 / (clusters - 1))


def halves_interval(
    value: np.ndarray, deviations: np.ndarray, *, clusters: int, level: float = 0.95
) -> tuple[np.ndarray, np.ndarray]:
    """Intervals of measures between 0 and 1 from their deviations over random halves.

    The value plus and minus Student's t times the standard deviation of the deviations, cut at 0 and 1.

    Parameters
    ----------
    value : ndarray of float, shape [...]
    deviations : ndarray of float, shape [splits, ...]
    clusters : int
        Distinct clusters, at least 2.
    level : float
        Nominal coverage.

    Returns
    -------
    tuple of ndarray of float64, each [...]
        NaN where the value or a deviation is not defined, and where no half deviates (identical models): an
        interval of no width would claim certainty.

    Examples
    --------
    >>> low, high = halves_interval(np.array(0.5), np.array([-0.1, 0.1, 0.0]), clusters=100)
    >>> round(float(low), 3), round(float(high), 3)
    (0.061, 0.939)
    """
    error = deviations.std(axis=0, ddof=1)
    half = stdtrit(halves_degrees(len(deviations), clusters), (1 + level) / 2) * error
    # Identical models differ from each other by rounding.
    half = np.where(error > 1e-12, half, np.nan)
    return np.maximum(0.0, value - half), np.minimum(1.0, value + half)


# Entries of the rankings in work at once, and of the table that finds an example in them: a few megabytes,
# which stay in the processor's cache.
ENTRIES, PLACES = 60_000, 4_000_000

Pair = tuple[str, str]


def half_sizes(k_max: int, n: int) -> np.ndarray:
    """Number of neighbors in a half that stands for K in the whole sample, for K = 1, ..., k_max."""
    k = np.arange(1, k_max + 1)
    return np.maximum(1, np.rint(k * np.maximum(0.5, 1 - 2 * k / n))).astype(np.int64)


def ranking_length(k_max: int, n: int) -> int:
    """How many neighbors to find so that about every example has enough of them in its own half.

    Twice those needed, and twenty times their root for the chance of the division; whole clusters, which fall
    into one half together, take up most of that.

    Examples
    --------
    >>> ranking_length(100, 10_000), ranking_length(10, 40)
    (396, 39)
    """
    most = int(half_sizes(k_max, n)[-1])
    return min(n - 1, 2 * most + 20 * math.ceil(math.sqrt(most)))


def half_deviations(
    rankings: Mapping[str, np.ndarray],
    pairs: Sequence[Pair],
    halves: Halves,
    *,
    k_max: int,
    processes: int = 1,
) -> np.ndarray:
    """Deviations of the neighbor Jaccard of pairs of models, for every K, from random halves.

    In each half the neighbors are the nearest of that half: those of the whole sample without the other
    half's. An example without enough of them in its ranking counts with as many as it has.

    Parameters
    ----------
    rankings : mapping of str to ndarray of int, each [examples, length]
        Each model's neighbors, nearest first, as `check_neighbors` accepts them; `ranking_length` of them.
    pairs : sequence of tuple of str
        Models to compare.
    halves : Halves
        Of the same examples; the same for all pairs, so that differences between pairs are paired.
    k_max : int
    processes : int
        In which the divisions are worked on side by side; changes no digit.

    Returns
    -------
    ndarray of float64, shape [pairs, splits, k_max]
        Scaled differences of the two halves, whose variance is that of the agreement over samples; NaN
        where a half has no neighbors.

    Raises
    ------
    ValueError
        If the shapes differ.

    Examples
    --------
    >>> from miniature.statistics.halves import split_halves
    >>> halves = split_halves(np.arange(4), 4, seed=0, splits=3)
    >>> lists = np.array([[1, 2, 3], [0, 2, 3], [3, 0, 1], [2, 0, 1]])
    >>> half_deviations({"a": lists, "b": lists}, [("a", "b")], halves, k_max=1).ravel().tolist()
    [0.0, 0.0, 0.0]
    """
    splits, n = halves.member.shape
    shapes = {ranking.shape for ranking in rankings.values()}
    if len(shapes) > 1 or any(shape[0] != n for shape in shapes):
        raise ValueError(f"Rankings of the same {n} examples are needed; shapes: {sorted(shapes)}.")
    sizes = half_sizes(k_max, n)
    most = int(sizes[-1])

    def add_up(members: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Sums over the rows of either half of some divisions, and the rows that have neighbors there."""
        sums, rows_of = (
            np.zeros((len(pairs), len(members), 2, most)),
            np.zeros((len(pairs), len(members), 2, 1)),
        )
        for rows, lists in _row_blocks(rankings, pairs):
            labels, width = _label_examples(lists, n)
            tables = {model: _rank_table(len(rows), width, most) for model in lists}
            for split, member in enumerate(members):
                own = member[rows]
                order = np.argsort(~own, kind="stable")  # the rows of the first half stand first
                halved = {
                    model: _nearest_in_half(found, labels[model], member, own, order, tables[model], most)
                    for model, found in lists.items()
                }
                border = np.count_nonzero(own)
                for p, (a, b) in enumerate(pairs):
                    jaccard, defined = _jaccard_in_half(halved[a], halved[b])
                    # Not a matrix product, whose order of addition may depend on the number of threads.
                    for half, part in enumerate((slice(border), slice(border, None))):
                        sums[p, split, half] += jaccard[part].sum(axis=0)
                        rows_of[p, split, half] += np.count_nonzero(defined[part])
        return sums, rows_of

    shares = map_forked(add_up, np.array_split(halves.member, min(processes, splits)))
    sums, rows_of = (np.concatenate(parts, axis=1) for parts in zip(*shares, strict=True))
    means = np.divide(sums, rows_of, out=np.full_like(sums, np.nan), where=rows_of > 0)
    return halves.scale * (means[:, :, 0] - means[:, :, 1])[..., sizes - 1]


def _row_blocks(
    rankings: Mapping[str, np.ndarray], pairs: Sequence[Pair]
) -> Iterator[tuple[np.ndarray, dict[str, np.ndarray]]]:
    """Blocks of rows, and each model's lists in them."""
    names = list(dict.fromkeys(model for pair in pairs for model in pair))
    if not names:
        return
    n, length = rankings[names[0]].shape
    block = max(1, min(ENTRIES // length, PLACES // n))
    for start in range(0, n, block):
        rows = np.arange(start, min(start + block, n))
        yield rows, {model: rankings[model][rows].astype(np.intp) for model in names}


def _label_examples(lists: Mapping[str, np.ndarray], n: int) -> tuple[dict[str, np.ndarray], int]:
    """Number the examples that any list of a row names, so that tables of ranks are no wider."""
    named = np.zeros((len(next(iter(lists.values()))), n), dtype=bool)
    for found in lists.values():
        np.put_along_axis(named, found, True, axis=1)
    label = np.cumsum(named, axis=1, dtype=np.intp)
    width = int(label[:, -1].max())
    return {model: np.take_along_axis(label, found, axis=1) - 1 for model, found in lists.items()}, width


class _Halved(NamedTuple):
    """One model's lists cut down to the rows' own halves.

    Attributes
    ----------
    entries : ndarray of int, shape [rows, most]
        Where in `ranks` each neighbor stands, nearest first; the row's last column where there is none.
    ranks : ndarray of int, shape [rows, width + 1]
        Rank, from 0, of every labeled example among the row's neighbors; beyond any rank where it is none.
    steps : ndarray of int, shape [most]
        0, 1, ... in the type of `ranks`.
    reached : ndarray of int, shape [rows]
        Neighbors that the row has.
    """

    entries: np.ndarray
    ranks: np.ndarray
    steps: np.ndarray
    reached: np.ndarray


def _rank_table(rows: int, width: int, most: int) -> np.ndarray:
    """Room for `_Halved.ranks`, used again for each division."""
    return np.empty((rows, width + 1), dtype=np.int16 if most + 1 < 2**15 else np.int32)


def _nearest_in_half(
    lists: np.ndarray,
    labels: np.ndarray,
    member: np.ndarray,
    own: np.ndarray,
    order: np.ndarray,
    ranks: np.ndarray,
    most: int,
) -> _Halved:
    """Keep of each row's list what is in the row's half; the rows in the order given."""
    rows, width = len(lists), ranks.shape[1]
    same = np.take(member, lists) == own[:, None]
    reached = np.count_nonzero(same, axis=1)
    start = (np.cumsum(reached) - reached)[order]
    kept, reached = np.take(labels, np.flatnonzero(same)), reached[order]
    # One more than there are, for a place behind the last.
    entries = np.take(np.append(kept, 0), start[:, None] + np.arange(most), mode="clip")
    if reached.min() < most:
        entries[np.arange(most) >= reached[:, None]] = width - 1
    entries += (width * np.arange(rows))[:, None]
    steps = np.arange(most, dtype=ranks.dtype)
    ranks.fill(most + 1)
    ranks.ravel()[entries] = steps
    ranks[:, width - 1] = most + 1
    return _Halved(entries, ranks, steps, reached)


def _jaccard_in_half(a: _Halved, b: _Halved) -> tuple[np.ndarray, np.ndarray]:
    """Jaccard index of each row at each size, [rows, most], and whether the row has any neighbor."""
    # A shared neighbor enters the intersection at the larger of its two ranks: as a neighbor of b that a has
    # no later, or as one of a that b has earlier.
    enters = (np.take(a.ranks, b.entries) <= b.steps).view(np.int8)
    enters += (np.take(b.ranks, a.entries) < a.steps).view(np.int8)
    shared = np.cumsum(enters, axis=1, dtype=np.int32).astype(np.float64)
    most = shared.shape[1]
    union = 2.0 * np.arange(1, most + 1) - shared
    jaccard = np.divide(shared, union, out=union)
    reached = np.minimum(a.reached, b.reached)
    short = np.flatnonzero(reached < most)
    if len(short):
        last = np.minimum(np.arange(most), np.maximum(reached[short], 1)[:, None] - 1)
        jaccard[short] = np.take_along_axis(jaccard[short], last, axis=1)
    return jaccard, reached > 0
