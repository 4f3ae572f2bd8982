"""What similarities of two representations need to know of each block of examples.

Everything is in feature space, so that no matrix of examples by examples is made: sums over a block of
``x y'``, and of the features with and without the other side's squared lengths.
"""

from typing import NamedTuple

import numpy as np

# Centered features below this share of the features themselves are what float32 rounds away: no variation.
CONSTANT = 1e-6


class Features(NamedTuple):
    """One model's embeddings, centered, in order of blocks.

    Attributes
    ----------
    rows : ndarray of float64, shape [examples, hidden]
        Centered over all examples; zero where the embeddings do not vary.
    square : ndarray of float64, shape [examples]
        Squared length of each centered row.
    starts : ndarray of int, shape [blocks + 1]
        Block b is ``rows[starts[b]:starts[b + 1]]``.
    sums : ndarray of float64, shape [blocks, hidden]
        Sum of the rows of each block.
    """

    rows: np.ndarray
    square: np.ndarray
    starts: np.ndarray
    sums: np.ndarray


class Moments(NamedTuple):
    """Sums over examples, with a first axis of blocks or, added up, without.

    Attributes
    ----------
    n : ndarray of float64, shape [...]
        Examples.
    cross : ndarray of float64, shape [..., hidden_a, hidden_b]
        Sum of ``x y'``.
    sum_a, sum_b : ndarray of float64, shape [..., hidden_a], [..., hidden_b]
        Sums of the features.
    weighted_a, weighted_b : ndarray of float64, shape [..., hidden_a], [..., hidden_b]
        Sums of the features, each times the squared length of the other side's.
    square_a, square_b : ndarray of float64, shape [...]
        Sums of squared lengths.
    both : ndarray of float64, shape [...]
        Sum of the products of the squared lengths.
    """

    n: np.ndarray
    cross: np.ndarray
    sum_a: np.ndarray
    sum_b: np.ndarray
    weighted_a: np.ndarray
    weighted_b: np.ndarray
    square_a: np.ndarray
    square_b: np.ndarray
    both: np.ndarray


def center_features(embeddings: np.ndarray, block: np.ndarray, blocks: int) -> Features:
    """Embeddings in double precision, centered, in order of blocks.

    Parameters
    ----------
    embeddings : array_like of float, shape [examples, hidden]
    block : ndarray of int, shape [examples]
        Block of each example.
    blocks : int

    Returns
    -------
    Features

    Raises
    ------
    ValueError
        If the shapes do not match or a value is NaN or infinite.

    Examples
    --------
    >>> center_features([[1.0], [3.0], [2.0]], np.array([1, 0, 0]), 2).rows.ravel().tolist()
    [1.0, 0.0, -1.0]
    """
    x = np.asarray(embeddings)
    if x.ndim != 2 or block.shape != (len(x),) or not len(x):
        raise ValueError(f"Features [examples, hidden] and their blocks: {x.shape}, {np.shape(block)}.")
    order = np.argsort(block, kind="stable")
    rows = x[order].astype(np.float64)
    if not np.isfinite(rows).all():
        raise ValueError("Embeddings hold NaN or infinity.")
    length = np.linalg.norm(rows)
    rows -= rows.mean(axis=0)
    if np.linalg.norm(rows) <= CONSTANT * length:
        rows[:] = 0
    starts = np.searchsorted(block[order], np.arange(blocks + 1))
    sums = np.add.reduceat(rows, starts[:-1], axis=0)
    return Features(rows, np.einsum("ij,ij->i", rows, rows), starts, sums)


def block_moments(a: Features, b: Features) -> Moments:
    """Moments of every block.

    Parameters
    ----------
    a, b : Features
        Of the same examples in the same blocks.

    Returns
    -------
    Moments
        With a first axis of blocks.

    Raises
    ------
    ValueError
        If the blocks differ.
    """
    if not np.array_equal(a.starts, b.starts):
        raise ValueError("Two models' features are not of the same examples in the same blocks.")
    starts = a.starts[:-1]
    cross = np.empty((len(starts), a.rows.shape[1], b.rows.shape[1]))
    weighted_a, weighted_b = np.empty_like(a.sums), np.empty_like(b.sums)
    for i, (start, stop) in enumerate(zip(starts, a.starts[1:], strict=True)):
        x, y = a.rows[start:stop], b.rows[start:stop]
        np.matmul(x.T, y, out=cross[i])
        weighted_a[i], weighted_b[i] = b.square[start:stop] @ x, a.square[start:stop] @ y
    return Moments(
        n=np.diff(a.starts).astype(np.float64),
        cross=cross,
        sum_a=a.sums,
        sum_b=b.sums,
        weighted_a=weighted_a,
        weighted_b=weighted_b,
        square_a=np.add.reduceat(a.square, starts),
        square_b=np.add.reduceat(b.square, starts),
        both=np.add.reduceat(a.square * b.square, starts),
    )


def add_blocks(moments: Moments) -> Moments:
    """Moments of all blocks together."""
    return Moments(*(np.asarray(part.sum(axis=0)) for part in moments))


def leave_out(whole: Moments, moments: Moments, block: int) -> Moments:
    """Moments without one block.

    Parameters
    ----------
    whole : Moments
        As `add_blocks` gives them.
    moments : Moments
        With a first axis of blocks.
    block : int
        The one to leave out.

    Returns
    -------
    Moments
    """
    return Moments(*(all_of - part[block] for all_of, part in zip(whole, moments, strict=True)))
