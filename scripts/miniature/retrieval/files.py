"""One pinned file of the net, whole and with the checksum that the study states, or not at all."""

import http.client
import logging
import os
import shutil
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from miniature.files import atomic_path, set_aside
from miniature.job.partial import digest_file
from miniature.messages import StudyError
from miniature.retrieval.references import RETRIEVED

logger = logging.getLogger(__name__)

TIMEOUT = 60  # seconds without a byte


def check_digest(path: str | os.PathLike, expected: str | None, *, where: str | None = None) -> None:
    """Check that a file is the one that a study pins.

    Parameters
    ----------
    path : path
        The file.
    expected : str or None
        SHA-256 in hexadecimal; None checks nothing.
    where : str, optional
        What the file is, for the message.

    Raises
    ------
    StudyError
        The file has another digest, or cannot be read. A user's file is left as it is; one that retrieval
        brought is renamed ``<path>.damaged``, so that the next run fetches it again.
    """
    if expected is None:
        return
    place = f"{path}, {where}" if where else str(path)
    try:
        found = digest_file(path)
    except OSError as error:
        raise StudyError(
            f"The file cannot be read: {error.strerror or error}.", where=place, fix="fetch it again"
        ) from None
    if found != expected and Path(path).as_posix().startswith(f"{RETRIEVED}/"):
        raise set_aside(path, f"its sha256 is {found}, not {expected}")
    if found != expected:
        raise StudyError(
            f"This is not the file that the study pins: its sha256 is {found}, not {expected}.",
            where=place,
            fix="put the right file there, or move this one away so that the right one is fetched;\n"
            f"only if this one is meant: sha256: {found}",
        )


def retrieve_file(url: str, sha256: str, path: str | os.PathLike) -> None:
    """Fetch a file; it appears only when it is whole and has the checksum.

    Parameters
    ----------
    url : str
        Where it is.
    sha256 : str
        What it must be, in hexadecimal.
    path : path
        Destination.

    Raises
    ------
    StudyError
        The server cannot be reached, has no such file or breaks off, or the file is another one. Nothing is
        left at `path`, and what is elsewhere stays.
    """
    logger.info("%s", url)
    with atomic_path(path) as temporary:
        try:
            with urllib.request.urlopen(url, timeout=TIMEOUT) as answer, temporary.open("wb") as file:
                shutil.copyfileobj(answer, file)
                length = answer.headers.get("Content-Length")
        except urllib.error.HTTPError as error:
            raise StudyError(
                f"The server has no such file or does not give it out ({error.code} {error.reason}).",
                where=url,
                fix="check repository, commit and file; or name a copy at hand with local: ...",
            ) from None
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            raise StudyError(
                f"The server cannot be reached, or the connection broke ({reason}).",
                where=url,
                fix="run `snakemake retrieve` where there is a network, or name a copy with local: ...",
            ) from None
        if length and int(length) != temporary.stat().st_size:
            raise StudyError("The file arrived cut off.", where=url, fix="start again")
        found = digest_file(temporary)
        if found != sha256:
            raise StudyError(
                f"What arrived is not the file that the study pins: its sha256 is {found}, not {sha256}.",
                where=url,
                fix="start again; if it stays so, the file was changed at its source: look at it, then "
                f"sha256: {found}",
            )


def describe_file(source: Mapping, url: str, path: str | os.PathLike) -> dict[str, object]:
    """Record of a retrieved file: where from, under which licence, and which bytes.

    Parameters
    ----------
    source : mapping
        As the study names it.
    url : str
        Where it came from.
    path : path
        Where it is.

    Returns
    -------
    dict
        Of the shape of the records of retrieved models and datasets; an address has itself for a name and no
        revision.
    """
    path = Path(path)
    return {
        "kind": "file",
        "hub_id": source.get("repository", url),
        "revision_asked": source.get("commit"),
        "revision": source.get("commit"),
        "licence": source.get("licence"),
        "url": url,
        "files": [{"path": path.name, "size": path.stat().st_size, "sha256": digest_file(path)}],
    }
