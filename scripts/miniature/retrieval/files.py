"""Download of one pinned file, complete and with the checksum that the study states, or not at all."""

import http.client
import logging
import os
import shutil
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from miniature.files import atomic_path, quarantine
from miniature.job.partial import digest_file
from miniature.messages import StudyError
from miniature.retrieval.references import RETRIEVED

logger = logging.getLogger(__name__)

TIMEOUT = 60  # seconds without a byte


def check_digest(path: str | os.PathLike, expected: str | None, *, where: str | None = None) -> None:
    """Check that a file has the digest that a study pins.

    Parameters
    ----------
    path : path
        The file.
    expected : str or None
        SHA-256 in hexadecimal; None checks nothing.
    where : str, optional
        Description of the file, for the message.

    Raises
    ------
    StudyError
        The file has another digest, or cannot be read. A user's file is left unchanged; a retrieved file is
        renamed ``<path>.damaged``, so that the next run downloads it again.
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
        raise quarantine(path, f"its sha256 is {found}, not {expected}")
    if found != expected:
        raise StudyError(
            f"This is not the file that the study pins: its sha256 is {found}, not {expected}.",
            where=place,
            fix="put the right file there, or move this one away so that the right one is downloaded;\n"
            f"only if this file is the intended one: sha256: {found}",
        )


def retrieve_file(url: str, sha256: str, path: str | os.PathLike) -> None:
    """Download a file; it appears only when it is complete and has the checksum.

    Parameters
    ----------
    url : str
        Where it is.
    sha256 : str
        The expected digest, in hexadecimal.
    path : path
        Destination.

    Raises
    ------
    StudyError
        The server cannot be reached, has no such file or closes the connection, or the file has another
        digest. Nothing is left at `path`; other files are unchanged.
    """
    logger.info("%s", url)
    with atomic_path(path) as temporary:
        try:
            with urllib.request.urlopen(url, timeout=TIMEOUT) as answer, temporary.open("wb") as file:
                shutil.copyfileobj(answer, file)
                length = answer.headers.get("Content-Length")
        except urllib.error.HTTPError as error:
            raise StudyError(
                f"The server has no such file or refuses access to it ({error.code} {error.reason}).",
                where=url,
                fix="check repository, commit and file; or name a local copy with local: ...",
            ) from None
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            raise StudyError(
                f"The server cannot be reached, or the connection broke ({reason}).",
                where=url,
                fix="run `snakemake retrieve` where there is a network, or name a local copy with local: ...",
            ) from None
        if length and int(length) != temporary.stat().st_size:
            raise StudyError("The download was incomplete.", where=url, fix="start again")
        found = digest_file(temporary)
        if found != sha256:
            raise StudyError(
                f"The download is not the file that the study pins: its sha256 is {found}, not {sha256}.",
                where=url,
                fix="start again; if this persists, the file was changed at its source: check it, then "
                f"sha256: {found}",
            )


def describe_file(source: Mapping, url: str, path: str | os.PathLike) -> dict[str, object]:
    """Record of a retrieved file: origin, license, size and digest.

    Parameters
    ----------
    source : mapping
        As in the study.
    url : str
        Its address.
    path : path
        Where it is.

    Returns
    -------
    dict
        Like the records of retrieved models and datasets; for an address, the address is its name and there
        is no revision.
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
