"""Checks of datasets: the keys that a format needs, and the files it names."""

from collections.abc import Iterator, Mapping

from miniature.config.lines import Positions
from miniature.data.check import check_source
from miniature.messages import StudyError

FILE_FORMATS = ("squad", "mrqa", "newsqa", "csv", "jsonl", "aclimdb")
QUESTION_FORMATS = ("squad", "mrqa", "newsqa")
TEXT_FORMATS = ("csv", "jsonl", "aclimdb")
HUB_ROLES = {
    "question-answering": ("id", "question", "context", "answers"),
    "classification": ("id", "text", "label", "cluster"),
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
                         "columns": ("csv", "jsonl", "hub")}.items():  # fmt: skip
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
    wrong = TEXT_FORMATS if dataset["task"] == "question-answering" else QUESTION_FORMATS
    if kind in wrong:
        yield StudyError(
            f"The format '{kind}' does not hold {dataset['task']} data.",
            where=positions.where((*place, "format")),
            fix="format: " + ("squad" if dataset["task"] == "question-answering" else "jsonl"),
        )
    if dataset["task"] == "classification" and "labels" not in dataset:
        yield StudyError(
            "A classification dataset needs its labels: name and value in the file, in class order.",
            where=where,
            fix="labels: {negative: 0, positive: 1}",
        )
    for split, block in dataset["splits"].items():
        yield from _check_split(name, split, block, kind, dataset, positions)


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
    if kind == "world" and block["examples"] == "all":
        yield StudyError(
            "The generated world has no end: say how many examples.",
            where=where,
            fix=f"{split}: {{examples: 1000}}",
        )
