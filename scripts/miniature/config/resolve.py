"""The whole of a study: short forms written out, defaults filled in, the rest recognized."""

import copy
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from miniature.characteristics.declared import DECLARED
from miniature.config.defaults import fill_defaults
from miniature.config.lines import Place, Positions
from miniature.config.plan import floor_kind, is_artifact, measured, models_with, trained_models
from miniature.config.recognize import is_log, recognize_dataset, recognize_heads
from miniature.config.suggest import flow, settings_for, tasks_for, value_for
from miniature.measures.registry import MEASURES
from miniature.messages import StudyError
from miniature.models.entry import entry_positions
from miniature.names import suggest_name

DEFAULT = "default"
PREDICTIONS = (".json", ".jsonl", ".csv", ".tsv", ".parquet")
SECTIONS = {"question_answering": "question-answering", "classification": "classification"}


class Resolved(NamedTuple):
    """A study with every value written out.

    Parameters
    ----------
    config : dict
        The study.
    sources : dict
        Where each value that its author did not write comes from, by path of keys.
    errors : list of StudyError
        What could not be told; values that depend on it are missing.
    """

    config: dict
    sources: dict[Place, str]
    errors: list[StudyError]


def spell_out(config: Mapping, files: Iterable[str | Path]) -> tuple[dict, dict[Place, str]]:
    """Write short forms out: a folder or file in place of a model, dataset or split, and the study's name.

    Examples
    --------
    >>> short = {"reference": "a", "models": {"a": "folder/a"}, "datasets": {"d": "test.csv"}}
    >>> study, _ = spell_out(short, ["my study.yaml"])
    >>> study["study"], study["models"]["a"], study["datasets"]["d"]
    ('my-study', {'path': 'folder/a'}, {'splits': {'test': {'path': 'test.csv'}}})
    """
    config, sources = copy.deepcopy(dict(config)), {}
    names = [Path(file).stem for file in files]
    if "study" not in config and names:
        config = {"study": suggest_name(names[0]), **config}
        sources["study",] = "the name of the study's file"
    models, datasets = config.get("models"), config.get("datasets")
    if isinstance(datasets, dict):
        for name, entry in datasets.items():
            if isinstance(entry, str):
                entry = datasets[name] = {"splits": {"test": {"path": entry}}}
            splits = entry.get("splits") if isinstance(entry, dict) else None
            for split, block in splits.items() if isinstance(splits, dict) else ():
                if isinstance(block, str):
                    splits[split] = {"path": block}
    if isinstance(models, dict):
        for name, entry in models.items():
            if isinstance(entry, str):
                models[name] = entry_of(entry, list(datasets) if isinstance(datasets, dict) else [])
    return config, sources


def entry_of(path: str, datasets: Sequence[str]) -> dict:
    """Entry of a model of which a study gives a path alone.

    Parameters
    ----------
    path : str
        A graph, or a folder with ``model.onnx`` in place of weights; a file of predictions, where the study
        has one dataset; the log of an evaluation harness; or else the folder of a checkpoint.
    datasets : sequence of str
        The study's.

    Examples
    --------
    >>> entry_of("small/model.onnx", ["d"]), entry_of("small.csv", ["d"])
    ({'onnx': 'small/model.onnx'}, {'predictions': {'d': {'path': 'small.csv'}}})
    """
    there = Path(os.path.expandvars(path))
    if path.endswith(".onnx"):
        return {"onnx": path}
    if (there / "model.onnx").is_file() and not any(there.glob("*.safetensors")):
        return {"onnx": str(Path(path) / "model.onnx")}
    if datasets and ((len(datasets) == 1 and is_predictions(path)) or is_log(there)):
        return {"predictions": {name: {"path": path} for name in datasets}}
    return {"path": path}


def is_predictions(path: str) -> bool:
    """Whether a path looks like a file of predictions, and not like a folder.

    Examples
    --------
    >>> is_predictions("small.jsonl.gz"), is_predictions("models/small")
    (True, False)
    """
    return path.removesuffix(".gz").endswith(PREDICTIONS)


def resolve_study(config: Mapping, schema: Mapping, positions: Positions) -> Resolved:
    """Complete a study that the schema allows.

    Parameters
    ----------
    config : mapping
        The study, short forms written out and paths expanded.
    schema : mapping
        Holds the defaults.
    positions : Positions
        Where keys stand, for messages.

    Returns
    -------
    Resolved
    """
    config, sources, errors = copy.deepcopy(dict(config)), {}, []
    for name, why in list(recognize_heads(config)):
        config["models"][name]["as_is"] = True
        sources["models", name, "as_is"] = why
    _fill_origins(config, sources)
    rows = {}
    for name in config["datasets"]:
        found = recognize_dataset(name, config, positions)
        config["datasets"][name] = found.entry
        sources |= {("datasets", name, *place): why for place, why in found.sources.items()}
        rows |= {(name, split): count for split, count in found.rows.items()}
        errors += found.errors
    # A study of which the data are not known yet has no measures of its own either.
    if not errors:
        _fill_characteristics(config, rows, sources)
    unused = _unused_sections(config)
    for place in fill_defaults(config, schema, lambda place: place in unused or _is_off(config, place)):
        sources[place] = DEFAULT
    if not errors:
        _cap_lengths(config, sources)
        _cap_blocks(config, rows, sources)
        if "verdict" not in config:
            config["verdict"] = {
                name: verdict
                for name in measured(config)
                if (verdict := value_for(config, ("verdict", name)))
            }
            sources["verdict",] = "default for what is measured"
    return Resolved(_ordered(config, schema), sources, errors)


def _fill_origins(config: dict, sources: dict) -> None:
    """Other trainings of one's own are told apart by their names; who made what others gave must be said."""
    models, reference = config["models"], config.get("reference")
    again = [n for n, entry in models.items() if floor_kind(entry) == "origin" and not is_artifact(entry)]
    for name in [reference, *again] if again and reference in models else ():
        if "origin" not in models[name]:
            models[name]["origin"] = name
            sources["models", name, "origin"] = "its name"


def _fill_characteristics(config: dict, rows: Mapping, sources: dict) -> None:
    """What is measured, on which tasks, and the settings that depend on how many examples there are."""
    sized = _sized(config, rows)
    if "characteristics" not in config:
        usual = [name for name, declared in DECLARED.items() if declared.usual]
        config["characteristics"] = {name: {} for name in usual if _measurable(sized, name)}
        for name in config["characteristics"]:
            sources["characteristics", name] = DEFAULT
    for name, block in measured(config).items():
        sized["characteristics"] = config["characteristics"]
        if "tasks" not in block and not DECLARED[name].per:
            block["tasks"] = [task for task in tasks_for(sized, name) if _compared(sized, name, task)]
            sources["characteristics", name, "tasks"] = "every task that can be measured so"
            if not block["tasks"]:
                del block["tasks"]
        for key, value in (settings_for(sized, name) or {}).items():
            # Nobody else knows which texts are far from a task's, or which attack is meant.
            if key not in block and key not in ("tasks", "recipes"):
                block[key] = value
                sources["characteristics", name, key] = DEFAULT


def _measurable(config: Mapping, name: str) -> bool:
    return any(_compared(config, name, task) for task in tasks_for(config, name))


def _compared(config: Mapping, name: str, task: str) -> bool:
    """Whether the reference takes part; that it gives probabilities is sure with weights only."""
    if MEASURES[DECLARED[name].verdict["measure"]].probabilities:
        return config["reference"] in trained_models(config)
    return config["reference"] in models_with(config, name, task)


def _sized(config: Mapping, rows: Mapping) -> dict:
    """The study with numbers of examples where it says ``all`` and the file was read."""
    sized = copy.deepcopy(dict(config))
    for (name, split), count in rows.items():
        block = sized["datasets"][name]["splits"][split]
        if not isinstance(block.get("examples"), int):
            block["examples"] = count
    return sized


def _unused_sections(config: Mapping) -> set[Place]:
    """Top keys that say nothing of this study: no models with weights, or no task of the kind."""
    if not any(not is_artifact(entry) for entry in config["models"].values()):
        return {("inference",), *((key,) for key in SECTIONS)}
    kinds = {entry.get("task") for entry in config["datasets"].values()}
    return {(key,) for key, kind in SECTIONS.items() if kind not in kinds}


def _is_off(config: Mapping, place: Place) -> bool:
    """Whether a place lies in a characteristic that is switched off, or a split that is generated."""
    if place[:1] == ("characteristics",) and len(place) == 3:
        block = config["characteristics"].get(place[1], {})
        return block.get("enabled") is False and place[2] != "enabled"
    if place[:1] == ("datasets",) and place[-1] == "examples":
        entry = config["datasets"][place[1]]
        return entry.get("format") == "world" or "held_out_from" in entry["splits"].get(place[3], {})
    return False


def _cap_lengths(config: dict, sources: dict) -> None:
    """A default length is no longer than what every model takes."""
    limits = [entry_positions(config["models"][name]) for name in trained_models(config)]
    limits = [limit for limit in limits if limit is not None]
    for key in SECTIONS:
        place = (key, "max_length")
        if limits and sources.get(place) == DEFAULT and min(limits) < config[key]["max_length"]:
            config[key]["max_length"] = min(limits)
            sources[place] = "what every model takes"


def _cap_blocks(config: dict, rows: Mapping, sources: dict) -> None:
    """No more blocks of the jackknife than there are examples."""
    place, count = ("statistics", "blocks"), min(rows.values(), default=None)
    if count is not None and sources.get(place) == DEFAULT and count < config["statistics"]["blocks"]:
        config["statistics"]["blocks"] = max(2, count)
        sources[place] = "as many as there are examples"


def _ordered(config: dict, schema: Mapping) -> dict:
    """Top keys in the order of the schema, which is that of every study the project ships."""
    known = list(schema["properties"])
    return {key: config[key] for key in sorted(config, key=lambda k: known.index(k) if k in known else 99)}


def write_resolved(config: Mapping, sources: Mapping[Place, str]) -> str:
    """A resolved study as YAML: it reads back as the study, and a comment says where a value comes from.

    Parameters
    ----------
    config, sources
        As in `Resolved`.

    Returns
    -------
    str

    Examples
    --------
    >>> print(write_resolved({"seed": 0, "models": {"a": {"path": "x"}}}, {("seed",): "default"}), end="")
    # The whole study. A comment says where a value comes from that the study itself leaves out.
    seed: 0   # default
    models:
      a:
        path: x
    """
    head = "# The whole study. A comment says where a value comes from that the study itself leaves out.\n"
    return head + "".join(_lines(config, (), sources))


def _lines(node: Mapping, place: Place, sources: Mapping) -> Iterable[str]:
    indent = "  " * len(place)
    for key, value in node.items():
        inside = (*place, key)
        source = sources.get(inside)
        note = f"   # {' '.join(source.split())}" if source else ""
        name = flow(key)
        # A value without keys of its own origin below it stands on one line.
        below = any(known[: len(inside)] == inside and known != inside for known in sources)
        if (
            isinstance(value, Mapping)
            and value
            and (below or any(isinstance(v, Mapping) for v in value.values()))
        ):
            yield f"{indent}{name}:{note}\n"
            yield from _lines(value, inside, sources)
        elif isinstance(value, Mapping) and value and len(place) < 3 and not note:
            yield f"{indent}{name}:\n"
            yield from _lines(value, inside, sources)
        else:
            yield f"{indent}{name}: {flow(value)}{note}\n"
