"""Format, task, columns and labels of a dataset, read off its files and the checkpoints that will read them.

What has one plain meaning is taken and stated; what could mean two things is refused with the candidates.
"""

import difflib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from miniature.config.lines import Positions
from miniature.config.plan import is_artifact
from miniature.config.recognize_columns import NEEDED_ROLES, ROLES, column_of, pair_of, read_rows
from miniature.config.suggest import flow
from miniature.data.labels import MOST, yaml_word
from miniature.data.problems import Problems
from miniature.data.text_files import open_bytes
from miniature.messages import StudyError
from miniature.models.classes import trained_classes
from miniature.models.entry import entry_heads, local_folder
from miniature.names import suggest_name

TABLES = {".csv": "csv", ".tsv": "csv", ".tab": "csv", ".parquet": "csv", ".pq": "csv",
          ".jsonl": "jsonl", ".ndjson": "jsonl"}  # fmt: skip
KINDS = {"squad": "question-answering", "mrqa": "question-answering", "newsqa": "question-answering",
         "csv": "classification", "jsonl": "classification", "aclimdb": "classification"}  # fmt: skip


class Recognized(NamedTuple):
    """What was found out about one dataset.

    Parameters
    ----------
    entry : dict
        The dataset's entry with what was recognized written into it.
    sources : dict
        Where each new value comes from, by path of keys below the dataset.
    rows : dict
        Rows of each split whose file was read.
    errors : list of StudyError
        What could not be told.
    """

    entry: dict
    sources: dict[tuple, str]
    rows: dict[str, int]
    errors: list[StudyError]


def recognize_dataset(name: str, config: Mapping, positions: Positions) -> Recognized:
    """Complete a dataset's entry from its files and the study's checkpoints.

    Parameters
    ----------
    name : str
        The dataset.
    config : mapping
        The study, paths expanded, short forms written out.
    positions : Positions
        Where its keys stand.

    Returns
    -------
    Recognized
        Where something cannot be told, the entry stays without it and an error says what to write.
    """
    found = Recognized(json.loads(json.dumps(config["datasets"][name])), {}, {}, [])
    try:
        _recognize(name, found, config, positions)
    except StudyError as error:
        found.errors.append(error)
    return found


def _recognize(name: str, found: Recognized, config: Mapping, positions: Positions) -> None:
    entry, where = found.entry, positions.where(("datasets", name))
    split, path = _first_file(entry)
    if "format" not in entry:
        kind, why = _format(entry, path, where)
        _state(found, ("format",), kind, why)
    if "task" not in entry:
        if entry["format"] == "predictions" and path is not None and is_log(Path(path)):
            kind, why = _log_task(name, entry, path, where)
        else:
            kind, why = _task(entry, config, where)
        _state(found, ("task",), kind, why)
    kind = entry["format"]
    if entry["task"] != "classification" or path is None or kind not in ("csv", "jsonl", "aclimdb"):
        return
    if kind == "aclimdb":
        if "labels" not in entry:
            folders = sorted(child.name for child in Path(path).iterdir() if child.is_dir())
            values = [folder for folder in folders if any((Path(path) / folder).glob("*.txt"))]
            _label(found, values, path, config, where)
        return
    if "columns" in entry and "labels" in entry:
        return
    if not Path(path).is_file():
        return  # told by the check of the file
    problems = Problems(path, strict=False)
    header, rows = read_rows(path, problems)
    if not header:
        problems.finish()
        return
    stated = "columns" in entry
    columns = dict(entry.get("columns", {}))
    if "text" not in columns and (pair := pair_of(header, columns, path, where)):
        columns |= pair
        found.sources.update({("columns", role): f"the columns of {path}" for role in pair})
    for role, names in ROLES.items():
        if role not in columns and (role in NEEDED_ROLES or not stated):
            column = column_of(role, names, header, columns, path, where)
            if column is not None:
                columns[role] = column
                found.sources["columns", role] = f"the columns of {path}"
    entry["columns"] = {role: columns[role] for role in (*ROLES, "text_pair") if role in columns}
    found.rows[split] = len(rows)
    if "labels" not in entry and columns["label"] in header:
        values = dict.fromkeys(row[columns["label"]] for row in rows if columns["label"] in row)
        _label(found, list(values), path, config, where)


def _state(found: Recognized, place: tuple, value: object, source: str) -> None:
    *parents, last = place
    node = found.entry
    for key in parents:
        node = node.setdefault(key, {})
    node[last] = value
    found.sources[place] = source


def _first_file(entry: Mapping) -> tuple[str | None, str | None]:
    """The split that is looked into, and its file: that of the test split before others."""
    splits = entry["splits"]
    for split in ("test", *splits):
        if "path" in splits.get(split, {}):
            return split, splits[split]["path"]
    return None, None


def _format(entry: Mapping, path: str | None, where: str) -> tuple[str, str]:
    """The format that a file's name and first row show."""
    for key, kind in (("hub", "hub"), ("domain", "world")):
        if key in entry:
            return kind, f"it has the key {key}"
    sources = [block["source"] for block in entry["splits"].values() if "source" in block]
    if path is None and not sources:
        raise StudyError(
            "The dataset names no file, no hub and no domain.",
            where=where,
            fix="splits: {test: {path: test.csv}}",
        )
    if path is None:
        path = str(sources[0].get("path") or sources[0].get("file") or sources[0].get("url", ""))
    file, name = Path(path), Path(path).name.removesuffix(".gz").lower()
    if is_log(file):
        return "predictions", f"{path} is a log of an evaluation harness"
    if file.is_dir():
        if any(file.glob("*/*.txt")):
            return "aclimdb", f"{path} is a folder of texts"
        raise StudyError(
            f"{path} is a folder, and has no folders of .txt files, one for each class.",
            where=where,
            fix="splits: {test: {path: the/file.csv}}",
        )
    if not file.exists() and not sources:
        raise StudyError(f"There is no file {path}.", where=where, fix=f"path: {nearest_file(file)}")
    suffix = Path(name).suffix
    if suffix == ".json" and file.is_file():
        with open_bytes(path) as opened:
            start = opened.read(1 << 16)
        return "squad" if b'"paragraphs"' in start or b'"data"' in start else "jsonl", f"the start of {path}"
    if suffix in TABLES and file.is_file():
        header = read_rows(path, Problems(path, strict=False), first=True)[0]
        if TABLES[suffix] == "csv" and {"story_id", "question"} <= set(header):
            return "newsqa", f"the columns of {path}"
        if TABLES[suffix] == "jsonl" and ({"qas", "context"} <= set(header) or header == ["header"]):
            return "mrqa", f"the first line of {path}"
        if {"question", "context", "answers"} <= set(header):
            return "squad", f"the columns of {path}"
    if suffix in TABLES:
        return TABLES[suffix], "the name of its file"
    raise StudyError(
        f"The name {Path(path).name} tells no format.",
        where=where,
        fix="format: csv   # or jsonl (labeled texts); squad, mrqa, newsqa (questions); aclimdb (a folder)",
    )


def is_log(path: Path) -> bool:
    """As `miniature.predictions.logs.is_log`, which is imported only where a path may be one."""
    if path.is_file():
        if path.name.removesuffix(".gz").endswith(".json"):
            with open_bytes(path) as opened:
                start = opened.read(1 << 16)
            if not (b'"eval"' in start and b'"status"' in start):
                return False
        elif not path.name.removesuffix(".gz").endswith((".eval", ".jsonl", ".ndjson")):
            return False
    elif not path.is_dir() or (path / "config.json").is_file():
        return False
    from miniature.predictions import logs

    return logs.is_log(path)


def _log_task(name: str, entry: Mapping, path: str, where: str) -> tuple[str, str]:
    """The task of a log, or of the part of it that a dataset is."""
    from miniature.predictions.logs import readings_of

    readings = readings_of(path)
    wanted = entry.get("benchmark", name)
    found = [reading for reading in readings if wanted in (reading.name, reading.benchmark)] or readings
    if len({reading.kind for reading in found}) == 1:
        return found[0].kind, f"{path}, {found[0].benchmark or found[0].name}"
    known = ", ".join(dict.fromkeys(reading.benchmark or reading.name for reading in readings))
    raise StudyError(
        f"{path} holds {known}; which one is {name}?",
        where=where,
        fix=f"benchmark: {readings[0].benchmark}   # or call the dataset so",
    )


def nearest_file(path: Path) -> str:
    """The existing file most like a missing one, for pasting, or a blank to fill in."""
    if path.parent.is_dir():
        known = sorted(p.name for p in path.parent.iterdir())
        close = difflib.get_close_matches(path.name, known, n=1)
        # A file is looked for under another suffix too: test.jsonl for test.csv.
        close = close or [n for n in known if n.split(".")[0] == path.name.split(".")[0]]
        if close:
            return str(path.parent / close[0])
    return "<where it is>"


def _task(entry: Mapping, config: Mapping, where: str) -> tuple[str, str]:
    """The task that a format, or the heads of the checkpoints, show."""
    kind = entry["format"]
    if kind in KINDS:
        return KINDS[kind], f"the format {kind}"
    if kind == "world" and "domain" in entry:
        return ("classification" if entry["domain"] == "reviews" else "question-answering"), "its domain"
    heads = {head: name for name, head in _heads(config).items()}
    if len(heads) == 1:
        ((head, name),) = heads.items()
        return head, f"the head of {name}"
    raise StudyError(
        "Nothing tells the task of this dataset.",
        where=where,
        fix="task: classification   # or question-answering",
    )


def _heads(config: Mapping) -> dict[str, str]:
    """Task of each checkpoint that has the head of one."""
    found = {}
    for name, entry in config["models"].items():
        if not is_artifact(entry):
            heads = [head for head in entry_heads(entry) if head != "masked-lm"]
            found |= dict.fromkeys([name] if heads else [], *heads)
    return found


def _label(found: Recognized, values: list, path: str, config: Mapping, where: str) -> None:
    """Classes in the order of the checkpoints' outputs, each with its value in the file."""
    values = [value for value in values if value is not None]
    if len(values) > MOST:
        column = found.entry["columns"]["label"]
        raise StudyError(
            f"The column {column!r} of {path} holds {len(values)} different values: these are no classes.",
            where=where,
            fix="columns: {label: <the column of the classes>}",
        )
    heads = _classes(config)
    model, classes = next(iter(heads.items()), (None, None))
    if len(values) == 1:
        raise StudyError(
            f"Every example of {path} is of one class, {values[0]!r}: always giving it would be right.",
            where=where,
            fix="path: <a test file with examples of every class>",
        )
    if not values:
        raise StudyError(f"{path} has no label.", where=where, fix="path: <a test file with labels>")
    labels, why = _matched(values, classes, model, path, where)
    if why.endswith("the numbers of its outputs"):
        _check_numbering(labels, heads, path, where)
    found.entry["labels"] = labels
    found.sources["labels",] = why


def _classes(config: Mapping) -> dict[str, list[str]]:
    """Class names of each model's own head, the reference first; heads that only count them last."""
    models, found = config["models"], {}
    for name in dict.fromkeys([config["reference"], *models]):
        entry = models.get(name, {})
        if is_artifact(entry):
            continue
        try:
            folder = local_folder(entry)
            names = trained_classes(folder) if folder else None
        except StudyError:
            continue  # told by the check of the folder
        if names:
            found[name] = names
    return dict(sorted(found.items(), key=lambda item: _only_counted(item[1])))


def _only_counted(names: list[str]) -> bool:
    return all(name.strip().casefold() in (f"label_{i}", str(i)) for i, name in enumerate(names))


def _matched(
    values: list, classes: list[str] | None, model: str | None, path: str, where: str
) -> tuple[dict[str, object], str]:
    """Classes with their values: by name, by number, or, without a head, in order."""
    values = sorted((_plain(value) for value in values), key=lambda v: (not isinstance(v, int), str(v)))
    numbers = [value for value in values if isinstance(value, int) and not isinstance(value, bool)]
    if classes is None:
        names = [suggest_name(value) for value in values]
        if len({*names}) < len(names):
            names = [f"class-{index}" for index in range(len(values))]
        return dict(zip(names, values, strict=True)), f"the labels of {path}, in order"
    names = [suggest_name(name) for name in classes]
    lower = {str(value).strip().casefold(): value for value in values}
    keys = [name.strip().casefold() for name in classes]
    if set(lower) <= set(keys):
        # A class that the file lacks keeps its name as its value.
        return (
            {name: lower.get(key, name) for name, key in zip(names, keys, strict=True)},
            f"the classes of {model}, which {path} names",
        )
    if len(numbers) == len(values) and min(numbers) == 0 and max(numbers) < len(classes):
        return (
            {name: index for index, name in enumerate(names)},
            f"the classes of {model} by the numbers of its outputs",
        )
    shown = ", ".join(map(repr, values[:5])) + (", ..." if len(values) > 5 else "")
    if len(values) != len(classes):
        raise StudyError(
            f"{path} holds {len(values)} classes ({shown}), and '{model}' tells {len(classes)} apart "
            f"({', '.join(classes)}).",
            where=where,
            fix=f"labels: {{{', '.join(f'{yaml_word(n, str)}: <its value in the file>' for n in names)}}}",
        )
    orders = [values, values[::-1]] if len(values) == 2 else [values]
    lines = []
    for order in orders:
        entries = (f"{yaml_word(n, str)}: {yaml_word(v)}" for n, v in zip(names, order, strict=True))
        lines.append(f"labels: {{{', '.join(entries)}}}")
    raise StudyError(
        f"Nothing tells which label of {path} ({shown}) is which output of '{model}' ({', '.join(classes)}).",
        where=where,
        fix="\nor ".join(lines) + ("" if len(orders) > 1 else "   # in the order of the outputs"),
    )


def _check_numbering(labels: Mapping, heads: Mapping[str, list[str]], path: str, where: str) -> None:
    """A number means one class only where all heads that name their classes number them alike."""
    keys = [name.casefold() for name in labels]
    for model, names in heads.items():
        own = [suggest_name(name).casefold() for name in names]
        if own != keys and sorted(own) == sorted(keys):
            other = {name: own.index(key) for name, key in zip(labels, keys, strict=True)}
            raise StudyError(
                f"The numbers in {path} mean nothing certain: '{next(iter(heads))}' numbers its classes "
                f"{', '.join(labels)}, and '{model}' {', '.join(names)}.",
                where=where,
                fix=f"labels: {flow(dict(labels))}\nor labels: {flow(other)}",
            )


def _plain(value: object) -> object:
    """A label's value as a study writes it: whole numbers as numbers, anything else as text."""
    if isinstance(value, bool):
        return value
    text = str(value)
    return int(text) if text.lstrip("-").isdecimal() and str(int(text)) == text else text


def recognize_heads(config: Mapping) -> Iterator[tuple[str, str]]:
    """Models that are used as they stand since nothing trains them, with what shows it."""
    if config.get("training"):
        return
    heads = _heads(config)
    for name, entry in config["models"].items():
        making = {"architecture", "layers", "dropout", "teacher", "training", "replicates", "as_is"}
        if not is_artifact(entry) and not making & entry.keys() and {"path", "hub"} & entry.keys():
            yield (
                name,
                (
                    f"its head is for {heads[name]}, and the study trains nothing"
                    if name in heads
                    else "the study trains nothing"
                ),
            )
