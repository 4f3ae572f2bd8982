"""What a study asks for: models in order, tasks, and the files that each characteristic reads.

Pure functions of the validated configuration; the rules turn their answers into paths.
"""

from collections.abc import Mapping

from miniature.attack.recipe import spell_recipe
from miniature.characteristics.declared import DECLARED
from miniature.messages import StudyError
from miniature.models.entry import gives_embeddings, is_graph, is_ready
from miniature.names import CONTROL, replicate_of


def model_names(config: Mapping) -> list[str]:
    """All models: the reference first, then its replicates, the others as written, each before its own."""
    reference = config["reference"]
    # Stable: the reference stands before its replicates in the study already.
    own = {reference: 0, **{name: 1 for name in config["models"] if replicate_of(name) == reference}}
    return sorted({reference: None, **config["models"]}, key=lambda name: own.get(name, 2))


ARTIFACTS = ("predictions", "embeddings", "errors")


# Kinds of task that models are run on here; predictions of others are read from logs.
RUN_HERE = ("question-answering", "classification")


def is_artifact(entry: Mapping) -> bool:
    """Whether a model is given by its outputs instead of its weights."""
    return any(key in entry for key in ARTIFACTS)


def trained_models(config: Mapping) -> list[str]:
    """Models with weights, fine-tuned here or before, in the order of `model_names`."""
    models = config["models"]
    return [name for name in model_names(config) if name in models and not is_artifact(models[name])]


def is_as_is(entry: Mapping) -> bool:
    """Whether a model with weights is used unchanged instead of being fine-tuned."""
    return (bool(entry.get("as_is")) or is_ready(entry)) and not is_artifact(entry)


def as_is_models(config: Mapping) -> list[str]:
    """Models of `trained_models` that were trained elsewhere and are used as they stand."""
    return [name for name in trained_models(config) if is_as_is(config["models"][name])]


def derived_models(config: Mapping) -> list[str]:
    """Models of `trained_models` that are made from another's fine-tuned checkpoint."""
    return [name for name in trained_models(config) if "derive" in config["models"][name]]


def graph_models(config: Mapping) -> list[str]:
    """Models that are graphs of ONNX, given or made here: they have no gradients."""
    return [name for name in trained_models(config) if is_graph(config["models"][name])]


def finetuned_models(config: Mapping) -> list[str]:
    """Models of `trained_models` that the study itself fine-tunes, from pre-trained or random weights."""
    made = {*as_is_models(config), *derived_models(config)}
    return [name for name in trained_models(config) if name not in made]


def models_giving(config: Mapping, kind: str, dataset: str | None = None) -> list[str]:
    """Models given by an artifact of a kind, on a dataset or on any."""
    given = {name: config["models"][name].get(kind, {}) for name in model_names(config)}
    return [name for name, files in given.items() if (dataset in files if dataset else files)]


def predicting_models(config: Mapping, task: str) -> list[str]:
    """Models whose predictions on a task are known."""
    known = {*trained_models(config), *models_giving(config, "predictions", task)}
    return [name for name in model_names(config) if name in known]


def models_with(config: Mapping, characteristic: str, task: str, other: str | None = None) -> list[str]:
    """Models that take part in a characteristic on a task: all with weights, others by their artifacts.

    Parameters
    ----------
    config : mapping
        The validated study.
    characteristic : str
        Its name.
    task : str
        A task of it.
    other : str, optional
        What it is measured with beside the task: see `Characteristic.per`.

    Returns
    -------
    list of str
        In the order of `model_names`.
    """
    declared = DECLARED[characteristic]

    def suffices(given: Mapping, kind: str) -> bool:
        if kind != "embeddings":
            return task in given
        beside = {"test"} if declared.per == "ood_dataset" else set()
        return set(declared.splits) <= set(given.get(task, {})) and beside <= set(given.get(other, {}))

    def takes_part(entry: Mapping) -> bool:
        given = [kind for kind in declared.artifacts if suffices(entry.get(kind, {}), kind)]
        if is_artifact(entry):
            return bool(given)
        return declared.artifacts != ("embeddings",) or gives_embeddings(entry)

    return [name for name in model_names(config) if takes_part(config["models"][name])]


def floor_kind(entry: Mapping) -> str | None:
    """Kind of the noise floor that a model is part of; None for others."""
    return entry.get("floor") or ("origin" if entry.get("same_as_reference") else None)


def floor_models(config: Mapping) -> list[dict[str, str]]:
    """Models that are other realizations of a model: ``model``, ``kind``, ``of`` and ``origin`` of each.

    Second trainings, the control, and what the study names with ``floor:``.
    """
    models, reference = config["models"], config["reference"]
    found = []
    for name in model_names(config):
        entry, of = models.get(name, {}), replicate_of(name)
        # A quantized model is not trained: its replicates have other scales.
        kind = "requantized" if "quantize" in entry.get("derive", {}) else "retrained"
        if of is None:
            kind, of = floor_kind(entry), entry.get("of", reference)
        if kind:
            origin = name if replicate_of(name) else entry.get("origin", name)
            found.append({"model": name, "kind": kind, "of": of, "origin": origin})
    if "control" in config:
        name = reference + CONTROL
        found.append({"model": name, "kind": "rerun", "of": reference, "origin": name})
    return found


def trainings_of(config: Mapping, model: str) -> list[str]:
    """Other trainings of a model: its own, or those of others where there are none."""
    for kind in ("retrained", "origin"):
        found = [f["model"] for f in floor_models(config) if f["of"] == model and f["kind"] == kind]
        if found:
            return found
    return []


def subject_models(config: Mapping) -> list[str]:
    """Models that are compared: neither the reference nor part of a floor."""
    passed = {config["reference"], *(f["model"] for f in floor_models(config))}
    return [name for name in model_names(config) if name not in passed]


def judged_models(config: Mapping) -> list[str]:
    """Models of `subject_models` of which a verdict is asked."""
    return [name for name in subject_models(config) if config["models"][name].get("verdict", True)]


def original_of(config: Mapping, model: str) -> str:
    """The model that a compressed one was made from: the reference where nothing else is said.

    Examples
    --------
    >>> study = {"reference": "r", "models": {"a": {}, "b": {"derive": {"from": "c"}}}}
    >>> study["models"]["c"] = {"derive": {"from": "a"}}
    >>> original_of(study, "b"), original_of(study, "a")
    ('a', 'r')
    """
    models = config["models"]
    if "original" in models[model] or "derive" not in models[model]:
        return models[model].get("original", config["reference"])
    while "derive" in models[model]:
        model = models[model]["derive"]["from"]
    return model


def origins(config: Mapping) -> dict[str, str]:
    """Origin of the reference and of every entry that is a training of it; empty without such."""
    models, reference = config["models"], config["reference"]
    same = {
        f["model"]: f["origin"]
        for f in floor_models(config)
        if f["kind"] in ("retrained", "origin") and f["of"] == reference and replicate_of(f["model"]) is None
    }
    return {reference: models[reference].get("origin", reference), **same} if same else {}


def setting(config: Mapping, characteristic: str, key: str) -> object:
    """Setting of a characteristic; None where it is off and says nothing."""
    return config["characteristics"].get(characteristic, {}).get(key)


def measured(config: Mapping) -> dict[str, Mapping]:
    """Characteristics that are on, with their settings: those that are named and not switched off."""
    blocks = config.get("characteristics", {})
    return {name: block for name, block in blocks.items() if block.get("enabled", True)}


def enabled(config: Mapping, characteristic: str) -> bool:
    """Whether a characteristic is on."""
    return characteristic in measured(config)


def tasks_of(config: Mapping, characteristic: str) -> list[str]:
    """Tasks of a characteristic, none where it is off."""
    return list(setting(config, characteristic, "tasks")) if enabled(config, characteristic) else []


def named_tasks(config: Mapping) -> set[str]:
    """Tasks that any characteristic names, in a study that may still have mistakes."""
    return {task for block in measured(config).values() for task in block.get("tasks", ())}


def all_tasks(config: Mapping) -> list[str]:
    """Tasks that any characteristic measures, in the order of ``training``, then of ``datasets``."""
    used = named_tasks(config)
    return [task for task in {**config.get("training", {}), **config["datasets"]} if task in used]


def row_choices(config: Mapping, characteristic: str, key: str, task: str) -> list | range:
    """Values of a row key (``k``, ``ood_dataset``, ``recipe``) that a characteristic is measured with."""
    block = config["characteristics"][characteristic]
    if key == "k":
        return list(block["k"]) if "k" in block else range(1, block["k_max"] + 1)
    return list(block["recipes"] if key == "recipe" else block["tasks"][task])


def pairs_of(config: Mapping, characteristic: str) -> list[tuple[str, str]]:
    """(task, other) pairs of a characteristic that is measured with something beside a task."""
    per = DECLARED[characteristic].per
    return [
        (task, other)
        for task in tasks_of(config, characteristic)
        for other in row_choices(config, characteristic, per, task)
    ]


def wildcards_of(config: Mapping, characteristic: str) -> list[dict[str, str]]:
    """Wildcards of a characteristic's files: a task, and what it is measured with beside it."""
    per = DECLARED[characteristic].per
    if per:
        return [{"task": task, per: other} for task, other in pairs_of(config, characteristic)]
    return [{"task": task} for task in tasks_of(config, characteristic)]


def attack_recipe(config: Mapping, name: str) -> dict:
    """Recipe of an attack with its preset spelled out."""
    return spell_recipe(setting(config, "vulnerability", "recipes")[name])


def training_settings(config: Mapping, task: str, model: str) -> dict:
    """Training block of a task with a model's own values over it; distillation only with a teacher."""
    entry = config["models"][model]
    settings = {**config["training"][task], **entry.get("training", {}).get(task, {})}
    if "teacher" not in entry:
        settings.pop("distillation", None)
    if distill := entry.get("derive", {}).get("distill"):
        settings["distillation"] = {key: distill[key] for key in ("temperature", "alpha")}
    return settings


def text_settings(config: Mapping, dataset: str) -> dict:
    """Length settings for the kind of task a dataset is."""
    kind = config["datasets"][dataset]["task"]
    return dict(config["question_answering" if kind == "question-answering" else "classification"])


def window_settings(config: Mapping, dataset: str) -> dict:
    """The part of `text_settings` that training depends on: how texts are cut, not how answers are read."""
    kept = ("max_length", "stride", "max_question_length")
    return {name: value for name, value in text_settings(config, dataset).items() if name in kept}


def least_examples(config: Mapping, dataset: str, split: str) -> int:
    """Rows that a split must have for what is measured on it: more than k_max, and all that are attacked."""
    if split != "test":
        return 0
    needed = [
        rule.needs(setting(config, name, key))
        for name, declared in DECLARED.items()
        if dataset in tasks_of(config, name)
        for key, rule in declared.settings.items()
        if rule.limit == "test"
    ]
    return max([1, *needed])


def check_size(config: Mapping, dataset: str, split: str, rows: int) -> None:
    """Refuse a split of fewer examples than what is measured on it needs."""
    least = least_examples(config, dataset, split)
    if rows < least:
        raise StudyError(
            f"The split has {rows} examples; what is measured on it needs {least} (more than k_max, and all "
            "that are attacked).",
            where=f"datasets: {dataset}: splits: {split}",
            fix=f"k_max: {rows - 1}   # and vulnerability examples: {rows} at most"
            if rows > 1
            else "path: <a file with more examples>",
        )


def is_paired(dataset: Mapping) -> bool:
    """Whether the examples of a dataset are pairs of texts."""
    return "text_pair" in dataset.get("columns", {}) and dataset.get("task") == "classification"


def labels_of(config: Mapping, dataset: str) -> list[str] | None:
    """Class names in class order; None for question answering."""
    labels = config["datasets"][dataset].get("labels")
    return list(labels) if labels else None


def numbered_columns(config: Mapping, dataset: str) -> dict | None:
    """Columns named for a dataset whose rows are numbered without an id; None where all have ids."""
    entry = config.get("datasets", {}).get(dataset, {})
    numbered = entry.get("task") == "classification" and entry.get("format") in ("csv", "jsonl", "hub")
    return dict(entry.get("columns", {})) if numbered else None


def label_values_of(config: Mapping, dataset: str) -> list | None:
    """Value in the files for each class of `labels_of`."""
    labels = config["datasets"][dataset].get("labels")
    return list(labels.values()) if labels else None
