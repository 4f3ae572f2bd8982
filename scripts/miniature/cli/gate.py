"""An exit status from a finished study, for continuous integration."""

import argparse
import difflib
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from miniature.cli.check import read_study
from miniature.config.resolve import write_resolved
from miniature.files import atomic_path
from miniature.messages import StudyError, printable
from miniature.tables.escape import escape_markdown

PASSED, MOVED, UNDECIDED = 0, 1, 2
OUTCOMES = {
    "within": PASSED, "miniature": PASSED,
    "beyond": MOVED, "not-miniature": MOVED,
    "undecided": UNDECIDED, "inconclusive": UNDECIDED,
}  # fmt: skip
"""Verdicts that count; of what was not measured, or could say nothing, nobody is held to account."""


class Row(NamedTuple):
    """One verdict of a finished study.

    Attributes
    ----------
    model, name : str
        Whose it is, and on what: a characteristic of the scorecard, or a measure with a tolerance.
    verdict, reason : str
        As the table has them.
    """

    model: str
    name: str
    verdict: str
    reason: str


def status_of(rows: Iterable[Row]) -> int:
    """Exit status of some verdicts.

    Parameters
    ----------
    rows : iterable of Row

    Returns
    -------
    int
        1 if any is ``beyond`` or ``not-miniature``; else 2 if any is undecided or none is decided; else 0.

    Examples
    --------
    >>> status_of([Row("small", "errors", "not-measured", "")])
    2
    >>> status_of([Row("small", "errors", "miniature", ""), Row("small", "brier", "beyond", "")])
    1
    """
    found = {OUTCOMES[row.verdict] for row in rows if row.verdict in OUTCOMES}
    if MOVED in found:
        return MOVED
    return UNDECIDED if UNDECIDED in found or not found else PASSED


def choose_rows(rows: Sequence[Row], wanted: Sequence[str]) -> list[Row]:
    """Rows that are named: ``model``, ``model:row`` or ``:row``; all where none is named.

    Raises
    ------
    StudyError
        A name that no row has, with the nearest that one has.

    Examples
    --------
    >>> rows = [Row("a", "errors", "miniature", ""), Row("b", "errors", "undecided", "")]
    >>> [row.model for row in choose_rows(rows, ["a"])], len(choose_rows(rows, [":errors"]))
    (['a'], 2)
    """
    if not wanted:
        return list(rows)
    chosen = []
    for pattern in wanted:
        model, _, name = pattern.partition(":")
        found = [row for row in rows if model in ("", row.model) and name in ("", row.name)]
        if not found:
            known = [*dict.fromkeys(row.model for row in rows), *(f"{row.model}:{row.name}" for row in rows)]
            near = difflib.get_close_matches(pattern, known, n=1) or known[:1]
            raise StudyError(f"No verdict is called '{pattern}'.", where="--only", fix=f"--only {near[0]}")
        chosen += [row for row in found if row not in chosen]
    return chosen


def read_rows(results: Path) -> list[Row]:
    """Verdicts of a finished study, those of the scorecard first."""
    rows = []
    for file, column in (("scorecard.csv", "characteristic"), ("tolerance.csv", "measure")):
        path = results / file
        if file == "scorecard.csv" and not path.is_file():
            raise StudyError(
                f"The study has no {path} yet.", where=str(path), fix="miniature audit <the study>"
            )
        if path.is_file():
            table = pd.read_csv(path, keep_default_na=False, dtype=str)
            for row in table.to_dict("records"):
                rows.append(Row(row["model"], row[column], row["verdict"], row.get("reason") or _bounds(row)))
    return rows


def _bounds(row: Mapping[str, str]) -> str:
    """What was measured, with its bounds and its limit; nothing for rows that have no limit."""
    if not row.get("limit") or not row.get("value"):
        return ""
    value, low, high = (f"{float(row[key]):.3g}" if row.get(key) else "?" for key in ("value", "low", "high"))
    return f"{value}, {low} to {high}; limit {row['limit']}"


def junit(rows: Sequence[Row], study: str) -> str:
    """JUnit XML: a model is a suite, a verdict a test; an undecided one is an error, not a failure."""
    root = ElementTree.Element("testsuites", name=f"miniature {study}")
    for model in dict.fromkeys(row.model for row in rows):
        own = [row for row in rows if row.model == model]
        counts = {code: sum(OUTCOMES.get(row.verdict) == code for row in own) for code in (MOVED, UNDECIDED)}
        suite = ElementTree.SubElement(
            root, "testsuite", name=_text(model), tests=str(len(own)), failures=str(counts[MOVED]),
            errors=str(counts[UNDECIDED]), skipped=str(sum(row.verdict not in OUTCOMES for row in own)),
        )  # fmt: skip
        for row in own:
            case = ElementTree.SubElement(suite, "testcase", classname=_text(model), name=_text(row.name))
            kind = {MOVED: "failure", UNDECIDED: "error", None: "skipped"}.get(OUTCOMES.get(row.verdict))
            if kind:
                ElementTree.SubElement(case, kind, message=_text(f"{row.verdict}: {row.reason}".strip(": ")))
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _text(text: str) -> str:
    """Text that XML can hold."""
    return printable(text).replace("\n", " ")


def markdown(rows: Sequence[Row], study: str) -> str:
    """The rows as a table for a pull request, what moved first."""
    words = {PASSED: "passed", MOVED: "a model has moved too far", UNDECIDED: "not decided"}
    order = sorted(
        rows, key=lambda row: {MOVED: 0, UNDECIDED: 1, PASSED: 2}.get(OUTCOMES.get(row.verdict), 3)
    )
    lines = [f"**{escape_markdown(study)}: {words[status_of(rows)]}**", ""]
    lines += ["| model | on | verdict | reason |", "|---|---|---|---|"]
    lines += ["| " + " | ".join(map(escape_markdown, row)) + " |" for row in order]
    return "\n".join(lines) + "\n"


def finished_results(given: argparse.Namespace) -> tuple[Path, str]:
    """Folder of the results of a study that has not changed since, and its name."""
    from miniature.cli.main import study_file

    path = study_file(given)
    resolved = read_study(path)
    results = Path("results") / resolved.config["study"]
    told = results / "study.yaml"
    if told.is_file() and told.read_text(encoding="utf-8") != write_resolved(*resolved[:2]):
        raise StudyError(
            f"{path} has changed since its results were made.", where=str(told), fix=f"miniature audit {path}"
        )
    return results, resolved.config["study"]


def run_gate(given: argparse.Namespace) -> int:
    """Print the verdicts that count and return the exit status."""
    results, name = finished_results(given)
    rows = choose_rows(read_rows(results), given.only)
    for file, text in ((given.junit, junit), (given.markdown, markdown)):
        if file:
            with atomic_path(Path(file)) as temporary:
                temporary.write_text(text(rows, name), encoding="utf-8")
    for row in rows:
        if row.verdict in OUTCOMES:
            print(
                printable(
                    f"{row.verdict:14} {row.model}: {row.name}" + (f" ({row.reason})" if row.reason else "")
                )
            )
    status = status_of(rows)
    print({PASSED: "passed", MOVED: "moved", UNDECIDED: "not decided"}[status], file=sys.stderr)
    return status
