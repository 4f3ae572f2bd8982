"""The first job that failed in a run of Snakemake, and what it said, to stand at the end of its output."""

import re
from collections.abc import Callable
from pathlib import Path

from miniature.messages import printable

_FAILED = re.compile(r"^Error in rule (\w+):\n((?:    .*\n)*)", flags=re.M)
_RECORD = re.compile(r"^\d\d:\d\d:\d\d ([A-Z]+) ", flags=re.M)


def _read(path: str) -> str:
    return Path(path).read_text(encoding="utf-8", errors="replace")


def first_failure(output: str, read: Callable[[str], str] = _read) -> str | None:
    r"""What the first failed job said last, and where its log lies.

    Parameters
    ----------
    output : str
        What Snakemake wrote, to the terminal or to its log file.
    read : callable
        Gives the text of a job's log by its path.

    Returns
    -------
    str or None
        None where no job failed.

    Examples
    --------
    >>> output = "Error in rule build_data:\n    jobid: 1\n    log: a.log (check log file(s) ...)\n"
    >>> log = "10:00:00 INFO begun\n10:00:01 ERROR No such file.\n  fix: x\n"
    >>> print(first_failure(output, lambda path: log))
    build_data: No such file.
      fix: x
      log:   a.log
    """
    found = _FAILED.search(output)
    if found is None:
        return None
    rule, block = found.groups()
    named = re.search(r"^    log: (.+?)(?: \(check log|$)", block, flags=re.M)
    log = named.group(1).strip() if named else None
    said = None
    if log is not None:
        try:
            said = last_error(read(log))
        except OSError:
            said = None
    if said is None:
        said = "the job ended without a word, as one does that is killed (for memory, say)."
    return printable(f"{rule}: {said}" + (f"\n  log:   {log}" if log else ""))


def last_error(text: str) -> str | None:
    r"""The last error of a job's log; of one with a traceback, its last line.

    Examples
    --------
    >>> last_error("10:00:00 ERROR Failed.\nTraceback (most recent call last):\n  x\nValueError: no\n")
    'ValueError: no'
    """
    errors = [match for match in _RECORD.finditer(text) if match.group(1) in ("ERROR", "CRITICAL")]
    if not errors:
        return None
    following = _RECORD.search(text, errors[-1].end())
    said = text[errors[-1].end() : following.start() if following else None].strip()
    return said.splitlines()[-1].strip() if "Traceback (most recent call last)" in said else said
