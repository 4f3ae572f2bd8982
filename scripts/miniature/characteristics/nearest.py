"""Candidates for an exact search of nearest rows: faiss finds them in float32, float64 settles them.

The largest error that float32 can have made is known beforehand, and from it follows how near a row that
faiss left out can be at most. Whoever needs the nearest rows therefore knows whether the candidates hold them
all, and compares the few queries where they may not with every row.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from miniature.characteristics import embeddings

# Candidates beyond those asked for: enough for the bound to hold, unless rows are alike or nearly so.
SPARE = 16
# Relative rounding error of float32 and, with room to spare, of a sum of products in float64.
UNIT_ROUNDOFF = 2.0**-24
DOUBLE_ROUNDOFF = 2.0**-50
# Two ways to add up a float64 inner product of unit rows give numbers that differ by less than this.
PRODUCT_ROUNDING = 1e-14
# Rows compared at once in float64: what fits into a processor's cache, which is four times as fast.
CACHE_BYTES = 2_000_000


class Candidates(NamedTuple):
    """The rows of a bank that are nearest to some queries.

    Attributes
    ----------
    queries : slice
        Which queries.
    index : ndarray of int64, shape [queries, count]
        Rows of the bank, about nearest first.
    score : ndarray of float64, shape [queries, count]
        Inner product of query and row, plus the row's bonus, in float64.
    limit : ndarray of float64, shape [queries]
        No other row of the bank has a score above this.
    """

    queries: slice
    index: np.ndarray
    score: np.ndarray
    limit: np.ndarray


def nearest_candidates(
    queries: np.ndarray, bank: np.ndarray, count: int, *, bonus: np.ndarray | float = 0.0
) -> Iterator[Candidates]:
    """Rows of a bank with the largest inner products, for blocks of queries.

    Parameters
    ----------
    queries, bank : ndarray of float64, shape [queries, hidden], [bank, hidden]
        Of length 1 or 0.
    count : int
        How many rows are needed; `SPARE` more are given where there are as many.
    bonus : ndarray of float64, shape [bank], or float
        Added to the score of each row.

    Yields
    ------
    Candidates
        Of consecutive queries.
    """
    count = min(int(count) + SPARE, len(bank))
    # Float32 rounds in proportion to the lengths of what is multiplied. Rows that point much the same way
    # are short once their middle m is taken off: x.y = (x - m).(y - m) + m.y + m.(x - m). The second term,
    # with the bonus, is one more feature of the row; the third is the same for all rows.
    middle = bank.mean(axis=0)
    extra = bank @ middle + bonus
    base = extra.mean()
    rows = _center(bank, middle, extra - base)  # [bank, hidden + 1]
    longest, highest = _lengths(rows).max(), np.abs(extra - base).max()
    search = _search(rows)
    block = max(1, embeddings.BLOCK_BYTES // (16 * count + 4 * rows.shape[1]))
    for start in range(0, len(queries), block):
        part = queries[start : start + block]
        centered = _center(part, middle, 1.0)
        rough, index = search(centered, count)  # [queries, count], largest first
        rough = rough + (part @ middle + (base - middle @ middle))[:, None]
        bound = rounding_bound(bank.shape[1], _lengths(centered) * longest + highest)
        score = _exact(part, bank, index) + (bonus[index] if np.ndim(bonus) else bonus)
        # What faiss left out scores at most as the last that it gave: off by one bound at most.
        limit = rough[:, -1] + bound if count < len(bank) else np.full(len(part), -np.inf)
        # A candidate farther off than the bound says that the bound does not hold here.
        broken = (np.abs(rough - score) > bound[:, None]).any(axis=1)
        yield Candidates(slice(start, start + len(part)), index, score, np.where(broken, np.inf, limit))


def rounding_bound(hidden: int, size: np.ndarray | float) -> np.ndarray | float:
    """Largest error of a float32 sum of products of rounded factors, in whatever order it is added up.

    Parameters
    ----------
    hidden : int
        Features; a sum has one more term.
    size : ndarray of float64 or float
        Upper bound of the sum of the products' absolute values.

    Returns
    -------
    ndarray of float64 or float
        (n + 2) u / (1 - (n + 2) u) times `size` for n terms: each factor is rounded once, each product and
        its sums n times at most (Higham, Accuracy and Stability of Numerical Algorithms, 2002, sections 3.1
        and 3.5). Some terms more for what follows from these, and what float64 rounds of numbers up to 2.

    Examples
    --------
    >>> bool(rounding_bound(768, 1.0) < 1e-4)
    True
    """
    share = (hidden + 8) * UNIT_ROUNDOFF
    return share / (1 - share) * size + hidden * DOUBLE_ROUNDOFF


def _center(rows: np.ndarray, middle: np.ndarray, extra: np.ndarray | float) -> np.ndarray:
    """Rows without their middle and with one more feature, in float32."""
    centered = np.empty((len(rows), rows.shape[1] + 1), dtype=np.float32)
    np.subtract(rows, middle, out=centered[:, :-1], casting="same_kind")
    centered[:, -1] = extra
    return centered


def _lengths(centered: np.ndarray) -> np.ndarray:
    """Lengths without the added feature, never too short; float32 rounds them by less than the allowance."""
    rows = centered[:, :-1]
    return 1.001 * np.sqrt(np.einsum("rd,rd->r", rows, rows)).astype(np.float64)


def _search(rows: np.ndarray) -> Callable[[np.ndarray, int], tuple[np.ndarray, np.ndarray]]:
    """Search by float32 inner product: scores and rows of the bank, largest score first."""
    import faiss

    # Over the array itself: an index would hold a copy of it.
    return lambda queries, count: faiss.knn(queries, rows, count, metric=faiss.METRIC_INNER_PRODUCT)


def _exact(queries: np.ndarray, bank: np.ndarray, index: np.ndarray) -> np.ndarray:
    """Inner products of each query with the rows that go with it, in float64."""
    products = np.empty(index.shape)
    block = max(1, CACHE_BYTES // (8 * bank.shape[1] * index.shape[1]))
    for start in range(0, len(queries), block):
        rows = slice(start, start + block)
        # Not a matrix product: two rows that are the same get the same bits wherever they stand.
        np.einsum("qd,qcd->qc", queries[rows], bank[index[rows]], out=products[rows])
    return products
