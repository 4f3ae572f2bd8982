"""Collecting what is wrong with one data file, to report it all at once."""

import logging
from collections.abc import Callable
from pathlib import Path

from miniature.messages import StudyError

logger = logging.getLogger(__name__)

SHOWN = 10  # problems spelled out before only their number is given


class Problems:
    """What is wrong with one file, by severity.

    Parameters
    ----------
    source : str or Path
        The file or folder that is read.
    strict : bool
        Whether the rows are to be trained on. A row that cannot be trained on is then an error; in a
        split that is only predicted on, the same row is kept and reported as a warning.
    """

    def __init__(self, source: str | Path, *, strict: bool):
        self.source = str(source)
        self.strict = strict
        self.errors: list[tuple[str, str]] = []
        self.fixes: list[str] = []
        self.n_errors = 0
        self.warnings: dict[str, list] = {}

    def error(self, place: str, what: str, fix: str | None = None) -> None:
        """Note something that makes the file unusable."""
        self.n_errors += 1
        if len(self.errors) < SHOWN:
            self.errors.append((place, what))
            if fix and fix not in self.fixes:
                self.fixes.append(fix)

    def warn(self, kind: str, place: str) -> None:
        """Note something worth saying once per file, with a count and the first place."""
        entry = self.warnings.setdefault(kind, [0, place])
        entry[0] += 1

    def doubt(self, place: str, what: str, fix: str | None = None, *, kind: str) -> None:
        """Note something that training cannot use but prediction can: an error or a warning by `strict`."""
        if self.strict:
            self.error(place, what, fix)
        else:
            self.warn(kind, place)

    def finish(self, log: Callable[[str], None] | None = None) -> None:
        """Log the warnings, then raise if there are errors."""
        for kind, (count, place) in self.warnings.items():
            (log or logger.warning)(f"{self.source}: {kind}: {count} (first: {place})")
        if not self.n_errors:
            return
        fix = "\n".join(self.fixes[:3]) or None
        if self.n_errors == 1:
            place, what = self.errors[0]
            # A sentence starts with a capital, a key such as is_impossible stays as it is spelled.
            if what.split()[0].isalpha():
                what = what[0].upper() + what[1:]
            raise StudyError(f"{what}.", where=f"{self.source}, {place}", fix=fix)
        lines = [f"  {place}: {what}" for place, what in self.errors]
        if self.n_errors > SHOWN:
            lines.append(f"  ... and {self.n_errors - SHOWN} more")
        raise StudyError(
            f"{self.n_errors} problems in this file:\n" + "\n".join(lines), where=self.source, fix=fix
        )
