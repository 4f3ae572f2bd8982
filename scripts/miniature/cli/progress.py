"""What a run of Snakemake is at, in one line, and about how long it has to go."""

import re
import shutil
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from statistics import median

_COUNT = re.compile(r"^(\w+) +(\d+)$")
_RULE = re.compile(r"^(?:local)?rule (\w+):$")
_JOB = re.compile(r"^    jobid: (\d+)$")
_FINISHED = re.compile(r"^Finished jobid: (\d+) ")
_STEPS = re.compile(r"^(\d+) of (\d+) steps")


class RunProgress:
    r"""Follows the output of Snakemake line by line.

    The time left is what the waiting and running jobs will take, each as long as the finished ones of its
    rule (where there are none: as the median rule, or longer), as many at once as until now.

    Parameters
    ----------
    clock : callable
        Seconds.

    Examples
    --------
    >>> now = 0.0
    >>> run = RunProgress(lambda: now)
    >>> for line in ("Job stats:\n", "all 1\n", "train 3\n", "total 4\n", "rule train:\n", "    jobid: 1\n"):
    ...     _ = run.see(line)
    >>> run.text()
    '0 of 4 jobs, 0 s: train'
    >>> now = 60.0
    >>> for line in ("Finished jobid: 1 (Rule: train)\n", "1 of 4 steps (25%) done\n"):
    ...     _ = run.see(line)
    >>> run.text()
    '1 of 4 jobs, 60 s, about 2 min left'
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self.clock = clock
        self.begun = clock()
        self.done = self.total = 0
        self.waiting: Counter[str] = Counter()
        self.running: dict[str, tuple[str, float]] = {}  # job: rule, start
        self.took: dict[str, list[float]] = {}
        self._rule, self._listing = "", False

    def see(self, line: str) -> bool:
        """Take a line; whether it brought the run further."""
        line = line.rstrip("\n")
        if line == "Job stats:":
            # Snakemake repeats the table at the end of a plan; the first one counts.
            self._listing = not self.waiting
        elif self._listing and (found := _COUNT.match(line)):
            rule, count = found.group(1), int(found.group(2))
            if rule == "total":
                self.total, self._listing = count, False
            elif rule != "all":
                self.waiting[rule] = count
        elif found := _RULE.match(line):
            self._rule = found.group(1)
        elif (found := _JOB.match(line)) and self._rule:
            self.running[found.group(1)] = (self._rule, self.clock())
            self.waiting[self._rule] -= 1
            self._rule = ""
            return True
        elif (found := _FINISHED.match(line)) and found.group(1) in self.running:
            rule, begun = self.running.pop(found.group(1))
            self.took.setdefault(rule, []).append(self.clock() - begun)
        elif found := _STEPS.match(line):
            self.done, self.total = int(found.group(1)), int(found.group(2))
            return True
        return False

    def left(self) -> float | None:
        """Seconds left; None before a job has finished."""
        if not self.took:
            return None
        done = {rule: sum(own) / len(own) for rule, own in self.took.items()}
        # Most kinds of jobs are short and few are long: the median, not the mean.
        usual, now = median(done.values()), self.clock()
        spent = [(rule, now - begun) for rule, begun in self.running.values()]
        # A rule of which no job has finished takes at least as long as its longest until now.
        means = {rule: max(usual, *(own for other, own in spent if other == rule)) for rule, _ in spent}
        means |= done
        work = sum(max(count, 0) * means.get(rule, usual) for rule, count in self.waiting.items())
        work += sum(max(means[rule] - seconds, 0.0) for rule, seconds in spent)
        taken = sum(map(sum, self.took.values())) + sum(own for _, own in spent)
        return work / max(1.0, taken / max(now - self.begun, 1e-9))

    def text(self) -> str:
        """Jobs done, time taken, time left, and what runs."""
        said = f"{self.done} of {self.total} jobs, {spoken(self.clock() - self.begun)}"
        left = self.left()
        if left is not None and self.done < self.total:
            said += f", about {spoken(left)} left"
        now = ", ".join(sorted({rule for rule, _ in self.running.values()}))
        return f"{said}: {now}" if now else said

    def jobs(self) -> str:
        """The jobs that a run consists of, by rule, the most frequent first."""
        listed = [f"{count} {rule}" for rule, count in self.waiting.most_common(4)]
        more = len(self.waiting) - len(listed)
        return f"{self.total} jobs: {', '.join(listed)}" + (f" and {more} more kinds" if more > 0 else "")


def spoken(seconds: float) -> str:
    """A duration to read.

    Examples
    --------
    >>> [spoken(seconds) for seconds in (5.4, 89, 95, 3600, 9000)]
    ['5 s', '89 s', '2 min', '60 min', '2.5 h']
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


class ProgressLine:
    """One line on a terminal, rewritten every second; in a file a line for each fifth of the work."""

    def __init__(self):
        self.run = RunProgress()
        self.last, self.told, self.terminal = -1, False, sys.stderr.isatty()
        self._lock, self._ended = threading.Lock(), threading.Event()
        if self.terminal:
            threading.Thread(target=self._refresh, daemon=True).start()

    def see(self, line: str) -> None:
        """Take a line of Snakemake's output."""
        with self._lock:
            further = self.run.see(line)
            if self.run.total and not self.told:
                self.told = True
                print(self.run.jobs(), file=sys.stderr, flush=True)
            fifth = 5 * self.run.done // max(self.run.total, 1)
            if self.told and further and not self.terminal and fifth > self.last:
                self.last = fifth
                print(self.run.text(), file=sys.stderr, flush=True)

    def end(self) -> None:
        """Leave nothing behind on a terminal."""
        self._ended.set()
        if self.terminal:
            with self._lock:
                print("\r\x1b[K", end="", file=sys.stderr, flush=True)

    def _refresh(self) -> None:
        while not self._ended.wait(1.0):
            with self._lock:
                if self.told and not self._ended.is_set():
                    text = self.run.text()[: shutil.get_terminal_size().columns - 1]
                    print(f"\r{text}\x1b[K", end="", file=sys.stderr, flush=True)
