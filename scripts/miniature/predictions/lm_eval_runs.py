"""Which runs and tasks of lm-evaluation-harness a folder holds."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from miniature.messages import StudyError
from miniature.predictions.records import Options

DATE = r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d(?:\.\d+)?"
# Arguments of a model that leave its weights as they are.
HOW_IT_RAN = {
    "attn_implementation", "batch_size", "device", "device_map", "dtype", "gpu_memory_utilization",
    "max_batch_size", "max_length", "max_model_len", "parallelize", "seed", "tensor_parallel_size",
}  # fmt: skip
SAMPLES = re.compile(rf"samples_(?P<task>.+)_(?P<date>{DATE})\.jsonl(?:\.gz)?")


class Run(NamedTuple):
    """Samples of one task, written by one run."""

    task: str
    date: str
    path: Path


def runs_at(path: Path, benchmark: str | None = None) -> list[Run]:
    """Every file of samples in a folder, or in its one subfolder that has any, by task and date; or one file.

    Parameters
    ----------
    path : Path
        A folder or a file of samples, of any name.
    benchmark : str, optional
        The task of a file whose name does not say it.

    Raises
    ------
    StudyError
        The folder holds the runs of several models.
    """
    if path.is_file():
        match = SAMPLES.fullmatch(path.name)
        plain = benchmark or path.name.removesuffix(".gz").removesuffix(".jsonl")
        return [Run(match["task"], match["date"], path) if match else Run(plain, "", path)]
    return _find_runs(path)


def is_run_folder(path: Path) -> bool:
    """Whether a folder, or a subfolder of it, has files of samples; models are told apart later."""
    return path.is_dir() and any(map(_runs_of, (path, *filter(Path.is_dir, path.iterdir()))))


def _find_runs(folder: Path) -> list[Run]:
    runs = _runs_of(folder)
    inside = [sub for sub in sorted(folder.iterdir()) if sub.is_dir() and _runs_of(sub)] if not runs else []
    if len(inside) > 1:
        raise StudyError(
            f"The folder holds the runs of {len(inside)} models: {', '.join(sub.name for sub in inside)}.",
            where=str(folder),
            fix=f"path: {inside[0]}",
        )
    return sorted(runs or (_runs_of(inside[0]) if inside else []))


def _runs_of(folder: Path) -> list[Run]:
    found = [(SAMPLES.fullmatch(file.name), file) for file in folder.iterdir() if file.is_file()]
    return [Run(match["task"], match["date"], file) for match, file in found if match]


def choose_runs(runs: Sequence[Run], options: Options, where: str) -> tuple[list[Run], list[str]]:
    """The newest run of the task, or of each task of the group."""
    if not runs:
        raise StudyError(
            "The folder has no samples of lm-evaluation-harness (samples_<task>_<date>.jsonl).",
            where=where,
            fix="lm_eval ... --output_path <folder> --log_samples",
        )
    tasks = sorted({run.task for run in runs})
    own = options.dataset if options.dataset in tasks else None
    wanted = _tasks_of(runs, tasks, options.benchmark or own)
    if not wanted:
        raise StudyError(
            f"The folder has the tasks {', '.join(tasks)}"
            + (f", and no '{options.benchmark}'." if options.benchmark else "; which one is meant?"),
            where=where,
            fix=f"benchmark: {tasks[0]}",
        )
    notes, chosen = [], []
    for task in wanted:
        dates = sorted((run for run in runs if run.task == task), key=lambda run: run.date)
        chosen.append(dates[-1])
        if len(dates) > 1:
            notes.append(f"{len(dates)} runs of {task}: the newest is read, {dates[-1].path.name}")
    return chosen, notes


def _tasks_of(runs: Sequence[Run], tasks: list[str], benchmark: str | None) -> list[str]:
    if benchmark in tasks:
        return [benchmark]
    if benchmark is None:
        return tasks if len(tasks) == 1 else []
    for run in reversed(runs):
        group = results_of(run).get("group_subtasks", {})
        found = _leaves(benchmark, group) & set(tasks)
        if found:
            return sorted(found)
    return [task for task in tasks if task.startswith(f"{benchmark}_")]


def _leaves(name: str, group: Mapping) -> set[str]:
    inside = group.get(name) or []
    return {leaf for sub in inside for leaf in (_leaves(sub, group) or {sub})}


def results_of(run: Run) -> Mapping:
    """What a run's file of results says; nothing where there is none.

    Raises
    ------
    StudyError
        It cannot be read.
    """
    path = run.path.parent / f"results_{run.date}.json"
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise StudyError(
            f"The results of the run cannot be read: {error}.",
            where=str(path),
            fix="copy the folder again, whole",
        ) from None
    return content if isinstance(content, dict) else {}


def units_of(runs: Sequence[Run], alike: Callable[[Sequence[Run]], bool]) -> list[tuple[str, list[Run]]]:
    """What a folder's tasks are looked at as: the largest groups of one kind, and the tasks beside them.

    Parameters
    ----------
    runs : sequence of Run
    alike : callable
        Whether tasks are of one kind, so that they can be read as one benchmark.

    Returns
    -------
    list of (str, list of Run)
        A task or group, and the newest run of each of its tasks.
    """
    newest = {run.task: run for run in sorted(runs, key=lambda run: run.date)}
    # The tasks of one run share a file of results, which may be large.
    files = {(run.path.parent, run.date): run for run in newest.values()}
    group = {name: inside for run in files.values()
             for name, inside in results_of(run).get("group_subtasks", {}).items() if inside}  # fmt: skip
    below = {sub for inside in group.values() for sub in inside}
    units: list[tuple[str, list[Run]]] = []

    def take(name: str) -> None:
        leaves = [newest[leaf] for leaf in sorted(_leaves(name, group)) if leaf in newest]
        if len(leaves) > 1 and alike(leaves):
            units.append((name, leaves))
        else:
            for sub in group[name]:
                if sub in group:
                    take(sub)

    for name in group:
        if name not in below:
            take(name)
    taken = {run.task for _, leaves in units for run in leaves}
    return [*units, *((task, [run]) for task, run in sorted(newest.items()) if task not in taken)]


def weights_of(results: Mapping) -> str | None:
    """What results say of the weights that were loaded, without how they were run; None where nothing.

    Examples
    --------
    >>> weights_of({"config": {"model_args": "pretrained=o/m,dtype=float16", "model_sha": "ab"}})
    'pretrained=o/m at ab'
    """
    config = results.get("config") or {}
    given, commit = config.get("model_args") or {}, config.get("model_sha")
    if isinstance(given, str):
        given = dict(part.partition("=")[::2] for part in given.split(","))
    said = ",".join(f"{key}={value}" for key, value in sorted(given.items()) if key not in HOW_IT_RAN)
    return f"{said} at {commit}" if commit else said or None


def filters_of(results: Mapping, task: str) -> list[str]:
    """Filters that results name for a task; empty where there are none."""
    figures = results.get("results", {}).get(task, {})
    found = [key.partition(",")[2] for key in figures if "," in key and "_stderr," not in key]
    return list(dict.fromkeys(found))
