"""Corrected values in a study's own names, so that what a message offers can be pasted and works.

The study may have any mistake, so nothing here takes its form for granted.
"""

import difflib
from collections.abc import Iterator, Mapping

import yaml

from miniature.attack.recipe import PRESETS
from miniature.characteristics.declared import DECLARED
from miniature.config.defaults import default_of
from miniature.config.plan import is_artifact, is_as_is, is_paired, models_with, row_choices
from miniature.messages import StudyError
from miniature.models.entry import entry_positions


def _nearest(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(str(name), known, n=1)
    return near[0] if near else (known[0] if known else "...")


def _unknown(kind: str, name: str, known: list[str], where: str, line: str) -> StudyError:
    shown = known[:20] + [f"and {len(known) - 20} more"] * (len(known) > 20)
    return StudyError(
        f"There is no {kind} '{name}' (there are: {', '.join(shown) or 'none'}).",
        where=where,
        fix=line.format(_nearest(name, known)),
    )


# The cheapest characteristic, suggested where a study measures nothing.
FIRST = next(iter(DECLARED))
PRESET = "textattack-48"
MASKED_LMS = "masked_lms: {words: {hub: google-bert/bert-base-uncased, revision: main}}"
# What a training block says at least: the rest has defaults.
TRAINING = {key: default_of("training", "<task>", key) for key in ("epochs", "batch_size", "learning_rate")}
OFF = {"enabled": False}
_WRONG_FORM = (LookupError, TypeError, AttributeError, ValueError, ArithmeticError)


def flow(value: object) -> str:
    """YAML of a value on one line, which reads back as the value."""
    text = yaml.safe_dump(value, default_flow_style=True, width=1 << 30, sort_keys=False, allow_unicode=True)
    return text.strip().removesuffix("...").strip()


def value_for(config: Mapping, place: tuple) -> object | None:
    """A value that may stand at a place of this study; None where the study has no say in it."""
    try:
        match place:
            case ("reference",):
                return next(iter(_block(config, "models")), None)
            case ("training",):
                return training_blocks(config)
            case ("verdict",):
                return _verdicts(config)
            case ("characteristics",):
                blocks = {name: _characteristic(config, name) for name in DECLARED}
                return {name: block for name, block in blocks.items() if block != OFF} or {FIRST: OFF}
            case ("characteristics", name) if name in DECLARED:
                return _characteristic(config, name)
            case ("characteristics", name, key) if name in DECLARED:
                return (settings_for(config, name) or {}).get(key)
            case ("verdict", name) if name in DECLARED:
                return _verdict(config, name)
            case ("verdict", name, key) if name in DECLARED:
                return (_verdict(config, name) or {}).get(key)
    except _WRONG_FORM:
        pass
    return None


def tasks_for(config: Mapping, name: str) -> list[str]:
    """Datasets that a characteristic can be measured on with the models there are."""
    datasets = {n: d for n, d in _block(config, "datasets").items() if isinstance(d, Mapping)}
    models = {n: m for n, m in _block(config, "models").items() if isinstance(m, Mapping)}
    finetuned = any(not (is_artifact(m) or is_as_is(m) or "derive" in m) for m in models.values())
    trained = _block(config, "training") or [n for n in datasets if "train" in _block(datasets, n, "splits")]
    reference = config.get("reference")
    known = {
        "models": models,
        "reference": reference if reference in list(models) else next(iter(models), None),
    }

    declared = DECLARED[name]

    def measurable(task: str) -> bool:
        if (finetuned and task not in trained) or datasets[task].get("task") not in declared.kinds:
            return False
        if declared.per == "recipe" and is_paired(datasets[task]):
            return False
        others = others_for(config, task) if declared.per == "ood_dataset" else [None]
        return any(len(models_with(known, name, task, other)) > 1 for other in others)

    return [task for task in datasets if models and measurable(task)]


def others_for(config: Mapping, task: str) -> list[str]:
    """Datasets of the same kind as a task, which may be out of distribution of it."""
    datasets = _block(config, "datasets")
    kind, paired = _block(config, "datasets", task).get("task"), is_paired(_block(config, "datasets", task))
    others = [name for name in datasets if name != task and _block(datasets, name).get("task") == kind]
    return [name for name in others if is_paired(_block(datasets, name)) == paired]


def training_blocks(config: Mapping) -> dict | None:
    """A training block for every dataset that has a train split and is measured, or could be."""
    blocks = _block(config, "characteristics").values()
    asked = [task for block in blocks if isinstance(block, Mapping) for task in block.get("tasks") or ()]
    able = [n for n in _block(config, "datasets") if "train" in _block(config, "datasets", n, "splits")]
    taught = any("teacher" in entry for entry in _block(config, "models").values())
    block = {**TRAINING, **({"distillation": {"temperature": 2.0, "alpha": 0.5}} if taught else {})}
    return {task: dict(block) for task in [t for t in able if t in asked] or able} or None


def settings_for(config: Mapping, name: str) -> dict | None:
    """Settings of a characteristic that pass, with the study's own tasks; None where no task fits."""
    block, able = _block(config, "characteristics", name), tasks_for(config, name)
    given = block.get("tasks")
    given = list(given) if isinstance(given, list | Mapping) else []
    tasks = [task for task in given if task in able]
    if not tasks:
        chosen = _block(config, "verdict", name).get("task")
        tasks = able if name == FIRST else ([chosen] if chosen in able else able[:1])
    if not tasks:
        return None
    declared = DECLARED[name]
    settings: dict = {"tasks": tasks}
    if declared.per == "ood_dataset":
        settings["tasks"] = {task: _others(config, block.get("tasks"), task) for task in tasks}
    for key, rule in declared.settings.items():
        if key == "recipes":
            settings[key] = _recipes(config)
            continue
        usual, limit = default_of("characteristics", name, key), settings.get(rule.limit)
        if rule.limit in ("train", "test"):
            limit = min(_sizes(config, tasks, rule.limit), default=None)
        if isinstance(usual, list):
            chosen = _block(config, "verdict", name).get(key)
            values = {*usual, *([chosen] if isinstance(chosen, int) else [])}
            settings[key] = sorted(i for i in values if limit is None or rule.needs(i) <= limit)
        elif isinstance(block.get(key), int) and key in {other.limit for other in declared.settings.values()}:
            settings[key] = block[key]  # others go by it
        else:
            fits = limit is None or rule.needs(usual) <= limit
            settings[key] = usual if fits else max(1, limit - rule.below)
    return settings


def _block(config: object, *keys: str) -> Mapping:
    """The mapping at a place; empty where there is none."""
    for key in keys:
        config = config.get(key) if isinstance(config, Mapping) else None
    return config if isinstance(config, Mapping) else {}


def _sizes(config: Mapping, tasks: list[str], split: str) -> Iterator[int]:
    for task in tasks:
        examples = _block(config, "datasets", task, "splits", split).get("examples")
        if isinstance(examples, int):
            yield examples


def _others(config: Mapping, given: object, task: str) -> list[str]:
    known = others_for(config, task)
    kept = given.get(task) if isinstance(given, Mapping) else None
    return [other for other in kept or () if other in known] or known[:1]


def _recipes(config: Mapping) -> dict:
    masked_lms = _block(config, "masked_lms")
    name = next(iter(masked_lms), "words")
    recipe = {"preset": PRESET, "masked_lm": name}
    longest = entry_positions(_block(masked_lms, name)) if name in masked_lms else None
    if longest is not None and longest < PRESETS[PRESET]["max_masked_lm_length"]:
        recipe["max_masked_lm_length"] = longest
    return {"bert-attack": recipe}


def _characteristic(config: Mapping, name: str) -> dict:
    """On where something else of the study asks for it (and the cheapest), else off."""
    panels = _block(config, "figure1", "panels").values()
    shown = {panel.get("characteristic") for panel in panels if isinstance(panel, Mapping)}
    asked = name == FIRST or name in shown or name in _block(config, "verdict")
    settings = settings_for(config, name) if asked else None
    return {"enabled": True, **settings} if settings else OFF


def _verdicts(config: Mapping) -> dict:
    """The verdict on the first characteristic that is measured; none at all is allowed too."""
    blocks = _block(config, "characteristics")
    for name in DECLARED:
        on = name in blocks and _block(blocks, name).get("enabled", True) is True
        if on or (name == FIRST and not blocks):
            verdict = _verdict(config, name)
            if verdict:
                return {name: verdict}
    return {}


def _verdict(config: Mapping, name: str) -> dict | None:
    settings = settings_for(config, name)
    if settings is None:
        return None
    declared = DECLARED[name]
    settings |= {k: v for k, v in _block(config, "characteristics", name).items() if k != "tasks"}
    task = next(iter(settings["tasks"]))
    row = {"task": task, "measure": declared.verdict["measure"]}
    for key in declared.row_keys:
        known = row_choices({"characteristics": {name: settings}}, name, key, task)
        # Few neighbors are the usual choice; of a range below ten the most.
        row[key] = 10 if key == "k" and 10 in known else known[-1 if isinstance(known, range) else 0]
    return {**row, **declared.verdict}
