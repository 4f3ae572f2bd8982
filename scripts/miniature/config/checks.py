"""Checks across keys: what the schema cannot say, told before any job starts."""

import difflib
from collections.abc import Callable, Iterator, Mapping

from miniature.config.lines import Positions
from miniature.config.plan import is_artefact
from miniature.messages import StudyError

Check = Callable[[Mapping, Positions], Iterator[StudyError]]

SOURCES = ("architecture", "hub", "path")
MASKED_LM_TRAINING = (
    "mask_probability", "max_length", "epochs", "batch_size", "learning_rate", "warmup_ratio", "weight_decay",
    "max_gradient_norm", "order", "precision", "checkpoint_every",
)  # fmt: skip


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


def _one_source(entry: Mapping, place: tuple, positions: Positions) -> Iterator[StudyError]:
    given = [key for key in SOURCES if key in entry]
    if len(given) != 1:
        yield StudyError(
            f"'{place[-1]}' needs exactly one of architecture, hub and path"
            + (", or predictions, errors or embeddings" if place[0] == "models" else "")
            + f"; it has {', '.join(given) or 'none'}.",
            where=positions.where(place),
            fix=f"{place[-1]}: {{path: folder/of/the/checkpoint}}",
        )
    if "revision" in entry and "hub" not in entry:
        yield StudyError("'revision' goes with 'hub' only.", where=positions.where((*place, "revision")))
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
            "The dropout of an architecture stands inside it.",
            where=positions.where((*place, "dropout")),
            fix="architecture: {..., dropout: 0.0}",
        )
    architecture = entry.get("architecture")
    if architecture and architecture["hidden"] % architecture["heads"]:
        heads = max(h for h in range(1, architecture["heads"] + 1) if architecture["hidden"] % h == 0)
        yield StudyError(
            f"hidden ({architecture['hidden']}) is not a multiple of heads ({architecture['heads']}).",
            where=positions.where((*place, "architecture")),
            fix=f"heads: {heads}",
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
        if is_artefact(entry):
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
    if is_artefact(models[entry["teacher"]]):
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
                fix="datasets: [reviews]\ntraining: {epochs: 1, batch_size: 32, learning_rate: 1.0e-4, ...}",
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
        for key in MASKED_LM_TRAINING:
            if "training" in entry and key not in entry["training"]:
                yield StudyError(
                    f"The key '{key}' is missing.",
                    where=positions.where((*place, "training")),
                    fix=f"{key}: ...",
                )
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


def check_text(config: Mapping, positions: Positions) -> Iterator[StudyError]:
    """Lengths that leave room for a context."""
    if "question_answering" not in config:
        return
    text = config["question_answering"]
    room = text["max_length"] - text["max_question_length"] - 3
    if not 1 <= text["stride"] <= room:
        yield StudyError(
            f"Windows leave {max(room, 0)} tokens for the context beside a question of "
            f"{text['max_question_length']} and three special tokens; "
            f"the stride of {text['stride']} does not fit.",
            where=positions.where(("question_answering", "stride")),
            fix=f"stride: {room // 2}" if room > 2 else "max_length: 384",
        )


def check_training(config: Mapping, positions: Positions) -> Iterator[StudyError]:
    """A training block for every task, and a training set for every block."""
    for task in config.get("training", {}):
        if task not in config["datasets"]:
            where = positions.where(("training", task))
            yield _unknown("dataset", task, list(config["datasets"]), where, "{}: {{...}}")
        elif "train" not in config["datasets"][task]["splits"]:
            yield StudyError(
                f"'{task}' is trained on, but has no train split.",
                where=positions.where(("datasets", task, "splits")),
                fix="train: {path: train.json, examples: all}",
            )
    blocks = {("training", task): block for task, block in config.get("training", {}).items()}
    for name, entry in config["models"].items():
        for task, block in entry.get("training", {}).items():
            blocks["models", name, "training", task] = block
    for place, block in blocks.items():
        dataset = config["datasets"].get(place[-1], {"task": "classification"})
        section = "question_answering" if dataset["task"] == "question-answering" else "classification"
        for key in ("max_length", "mask_probability"):
            if key in block:
                yield StudyError(
                    f"'{key}' under 'training' of a task is for masked language models"
                    + (
                        f"; the length of a task's texts stands under '{section}'."
                        if key == "max_length"
                        else "."
                    ),
                    where=positions.where((*place, key)),
                    fix=f"{section}: {{max_length: {block[key]}, ...}}"
                    if key == "max_length"
                    else f"masked_lms: {{<name>: {{training: {{mask_probability: {block[key]}, ...}}}}}}",
                )
