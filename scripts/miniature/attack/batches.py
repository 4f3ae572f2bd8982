"""Which inputs to run together: of like length, and no more of them than a number of tokens."""

from collections.abc import Sequence

# Padding that a batch may hold, as a share of its tokens: a padded token costs as much as a real one, but a
# batch more costs some hundred tokens' worth of calls.
MOST_PADDING = 0.15
CHEAP_PADDING = 256


def plan_batches(lengths: Sequence[int], tokens: int) -> list[list[int]]:
    """Group inputs into batches, shortest first.

    Parameters
    ----------
    lengths : sequence of int
        Tokens of each input, at least 1.
    tokens : int
        Most tokens of a batch, padding included; an input longer than that is a batch by itself.

    Returns
    -------
    list of list of int
        Indices into `lengths`, each once. The last of a batch is its longest.

    Examples
    --------
    >>> plan_batches([5, 3, 5, 900], 10)
    [[1, 0], [2], [3]]
    """
    batches: list[list[int]] = []
    real = 0
    for i in sorted(range(len(lengths)), key=lengths.__getitem__):
        length = lengths[i]
        padded = (len(batches[-1]) + 1) * length if batches else 0
        padding = padded - real - length
        if batches and padded <= tokens and padding <= max(CHEAP_PADDING, MOST_PADDING * padded):
            batches[-1].append(i)
            real += length
        else:
            batches.append([i])
            real = length
    return batches
