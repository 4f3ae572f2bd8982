"""Cheap checks of a dataset's configuration and files, before any job starts; no file is read whole."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from miniature.messages import StudyError

SUFFIXES = {
    "squad": (".json", ".json.gz"),
    "mrqa": (".jsonl", ".jsonl.gz"),
    "newsqa": (".csv", ".csv.gz"),
    "csv": (".csv", ".csv.gz"),
    "jsonl": (".jsonl", ".jsonl.gz"),
}
FORMATS = {
    "question-answering": ("world", "squad", "mrqa", "newsqa", "hub"),
    "classification": ("world", "csv", "jsonl", "aclimdb", "hub"),
}
SPLIT_KEYS = {"path", "source", "hub_split", "held_out_from", "examples"}
COLUMN_ROLES = {"text", "label", "id", "cluster"}
GZIP_MAGIC = b"\x1f\x8b"


def check_source(dataset: Mapping, name: str) -> list[StudyError]:
    """Everything wrong with a dataset that can be told without reading it.

    Parameters
    ----------
    dataset : dict
        The dataset's entry in the configuration, paths expanded.
    name : str
        Its name.

    Returns
    -------
    list of StudyError
        Empty where nothing is wrong: task, format and keys fit together, files and folders are there, can
        be read, are not empty, and have the suffix and first bytes of their format.
    """
    return list(_check(dataset, name))


def _check(dataset: Mapping, name: str) -> Iterator[StudyError]:
    where = f"datasets: {name}"
    task, kind = dataset.get("task"), dataset.get("format")
    if task not in FORMATS:
        yield StudyError(f"There is no task {task!r}.", where=where, fix=f"task: {' | '.join(FORMATS)}")
        return
    if kind not in FORMATS[task]:
        yield StudyError(
            f"The format {kind!r} does not hold data for {task}.",
            where=where,
            fix=f"format: {' | '.join(FORMATS[task])}",
        )
        return
    if task == "classification":
        yield from _check_labels(dataset, where)
    splits = dataset.get("splits") or {}
    for split, entry in splits.items():
        place = f"{where}: splits: {split}"
        for key in sorted(set(entry) - SPLIT_KEYS):
            yield StudyError(
                f"A split has no key {key!r}, only {', '.join(sorted(SPLIT_KEYS))}.",
                where=place,
                fix=f"{split}: {{path: <file>, examples: all}}",
            )
        examples = entry.get("examples", "all")
        if examples != "all" and (type(examples) is not int or examples < 1):
            yield StudyError(
                f"{examples!r} is no number of examples.", where=f"{place}: examples", fix="examples: all"
            )
        if "held_out_from" in entry:
            yield from _check_held_out(splits, split, place)
        elif kind not in ("world", "hub") and "source" not in entry:
            yield from _check_path(dataset, entry, split, place)


def _check_labels(dataset: Mapping, where: str) -> Iterator[StudyError]:
    labels = dataset.get("labels") or {}
    if dataset["format"] != "world" and len(labels) < 2:
        yield StudyError(
            "A classification dataset needs its labels: name, and value in the file.",
            where=where,
            fix="labels: {negative: 0, positive: 1}",
        )
    if len(set(map(str, labels.values()))) < len(labels):
        yield StudyError(
            "Two labels have the same value in the file.",
            where=f"{where}: labels",
            fix="labels: {negative: 0, positive: 1}",
        )
    for role in sorted(set(dataset.get("columns") or {}) - COLUMN_ROLES):
        yield StudyError(
            f"{role!r} is no role of a column, only {', '.join(sorted(COLUMN_ROLES))}.",
            where=f"{where}: columns",
            fix="columns: {text: text, label: label, id: id}",
        )


def _check_held_out(splits: Mapping, split: str, place: str) -> Iterator[StudyError]:
    source = splits[split]["held_out_from"]
    fix = f"{split}: {{held_out_from: train, examples: 500}}"
    if source == split or source not in splits or "held_out_from" in splits[source]:
        yield StudyError(f"Nothing can be held out of {source!r}.", where=place, fix=fix)
    if type(splits[split].get("examples")) is not int:
        yield StudyError("A held-out split needs a number of examples.", where=place, fix=fix)


def _check_path(dataset: Mapping, entry: Mapping, split: str, place: str) -> Iterator[StudyError]:
    kind = dataset["format"]
    if not entry.get("path"):
        yield StudyError(
            f"The split {split!r} names no file.",
            where=place,
            fix=f"{split}: {{path: <file>, examples: all}}",
        )
        return
    given = str(entry["path"])
    if "${" in given:
        variable = given.split("${", 1)[1].split("}", 1)[0]
        yield StudyError(
            f"The path names the environment variable {variable}, which is not set.",
            where=f"{place}: path",
            fix=f"export {variable}=<folder>",
        )
        return
    path = Path(given)
    if not path.exists():
        yield StudyError(
            f"There is no {'folder' if kind == 'aclimdb' else 'file'} {given}.",
            where=f"{place}: path",
            fix=f"path: {_nearest(path)}",
        )
        return
    mode = os.R_OK | (os.X_OK if path.is_dir() else 0)
    if not os.access(path, mode):
        yield StudyError(f"{given} cannot be read.", where=f"{place}: path", fix=f"chmod -R u+rX '{given}'")
    elif kind == "aclimdb":
        yield from _check_folder(dataset, path, place)
    else:
        yield from _check_file(kind, path, place)


def _check_folder(dataset: Mapping, path: Path, place: str) -> Iterator[StudyError]:
    missing = [
        str(value) for value in (dataset.get("labels") or {}).values() if not (path / str(value)).is_dir()
    ]
    if not path.is_dir() or missing:
        inner = path / "train"
        yield StudyError(
            f"{path} has no folder {' and no '.join(missing)}."
            if path.is_dir()
            else f"{path} is not a folder.",
            where=f"{place}: path",
            fix=f"path: {inner}" if inner.is_dir() else "labels: {negative: neg, positive: pos}",
        )


def _check_file(kind: str, path: Path, place: str) -> Iterator[StudyError]:
    place = f"{place}: path"
    if not path.is_file():
        yield StudyError(f"{path} is not a file.", where=place, fix=f"path: {path}/<file>")
        return
    if not path.name.endswith(SUFFIXES[kind]):
        fits = next((other for other, ends in SUFFIXES.items() if path.name.endswith(ends)), None)
        yield StudyError(
            f"A file of the format {kind!r} ends in {' or '.join(SUFFIXES[kind])}; this is {path.name}.",
            where=place,
            fix=f"format: {fits}" if fits else f"path: {path.with_suffix(SUFFIXES[kind][0])}",
        )
        return
    with path.open("rb") as file:
        start = file.read(2)
    if not start:
        yield StudyError(f"{path} is empty.", where=place, fix="fetch or write it again")
    elif path.suffix == ".gz" and start != GZIP_MAGIC:
        yield StudyError(
            f"{path} is not a gzip file, whatever its name.", where=place, fix=f"path: {path.with_suffix('')}"
        )
    elif path.suffix != ".gz" and start == GZIP_MAGIC:
        yield StudyError(
            f"{path} is a gzip file without the suffix.", where=place, fix=f"path: {path}.gz   (renamed)"
        )


def _nearest(path: Path) -> str:
    """Find the existing file most like a missing one, for pasting, or give a blank to fill in."""
    import difflib

    if path.parent.is_dir():
        close = difflib.get_close_matches(path.name, sorted(p.name for p in path.parent.iterdir()), n=1)
        if close:
            return str(path.parent / close[0])
    return "<where it is>"
