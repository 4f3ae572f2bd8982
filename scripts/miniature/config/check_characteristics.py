"""Checks of what is measured: tasks, splits, K, recipes."""

from collections.abc import Iterator, Mapping

from miniature.config.check_recipes import check_recipes
from miniature.config.checks import _unknown
from miniature.config.lines import Positions
from miniature.config.plan import finetuned_models, trained_models
from miniature.messages import StudyError

# What a characteristic needs once it is switched on, with a line to paste.
NEEDED = {
    "errors": {"tasks": "[squad]"},
    "representation": {"tasks": "[squad]", "k_max": "100"},
    "distribution": {
        "tasks": "{squad: [newsqa]}", "bank_examples": "4000", "k": "[1, 10, 50]", "percentile": "95",
    },
    "vulnerability": {
        "tasks": "[imdb]", "examples": "100",
        "recipes": "{bert-attack: {preset: textattack-48, masked_lm: words}}",
    },
    "calibration": {"tasks": "[imdb]", "bins": "15"},
}  # fmt: skip


def _missing(config: Mapping, name: str, positions: Positions) -> list[StudyError]:
    block = config["characteristics"][name]
    return [
        StudyError(
            f"The key '{key}' is {'empty' if key in block else 'missing'}; '{name}' is enabled and needs it.",
            where=positions.where(
                ("characteristics", name, key) if key in block else ("characteristics", name)
            ),
            fix=f"{key}: {example}",
        )
        for key, example in NEEDED.get(name, {}).items()
        if _empty(block, key)
    ]


def _empty(block: Mapping, key: str) -> bool:
    return key not in block or block[key] in ({}, [])


def _tasks(config: Mapping, name: str, positions: Positions) -> Iterator[StudyError]:
    for task in config["characteristics"][name]["tasks"]:
        where = positions.where(("characteristics", name, "tasks"))
        if task not in config["datasets"]:
            yield _unknown("dataset", task, list(config["datasets"]), where, "tasks: [{}]")
        elif finetuned_models(config) and task not in config.get("training", {}):
            yield StudyError(
                f"'{task}' is measured, but no model is fine-tuned on it.",
                where=where,
                fix=f"training: {{{task}: {{epochs: 3, batch_size: 32, learning_rate: 3.0e-5, ...}}}}",
            )


def _number(config: Mapping, dataset: str, split: str) -> int | None:
    """Examples asked for, where that is a number."""
    examples = config["datasets"].get(dataset, {}).get("splits", {}).get(split, {}).get("examples")
    return examples if isinstance(examples, int) else None


def _enabled(config: Mapping, name: str) -> bool:
    block = config["characteristics"][name]
    return block["enabled"] and not any(_empty(block, key) for key in NEEDED.get(name, {}))


def check_characteristics(config: Mapping, positions: Positions) -> Iterator[StudyError]:
    """Everything under ``characteristics``."""
    if not any(block["enabled"] for block in config["characteristics"].values()):
        yield StudyError(
            "Nothing is measured: all characteristics are switched off.",
            where=positions.where(("characteristics",)),
            fix=f"errors: {{enabled: true, tasks: [{next(iter(config['datasets']))}]}}",
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
                where = positions.where((*place, "tasks", task))
                yield _unknown("dataset", other, list(config["datasets"]), where, f"{task}: [{{}}]")
            elif other == task:
                yield StudyError(
                    f"'{task}' cannot be out of distribution of itself.",
                    where=positions.where((*place, "tasks", task)),
                    fix=f"{task}: [another dataset]",
                )
            elif config["datasets"][other]["task"] != dataset["task"]:
                yield StudyError(
                    f"'{other}' is {config['datasets'][other]['task']}, '{task}' is {dataset['task']}: "
                    "a model cannot read both.",
                    where=positions.where((*place, "tasks", task)),
                    fix=f"{task}: [a {dataset['task']} dataset]",
                )


def _check_calibration(config: Mapping, positions: Positions) -> Iterator[StudyError]:
    classification = [name for name, d in config["datasets"].items() if d["task"] == "classification"]
    for task in config["characteristics"]["calibration"]["tasks"]:
        dataset = config["datasets"].get(task)
        if dataset is not None and dataset["task"] != "classification":
            yield StudyError(
                f"Calibration is measured for classification; '{task}' is {dataset['task']}, "
                "whose predictions hold no distribution over answers.",
                where=positions.where(("characteristics", "calibration", "tasks")),
                fix=f"tasks: [{classification[0]}]" if classification else "enabled: false",
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
                fix="tasks: [a classification dataset]",
            )
        n = _number(config, task, "test")
        if n is not None and block["examples"] > n:
            yield StudyError(
                f"{block['examples']} examples are to be attacked; '{task}' has {n} test examples.",
                where=positions.where((*place, "examples")),
                fix=f"examples: {n}",
            )
    yield from check_recipes(config, positions)
