"""Checks across keys: what the schema cannot say, told before any job starts."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from miniature.config.lines import Positions
from miniature.config.plan import as_is_models, is_artifact, is_as_is, named_tasks
from miniature.config.suggest import TRAINING, _unknown, flow
from miniature.messages import StudyError
from miniature.models.classes import check_classes
from miniature.models.configuration import HEAD_SUFFIXES
from miniature.models.entry import SOURCES, check_entry, local_folder, source_of
from miniature.models.folders import check_head

# What would make another model of the checkpoint, with what to do instead.
MAKING_KEYS = {
    "architecture": "name the checkpoint instead: path: folder/of/the/checkpoint",
    "layers": "remove layers, or as_is: a model cut to its first layers needs training",
    "dropout": "remove dropout: it acts in training only",
    "teacher": "remove teacher: the checkpoint has learned what it has learned",
    "training": "remove training, or as_is",
    "replicates": "remove replicates; each other training that you have is a model with as_is: true, "
    "floor: retrained",
}


def check_as_is(config: Mapping, positions: Positions) -> Iterator[StudyError]:
    """Nothing that makes a model beside ``as_is``, and one task, for a checkpoint has one head."""
    for name, entry in config["models"].items():
        for key, fix in MAKING_KEYS.items():
            if is_as_is(entry) and key in entry:
                beside = "as_is" if entry.get("as_is") else next(k for k in SOURCES if k in entry)
                yield StudyError(
                    f"'{key}' beside '{beside}': the checkpoint of '{name}' is used as it is, not trained.",
                    where=positions.where(("models", name, key)),
                    fix=fix,
                )
    tasks = measured_tasks(config)
    if len(tasks) > 1:
        for name in as_is_models(config):
            yield StudyError(
                f"'{name}' is used as it stands: it has the head of one task, and {len(tasks)} are measured "
                f"({', '.join(tasks)}).",
                where=positions.where(("models", name, "as_is")),
                fix=f"make a study of each task; in this one everywhere tasks: [{tasks[0]}]",
            )


def measured_tasks(config: Mapping) -> list[str]:
    """Tasks that are measured, in a study that may still have mistakes."""
    named = named_tasks(config)
    return [task for task, entry in config["datasets"].items() if task in named and "task" in entry]


def check_model_folder(name: str, config: Mapping, positions: Positions) -> Iterator[StudyError]:
    """Check a local checkpoint, and what its own head means, against every task that it would be used on."""
    entry = config["models"][name]
    tasks = measured_tasks(config)
    if source_of(entry) is None:
        return  # from which of several it comes is another check's question
    try:
        check_entry(entry, where=positions.where(("models", name)))
    except StudyError as error:
        yield with_dataset(error, tasks)
        return
    folder = local_folder(entry)
    if folder is None:
        return
    key = next(key for key in SOURCES if key in entry)
    for task in tasks:
        dataset = config["datasets"][task]
        try:
            if is_as_is(entry):
                check_head(
                    folder,
                    dataset["task"],
                    where=positions.where(("models", name, key)),
                    fix=f"path: a checkpoint whose architecture ends in {HEAD_SUFFIXES[dataset['task']]}\n"
                    f"or, to fine-tune the models here: training: {{{task}: {flow(TRAINING)}}}",
                )
            if "labels" in dataset:
                labels = positions.where(("datasets", task, "labels"))
                check_classes(folder, dataset["labels"], where=f"{labels} for models.{name}")
        except StudyError as error:
            yield with_dataset(error, [task])


def with_dataset(error: StudyError, tasks: Sequence[str]) -> StudyError:
    """A message of the library with a dataset of this study in the line to paste."""
    fix = error.fix and error.fix.replace("<dataset>", tasks[0] if tasks else "<dataset>")
    return StudyError(error.what, where=error.where, fix=fix)


def check_replicates(config: Mapping, positions: Positions) -> Iterator[StudyError]:
    """Only trainings can be repeated, and a control differs from what it controls."""
    for name, entry in config["models"].items():
        if "replicates" in entry and is_artifact(entry):
            yield StudyError(
                f"'{name}' is given by its outputs: it is not trained here and cannot be trained again.",
                where=positions.where(("models", name, "replicates")),
                fix="remove replicates; another training of it is a model with floor: retrained",
            )
    if "control" not in config:
        return
    control, where = config["control"], positions.where(("control",))
    if is_artifact(config["models"].get(config["reference"], {})):
        yield StudyError(
            f"A control runs the reference's checkpoint again, and '{config['reference']}' has none here.",
            where=where,
            fix="remove control",
        )
        return
    usual = {
        "batch_tokens": config.get("inference", {}).get("batch_tokens"),
        "threads": config["compute"]["threads"],
    }
    for key, value in usual.items():
        if control[key] == value:
            yield StudyError(
                f"The control has the same {key} as every model ({value}) and would show nothing.",
                where=positions.where(("control", key)),
                fix=f"{key}: {2 * value if key == 'threads' else max(1, value // 4)}",
            )


Check = Callable[[Mapping, Positions], Iterator[StudyError]]


def _one_source(entry: Mapping, place: tuple, positions: Positions) -> Iterator[StudyError]:
    given = [key for key in SOURCES if key in entry]
    if len(given) != 1:
        yield StudyError(
            f"'{place[-1]}' needs exactly one of {', '.join([*SOURCES][:-1])} and {[*SOURCES][-1]}"
            + (", or predictions, errors or embeddings" if place[0] == "models" else "")
            + f"; it has {', '.join(given) or 'none'}.",
            where=positions.where(place),
            fix=f"{place[-1]}: {{path: folder/of/the/checkpoint}}",
        )
    for source, row in SOURCES.items():
        for key in row.beside:
            if key in entry and source not in entry:
                yield StudyError(f"'{key}' goes with '{source}' only.", where=positions.where((*place, key)))
    if "hub" in entry and "revision" not in entry:
        yield StudyError(
            "A Hub model needs a revision, so that the study means the same tomorrow.",
            where=positions.where(place),
            fix="revision: main   # or, better, the commit's 40 hexadecimal digits",
        )
    if "layers" in entry and "architecture" in entry:
        yield StudyError(
            "'layers' beside 'architecture' says the same thing twice.",
            where=positions.where((*place, "layers")),
            fix="remove it: architecture.layers is the number of layers",
        )
    if "dropout" in entry and "architecture" in entry:
        yield StudyError(
            "The dropout of an architecture belongs inside it.",
            where=positions.where((*place, "dropout")),
            fix="architecture: {..., dropout: 0.0}",
        )


def check_models(config: Mapping, positions: Positions) -> Iterator[StudyError]:
    """Sources, the reference, teachers and per-model training blocks."""
    models = config["models"]
    if config["reference"] not in models:
        yield _unknown(
            "model", config["reference"], list(models), positions.where(("reference",)), "reference: {}"
        )
    for name, entry in models.items():
        place = ("models", name)
        if is_artifact(entry):
            continue
        yield from _one_source(entry, place, positions)
        if "architecture" in entry and "vocabulary" not in config:
            yield StudyError(
                f"'{name}' is trained from scratch and needs a vocabulary.",
                where=positions.where(place),
                fix=f"vocabulary: {{size: 2000, datasets: [{', '.join(config.get('training', {}))}]}}",
            )
        for task in entry.get("training", {}):
            if task not in config.get("training", {}):
                yield _unknown(
                    "training block", task, list(config.get("training", {})),
                    positions.where((*place, "training", task)), "{}: {{...}}",
                )  # fmt: skip
        yield from _check_teacher(name, entry, config, positions)


def _check_teacher(name: str, entry: Mapping, config: Mapping, positions: Positions) -> Iterator[StudyError]:
    if "teacher" not in entry:
        return
    models, where = config["models"], positions.where(("models", name, "teacher"))
    if entry["teacher"] not in models:
        yield _unknown("model", entry["teacher"], list(models), where, "teacher: {}")
        return
    if is_artifact(models[entry["teacher"]]):
        yield StudyError(
            f"'{entry['teacher']}' is given without weights and cannot teach.",
            where=where,
            fix="teacher: a model with weights",
        )
        return
    chain = [name]
    while (teacher := models.get(chain[-1], {}).get("teacher")) is not None:
        if teacher in chain:
            yield StudyError(
                f"Teachers go round in a circle: {' <- '.join([*chain, teacher])}.",
                where=where,
                fix="teacher: ...",
            )
            return
        chain.append(teacher)
    for task, block in config.get("training", {}).items():
        if "distillation" not in {**block, **entry.get("training", {}).get(task, {})}:
            yield StudyError(
                f"'{name}' has a teacher, but nothing says how to distil on '{task}'.",
                where=where,
                fix=f"training: {{{task}: {{distillation: {{temperature: 2.0, alpha: 0.5}}}}}}",
            )


def check_sentence_encoders(config: Mapping, positions: Positions) -> Iterator[StudyError]:
    """Sources of sentence encoders."""
    for name, entry in config.get("sentence_encoders", {}).items():
        yield from _one_source(entry, ("sentence_encoders", name), positions)


def check_masked_lms(config: Mapping, positions: Positions) -> Iterator[StudyError]:
    """Sources and training of masked language models."""
    for name, entry in config.get("masked_lms", {}).items():
        place = ("masked_lms", name)
        yield from _one_source(entry, place, positions)
        if ("datasets" in entry) != ("training" in entry) or (
            "architecture" in entry and "training" not in entry
        ):
            yield StudyError(
                f"The masked language model '{name}' needs both 'datasets' and 'training' to be trained, "
                "and neither to be used as it is.",
                where=positions.where(place),
                fix="datasets: [reviews]\ntraining: {epochs: 1, learning_rate: 1.0e-4}",
            )
        if "training" not in entry:
            for key in ("layers", "dropout"):
                if key in entry and "architecture" not in entry:
                    yield StudyError(
                        f"'{key}' belongs to a model that is trained; '{name}' is used as it is.",
                        where=positions.where((*place, key)),
                        fix=f"remove {key}, or add datasets: [...] and training: {{...}}",
                    )
        elif "distillation" in entry["training"]:
            yield StudyError(
                "A masked language model has no teacher; 'distillation' belongs to the training of a task.",
                where=positions.where((*place, "training", "distillation")),
                fix="training: {<task>: {..., distillation: {temperature: 2.0, alpha: 0.5}}}",
            )
        yield from _check_texts(entry.get("datasets", []), place, config, positions)
    texts = config.get("vocabulary", {}).get("datasets", [])
    yield from _check_texts(texts, ("vocabulary",), config, positions)


def _check_texts(
    datasets: list[str], place: tuple, config: Mapping, positions: Positions
) -> Iterator[StudyError]:
    """Texts are those of train splits, which are there."""
    where, known = positions.where((*place, "datasets")), config["datasets"]
    usable = [name for name, dataset in known.items() if "train" in dataset["splits"]]
    for dataset in datasets:
        if dataset not in known:
            yield _unknown("dataset", dataset, list(known), where, "datasets: [{}]")
        elif dataset not in usable:
            yield StudyError(
                f"'{place[-1]}' is trained on the train split of '{dataset}', which has none.",
                where=where,
                fix=f"datasets: [{', '.join(n for n in datasets if n in usable) or ', '.join(usable)}]",
            )
