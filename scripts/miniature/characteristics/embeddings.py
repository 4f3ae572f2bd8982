"""Embeddings checked and divided by their length, in double precision."""

import logging

import numpy as np

from miniature.messages import StudyError

logger = logging.getLogger(__name__)

# Bytes of a block of similarities: large enough for the matrix product, small beside the embeddings.
BLOCK_BYTES = 96_000_000


def check_embeddings(embeddings: np.ndarray, *, what: str = "embeddings") -> np.ndarray:
    """Embeddings as an array, after checking that they are finite numbers of two dimensions."""
    embeddings = np.asarray(embeddings)
    if embeddings.ndim != 2 or embeddings.shape[1] == 0 or embeddings.dtype.kind not in "iuf":
        raise StudyError(
            f"The {what} are {embeddings.dtype} of shape {list(embeddings.shape)}.",
            where=f"the {what}",
            fix="Give numbers of shape [examples, hidden], one row for each example.",
        )
    blocks = _blocks(embeddings)
    finite = np.concatenate([np.isfinite(block).all(axis=1) for block in blocks] or [np.ones(0, dtype=bool)])
    if not finite.all():
        first = int(np.flatnonzero(~finite)[0])
        raise StudyError(
            f"The {what} hold NaN or infinity in {(~finite).sum()} rows, first in row {first}.",
            where=f"the {what}, row {first} (counted from 0)",
            fix="Train or export the model again; if its training diverged, with a lower learning_rate.",
        )
    return embeddings


def unit_rows(embeddings: np.ndarray, *, what: str = "embeddings") -> np.ndarray:
    """Rows divided by their Euclidean length."""
    rows = check_embeddings(embeddings, what=what).astype(np.float64)
    # In blocks and in place: one copy in float64 is large enough.
    length = np.concatenate([np.linalg.norm(block, axis=1) for block in _blocks(rows)] or [np.ones(0)])
    if (length == 0).any():
        logger.warning("%d of %d rows of the %s are zero vectors.", int((length == 0).sum()), len(rows), what)
    return np.divide(rows, length[:, None], out=rows, where=length[:, None] > 0)


def _blocks(rows: np.ndarray) -> list[np.ndarray]:
    """Views of consecutive rows, whose copies are small."""
    size = block_rows(rows.shape[1])
    return [rows[start : start + size] for start in range(0, len(rows), size)]


def block_rows(columns: int) -> int:
    """Rows of a block of float64 similarities with so many columns."""
    return max(1, BLOCK_BYTES // (8 * max(1, columns)))
