"""Studies written from arguments: models, other trainings of the reference, a test file."""

import argparse
import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from miniature.config.lines import Positions
from miniature.config.recognize import is_log, nearest_file, recognize_dataset
from miniature.config.resolve import entry_of, spell_out
from miniature.config.suggest import flow
from miniature.messages import StudyError
from miniature.names import hub_folder, suggest_name

COMMENTS = """
# What else a study may say; config/README.md in the project explains every key. The defaults are:
#
# seed: 0
# compute: {device: cpu, threads: 1}        # or device: cuda
# classification: {max_length: 256}         # tokens; longer texts are cut
# texts: false                              # keep the texts of the data out of every table and page
# characteristics: {errors: {}, representation: {}, calibration: {}}
"""

# A model of the Hub: owner/name, or owner/name@revision.
HUB = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*(@[\w./-]+)?", re.ASCII)
RETRIEVED = Path("resources/retrieved")


def study_of(
    models: Sequence[str], again: Sequence[str], data: str | None, name: str | None
) -> tuple[str, dict]:
    """Name and content of a study of some models on one test file.

    Parameters
    ----------
    models : sequence of str
        Folders of checkpoints, files of predictions, logs of evaluation harnesses or names on the Hub, the
        reference first.
    again : sequence of str
        Other trainings of the reference.
    data : str, optional
        The test file. Logs need none; there it may be the name of one of their tasks.
    name : str, optional
        Of the study; made from the reference and the data by default.

    Returns
    -------
    tuple of str and dict

    Raises
    ------
    StudyError
        Too few models, no test file, nothing at a path, or a model that the Hub does not give.
    """
    command = "miniature audit " + " ".join(models)
    logged = all(is_log(Path(path)) for path in (*models, *again))
    if data is None and not logged:
        raise StudyError(
            "Nothing says which examples the models are compared on.",
            where="--data",
            fix=f"{command} --data test.csv",
        )
    if len(models) < 2:
        raise StudyError(
            "A reference alone has nothing to be compared with.",
            where="MODEL",
            fix=f"{command} logs/small" if logged else f"{command} models/small --data {data}",
        )
    if logged and (data in (None, models[0]) or not Path(data).exists()):
        return _study_of_logs(models, again, None if data == models[0] else data, name)
    from_hub = {path for path in (*models, *again) if HUB.fullmatch(path) and not Path(path).parent.exists()}
    for path in (*models, *again, data):
        if path not in from_hub and not Path(path).exists():
            raise StudyError(f"There is nothing at {path}.", where=path, fix=str(nearest_file(Path(path))))
    dataset = suggest_name(Path(data).name.split(".")[0])
    names = model_names([path.partition("@")[0] if path in from_hub else path for path in (*models, *again)])
    folders = {path: _retrieve(path) for path in dict.fromkeys((*models, *again)) if path in from_hub}
    entries: dict[str, object] = {
        key: folders[path][0] if path in from_hub else entry_of(path, [dataset])
        for key, path in zip(names, [*models, *again], strict=True)
    }
    for key in names[len(models) :]:
        entries[key] |= {"floor": "retrained"}
    short = {
        key: next(iter(e.values())) if set(e) in ({"path"}, {"onnx"}) else e for key, e in entries.items()
    }
    name = name or suggest_name(f"{names[0]}-{dataset}")
    study = {"study": name, "reference": names[0], "models": short, "datasets": {dataset: data}}
    if folders:
        study["datasets"] = {
            dataset: _with_labels(study, dict(zip(names, (*models, *again), strict=True)), folders)
        }
    return name, study


def _study_of_logs(
    models: Sequence[str], again: Sequence[str], task: str | None, name: str | None
) -> tuple[str, dict]:
    """A study of what evaluation harnesses logged: the reference's log holds the questions too."""
    from miniature.predictions.logs import readings_of

    paths = [*models, *again]
    logged = {path: {reading.name: reading for reading in readings_of(path)} for path in paths}
    first = logged[models[0]].values()
    asked = [one for one in first if task in (None, one.name, one.benchmark)]
    common = [one for one in first if all(one.name in found for found in logged.values())]
    wanted = [one for one in asked if one in common]
    for one in asked:
        if one not in common:
            lacking = next(path for path in paths if one.name not in logged[path])
            print(f"left out: {one.name}, which {lacking} does not have", file=sys.stderr)
    if not wanted:
        known = "\n".join(f"  {path}: {', '.join(found)}" for path, found in logged.items())
        raise StudyError(
            f"{f'{task} is no file, and no task that' if task else 'No task'} is in every log:\n{known}",
            where="--data" if task else models[0],
            fix=f"--data {common[0].name}" if common else "log the same tasks for every model",
        )
    keys = {suggest_name(one.name): one for one in wanted}
    said = {
        key: {k: v for k in ("benchmark", "filter") if (v := getattr(one, k)) and v != key}
        for key, one in keys.items()
    }
    names = model_names(paths)
    entries: dict[str, object] = {}
    for model, path in zip(names, paths, strict=True):
        spelled = {"predictions": {key: {"path": path, **said[key]} for key in keys}}
        again_ = {"floor": _kind_of_floor(path, logged, models[0], wanted[0].name)} if path in again else {}
        entries[model] = {**spelled, **again_} if again_ or any(said.values()) else path
    probable = [key for key, one in keys.items() if one.probabilities]
    study = {
        "study": name or suggest_name(f"{names[0]}-{next(iter(keys)) if len(keys) == 1 else 'logs'}"),
        "reference": names[0],
        "models": entries,
        "datasets": {
            key: {
                "task": one.kind, "format": "predictions",
                **({"benchmark": one.benchmark} if one.benchmark not in (None, key) else {}),
                "splits": {"test": models[0]},
            }
            for key, one in keys.items()
        },
    }  # fmt: skip
    if probable:
        study["characteristics"] = {"errors": {}, "calibration": {"tasks": probable}}
    return study["study"], study


def _kind_of_floor(path: str, logged: Mapping, reference: str, name: str) -> str:
    """Another training, or the same weights run again, as far as the logs say."""
    own, other = logged[path][name].weights, logged[reference][name].weights
    if own is None or own != other:
        return "retrained"
    print(
        f"{path} is {own} like {reference}: the same model run again, which shows the noise of running it, "
        "and is no other training. The study says floor: rerun.",
        file=sys.stderr,
    )
    return "rerun"


def _retrieve(given: str) -> tuple[dict, str]:
    """Entry of a model of the Hub, pinned to its commit, and the folder to which it was retrieved."""
    # Imported here: nothing else needs a network.
    from miniature.retrieval.hub import resolve
    from miniature.retrieval.models import retrieve_model
    from miniature.retrieval.pins import pin_file, read_pin, record_pin

    hub_id, _, revision = given.partition("@")
    pins, revision = RETRIEVED / "pins", revision or "main"
    try:
        commit = read_pin(pin_file("model", hub_id, revision, pins))
        if commit is None:
            found = resolve("model", hub_id, revision)
            commit = found.sha
            record_pin(found, pins)
        # Where the rule that retrieves models puts them.
        folder = RETRIEVED / "models" / hub_folder(hub_id) / commit
        if not folder.is_dir():
            print(f"retrieving {hub_id} at {commit}", file=sys.stderr)
            retrieve_model(hub_id, commit, folder, pins=pins)
    except StudyError as error:
        raise StudyError(
            f"There is no folder {given} here, so it is looked for on the Hub. {error.what}",
            where=error.where,
            fix=error.fix.replace("hub: ", "miniature audit "),
        ) from None
    return {"hub": hub_id, "revision": commit}, str(folder)


def _with_labels(study: dict, given: dict[str, str], folders: dict[str, tuple[dict, str]]) -> object:
    """The study's dataset, with classes that only the heads of retrieved models tell."""
    config, _ = spell_out(study, [])
    for name, path in given.items():
        if path in folders:
            config["models"][name] = {"path": folders[path][1]}
    ((name, data),) = study["datasets"].items()
    found = recognize_dataset(name, config, Positions())
    if found.errors or "labels" not in found.entry:
        return data  # what cannot be told is for the check of the study to say
    return {"splits": {"test": data}, "labels": found.entry["labels"]}


def model_names(paths: Sequence[str]) -> list[str]:
    """Names of models from their paths, with the folders above where the last ones are the same.

    Examples
    --------
    >>> model_names(["a/large", "b/small.jsonl"]), model_names(["large/final", "small/final"])
    (['large', 'small'], ['large-final', 'small-final'])
    """
    # A graph is called model.onnx in the folder that has the model's name.
    # A link keeps the name that was typed.
    whole = [Path(os.path.abspath(path)) for path in paths]
    whole = [path.parent if path.suffix == ".onnx" else path for path in whole]
    parts = [[*path.parts[1:-1], path.name if path.is_dir() else path.name.split(".")[0]] for path in whole]
    for depth in range(1, max(map(len, parts)) + 1):
        names = [suggest_name("-".join(part[-depth:])) for part in parts]
        if len({*names}) == len(names):
            return names
    twice = next(path for index, path in enumerate(paths) if path in paths[:index])
    raise StudyError(
        f"{twice} is given twice.",
        where=twice,
        fix="name each model once; a copy of it can have another name",
    )


def write_study(name: str, study: dict, *, comments: bool = False) -> Path:
    """Write a study to the current folder; one that is there is kept if it is of the same models and data.

    Raises
    ------
    StudyError
        A study of this name has other models or data.
    """
    path = Path(f"{name}.yaml")
    if path.exists():
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
        same = isinstance(found, dict) and all(found.get(key) == value for key, value in study.items())
        if not same:
            lines = "\n".join(f"{key}: {flow(value)}" for key, value in study["models"].items())
            raise StudyError(
                f"There is a study {path} already, of other models or data; it and its results are kept.",
                where=str(path),
                fix=f"--study {name}-2   # another name\n"
                f"or add models to it, then: miniature audit {path}\n{lines}",
            )
        return path
    path.write_text(study_text(study) + (COMMENTS if comments else ""), encoding="utf-8")
    return path


def study_text(study: dict) -> str:
    """YAML of a study: one line for each model and dataset."""
    lines = []
    for key, value in study.items():
        if isinstance(value, dict):
            lines += [f"{key}:", *(f"  {flow(name)}: {flow(entry)}" for name, entry in value.items())]
        else:
            lines.append(f"{key}: {flow(value)}")
    return "\n".join(lines) + "\n"


def run_new(given: argparse.Namespace) -> int:
    """Write a study and run nothing."""
    path = write_study(*study_of(given.models, given.again, given.data, given.study), comments=True)
    print(f"{path} is written. Look for mistakes: miniature check {path}", file=sys.stderr)
    return 0
