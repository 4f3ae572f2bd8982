"""Checks of datasets: the keys that a format needs, and the files it names."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from miniature.config.lines import Positions
from miniature.data.table_files import SUFFIXES as ROW_SUFFIXES
from miniature.data.table_files import list_suffixes
from miniature.messages import StudyError

SUFFIXES = {
    "squad": ROW_SUFFIXES,
    "mrqa": (".jsonl", ".jsonl.gz"),
    "newsqa": (".csv", ".csv.gz"),
    "csv": ROW_SUFFIXES,
    "jsonl": ROW_SUFFIXES,
}
FORMATS = {
    "question-answering": ("world", "squad", "mrqa", "newsqa", "hub"),
    "classification": ("world", "csv", "jsonl", "aclimdb", "hub", "predictions"),
    "multiple-choice": ("predictions", "csv", "jsonl"),
    "generation": ("predictions", "csv", "jsonl"),
}
SPLIT_KEYS = {"path", "source", "hub_split", "held_out_from", "examples"}
COLUMN_ROLES = {"text", "label", "id", "cluster"}
PAIR_ROLES = {"text_pair"}
# What only data of multiple choice and logs have besides.
MORE_ROLES = {"choices"}
RECORDED = ("multiple-choice", "generation")
GZIP_MAGIC = b"\x1f\x8b"


def check_source(dataset: Mapping, name: str) -> list[StudyError]:
    """Everything wrong with a dataset that can be told without reading it."""
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
    roles = COLUMN_ROLES | (MORE_ROLES if kind == "predictions" or task in RECORDED else PAIR_ROLES)
    for role in sorted(set(dataset.get("columns") or {}) - roles) if task != "question-answering" else ():
        yield StudyError(
            f"{role!r} is no role of a column, only {', '.join(sorted(roles))}.",
            where=f"{where}: columns",
            fix="columns: {text: text, label: label, id: id}",
        )
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
    elif kind == "predictions":
        return  # a file or a folder of any of their formats, which its reader recognizes
    else:
        yield from _check_file(dataset["task"], kind, path, place)


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


def _check_file(task: str, kind: str, path: Path, place: str) -> Iterator[StudyError]:
    place = f"{place}: path"
    if not path.is_file():
        yield StudyError(f"{path} is not a file.", where=place, fix=f"path: {path}/<file>")
        return
    if not path.name.endswith(SUFFIXES[kind]):
        fits = [other for other in FORMATS[task] if path.name.endswith(SUFFIXES.get(other, ()))]
        yield StudyError(
            f"A file of the format {kind!r} ends in {list_suffixes(SUFFIXES[kind])}; this is {path.name}.",
            where=place,
            fix=f"format: {fits[0]}"
            if fits
            else f"path: <a file that ends in {list_suffixes(SUFFIXES[kind])}>",
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


FILE_FORMATS = ("squad", "mrqa", "newsqa", "csv", "jsonl", "aclimdb", "predictions")
QUESTION_FORMATS = ("squad", "mrqa", "newsqa")
TEXT_FORMATS = ("csv", "jsonl", "aclimdb", "predictions")
# Formats that hold no recorded questions.
NOT_RECORDED = (*QUESTION_FORMATS, "aclimdb", "world", "hub")
# What the reviews of the generated world are about, by name and value.
WORLD_LABELS = {"negative": "negative", "positive": "positive"}
HUB_ROLES = {
    "question-answering": ("id", "question", "context", "answers"),
    "classification": ("id", "text", "text_pair", "label", "cluster"),
}


def check_datasets(config: Mapping, positions: Positions) -> Iterator[StudyError]:
    """Formats, splits, labels; then, cheaply, the files themselves."""
    for name, dataset in config["datasets"].items():
        errors = list(_check_keys(name, dataset, positions))
        yield from errors
        if not errors and dataset["format"] not in ("world", "hub"):
            yield from check_source(dataset, name)


def _check_keys(name: str, dataset: Mapping, positions: Positions) -> Iterator[StudyError]:
    place, kind = ("datasets", name), dataset["format"]
    where = positions.where(place)
    if kind == "world" and "domain" not in dataset:
        yield StudyError("The world needs a domain.", where=where, fix="domain: encyclopedia")
    if kind == "hub" and not {"hub", "revision"} <= set(dataset):
        yield StudyError(
            "A Hub dataset needs 'hub' and 'revision'.",
            where=where,
            fix="hub: rajpurkar/squad_v2\nrevision: main",
        )
    for key, formats in {"domain": ("world",), "hub": ("hub",), "revision": ("hub",), "config_name": ("hub",),
                         "columns": ("csv", "jsonl", "hub", "predictions"), "benchmark": ("predictions",),
                         "metric": ("predictions",)}.items():  # fmt: skip
        if key in dataset and kind not in formats:
            yield StudyError(
                f"'{key}' means nothing for the format '{kind}'.",
                where=positions.where((*place, key)),
                fix=f"remove it, or format: {formats[0]}",
            )
    for role in dataset.get("columns", {}) if kind == "hub" else ():
        if role not in HUB_ROLES[dataset["task"]]:
            yield StudyError(
                f"A {dataset['task']} dataset has no column for {role!r}.",
                where=positions.where((*place, "columns", role)),
                fix=f"columns: {{{', '.join(f'{name}: {name}' for name in HUB_ROLES[dataset['task']])}}}",
            )
    wrong, fitting = {
        "question-answering": (TEXT_FORMATS, "squad"),
        "classification": (QUESTION_FORMATS, "jsonl"),
    }.get(dataset["task"], (NOT_RECORDED, "predictions"))
    if kind in wrong:
        yield StudyError(
            f"The format '{kind}' does not hold {dataset['task']} data.",
            where=positions.where((*place, "format")),
            fix=f"format: {fitting}",
        )
    if dataset["task"] == "classification" and "labels" not in dataset:
        yield StudyError(
            "A classification dataset needs its labels: name and value in the file, in class order.",
            where=where,
            fix="labels: {negative: 0, positive: 1}",
        )
    for key, task in {"labels": "classification", "unanswerable": "question-answering"}.items():
        if key in dataset and dataset["task"] != task:
            yield StudyError(
                f"'{key}' means nothing for {dataset['task']}.",
                where=positions.where((*place, key)),
                fix=f"remove it, or task: {task}",
            )
    if kind == "world" and "domain" in dataset:
        yield from _check_world(name, dataset, positions)
    for split, block in dataset["splits"].items():
        yield from _check_split(name, split, block, kind, dataset, positions)
    yield from _check_twice(name, dataset["splits"], positions)


def _check_world(name: str, dataset: Mapping, positions: Positions) -> Iterator[StudyError]:
    domain, place = dataset["domain"], ("datasets", name)
    task = "classification" if domain == "reviews" else "question-answering"
    if dataset["task"] != task:
        yield StudyError(
            f"The domain '{domain}' of the generated world is for {task}; '{name}' is {dataset['task']}.",
            where=positions.where((*place, "domain")),
            fix="domain: " + ("encyclopedia" if domain == "reviews" else "reviews"),
        )
    elif task == "classification" and dataset.get("labels", WORLD_LABELS) != WORLD_LABELS:
        yield StudyError(
            "The reviews of the generated world are negative or positive, and called so.",
            where=positions.where((*place, "labels")),
            fix="labels: {negative: negative, positive: positive}",
        )


def _check_twice(name: str, splits: Mapping, positions: Positions) -> Iterator[StudyError]:
    """No two splits read the same rows."""
    seen: dict[tuple, str] = {}
    for split, block in splits.items():
        rows = _rows_of(block)
        if rows is None:
            continue
        if rows in seen:
            held = split if split != "train" else seen[rows]
            n = splits[held]["examples"]
            yield StudyError(
                f"The splits '{seen[rows]}' and '{split}' read the same rows ({rows[0]} {rows[1]}): "
                "what a model has seen would be held against it as if it were new.",
                where=positions.where(("datasets", name, "splits", held)),
                fix=f"{held}: {{held_out_from: train, examples: {500 if n == 'all' else n}}}",
            )
        seen.setdefault(rows, split)


def _rows_of(block: Mapping) -> tuple[str, str] | None:
    """What a split reads, the same for the same file however it is named; None where it has no own rows."""
    if "held_out_from" in block:
        return None
    if "hub_split" in block:
        return ("hub_split", block["hub_split"])
    source = block.get("source", block)
    if "path" in source:
        return ("path", os.path.realpath(source["path"]))
    return ("sha256", source["sha256"]) if "sha256" in source else None


def _check_split(name: str, split: str, block: Mapping, kind: str, dataset: Mapping, positions: Positions):
    where = positions.where(("datasets", name, "splits", split))
    if "held_out_from" in block:
        if split == "train" or "train" not in dataset["splits"]:
            yield StudyError(
                f"'{split}' is to be held out from 'train', "
                + ("which is itself." if split == "train" else "which the dataset lacks."),
                where=where,
                fix="train: {path: train.json, examples: all}",
            )
        if block["examples"] == "all":
            yield StudyError(
                "A held-out split needs a number of examples.", where=where,
                fix=f"{split}: {{held_out_from: train, examples: 500}}",
            )  # fmt: skip
        if {"path", "source", "hub_split"} & set(block):
            yield StudyError(
                "'held_out_from' beside 'path', 'source' or 'hub_split' says two things.", where=where,
                fix=f"{split}: {{held_out_from: train, examples: 500}}",
            )  # fmt: skip
    elif "source" in block and ("path" in block or kind not in FILE_FORMATS):
        yield StudyError(
            f"'source' means nothing for the format '{kind}'."
            if kind not in FILE_FORMATS
            else "'source' beside 'path' says two things.",
            where=where,
            fix="remove one of the two" if kind in FILE_FORMATS else "remove source",
        )
    elif kind in FILE_FORMATS and not {"path", "source"} & set(block):
        yield StudyError(
            f"The split '{split}' needs a path.",
            where=where,
            fix=f"{split}: {{path: {split}.json, examples: all}}",
        )
    elif kind == "hub" and "hub_split" not in block:
        yield StudyError(
            f"The split '{split}' needs the Hub's name for it.", where=where,
            fix=f"{split}: {{hub_split: {split}, examples: all}}",
        )  # fmt: skip
    for key, formats in {"path": FILE_FORMATS, "hub_split": ("hub",)}.items():
        if key in block and kind not in formats and "held_out_from" not in block:
            yield StudyError(
                f"'{key}' belongs to a split of the format{'s' * (len(formats) > 1)} "
                f"{', '.join(formats)}; '{name}' is of the format '{kind}'.",
                where=positions.where(("datasets", name, "splits", split, key)),
                fix=f"remove {key}, or format: {formats[0]}",
            )
    if kind == "world" and block["examples"] == "all":
        yield StudyError(
            "The generated world has no end: say how many examples.",
            where=where,
            fix=f"{split}: {{examples: 1000}}",
        )
