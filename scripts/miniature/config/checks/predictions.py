"""Checks of models given by their outputs, of the files they name, and of their origins."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from miniature.config.lines import Positions
from miniature.config.plan import (
    ARTIFACTS,
    RUN_HERE,
    finetuned_models,
    floor_kind,
    is_artifact,
    measured,
    models_with,
)
from miniature.config.suggest import _nearest, _unknown, flow, training_blocks
from miniature.data.table_files import SUFFIXES as ROW_SUFFIXES
from miniature.data.table_files import list_suffixes
from miniature.messages import StudyError
from miniature.models.entry import SOURCES
from miniature.retrieval.references import source_name

SUFFIXES = {
    "predictions": (*ROW_SUFFIXES, ".txt", ".txt.gz", ".eval"),
    "errors": (".json", ".json.gz"),
    "embeddings": (".npy",),
}
# What says how a model is made or trained says nothing about one that is not run.
WEIGHT_KEYS = (
    *SOURCES, *(key for source in SOURCES.values() for key in source.beside), "layers", "dropout", "segments",
    "teacher", "training", "as_is",
)  # fmt: skip
# What says how a file of predictions is read.
READING_KEYS = ("format", "columns", "labels", "benchmark", "filter", "metric", "order")


def check_artifacts(config: Mapping, positions: Positions) -> Iterator[StudyError]:
    """Artifacts of models, sources of splits, origins, and enough models for what is measured."""
    for name, entry in config["models"].items():
        if is_artifact(entry):
            yield from _check_entry(name, entry, config, positions)
    for name, dataset in config["datasets"].items():
        for split, block in dataset["splits"].items():
            if "source" in block:
                place = ("datasets", name, "splits", split, "source")
                yield from check_source_keys(block["source"], place, positions)
    if any(not is_artifact(entry) for entry in config["models"].values()):
        yield from _check_training(config, positions)
        yield from _check_run_here(config, positions)
    yield from _check_origins(config, positions)
    if config["reference"] in config["models"]:
        yield from _check_enough(config, positions)


def _check_training(config: Mapping, positions: Positions) -> Iterator[StudyError]:
    """Models that are fine-tuned here need to be told on what."""
    models = finetuned_models(config)
    if models and "training" not in config:
        blocks = training_blocks(config)
        yield StudyError(
            f"The key 'training' is missing; '{models[0]}' is fine-tuned here and needs it.",
            where=positions.where(()),
            fix=f"training: {flow(blocks)}" if blocks else "train: {path: train.json, examples: all}",
        )


def _check_run_here(config: Mapping, positions: Positions) -> Iterator[StudyError]:
    """Models with weights are run on the kinds of task that are run here."""
    weights = next(name for name, entry in config["models"].items() if not is_artifact(entry))
    for name, block in measured(config).items():
        for task in block.get("tasks", ()):
            kind = config["datasets"].get(task, {}).get("task", RUN_HERE[0])
            if kind not in RUN_HERE:
                yield StudyError(
                    f"'{task}' is {kind}, which is read from logs and not run here, and '{weights}' is given "
                    "by its weights.",
                    where=positions.where(("characteristics", name, "tasks")),
                    fix=f"{weights}: {{predictions: {{{task}: {{path: <the log of its run>}}}}}}   "
                    "# under models, in a study of its own",
                )


def _check_entry(name: str, entry: Mapping, config: Mapping, positions: Positions) -> Iterator[StudyError]:
    place = ("models", name)
    for key in WEIGHT_KEYS:
        if key in entry:
            given = next(kind for kind in ARTIFACTS if kind in entry)
            yield StudyError(
                f"'{key}' beside '{given}': a model is given by its weights or by its outputs, not both.",
                where=positions.where((*place, key)),
                fix=f"remove {key}, or make it a model of its own",
            )
    if "errors" in entry and "predictions" in entry:
        yield StudyError(
            f"'{name}' has predictions and error lists; errors follow from predictions.",
            where=positions.where((*place, "errors")),
            fix="remove errors, or make two models of it",
        )
    for kind in ARTIFACTS:
        for dataset, given in entry.get(kind, {}).items():
            inside = (*place, kind, dataset)
            if dataset not in config["datasets"]:
                yield StudyError(
                    f"There is no dataset '{dataset}' (there are: {', '.join(config['datasets'])}).",
                    where=positions.where(inside),
                    fix=f"{next(iter(config['datasets']))}: ...",
                )
                continue
            sources = (
                {(*inside, split): source for split, source in given.items()}
                if kind == "embeddings"
                else {inside: given}
            )
            for where, source in sources.items():
                keys = READING_KEYS if kind == "predictions" else ()
                yield from check_source_keys(source, where, positions, reading=keys)
                yield from _check_suffix(kind, source, where, positions)
                if kind == "predictions":
                    yield from _check_reading(source, config["datasets"][dataset], where, positions)


def _check_reading(
    source: Mapping, dataset: Mapping, place: tuple, positions: Positions
) -> Iterator[StudyError]:
    """How a file of predictions is to be read."""
    if "format" in source:
        from miniature.predictions.formats import NAMES

        if source["format"] not in NAMES:
            yield StudyError(
                f"There is no format of predictions '{source['format']}' (there are: {', '.join(NAMES)}).",
                where=positions.where((*place, "format")),
                fix=f"format: {_nearest(source['format'], list(NAMES))}",
            )
    from miniature.predictions.records import ROLES

    for role in source.get("columns", {}):
        if role not in ROLES:
            yield StudyError(
                f"'{role}' is nothing that predictions have (there are: {', '.join(ROLES)}).",
                where=positions.where((*place, "columns", role)),
                fix=f"columns: {{{_nearest(role, list(ROLES))}: {source['columns'][role]}}}",
            )
    stated, labels = source.get("labels"), dataset.get("labels") or {}
    if stated is not None and set(stated) != set(labels):
        yield StudyError(
            "'labels' beside a path gives the value in that file for each class of the data"
            + (f": {', '.join(labels)}." if labels else ", and the data have none."),
            where=positions.where((*place, "labels")),
            fix=f"labels: {{{', '.join(f'{name}: {i}' for i, name in enumerate(labels))}}}"
            if labels
            else "remove labels",
        )


def check_source_keys(
    source: Mapping, place: tuple, positions: Positions, *, reading: tuple[str, ...] = ()
) -> Iterator[StudyError]:
    """One of path, url and repository, with what goes with it; a path must be there."""
    where = positions.where(place)
    ways = [key for key in ("path", "url", "repository") if key in source]
    if len(ways) != 1:
        yield StudyError(
            f"A file needs exactly one of path, url and repository; this has {', '.join(ways) or 'none'}.",
            where=where,
            fix="{path: predictions.json}",
        )
        return
    needed = {"path": (), "url": ("sha256",), "repository": ("commit", "file", "sha256")}[ways[0]]
    for key in needed:
        if key not in source:
            yield StudyError(
                f"A file given by its {ways[0]} needs '{key}', so that it is the same file tomorrow.",
                where=where,
                fix=f"{key}: ...",
            )
    allowed = {ways[0], *needed, "sha256", "licence", *reading} | (
        {"local", "local_sha256"} if needed else set()
    )
    for key in source:
        if key not in allowed:
            yield StudyError(
                f"'{key}' means nothing beside '{ways[0]}'.", where=positions.where((*place, key)),
                fix=f"remove {key}",
            )  # fmt: skip
    if "path" in source and not (
        Path(source["path"]).exists() if reading else Path(source["path"]).is_file()
    ):
        yield StudyError(
            f"There is no file {source['path']}.",
            where=positions.where((*place, "path")),
            fix="path: /where/it/is"
            + (
                f"\nminiature ids <this file> --dataset {place[3]} --split {place[4]} > ids.csv"
                "   # the order of its rows, if it is yet to be made"
                if place[2:3] == ("embeddings",)
                else ""
            ),
        )


def _check_suffix(kind: str, source: Mapping, place: tuple, positions: Positions) -> Iterator[StudyError]:
    way = next((key for key in ("path", "file", "url") if source.get(key)), None)
    folder = kind == "predictions" and "path" in source and Path(source["path"]).is_dir()
    if way and not folder and not source_name(source).endswith(SUFFIXES[kind]):
        yield StudyError(
            f"A file of {kind} ends in {list_suffixes(SUFFIXES[kind])}; this is {source_name(source)}.",
            where=positions.where(place),
            fix=f"{way}: <a file that ends in {list_suffixes(SUFFIXES[kind])}>",
        )


def _check_origins(config: Mapping, positions: Positions) -> Iterator[StudyError]:
    """Models of a noise floor say whose they are, and those by others come from elsewhere."""
    models, reference = config["models"], config["reference"]
    own = models.get(reference, {}).get("origin")
    for name, entry in models.items():
        kind = floor_kind(entry)
        key = "floor" if "floor" in entry else "same_as_reference"
        where = positions.where(("models", name, key))
        yield from _check_others(name, entry, kind, models, reference, positions)
        if kind is None:
            continue
        if name == reference:
            yield StudyError("The reference is itself; it needs no mark.", where=where, fix="remove it")
        elif kind == "origin" and entry.get("of", reference) == reference:
            if "origin" not in entry:
                yield StudyError(
                    f"'{name}' is the same large model by someone else, and nothing says by whom.",
                    where=where,
                    fix="origin: name-of-the-group",
                )
            elif own is None:
                yield StudyError(
                    "A noise floor compares models of different origin; the reference names none.",
                    where=positions.where(("models", reference)),
                    fix="origin: name-of-the-group",
                )
            elif entry["origin"] == own:
                yield StudyError(
                    f"'{name}' and the reference have one origin, '{own}'; "
                    "a noise floor needs different ones.",
                    where=positions.where(("models", name, "origin")),
                    fix=f"origin: another-group   # or remove {key}; a seed of your own is floor: retrained",
                )


def _check_others(
    name: str, entry: Mapping, kind: str | None, models: Mapping, reference: str, positions: Positions
) -> Iterator[StudyError]:
    """What an entry says of other models, by name."""
    known = [other for other in models if other != name]
    for key in ("of", "original"):
        if key in entry and entry[key] not in known:
            where = positions.where(("models", name, key))
            yield _unknown("model", entry[key], known, where, f"{key}: {{}}")
    if "of" in entry and kind is None:
        yield StudyError(
            f"'of' says whose noise floor '{name}' is part of, and 'floor' is missing.",
            where=positions.where(("models", name, "of")),
            fix="floor: retrained   # or origin, rerun, requantized, prompt",
        )
    if kind == "requantized" and "of" not in entry:
        subject = next((n for n in known if n != reference and floor_kind(models[n]) is None), reference)
        yield StudyError(
            f"'{name}' is another quantization, and nothing says of which quantized model.",
            where=positions.where(("models", name, "floor")),
            fix=f"of: {subject}",
        )
    if entry.get("floor") not in (None, "origin") and entry.get("same_as_reference"):
        yield StudyError(
            f"'{name}' is part of two noise floors: 'same_as_reference' is 'floor: origin'.",
            where=positions.where(("models", name, "floor")),
            fix=f"floor: {entry['floor']}   # and remove same_as_reference",
        )
    if kind and "verdict" in entry:
        yield StudyError(
            f"'{name}' is part of a noise floor, of which no verdict is given.",
            where=positions.where(("models", name, "verdict")),
            fix="remove verdict",
        )


def _check_enough(config: Mapping, positions: Positions) -> Iterator[StudyError]:
    for name, block in measured(config).items():
        tasks = block.get("tasks", [])
        for task in tasks:
            for other in tasks[task] if isinstance(tasks, Mapping) else [None]:
                found = models_with(config, name, task, other)
                if len(found) < 2 and task in config["datasets"]:
                    beside = f" and '{other}'" if other else ""
                    yield StudyError(
                        f"'{name}' on '{task}'{beside} compares models, and "
                        f"{found[0] + ' alone has' if found else 'none has'} what it needs.",
                        where=positions.where(("characteristics", name)),
                        fix=f"{name}: {{enabled: false}}",
                    )
