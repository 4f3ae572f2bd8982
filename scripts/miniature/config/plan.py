"""What a study asks for: models in order, tasks, and the files that each characteristic reads.

Pure functions of the validated configuration; the rules turn their answers into paths.
"""

from collections.abc import Mapping
from typing import NamedTuple


class Run(NamedTuple):
    """One dataset split put through the models fine-tuned on a task."""

    task: str
    dataset: str
    split: str


def model_names(config: Mapping) -> list[str]:
    """All models, the reference first, the others as written."""
    reference = config["reference"]
    return [reference, *(name for name in config["models"] if name != reference)]


def enabled(config: Mapping, characteristic: str) -> bool:
    """Whether a characteristic is switched on."""
    return config["characteristics"][characteristic]["enabled"]


def tasks_of(config: Mapping, characteristic: str) -> list[str]:
    """Tasks of a characteristic, none where it is switched off."""
    return list(config["characteristics"][characteristic]["tasks"]) if enabled(config, characteristic) else []


def all_tasks(config: Mapping) -> list[str]:
    """Tasks that any characteristic measures, in the order of ``training``."""
    used = {task for name in config["characteristics"] for task in tasks_of(config, name)}
    return [task for task in config["training"] if task in used]


def ood_pairs(config: Mapping) -> list[tuple[str, str]]:
    """(task, out-of-distribution dataset) pairs."""
    tasks = config["characteristics"]["distribution"]["tasks"]
    return [(task, other) for task in tasks_of(config, "distribution") for other in tasks[task]]


def attack_pairs(config: Mapping) -> list[tuple[str, str]]:
    """(task, recipe) pairs."""
    recipes = config["characteristics"]["vulnerability"]["recipes"]
    return [(task, recipe) for task in tasks_of(config, "vulnerability") for recipe in recipes]


def training_settings(config: Mapping, task: str, model: str) -> dict:
    """Training block of a task with a model's own values over it."""
    return {**config["training"][task], **config["models"][model].get("training", {}).get(task, {})}


def text_settings(config: Mapping, dataset: str) -> dict:
    """Length settings for the kind of task a dataset is."""
    kind = config["datasets"][dataset]["task"]
    return dict(config["question_answering" if kind == "question-answering" else "classification"])


def labels_of(config: Mapping, dataset: str) -> list[str] | None:
    """Class names in class order; None for question answering."""
    labels = config["datasets"][dataset].get("labels")
    return list(labels) if labels else None
