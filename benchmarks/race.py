"""One thing done in several ways, in one process and in turn."""

import operator
import resource
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass
class Race:
    """One thing done in several ways.

    Parameters
    ----------
    name : str
    ours : callable
        Returns what `same` compares.
    others : dict of str to callable
        What a user would otherwise run.
    same : callable
        Takes our result and another's; says in words how far they agree, and raises where they do not.
    limit : callable, optional
        What cannot be left out.
    """

    name: str
    ours: Callable[[], object]
    others: dict[str, Callable[[], object]]
    same: Callable[[object, object], str]
    limit: Callable[[], object] | None = None

    def run(self, repeats: int) -> list[str]:
        """Rows of the table, after so many turns."""
        ways = {"ours": self.ours, **self.others, **({"limit": self.limit} if self.limit else {})}
        seconds: dict[str, list[float]] = {name: [] for name in ways}
        said = {}
        for _ in range(repeats):
            for name, way in ways.items():
                began = time.process_time() + children()
                result = way()
                seconds[name].append(time.process_time() + children() - began)
                if name == "ours":
                    mine = result
                elif name != "limit":
                    said[name] = self.same(mine, result)
        own = statistics.median(seconds["ours"])
        over = ""
        if self.limit:
            over = f"{statistics.median(map(operator.truediv, seconds['ours'], seconds['limit'])):.2f}"
        rows = []
        for name in self.others:
            ratios = list(map(operator.truediv, seconds[name], seconds["ours"]))
            spread = f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
            cells = (self.name, name, f"{own:.2f}", f"{statistics.median(seconds[name]):.2f}", spread, over)
            rows.append("| " + " | ".join((*cells, said[name])) + " |")
        return rows


def children() -> float:
    """Processor seconds of the processes that were started and waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
