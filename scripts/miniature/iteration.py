"""Walking a flat list of files in groups of one study's models."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

Item = TypeVar("Item")


def chunks(items: Sequence[Item], size: int) -> Iterator[list[Item]]:
    """Consecutive groups of `size` items.

    Parameters
    ----------
    items : sequence
        Its length is a multiple of `size`.
    size : int
        At least 1.

    Yields
    ------
    list
        The next `size` items.

    Raises
    ------
    ValueError
        The last group would be short: the list does not hold one item per model.

    Examples
    --------
    >>> list(chunks(["a1", "b1", "a2", "b2"], 2))
    [['a1', 'b1'], ['a2', 'b2']]
    """
    if size < 1 or len(items) % size:
        raise ValueError(f"{len(items)} items cannot be split into groups of {size}")
    for start in range(0, len(items), size):
        yield list(items[start : start + size])
