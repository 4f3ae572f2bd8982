"""Distance to the K-th nearest row of a bank of embeddings."""

from collections.abc import Sequence

import numpy as np

from miniature.characteristics.embeddings import block_rows, unit_rows

# Squared distances below this are the rounding of a cosine, not a distance; their root would look like 1e-8.
SAME_DIRECTION = 1e-13
# Decimals kept, so that two rows at one distance compare as equal whatever their place in the matrix product.
DISTANCE_DECIMALS = 10


def kth_distances(queries: np.ndarray, bank: np.ndarray, ks: Sequence[int], *, what: str) -> np.ndarray:
    """Euclidean distance of each query to its K-th nearest bank row, both divided by their length.

    Exact: a block-wise float64 matrix product. A zero vector stays zero, at distance 1 from every direction
    and 0 from another zero vector. A query that is itself in the bank has that copy as its nearest row, at
    distance 0.

    Parameters
    ----------
    queries : array_like of float, shape [queries, hidden]
    bank : array_like of float, shape [bank, hidden]
    ks : sequence of int
        Numbers of neighbours, each from 1 to the bank's size.
    what : str
        What the queries are, for messages.

    Returns
    -------
    ndarray of float64, shape [queries, len(ks)]
        In [0, 2].

    Raises
    ------
    ValueError
        If a K is not between 1 and the bank's size, or the widths differ.
    StudyError
        As for `unit_rows`.

    Examples
    --------
    >>> kth_distances([[1.0, 0.0]], [[2.0, 0.0], [0.0, 1.0], [-1.0, 0.0]], [1, 3], what="test").tolist()
    [[0.0, 2.0]]
    """
    queries, bank = unit_rows(queries, what=what), unit_rows(bank, what="bank embeddings")
    if queries.shape[1] != bank.shape[1]:
        raise ValueError(f"Queries have {queries.shape[1]} dimensions, the bank has {bank.shape[1]}.")
    if not ks or min(ks) < 1 or max(ks) > len(bank):
        raise ValueError(f"K runs from 1 to {len(bank)}, the size of the bank; asked for: {list(ks)}.")
    # Unit or zero, so the squared length is exactly 1 or 0.
    square = (bank != 0).any(axis=1).astype(np.float64)
    positions = np.asarray(ks) - 1
    distances = np.empty((len(queries), len(ks)))
    block = block_rows(len(bank))
    for start in range(0, len(queries), block):
        part = queries[start : start + block]
        squared = square - 2 * (part @ bank.T)  # [rows, bank]; the query's own length is added below
        squared.partition(np.unique(positions), axis=1)
        own = (part != 0).any(axis=1).astype(np.float64)
        nearest = squared[:, positions] + own[:, None]
        nearest[nearest < SAME_DIRECTION] = 0
        distances[start : start + block] = np.sqrt(nearest)
    return np.round(distances, DISTANCE_DECIMALS)
