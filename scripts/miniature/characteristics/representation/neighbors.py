"""Exact nearest neighbors by cosine, ties found and broken by index."""

import logging

import numpy as np
import pandas as pd

from miniature.characteristics.embeddings import block_rows, unit_rows
from miniature.characteristics.nearest import PRODUCT_ROUNDING, Candidates, nearest_candidates
from miniature.messages import StudyError

logger = logging.getLogger(__name__)

# Above this share, breaking ties by index (the same in both models) makes agreement out of nothing.
TIED_ROWS_WARNING = 0.01


def free_neighbors(ties: pd.DataFrame, n: int, k_max: int) -> np.ndarray:
    """Neighbors that could be exchanged for equally near ones, for every example and K."""
    free = np.zeros((n, k_max), dtype=np.int32)
    example, first, last = (ties[c].to_numpy(dtype=np.int64) for c in ("example", "first", "last"))
    length = np.minimum(last - 1, k_max) - first + 1  # K = first, ..., last - 1
    step = np.arange(length.sum()) - np.repeat(np.cumsum(length) - length, length)
    # Inside the run, of those already taken and those still outside, the fewer can be exchanged.
    taken = step + 1
    outside = np.repeat(last - first, length) - step
    free[np.repeat(example, length), np.repeat(first - 1, length) + step] = np.minimum(taken, outside)
    return free


def warn_of_ties(model: str, share: np.ndarray) -> None:
    """Warn where ties leave more than 1 % of the neighbor sets open."""
    if share.max(initial=0) > TIED_ROWS_WARNING:
        worst = int(share.argmax())
        logger.warning(
            "Model %s: a tie leaves the %d nearest neighbors of %.1f %% of the examples open, settled by "
            "index, which two models share: read jaccard beside jaccard_low and jaccard_high.",
            model,
            worst + 1,
            100 * share[worst],
        )


# Two cosines nearer than this are one distance. Rounding moves a cosine by about 1e-15, and by different
# amounts for two equal rows (the matrix product treats the edge of a block otherwise than its inside);
# neighbors that differ at all in float32 embeddings differ by far more.
TIE = 1e-13


# Lists longer than this share of the examples are settled by comparing all of them in float64: a matrix
# product, which is faster than gathering the candidates' features one by one.
DENSE = 1 / 16


def search_neighbors(
    embeddings: np.ndarray, k_max: int, *, length: int | None = None
) -> tuple[np.ndarray, pd.DataFrame]:
    """Each example's nearest others by cosine, with the ties among them.

    Candidates come from faiss; their order and ties are settled in float64. An example for which float32
    rounding could have kept a neighbor out (one of many that are nearly alike) is compared with all others in
    float64, so that the result is that of a float64 search throughout. An example is excluded by its index,
    never by its position: a duplicate of it is its neighbor, and it is not its own.

    Parameters
    ----------
    embeddings : array_like of float, shape [examples, hidden]
    k_max : int
        Neighbors that are compared, at most examples - 1.
    length : int, optional
        Neighbors to find where more than k_max are wanted.

    Returns
    -------
    neighbors : ndarray of int32, shape [examples, length]
        Nearest first; equally near ones in order of their index.
    ties : DataFrame
        One row for each run of equally near neighbors: ``example``, and the ranks (from 1) ``first`` and
        ``last`` of the run. ``last`` may lie beyond k_max. K nearest neighbors are left open by a run with
        first <= K < last.

    Raises
    ------
    StudyError
        If there are too few examples, or as for `unit_rows`.

    Examples
    --------
    >>> neighbors, ties = search_neighbors([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 0.0]], 2)
    >>> neighbors.tolist()
    [[2, 3], [0, 2], [0, 3], [0, 2]]
    >>> ties.values.tolist()
    [[0, 1, 2], [1, 1, 3], [2, 1, 2], [3, 1, 2]]
    """
    n = len(np.asarray(embeddings))
    if not 1 <= k_max <= n - 1:
        raise StudyError(
            f"{k_max} neighbors were asked for, but each of {n} examples has {max(n - 1, 0)} others.",
            where="characteristics: representation: k_max",
            fix=f"k_max: {n - 1}" if n > 1 else "Give at least two examples.",
        )
    unit = unit_rows(embeddings)
    length = length or k_max
    neighbors = np.empty((n, length), dtype=np.int32)
    ties = []
    # Two more: itself, and the one that shows whether the last one ties.
    dense = length >= DENSE * n
    open_rows = [np.arange(n if dense else 0)]
    for found in () if dense else nearest_candidates(unit, unit, length + 2):
        rows = np.arange(found.queries.start, found.queries.stop)
        found.score[found.index == rows[:, None]] = -np.inf
        settled, neighbors[rows], runs = _settle(found, length)
        ties.append(np.column_stack([rows[runs[:, 0]], runs[:, 1:]])[settled[runs[:, 0]]])
        open_rows.append(rows[~settled])
    remaining = np.concatenate(open_rows)
    block = block_rows(n)
    for start in range(0, len(remaining), block):
        rows = remaining[start : start + block]
        cosine = unit[rows] @ unit.T  # [rows, n]
        cosine[np.arange(len(rows)), rows] = -np.inf
        neighbors[rows], runs = _nearest(cosine, length)
        ties.append(np.column_stack([rows[runs[:, 0]], runs[:, 1:]]))
    table = pd.DataFrame(np.concatenate(ties), columns=["example", "first", "last"], dtype="int32")
    table = table[table["first"] <= k_max]
    return neighbors, table.sort_values(["example", "first"], ignore_index=True)


def _settle(found: Candidates, k_max: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Order candidates as `_nearest` orders columns, and tell for which rows no other example can be near."""
    order = np.argsort(-found.score, axis=1, kind="stable")
    index = np.take_along_axis(found.index, order, axis=1)
    score = np.take_along_axis(found.score, order, axis=1)
    gap = score[:, :-1] - score[:, 1:]  # to the next
    tied = gap <= TIE
    # The run of ties that holds the last neighbor asked for has to end among the candidates, above whatever
    # was left out: that could tie as well.
    ends = ~tied[:, k_max - 1 :]
    last = k_max - 1 + ends.argmax(axis=1)[:, None]
    above = np.take_along_axis(score, last, axis=1)[:, 0] > found.limit + TIE
    # Whether two values tie must not depend on how their products were added up.
    unsure = (np.abs(gap - TIE) < PRODUCT_ROUNDING) & (np.arange(gap.shape[1]) <= last)
    settled = ends.any(axis=1) & above & ~unsure.any(axis=1)
    return settled, _by_index_within_ties(index, tied)[:, :k_max], _runs(np.arange(len(index)), tied, k_max)


def _nearest(cosine: np.ndarray, k_max: int) -> tuple[np.ndarray, np.ndarray]:
    """Find the columns of each row's k_max largest values, and the ties among them; self is at -infinity."""
    m, n = cosine.shape
    # One more than asked for: it shows whether the last one ties.
    width = min(k_max + 1, n - 1)
    index = np.argpartition(cosine, n - width, axis=1)[:, n - width :]
    value = np.take_along_axis(cosine, index, axis=1)
    # Candidates are whole where no other column is as near as the farthest of them; other rows are sorted
    # entirely.
    cut = np.count_nonzero(cosine >= value.min(axis=1)[:, None] - TIE, axis=1) > width
    nearest = np.empty((m, k_max), dtype=np.int32)
    runs = []
    for rows, columns in ((np.flatnonzero(~cut), None), (np.flatnonzero(cut), n - 1)):
        if not len(rows):
            continue
        if columns is not None:
            # In order of index, so that a stable sort keeps equal values in it.
            index_of = np.argsort(-cosine[rows], axis=1, kind="stable")[:, :columns]
            value_of = np.take_along_axis(cosine[rows], index_of, axis=1)
        else:
            order = np.argsort(-value[rows], axis=1, kind="stable")
            index_of = np.take_along_axis(index[rows], order, axis=1)
            value_of = np.take_along_axis(value[rows], order, axis=1)
        tied = value_of[:, :-1] - value_of[:, 1:] <= TIE  # with the next
        nearest[rows] = _by_index_within_ties(index_of, tied)[:, :k_max]
        runs.append(_runs(rows, tied, k_max))
    return nearest, np.concatenate(runs)


def _by_index_within_ties(index: np.ndarray, tied: np.ndarray) -> np.ndarray:
    """Each row's columns, with those of one run put in order."""
    some = np.flatnonzero(tied.any(axis=1))
    if len(some):
        run = np.zeros((len(some), index.shape[1]), dtype=np.int64)
        run[:, 1:] = np.cumsum(~tied[some], axis=1)
        key = run * (int(index.max()) + 1) + index[some]
        index = index.copy()
        index[some] = np.take_along_axis(index[some], np.argsort(key, axis=1), axis=1)
    return index


def _runs(rows: np.ndarray, tied: np.ndarray, k_max: int) -> np.ndarray:
    """Find runs of consecutive ties that begin within k_max, as [row, first rank, last rank]."""
    edge = np.zeros((len(rows), 1), dtype=np.int8)
    step = np.diff(np.concatenate([edge, tied.astype(np.int8), edge], axis=1), axis=1)
    row, first = np.nonzero(step == 1)
    _, last = np.nonzero(step == -1)
    kept = first < k_max
    return np.stack([rows[row], first + 1, last + 1], axis=1)[kept]
