"""Work that many small array operations make up, in several processes at once.

Threads would wait for each other at every operation. A forked process reads its parent's arrays where they
are, so that nothing is copied to it; what it does must not need threads of its own, which are not forked.
"""

import multiprocessing
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from typing import TypeVar

Item, Result = TypeVar("Item"), TypeVar("Result")


def map_forked(work: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """Results for some items, each but the first in a process of its own.

    Parameters
    ----------
    work : callable
        From an item to a result that can be pickled.
    items : sequence
        As many as may be worked on at once.

    Returns
    -------
    list
        Results in the order of the items.

    Raises
    ------
    RuntimeError
        A process has ended without a result; what it said stands on stderr.
    """
    context = multiprocessing.get_context("fork")
    started = []
    for item in items[1:]:
        receiver, sender = context.Pipe(duplex=False)
        process = context.Process(target=_send, args=(work, item, sender))
        process.start()
        sender.close()
        started.append((process, receiver))
    try:
        results = [work(item) for item in items[:1]]
        for _, receiver in started:
            try:
                results.append(receiver.recv())
            except EOFError:
                raise RuntimeError("A process that was to share the work ended without a result.") from None
    finally:
        for process, receiver in started:
            receiver.close()
            process.terminate()
            process.join()
    return results


def _send(work: Callable[[Item], Result], item: Item, sender: Connection) -> None:
    sender.send(work(item))
    sender.close()
