"""One commit of a repository on the Hub, downloaded into a folder that is complete or absent."""

import json
import logging
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import requests
from huggingface_hub import HfApi, hf_hub_download
from huggingface_hub.errors import (
    EntryNotFoundError,
    FileMetadataError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from miniature.job.partial import digest_file
from miniature.messages import StudyError, printable
from miniature.retrieval.registry import RECORD

logger = logging.getLogger(__name__)

PUBLIC_ENDPOINT = "https://huggingface.co"
COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit of a repository; `files` maps path to sha256, None if the Hub does not state it."""

    kind: str
    hub_id: str
    asked: str
    sha: str
    files: dict[str, str | None]
    licence: str = "not stated"


def endpoint() -> str:
    """Address of the Hub: the environment variable HF_ENDPOINT, read at each call, or the public one."""
    return (os.environ.get("HF_ENDPOINT") or PUBLIC_ENDPOINT).rstrip("/")


def resolve(kind: str, hub_id: str, revision: str) -> Commit:
    """The commit that a revision refers to, and its files."""
    where = f"{hub_id} at {revision}"
    with_hub = HfApi(endpoint=endpoint())
    info = _call_hub(
        lambda: with_hub.repo_info(
            hub_id, repo_type=kind, revision=revision, files_metadata=True, timeout=30
        ),
        kind,
        where,
    )
    sha = info.sha or ""
    if not COMMIT.fullmatch(sha):
        raise StudyError(f"The Hub gives no commit for this {kind}.", where=where, fix="try again later")
    if COMMIT.fullmatch(revision) and sha != revision:
        raise StudyError(
            f"The pinned revision resolves to another commit, {sha}.", where=where, fix=f"revision: {sha}"
        )
    if sha != revision:
        logger.warning("%s is not pinned; to pin the present commit: revision: %s", where, sha)
    files = {file.rfilename: file.lfs.sha256 if file.lfs else None for file in info.siblings or []}
    # Absolute names and names that leave the folder are ignored.
    safe = {
        name: digest
        for name, digest in files.items()
        if not PurePosixPath(name).is_absolute()
        and ".." not in PurePosixPath(name).parts
        and "\\" not in name
    }
    return Commit(kind, hub_id, revision, sha, safe, stated_licence(info))


def stated_licence(info: object) -> str:
    """License that a repository's card states, or ``not stated``; several are joined."""
    card = getattr(info, "card_data", None)
    stated = card.get("license") if card is not None else None
    if not stated:
        tags = getattr(info, "tags", None) or []
        stated = [tag.removeprefix("license:") for tag in tags if tag.startswith("license:")]
    listed = [stated] if isinstance(stated, str) else list(stated or [])
    # The text of a card goes into a record and to the terminal: one line is enough.
    return printable(", ".join(map(str, listed)).replace("\n", " "), limit=200) or "not stated"


def fetch(commit: Commit, names: list[str], folder: str | Path) -> None:
    """Download files of a commit into a folder, all or none, with a record of them."""
    folder = Path(folder)
    where = f"{commit.hub_id} at {commit.sha}"
    if is_whole(folder, commit, names):
        logger.info("%s is already in %s", where, folder)
        return
    partial = folder.parent / f".{folder.name}.{commit.sha[:12]}.partial"
    try:
        partial.mkdir(parents=True, exist_ok=True)
        for number, name in enumerate(names, start=1):
            logger.info("%s: %s (%d of %d)", where, name, number, len(names))
            _fetch_file(commit, name, partial, where)
        shutil.rmtree(partial / ".cache", ignore_errors=True)  # huggingface_hub's cache metadata
        record = describe(partial, commit, names)
        (partial / RECORD).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
        _replace(partial, folder)
    except OSError as error:
        # requests' errors are OSErrors too; _call_hub has already converted them to StudyErrors.
        raise StudyError(
            f"The files cannot be written: {error.strerror or error}.",
            where=str(folder.parent),
            fix="free disk space or allow writing there, and start again",
        ) from error


def describe(folder: Path, commit: Commit, names: list[str]) -> dict:
    """Record of retrieved files: origin, and size and sha256 of each."""
    files = [
        {"path": name, "size": (folder / name).stat().st_size, "sha256": digest_file(folder / name)}
        for name in sorted(names)
    ]
    return {
        "kind": commit.kind,
        "hub_id": commit.hub_id,
        "revision_asked": commit.asked,
        "revision": commit.sha,
        "licence": commit.licence,
        "files": files,
    }


def is_whole(folder: Path, commit: Commit, names: list[str]) -> bool:
    """Whether a folder contains exactly these files of this commit, by its record and their checksums."""
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        here = describe(folder, commit, names)
    except (OSError, ValueError):
        return False
    # The same commit may have been requested by another name, and its card is read each time.
    said = {"revision_asked": commit.asked, "licence": commit.licence}
    return isinstance(record, dict) and {**record, **said} == here


def _fetch_file(commit: Commit, name: str, partial: Path, where: str) -> None:
    def download(force: bool) -> str:
        return hf_hub_download(
            commit.hub_id,
            name,
            repo_type=commit.kind,
            revision=commit.sha,
            local_dir=partial,
            endpoint=endpoint(),
            force_download=force,
        )

    expected = commit.files[name]
    for force in (False, True):
        # A second attempt from scratch: the rest of an earlier, interrupted download may be the damaged part.
        _call_hub(lambda force=force: download(force), commit.kind, f"{where}: {name}")
        if expected is None or digest_file(partial / name) == expected:
            return
    (partial / name).unlink()
    raise StudyError(
        "The download is damaged: its sha256 is not the one the Hub states.",
        where=f"{where}: {name}",
        fix="start again; if this persists, report it to the owner of the repository",
    )


def _replace(partial: Path, folder: Path) -> None:
    if folder.exists():
        old = folder.parent / f".{folder.name}.old"
        shutil.rmtree(old, ignore_errors=True)
        os.replace(folder, old)
        os.replace(partial, folder)
        shutil.rmtree(old, ignore_errors=True)
    else:
        os.replace(partial, folder)


def _call_hub(call: Callable, kind: str, where: str):
    """Call the Hub; its failures become errors that a user can fix."""
    try:
        return call()
    except HFValidationError as error:
        raise StudyError(
            f"This is not a valid name of a {kind} on the Hub: {error}", where=where, fix="hub: owner/name"
        ) from None
    except GatedRepoError:
        raise StudyError(
            f"The owner of this {kind} requires agreeing to terms before download.",
            where=where,
            fix=f"agree on {endpoint()}/{'datasets/' if kind == 'dataset' else ''}{where.split(' at ')[0]}, "
            "then: hf auth login",
        ) from None
    except RepositoryNotFoundError:
        raise StudyError(
            f"The Hub has no such {kind}, or it is private.",
            where=where,
            fix="hub: owner/name   (or: hf auth login)",
        ) from None
    except RevisionNotFoundError:
        raise StudyError(
            f"This {kind} has no such revision.",
            where=where,
            fix="revision: <a commit from its Files and versions page>",
        ) from None
    except LocalEntryNotFoundError as error:
        raise _unreachable(error, where) from None
    except EntryNotFoundError:
        raise StudyError(
            "The file is listed but cannot be downloaded.", where=where, fix="revision: <another commit>"
        ) from None
    except FileMetadataError:
        raise StudyError(
            "The Hub does not state the version of the file.", where=where, fix="unset HF_ENDPOINT"
        ) from None
    except HfHubHTTPError as error:
        status = error.response.status_code if error.response is not None else "no status"
        raise StudyError(
            f"The Hub answered with an error ({status}).", where=where, fix="try again later"
        ) from None
    except (requests.exceptions.RequestException, ConnectionError, TimeoutError) as error:
        raise _unreachable(error, where) from None


def _unreachable(error: Exception, where: str) -> StudyError:
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE"):
        return StudyError(
            "HF_HUB_OFFLINE is set, so nothing can be downloaded.", where=where, fix="unset HF_HUB_OFFLINE"
        )
    reason = type(error.__cause__ or error).__name__
    return StudyError(
        f"The Hub cannot be reached at {endpoint()}, or the connection broke ({reason}).",
        where=where,
        fix="start again where there is a network   (or: export HF_ENDPOINT=<a mirror>)",
    )
