"""Every mistake of a study at once, with its data and its checkpoints looked into."""

import argparse
import gc
import logging
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml

from miniature.characteristics.declared import DECLARED
from miniature.config import plan
from miniature.config.lines import Positions, read_positions
from miniature.config.resolve import Resolved
from miniature.config.validate import StudyErrors, load_folders, resolve_and_check
from miniature.messages import StudyError
from miniature.models.entry import gives_embeddings
from miniature.models.graphs import export_line

logger = logging.getLogger(__name__)


def read_study(path: Path) -> Resolved:
    """Read a study of one file as data, and check what needs no look into data and weights.

    Raises
    ------
    StudyError
        The file is missing or no study, or the study has mistakes.
    """
    if not path.is_file():
        from miniature.config.recognize import nearest_file

        raise StudyError(f"There is no study {path}.", where=str(path), fix=nearest_file(path))
    # First, because it refuses what could not be read in a lifetime, and whatever would run code.
    read_positions([path])
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        what = f"The file is no study: {str(error).splitlines()[0]}."
        raise StudyError(
            what, where=str(path), fix="write values as text, numbers, lists and mappings"
        ) from None
    return resolve_and_check(content if isinstance(content, dict) else {}, [path])


def run_check(given: argparse.Namespace) -> int:
    """Check a study and say so where nothing is wrong."""
    from miniature.cli.main import study_file

    path = study_file(given)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    config = read_study(path).config
    # Rows hold no cycles, and the collector would walk over all of them again and again: a third of the time.
    gc.disable()
    try:
        errors = list(look_into(config, read_positions([path])))
    finally:
        gc.enable()
    if errors:
        raise StudyErrors(errors)
    for note in left_out(config):
        print(note, file=sys.stderr)
    print(f"{path}: no mistake found", file=sys.stdout)
    return 0


def left_out(config: Mapping) -> Iterator[str]:
    """What is not measured on a model although the study has it, with the command that changes that."""
    needing = [name for name, declared in DECLARED.items() if declared.artifacts == ("embeddings",)]
    heads = [
        d["task"]
        for d in config["datasets"].values()
        if d["task"] in ("classification", "question-answering")
    ]
    for name, entry in config["models"].items():
        if "onnx" in entry and not gives_embeddings(entry):
            yield (
                f"{name}: the graph does not give its last layer, so {' and '.join(needing)} leave it out. "
                "To export it with every layer (what was quantized is quantized again after that):\n"
                f"  {export_line(heads[0], entry['onnx'])}"
            )


def look_into(config: Mapping, positions: Positions) -> Iterator[StudyError]:
    """Mistakes in the data, predictions and checkpoints of a study whose configuration is right.

    What is looked into is read by the functions that the jobs call, so that a job finds nothing new.
    """
    tables = {}
    for name, dataset in config["datasets"].items():
        for split in dataset["splits"]:
            try:
                tables[name, split] = split_table(config, name, split)
            except StudyError as error:
                yield error
    for model, entry in config["models"].items():
        for kind in ("predictions", "errors"):
            for name, source in entry.get(kind, {}).items():
                table = tables.get((name, "test"))
                if table is not None and "path" in source:
                    yield from _artifact(config, kind, model, name, source, table)
        for name, splits in entry.get("embeddings", {}).items():
            for split, source in splits.items():
                if "path" in source:
                    yield from _embeddings(model, name, source["path"], tables.get((name, split)))
    try:
        load_folders(config, positions)
    except StudyErrors as error:
        yield from error.errors


def _embeddings(model: str, name: str, path: str, table) -> Iterator[StudyError]:
    from miniature.predictions.embeddings import read_embeddings

    rows = None if table is None else len(table)
    try:
        read_embeddings(path, rows, model=model, table=None if table is None else f"the data of {name}")
    except StudyError as error:
        yield error


def split_table(config: Mapping, name: str, split: str):
    """Table of a split that is read from a user's file; None for one that is generated or retrieved."""
    from miniature.data.build import build_split
    from miniature.predictions.gold import log_reader

    dataset = config["datasets"][name]
    block = dataset["splits"][split]
    source = dataset["splits"].get(block.get("held_out_from"), block)
    if "path" not in source:
        return None
    table = build_split(dataset, split, name=name, seed=config["seed"], read_log=log_reader(name))
    plan.check_size(config, name, split, len(table))
    return table


def _artifact(
    config: Mapping, kind: str, model: str, name: str, source: Mapping, table
) -> Iterator[StudyError]:
    from miniature.predictions.match import match_errors
    from miniature.predictions.read import read_error_ids
    from miniature.predictions.source import read_matched

    shared = {"model": model, "dataset": name, "columns": plan.numbered_columns(config, name)}
    try:
        if kind == "predictions":
            _, notes = read_matched(
                source, table, kind=config["datasets"][name]["task"], labels=plan.labels_of(config, name),
                values=plan.label_values_of(config, name), **shared,
            )  # fmt: skip
            for note in notes:
                logger.warning("%s, predictions of model %s: %s", source["path"], model, note)
        else:
            path = source["path"]
            match_errors(read_error_ids(path, model=model), table, path=path, **shared)
    except StudyError as error:
        yield error
