"""Where ties of distance leave an example's nearest neighbours open."""

import logging

import numpy as np
import pandas as pd

logger = logging.getLogger(__name__)

# Above this share, breaking ties by index (the same in both models) makes agreement out of nothing.
TIED_ROWS_WARNING = 0.01


def free_neighbors(ties: pd.DataFrame, n: int, k_max: int) -> np.ndarray:
    """Neighbours that could be exchanged for equally near ones, for every example and K.

    Parameters
    ----------
    ties : DataFrame
        Runs of ties, as `search_neighbors` returns them.
    n, k_max : int
        Examples, and neighbours of each.

    Returns
    -------
    ndarray of int32, shape [n, k_max]
        0 where the K nearest neighbours are determined.

    Examples
    --------
    >>> free_neighbors(pd.DataFrame({"example": [0], "first": [2], "last": [4]}), 1, 5).tolist()
    [[0, 1, 1, 0, 0]]
    """
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
    """Warn where ties leave more than 1 % of the neighbour sets open.

    Parameters
    ----------
    model : str
        The model's name.
    share : ndarray of float, shape [k_max]
        Share of examples whose K nearest neighbours a tie leaves open.
    """
    if share.max(initial=0) > TIED_ROWS_WARNING:
        worst = int(share.argmax())
        logger.warning(
            "Model %s: a tie leaves the %d nearest neighbours of %.1f %% of the examples open, settled by "
            "index, which two models share: read jaccard beside jaccard_low and jaccard_high.",
            model,
            worst + 1,
            100 * share[worst],
        )
