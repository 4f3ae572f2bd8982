"""Checks of checkpoints that are used as they stand: nothing about training, and one task."""

from collections.abc import Iterator, Mapping

from miniature.config.lines import Positions
from miniature.config.plan import as_is_models, is_artefact
from miniature.messages import StudyError
from miniature.models.classes import check_classes
from miniature.models.sources import HEAD_SUFFIXES, check_model_source, has_head, read_config

# What would make another model of the checkpoint, with what to do instead.
MAKING_KEYS = {
    "architecture": "name the checkpoint instead: path: folder/of/the/checkpoint",
    "layers": "remove layers, or as_is: a model cut to its first layers needs training",
    "dropout": "remove dropout: it acts in training only",
    "teacher": "remove teacher: the checkpoint has learnt what it has learnt",
    "training": "remove training, or as_is",
    "replicates": "remove replicates; each other training that you have is a model with as_is: true, "
    "same_as_reference: true and an origin of its own, such as origin: seed-2",
}


def check_as_is(config: Mapping, positions: Positions) -> Iterator[StudyError]:
    """Nothing that makes a model beside ``as_is``, and one task, for a checkpoint has one head."""
    for name, entry in config["models"].items():
        for key, fix in MAKING_KEYS.items():
            if entry.get("as_is") and key in entry and not is_artefact(entry):
                yield StudyError(
                    f"'{key}' beside 'as_is': the checkpoint of '{name}' is used as it stands, not trained.",
                    where=positions.where(("models", name, key)),
                    fix=fix,
                )
    tasks = _measured(config)
    if len(tasks) > 1:
        for name in as_is_models(config):
            yield StudyError(
                f"'{name}' is used as it stands: it has the head of one task, and {len(tasks)} are measured "
                f"({', '.join(tasks)}).",
                where=positions.where(("models", name, "as_is")),
                fix=f"make a study of each task; in this one everywhere tasks: [{tasks[0]}]",
            )


def _measured(config: Mapping) -> list[str]:
    """Tasks that are measured, in a study that may still have mistakes."""
    blocks = [block for block in config["characteristics"].values() if block["enabled"]]
    named = {task for block in blocks for task in block.get("tasks", ())}
    return [task for task in config["datasets"] if task in named]


def check_model_folder(name: str, config: Mapping, positions: Positions) -> Iterator[StudyError]:
    """Check a local checkpoint, and what its own head means, against every task that it would be used on."""
    entry = config["models"][name]
    where = positions.where(("models", name))
    try:
        check_model_source(entry, head="question-answering", where=where)
    except StudyError as error:
        yield error
        return
    if {"architecture", "hub"} & entry.keys():
        return  # from which of the two it comes is another check's question
    raw = read_config(entry["path"])
    for task in _measured(config):
        kind = config["datasets"][task]["task"]
        if entry.get("as_is") and not has_head(raw, kind):
            yield StudyError(
                f"The checkpoint of '{name}' is for another task: its config.json names "
                f"{', '.join(map(str, raw.get('architectures') or ['no head']))}, and '{task}' is {kind}.",
                where=positions.where(("models", name, "path")),
                fix=f"path: a checkpoint whose architecture ends in {HEAD_SUFFIXES[kind]}"
                "   # or remove as_is, so that it is fine-tuned",
            )
        elif "labels" in config["datasets"][task]:
            labels = positions.where(("datasets", task, "labels"))
            try:
                check_classes(
                    entry["path"], config["datasets"][task]["labels"], where=f"{labels} for models.{name}"
                )
            except StudyError as error:
                yield error
