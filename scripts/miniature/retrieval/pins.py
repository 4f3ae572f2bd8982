"""Pins: the commit that a branch or tag first resolved to, which is used from then on.

A branch moves. If it were resolved at every retrieval, a study's models could silently change between two
jobs. The record is stored next to the retrieved files and outlives them.
"""

import dataclasses
import json
import logging
from pathlib import Path

from miniature.files import write_json
from miniature.messages import StudyError
from miniature.names import hub_folder
from miniature.retrieval.hub import COMMIT, Commit, resolve

logger = logging.getLogger(__name__)


def resolve_once(kind: str, hub_id: str, revision: str, pins: str | Path | None) -> Commit:
    """The commit of a revision: the recorded one if it was resolved before."""
    if pins is None or COMMIT.fullmatch(revision):
        return resolve(kind, hub_id, revision)
    file = pin_file(kind, hub_id, revision, pins)
    recorded = read_pin(file)
    if recorded is None:
        return resolve(kind, hub_id, revision)
    logger.info("%s at %s was resolved earlier, to %s", hub_id, revision, recorded)
    try:
        commit = resolve(kind, hub_id, recorded)
    except StudyError as error:
        if "no such revision" not in error.what:
            raise
        raise StudyError(
            f"The commit recorded for {revision!r}, {recorded}, is no longer on the Hub.",
            where=f"{hub_id}, recorded in {file}",
            fix=f"rm '{file}'   (then the newest commit is used, and results may change)",
        ) from None
    return dataclasses.replace(commit, asked=revision)


def record_pin(commit: Commit, pins: str | Path | None) -> None:
    """Record the commit of a branch or tag once it has been downloaded; a pinned commit needs no record."""
    if pins is None or COMMIT.fullmatch(commit.asked):
        return
    file = pin_file(commit.kind, commit.hub_id, commit.asked, pins)
    if read_pin(file) != commit.sha:
        record = {"kind": commit.kind, "hub_id": commit.hub_id, "asked": commit.asked, "revision": commit.sha}
        write_json(record, file)


def pin_file(kind: str, hub_id: str, revision: str, pins: str | Path) -> Path:
    """File with the record of one revision."""
    return Path(pins) / f"{kind}s" / hub_folder(hub_id) / f"{revision.replace('/', '--')}.json"


def read_pin(file: Path) -> str | None:
    """Commit in a record; None if there is no record."""
    try:
        revision = json.loads(file.read_text(encoding="utf-8"))["revision"]
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        revision = None
    if not isinstance(revision, str) or not COMMIT.fullmatch(revision):
        raise StudyError(
            "The record of a resolved revision is damaged.",
            where=str(file),
            fix=f"rm '{file}'   (then the newest commit is used, and results may change)",
        )
    return revision
