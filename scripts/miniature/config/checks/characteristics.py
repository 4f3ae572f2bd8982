"""Checks of what is measured: tasks, splits, K, recipes."""

from collections.abc import Iterator, Mapping

from miniature.config.checks.recipes import check_recipes
from miniature.config.lines import Positions
from miniature.config.plan import finetuned_models, trained_models
from miniature.config.suggest import MASKED_LMS, TRAINING, _nearest, flow, others_for, tasks_for, value_for
from miniature.messages import StudyError

# What a characteristic needs once it is switched on.
NEEDED = {
    "errors": ("tasks",),
    "representation": ("tasks", "k_max"),
    "distribution": ("tasks", "bank_examples", "k", "percentile"),
    "vulnerability": ("tasks", "examples", "recipes"),
    "calibration": ("tasks", "bins"),
}


CALIBRATED = ("classification", "multiple-choice")


def _missing(config: Mapping, name: str, positions: Positions) -> Iterator[StudyError]:
    block = config["characteristics"][name]
    for key in NEEDED.get(name, ()):
        if not _empty(block, key):
            continue
        value = value_for(config, ("characteristics", name, key))
        # Nothing of this study can be measured so; then the line to paste is another one.
        fix = "enabled: false" if value is None else f"{key}: {flow(value)}"
        if value is not None and key == "recipes" and not config.get("masked_lms"):
            fix += f"\n{MASKED_LMS}"
        yield StudyError(
            f"The key '{key}' is {'empty' if key in block else 'missing'}; '{name}' is enabled and needs it.",
            where=positions.where(
                ("characteristics", name, key) if key in block else ("characteristics", name)
            ),
            fix=fix,
        )


def _empty(block: Mapping, key: str) -> bool:
    return key not in block or block[key] in ({}, [])


def _tasks(config: Mapping, name: str, positions: Positions) -> Iterator[StudyError]:
    for task in config["characteristics"][name]["tasks"]:
        where = positions.where(("characteristics", name, "tasks"))
        if task not in config["datasets"]:
            yield StudyError(
                f"There is no dataset '{task}' (there are: {', '.join(config['datasets'])}).",
                where=where,
                fix=_corrected_tasks(config, name),
            )
        elif finetuned_models(config) and task not in config.get("training", {}):
            yield StudyError(
                f"'{task}' is measured, but no model is fine-tuned on it.",
                where=where,
                fix=f"training: {flow({**config.get('training', {}), task: TRAINING})}"
                if not config.get("training")
                else f"{task}: {flow(TRAINING)}   # under training",
            )


def _corrected_tasks(config: Mapping, name: str) -> str:
    """The tasks as written, each that cannot be replaced by the nearest that can; off where none can."""
    given, able = config["characteristics"][name]["tasks"], tasks_for(config, name)
    if not able:
        return "enabled: false"
    tasks = [task if task in able else _nearest(task, able) for task in given]
    if not isinstance(given, Mapping):
        return f"tasks: {flow(list(dict.fromkeys(tasks)))}"
    others = {}
    for task, wanted in zip(tasks, given.values(), strict=True):
        known = others_for(config, task)
        kept = [other for other in wanted if other in known] or [_nearest(wanted[0], known)]
        others[task] = list(dict.fromkeys([*others.get(task, ()), *kept]))
    return f"tasks: {flow(others)}"


def _number(config: Mapping, dataset: str, split: str) -> int | None:
    """Examples asked for, where that is a number."""
    examples = config["datasets"].get(dataset, {}).get("splits", {}).get(split, {}).get("examples")
    return examples if isinstance(examples, int) else None


def _enabled(config: Mapping, name: str) -> bool:
    block = config["characteristics"][name]
    return block["enabled"] and not any(_empty(block, key) for key in NEEDED.get(name, ()))


def check_characteristics(config: Mapping, positions: Positions) -> Iterator[StudyError]:
    """Everything under ``characteristics``."""
    if not any(block["enabled"] for block in config["characteristics"].values()):
        yield StudyError(
            "Nothing is measured: all characteristics are switched off.",
            where=positions.where(("characteristics",)),
            fix=f"errors: {flow({'enabled': True, 'tasks': tasks_for(config, 'errors')[:1]})}"
            if tasks_for(config, "errors")
            else f"errors: {{enabled: true, tasks: [{next(iter(config['datasets']))}]}}",
        )
    for name, block in config["characteristics"].items():
        if block["enabled"]:
            yield from _missing(config, name, positions)
        if _enabled(config, name):
            yield from _tasks(config, name, positions)
    if _enabled(config, "representation"):
        yield from _check_representation(config, positions)
    if _enabled(config, "distribution"):
        yield from _check_distribution(config, positions)
    if _enabled(config, "vulnerability"):
        yield from _check_vulnerability(config, positions)
    if _enabled(config, "calibration"):
        yield from _check_calibration(config, positions)


def _check_representation(config: Mapping, positions: Positions) -> Iterator[StudyError]:
    block = config["characteristics"]["representation"]
    for task in block["tasks"]:
        n = _number(config, task, "test")
        if n is not None and block["k_max"] >= n:
            yield StudyError(
                f"k_max ({block['k_max']}) needs more than that many test examples; '{task}' has {n}.",
                where=positions.where(("characteristics", "representation", "k_max")),
                fix=f"k_max: {n - 1}",
            )


def _check_distribution(config: Mapping, positions: Positions) -> Iterator[StudyError]:
    block = config["characteristics"]["distribution"]
    place = ("characteristics", "distribution")
    for k in block["k"]:
        if k > block["bank_examples"]:
            yield StudyError(
                f"K = {k} needs at least {k} bank examples; bank_examples is {block['bank_examples']}.",
                where=positions.where((*place, "k")),
                fix=f"bank_examples: {max(block['k'])}",
            )
            break
    for task, others in block["tasks"].items():
        dataset = config["datasets"].get(task)
        if dataset is None:
            continue
        n = _number(config, task, "train")
        if n is not None and block["bank_examples"] > n:
            yield StudyError(
                f"The bank is a sample of the train split: bank_examples is {block['bank_examples']}, "
                f"'{task}' has {n} training examples.",
                where=positions.where((*place, "bank_examples")),
                fix=f"bank_examples: {n}",
            )
        unsaid = task not in config.get("training", {})  # where it is, the missing split is told already
        if trained_models(config) and unsaid and "train" not in dataset["splits"]:
            yield StudyError(
                f"The bank is a sample of the train split, which '{task}' does not have.",
                where=positions.where(("datasets", task, "splits")),
                fix="train: {path: train.json, examples: all}",
            )
        if trained_models(config) and "calibration" not in dataset["splits"]:
            yield StudyError(
                f"'{task}' has no calibration split, from which the threshold is taken.",
                where=positions.where(("datasets", task, "splits")),
                fix="calibration: {held_out_from: train, examples: 500}",
            )
        for other in others:
            if other not in config["datasets"]:
                yield StudyError(
                    f"There is no dataset '{other}' (there are: {', '.join(config['datasets'])}).",
                    where=positions.where((*place, "tasks", task)),
                    fix=_corrected_tasks(config, "distribution"),
                )
            elif other == task:
                yield StudyError(
                    f"'{task}' cannot be out of distribution of itself.",
                    where=positions.where((*place, "tasks", task)),
                    fix=_corrected_tasks(config, "distribution"),
                )
            elif config["datasets"][other]["task"] != dataset["task"]:
                yield StudyError(
                    f"'{other}' is {config['datasets'][other]['task']}, '{task}' is {dataset['task']}: "
                    "a model cannot read both.",
                    where=positions.where((*place, "tasks", task)),
                    fix=_corrected_tasks(config, "distribution"),
                )


def _check_calibration(config: Mapping, positions: Positions) -> Iterator[StudyError]:
    for task in config["characteristics"]["calibration"]["tasks"]:
        dataset = config["datasets"].get(task)
        if dataset is not None and dataset["task"] not in CALIBRATED:
            yield StudyError(
                f"Calibration is measured for {' and '.join(CALIBRATED)}; '{task}' is {dataset['task']}, "
                "whose predictions hold no distribution over answers.",
                where=positions.where(("characteristics", "calibration", "tasks")),
                fix=_corrected_tasks(config, "calibration"),
            )


def _check_vulnerability(config: Mapping, positions: Positions) -> Iterator[StudyError]:
    block = config["characteristics"]["vulnerability"]
    place = ("characteristics", "vulnerability")
    for task in block["tasks"]:
        dataset = config["datasets"].get(task)
        if dataset is not None and dataset["task"] != "classification":
            yield StudyError(
                f"Attacks are defined for classification; '{task}' is {dataset['task']}.",
                where=positions.where((*place, "tasks")),
                fix=_corrected_tasks(config, "vulnerability"),
            )
        n = _number(config, task, "test")
        if n is not None and block["examples"] > n:
            yield StudyError(
                f"{block['examples']} examples are to be attacked; '{task}' has {n} test examples.",
                where=positions.where((*place, "examples")),
                fix=f"examples: {n}",
            )
    yield from check_recipes(config, positions)
