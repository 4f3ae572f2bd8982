"""Checks of training settings, and of text settings that only some tasks use."""

from collections.abc import Iterator, Mapping

from miniature.config.lines import Positions
from miniature.config.suggest import _unknown
from miniature.messages import StudyError


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
