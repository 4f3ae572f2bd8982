"""Checks of what is measured: tasks, splits, K, recipes."""

from collections.abc import Iterator, Mapping

from miniature.characteristics.declared import DECLARED
from miniature.config.checks.recipes import check_recipes
from miniature.config.lines import Positions
from miniature.config.plan import finetuned_models, graph_models, is_paired, measured, trained_models
from miniature.config.suggest import (
    FIRST,
    MASKED_LMS,
    TRAINING,
    _nearest,
    flow,
    others_for,
    tasks_for,
    value_for,
)
from miniature.messages import StudyError


def _missing(config: Mapping, name: str, positions: Positions) -> Iterator[StudyError]:
    block = config["characteristics"][name]
    for key in ("tasks", *DECLARED[name].settings):
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
    """Whether a characteristic is on and has the settings that it needs."""
    block = measured(config).get(name)
    needed = ("tasks", *DECLARED[name].settings) if name in DECLARED else ()
    return block is not None and not any(_empty(block, key) for key in needed)


def check_characteristics(config: Mapping, positions: Positions) -> Iterator[StudyError]:
    """Everything under ``characteristics``."""
    if "characteristics" in config and not measured(config):
        able = tasks_for(config, FIRST) or list(config["datasets"])
        yield StudyError(
            "Nothing is measured: no characteristic is switched on.",
            where=positions.where(("characteristics",)),
            fix=f"{FIRST}: {flow({'enabled': True, 'tasks': able[:1]})}",
        )
    for name in measured(config):
        if name in DECLARED:
            yield from _missing(config, name, positions)
            if _enabled(config, name):
                yield from _check_declared(config, name, positions)


def _check_declared(config: Mapping, name: str, positions: Positions) -> Iterator[StudyError]:
    """What a declaration asks of a study."""
    per = DECLARED[name].per
    yield from _tasks(config, name, positions)
    yield from _check_kinds(config, name, positions)
    yield from _check_settings(config, name, positions)
    yield from _check_splits(config, name, positions)
    if per == "ood_dataset":
        yield from _check_others(config, name, positions)
    if per == "recipe":
        yield from check_recipes(config, positions)


def _check_kinds(config: Mapping, name: str, positions: Positions) -> Iterator[StudyError]:
    """Tasks are of a kind that the characteristic is defined for."""
    kinds = DECLARED[name].kinds
    for task in config["characteristics"][name]["tasks"]:
        kind = config["datasets"].get(task, {}).get("task", kinds[0])
        if kind not in kinds:
            yield StudyError(
                f"'{name}' is defined for {' and '.join(kinds)}; '{task}' is {kind}.",
                where=positions.where(("characteristics", name, "tasks")),
                fix=_corrected_tasks(config, name),
            )
        elif DECLARED[name].per == "recipe" and is_paired(config["datasets"].get(task, {})):
            yield StudyError(
                f"'{task}' holds pairs of texts, and the attacks change words of a single text: nothing says "
                "which of the two to change.",
                where=positions.where(("characteristics", name, "tasks")),
                fix=_corrected_tasks(config, name),
            )


def _check_settings(config: Mapping, name: str, positions: Positions) -> Iterator[StudyError]:
    """Settings that others, or the number of examples, limit."""
    block = config["characteristics"][name]
    for key, rule in DECLARED[name].settings.items():
        graphs = graph_models(config) if block[key] in rule.gradients else ()
        if graphs:
            yield StudyError(
                f"'{graphs[0]}' is a graph of ONNX: it has no gradients, which {block[key]} needs.",
                where=positions.where(("characteristics", name, key)),
                fix=f"{key}: {rule.otherwise}",
            )
        if rule.limit in ("train", "test"):
            for task in block["tasks"]:
                n = _number(config, task, rule.limit)
                if n is not None and rule.needs(block[key]) > n:
                    yield StudyError(
                        f"{key} ({block[key]}) needs {'more than' if rule.below else 'at least'} that many "
                        f"{rule.limit} examples; '{task}' has {n}.",
                        where=positions.where(("characteristics", name, key)),
                        fix=f"{key}: {n - rule.below}",
                    )
        elif rule.limit:
            most, limit = max(block[key]), block[rule.limit]
            if rule.needs(most) > limit:
                yield StudyError(
                    f"{key} = {most} needs {rule.limit} to be at least {rule.needs(most)}; it is {limit}.",
                    where=positions.where(("characteristics", name, key)),
                    fix=f"{rule.limit}: {rule.needs(most)}",
                )


def _check_splits(config: Mapping, name: str, positions: Positions) -> Iterator[StudyError]:
    """Splits that models with weights are run on."""
    if not trained_models(config):
        return
    for task in config["characteristics"][name]["tasks"]:
        dataset, splits = config["datasets"].get(task), DECLARED[name].splits
        if dataset is None:
            continue
        trained = task in config.get("training", {})  # then the missing split is told already
        if "bank" in splits and not trained and "train" not in dataset["splits"]:
            yield StudyError(
                f"The bank is a sample of the train split, which '{task}' does not have.",
                where=positions.where(("datasets", task, "splits")),
                fix="train: {path: train.json, examples: all}",
            )
        if "calibration" in splits and "calibration" not in dataset["splits"]:
            yield StudyError(
                f"'{task}' has no calibration split, from which the threshold is taken.",
                where=positions.where(("datasets", task, "splits")),
                fix="calibration: {held_out_from: train, examples: 500}",
            )


def _check_others(config: Mapping, name: str, positions: Positions) -> Iterator[StudyError]:
    """Datasets that are out of distribution of a task."""
    datasets = config["datasets"]
    for task, others in config["characteristics"][name]["tasks"].items():
        for other in others if task in datasets else ():
            if other not in datasets:
                what = f"There is no dataset '{other}' (there are: {', '.join(datasets)})."
            elif other == task:
                what = f"'{task}' cannot be out of distribution of itself."
            elif datasets[other]["task"] != datasets[task]["task"]:
                what = (
                    f"'{other}' is {datasets[other]['task']}, '{task}' is {datasets[task]['task']}: "
                    "a model cannot read both."
                )
            elif is_paired(datasets[other]) != is_paired(datasets[task]):
                pairs, single = (other, task) if is_paired(datasets[other]) else (task, other)
                what = (
                    f"'{pairs}' holds pairs of texts, '{single}' single texts: that alone would tell their "
                    "embeddings apart."
                )
            else:
                continue
            yield StudyError(
                what,
                where=positions.where(("characteristics", name, "tasks", task)),
                fix=_corrected_tasks(config, name),
            )
