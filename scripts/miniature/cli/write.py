"""Studies written from arguments: models, other trainings of the reference, a test file."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import yaml

from miniature.config.recognize import nearest_file
from miniature.config.resolve import is_predictions
from miniature.config.suggest import flow
from miniature.messages import StudyError
from miniature.names import suggest_name

COMMENTS = """
# What else a study may say; config/README.md in the project explains every key. The defaults are:
#
# seed: 0
# compute: {device: cpu, threads: 1}        # or device: cuda
# classification: {max_length: 256}         # tokens; longer texts are cut
# texts: false                              # keep the texts of the data out of every table and page
# characteristics: {errors: {}, representation: {}, calibration: {}}
"""


def study_of(
    models: Sequence[str], again: Sequence[str], data: str | None, name: str | None
) -> tuple[str, dict]:
    """Name and content of a study of some models on one test file.

    Parameters
    ----------
    models : sequence of str
        Folders of checkpoints or files of predictions, the reference first.
    again : sequence of str
        Other trainings of the reference.
    data : str
        The test file.
    name : str, optional
        Of the study; made from the reference and the data by default.

    Returns
    -------
    tuple of str and dict

    Raises
    ------
    StudyError
        Too few models, no test file, or nothing at a path.
    """
    command = "miniature audit " + " ".join(models)
    if data is None:
        raise StudyError(
            "Nothing says which examples the models are compared on.",
            where="--data",
            fix=f"{command} --data test.csv",
        )
    if len(models) < 2:
        raise StudyError(
            "A reference alone has nothing to be compared with.",
            where="MODEL",
            fix=f"{command} models/small --data {data}",
        )
    for path in (*models, *again, data):
        if not Path(path).exists():
            raise StudyError(f"There is nothing at {path}.", where=path, fix=str(nearest_file(Path(path))))
    dataset = suggest_name(Path(data).name.split(".")[0])
    names = model_names([*models, *again])
    entries: dict[str, object] = {
        key: _entry(path, dataset) for key, path in zip(names, [*models, *again], strict=True)
    }
    for key in names[len(models) :]:
        entries[key] |= {"floor": "retrained"}
    short = {
        key: next(iter(e.values())) if set(e) in ({"path"}, {"onnx"}) else e for key, e in entries.items()
    }
    name = name or suggest_name(f"{names[0]}-{dataset}")
    return name, {"study": name, "reference": names[0], "models": short, "datasets": {dataset: data}}


def _entry(path: str, dataset: str) -> dict:
    graph = Path(path) / "model.onnx"
    if path.endswith(".onnx") or (graph.is_file() and not any(Path(path).glob("*.safetensors"))):
        return {"onnx": path if path.endswith(".onnx") else str(graph)}
    if Path(path).is_file() and is_predictions(path):
        return {"predictions": {dataset: {"path": path}}}
    return {"path": path}


def model_names(paths: Sequence[str]) -> list[str]:
    """Names of models from their paths, with the folders above where the last ones are the same.

    Examples
    --------
    >>> model_names(["a/large", "b/small.jsonl"]), model_names(["large/final", "small/final"])
    (['large', 'small'], ['large-final', 'small-final'])
    """
    # A graph is called model.onnx in the folder that has the model's name.
    whole = [Path(path).resolve() for path in paths]
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
