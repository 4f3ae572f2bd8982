"""Lists of files: one file or several, and groups of one study's models."""

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


def groups_like(items: Sequence[Item], shapes: Sequence[Sequence]) -> Iterator[list[Item]]:
    """Consecutive groups of items, as long as the sequences given: one file for each model that has one.

    Parameters
    ----------
    items : sequence
        As many as the sequences hold together.
    shapes : sequence of sequence
        Of each, only the length counts.

    Yields
    ------
    list
        The next items.

    Raises
    ------
    ValueError
        The lengths do not add up.

    Examples
    --------
    >>> list(groups_like(["a1", "b1", "a2"], [["a", "b"], ["a"]]))
    [['a1', 'b1'], ['a2']]
    """
    if len(items) != sum(map(len, shapes)):
        raise ValueError(f"{len(items)} items cannot be split into groups of {[len(s) for s in shapes]}")
    start = 0
    for shape in shapes:
        yield list(items[start : start + len(shape)])
        start += len(shape)


def list_of(value: str | Sequence[str]) -> list[str]:
    """One path or several, as a list: Snakemake gives a string for a named input of one file.

    Examples
    --------
    >>> list_of("a"), list_of(["a", "b"]), list_of([])
    (['a'], ['a', 'b'], [])
    """
    return [value] if isinstance(value, str) else list(value)
