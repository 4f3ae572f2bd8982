"""Files that a study names: a path, or a pinned remote file with an optional local copy."""

import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

RETRIEVED = "resources/retrieved/files"
RAW = "https://raw.githubusercontent.com"


def source_url(source: Mapping) -> str:
    """Address of a pinned file: its ``url``, or a file of a GitHub repository at a commit."""
    if "url" in source:
        return str(source["url"])
    return f"{RAW}/{source['repository']}/{source['commit']}/{quote(source['file'])}"


def source_name(source: Mapping) -> str:
    """Name of a source's file, without the query part of an address.

    Examples
    --------
    >>> source_name({"url": "https://example.org/a/dev%201.json?download=1"})
    'dev 1.json'
    """
    if "url" in source:
        return Path(unquote(urlsplit(str(source["url"])).path)).name
    return Path(str(source.get("file") or source.get("path"))).name


def retrieved_file(source: Mapping) -> str:
    """Path of a retrieved pinned file: its folder is named by its content, so that no two pins share one."""
    name = Path(source_name(source))
    suffix = (Path(name.stem).suffix if name.suffix == ".gz" else "") + name.suffix
    # The retrieval rule accepts suffixes of these characters only.
    suffix = suffix if re.fullmatch(r"(\.[A-Za-z0-9]+)*", suffix) else ""
    return f"{RETRIEVED}/{source['sha256']}{suffix}/file{suffix}"


def local_copy(source: Mapping) -> str | None:
    """Local copy that is used instead of a download; None if there is none."""
    local = source.get("local")
    return local if local and Path(local).is_file() else None


def source_file(source: Mapping) -> str:
    """File to read: the path, else the local copy, else the retrieved file."""
    return source.get("path") or local_copy(source) or retrieved_file(source)


def source_files(source: Mapping) -> list[str]:
    """Files that are read: that of `source_file`, or the logs in a folder and in those inside it."""
    path = Path(source_file(source))
    if not path.is_dir():
        return [str(path)]
    return sorted(
        str(file) for pattern in ("*.json*", "*/*.json*") for file in path.glob(pattern) if file.is_file()
    )


def source_digest(source: Mapping) -> str | None:
    """SHA-256 that the file of `source_file` must have; None if the study does not state one."""
    if "path" not in source and local_copy(source):
        return source.get("local_sha256", source["sha256"])
    return source.get("sha256")


def all_sources(config: Mapping) -> list[Mapping]:
    """Every source that a study names, in order: those of models, then those of splits."""
    found: list[Mapping] = []
    for entry in config["models"].values():
        for kind in ("predictions", "errors"):
            found += entry.get(kind, {}).values()
        found += [source for splits in entry.get("embeddings", {}).values() for source in splits.values()]
    for dataset in config["datasets"].values():
        found += [split["source"] for split in dataset["splits"].values() if "source" in split]
    return found


def pinned_sources(config: Mapping) -> dict[str, Mapping]:
    """Sources to retrieve, by their destination file."""
    return {
        retrieved_file(source): source
        for source in all_sources(config)
        if "path" not in source and not local_copy(source)
    }
