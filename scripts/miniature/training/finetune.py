"""Fine-tune one model on one dataset, optionally also on a teacher's soft outputs."""

import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from miniature.files import atomic_folder, write_json
from miniature.messages import StudyError
from miniature.models.build import build_model
from miniature.models.checkpoints import check_length, load_result, order_outputs, takes_segments
from miniature.models.windows import Windows, encode_classified, encode_questions
from miniature.seeds import derive_seed
from miniature.training.loop import Batch, train
from miniature.training.losses import distillation_loss, hidden_loss, span_loss, without_padding
from miniature.training.schedule import training_order
from miniature.training.targets import answer_positions

logger = logging.getLogger("miniature.training")

# The weights and temperature of the SQuAD distillation script published with DistilBERT (Sanh et al. 2019).
DISTILLATION = {"temperature": 2.0, "alpha": 0.5}


class FineTuning(NamedTuple):
    """How a model is fine-tuned on one task.

    Attributes
    ----------
    task : str
        ``question-answering`` or ``classification``.
    labels : sequence of str or mapping, optional
        Class names in order, with their values in the study's files if known; classification only.
    settings : mapping, optional
        The ``training:`` block; see `miniature.training.loop.train` and
        `miniature.training.schedule.training_order`. Optional ``distillation``: ``temperature``, ``alpha``.
        None where nothing is trained.
    text_settings : mapping
        The ``question_answering:`` or ``classification:`` block.
    seed : int
        For new weights, order and dropout.
    device : str
        ``cpu`` or ``cuda``.
    checkpoint_folder : path
        For resuming. It must belong to exactly this training.
    """

    task: str
    labels: Sequence[str] | Mapping[str, object] | None
    settings: Mapping | None
    text_settings: Mapping
    seed: int
    device: str
    checkpoint_folder: str | os.PathLike


def finetune(
    spec: Mapping,
    table: pd.DataFrame,
    how: FineTuning,
    *,
    vocabulary: str | os.PathLike | None,
    output_folder: str | os.PathLike,
    teacher_folder: str | os.PathLike | None = None,
) -> None:
    """Fine-tune a model and save it with its tokenizer.

    Parameters
    ----------
    spec : mapping
        The model, as for `miniature.models.build.build_model`.
    table : DataFrame
        The training split.
    how : FineTuning
    vocabulary : path, optional
        Tokenizer folder for an architecture trained from scratch.
    output_folder : path
        Written atomically at the end: ``config.json``, ``model.safetensors``, tokenizer, ``training.json``.
    teacher_folder : path, optional
        A checkpoint fine-tuned on the same task, with the same vocabulary. The loss is then
        alpha CE + (1 - alpha) T² KL(teacher ‖ student).

    Raises
    ------
    StudyError
        The entry, the settings and the data do not fit together.
    """
    model, tokenizer = build_model(
        spec, head=how.task, labels=how.labels, vocabulary=vocabulary, seed=derive_seed(how.seed, "weights")
    )
    teacher = None
    if teacher_folder is not None:
        teacher = load_teacher(teacher_folder, how.task, tokenizer, how.labels)
    curve, windows = fit(model, tokenizer, table, how, teacher=teacher)
    save_model(model, tokenizer, curve, output_folder, examples=len(table), windows=windows)


def fit(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    table: pd.DataFrame,
    how: FineTuning,
    *,
    teacher: PreTrainedModel | None = None,
    hidden: float = 0.0,
) -> tuple[list[tuple[int, float]], int]:
    """Train a model in place; its learning curve, and how many windows it was trained on."""
    settings = how.settings
    check_length(model, how.text_settings)
    windows, targets = training_windows(tokenizer, table, how)
    order = training_order(
        len(windows),
        epochs=settings["epochs"],
        batch_size=settings["batch_size"],
        order=settings["order"],
        seed=how.seed,
        lengths=windows.lengths,
    )
    logger.info("%d examples, %d windows, %d to train on", len(table), len(windows), len(order))
    if teacher is not None:
        teacher.to(how.device)
    objective = Objective(model, how.task, teacher, settings.get("distillation") or {}, hidden=hidden)

    def make_batch(indices: np.ndarray, _: int) -> dict[str, np.ndarray]:
        batch = windows.batch(indices, pad_token=tokenizer.pad_token_id)
        return batch | {name: values[indices] for name, values in targets.items()}

    curve = train(
        model,
        order,
        make_batch,
        objective,
        settings=settings,
        seed=derive_seed(how.seed, "dropout"),
        device=how.device,
        checkpoint_folder=how.checkpoint_folder,
    )
    return curve, len(order)


def training_windows(
    tokenizer: PreTrainedTokenizerFast,
    table: pd.DataFrame,
    how: FineTuning,
) -> tuple[Windows, dict[str, np.ndarray]]:
    """Windows of a training table and their targets."""
    if how.task == "question-answering":
        windows = encode_questions(tokenizer, table, how.text_settings)
        starts, ends, usable = answer_positions(windows, table)
        if not usable.all():
            lost = len(np.unique(windows.example[~usable]))
            logger.warning(
                "%d answers consist of characters that the tokenizer drops; they are not trained on", lost
            )
            windows, (starts, ends) = windows.select(usable), (starts[usable], ends[usable])
        return windows, {"starts": starts, "ends": ends}
    windows = encode_classified(tokenizer, table, max_length=int(how.text_settings["max_length"]))
    number = {label: index for index, label in enumerate(how.labels)}
    unknown = sorted(set(table["label"]) - set(number))
    if unknown:
        raise StudyError(
            f"The label {unknown[0]!r} is none of {', '.join(how.labels)}.",
            where="datasets: labels",
            fix=f"labels: [{', '.join([*how.labels, *map(str, unknown)])}]",
        )
    return windows, {"labels": table["label"].map(number).to_numpy(dtype=np.int64)}


class Objective:
    """The loss of a batch: gold answers or labels, and a teacher's outputs if there is a teacher.

    Parameters
    ----------
    model : PreTrainedModel
        Determines whether segment ids are passed.
    task : str
    teacher : PreTrainedModel, optional
        In evaluation mode.
    distillation : mapping
        ``temperature`` and ``alpha`` (the weight of the gold answers).
    hidden : float
        Weight of the distance of the hidden layers.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        task: str,
        teacher: PreTrainedModel | None,
        distillation: Mapping,
        *,
        hidden: float = 0.0,
    ):
        self.task = task
        self.hidden = hidden
        self.teacher = teacher
        self.segments = takes_segments(model)
        chosen = DISTILLATION | dict(distillation)
        self.temperature, self.alpha = float(chosen["temperature"]), float(chosen["alpha"])

    def __call__(self, model: PreTrainedModel, batch: Batch) -> torch.Tensor:
        """Scalar loss of `batch`."""
        mask = batch["attention_mask"]
        logits, layers = self.outputs(model, batch, self.segments)
        if self.task == "question-answering":
            loss = span_loss(*logits, batch["starts"], batch["ends"], mask)
        else:
            loss = torch.nn.functional.cross_entropy(logits[0].float(), batch["labels"])
        if self.teacher is None:
            return loss
        with torch.no_grad():
            soft, its_layers = self.outputs(self.teacher, batch, takes_segments(self.teacher))
        if self.task == "question-answering":
            logits = [without_padding(part, mask) for part in logits]
            soft = [without_padding(part, mask) for part in soft]
        divergences = [
            distillation_loss(s, t, temperature=self.temperature) for s, t in zip(logits, soft, strict=True)
        ]
        loss = self.alpha * loss + (1 - self.alpha) * sum(divergences) / len(divergences)
        return loss + self.hidden * hidden_loss(layers, its_layers, mask) if self.hidden else loss

    def outputs(
        self, model: PreTrainedModel, batch: Batch, segments: bool
    ) -> tuple[list[torch.Tensor], Sequence[torch.Tensor]]:
        """Start and end logits, or class logits; and the hidden layers where the loss needs them."""
        outputs = model(
            input_ids=batch["input_ids"],
            attention_mask=batch["attention_mask"],
            output_hidden_states=bool(self.hidden),
            **({"token_type_ids": batch["token_type_ids"]} if segments else {}),
        )
        layers = outputs.hidden_states if self.hidden else ()
        if self.task == "question-answering":
            return [outputs.start_logits, outputs.end_logits], layers
        return [outputs.logits], layers


def load_teacher(
    folder: str | os.PathLike,
    task: str,
    tokenizer: PreTrainedTokenizerFast,
    labels: Sequence[str] | Mapping[str, object] | None = None,
) -> PreTrainedModel:
    """Load a frozen teacher with the student's vocabulary and the study's class order."""
    teacher, its_tokenizer = load_result(folder, head=task)
    if its_tokenizer.get_vocab() != tokenizer.get_vocab():
        raise StudyError(
            "The teacher and its student have different vocabularies: their outputs cannot be compared.",
            where=str(folder),
            fix="teacher: name-of-a-model-with-the-same-vocabulary",
        )
    if labels is not None:
        order_outputs(teacher, list(labels))
    teacher.requires_grad_(False)
    return teacher


def save_model(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    curve: list[tuple[int, float]],
    output_folder: str | os.PathLike,
    *,
    examples: int,
    windows: int,
) -> None:
    """Save a trained model atomically, without time, place or duration of the training."""
    with atomic_folder(Path(output_folder)) as folder:
        write_checkpoint(model, tokenizer, folder)
        write_json(training_record(curve, examples=examples, windows=windows), folder / "training.json")


def training_record(curve: list[tuple[int, float]], *, examples: int, windows: int) -> dict:
    """What is kept of a training: steps, examples, windows, losses."""
    return {
        "steps": curve[-1][0],
        "examples": examples,
        "windows": windows,
        "final_loss": curve[-1][1],
        "learning_curve": [{"step": step, "loss": loss} for step, loss in curve],
    }


def write_checkpoint(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    """Write weights, configuration and tokenizer, without the paths of the machine that wrote them."""
    model = model.to("cpu")
    # It is irrelevant and differs between identical runs.
    model.config._name_or_path = ""
    model.save_pretrained(folder, safe_serialization=True)
    write_tokenizer(tokenizer, folder)


def write_tokenizer(tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    """Write a tokenizer without the paths of the machine that wrote it, and without a limit of its own."""
    for key in ("name_or_path", "special_tokens_map_file", "tokenizer_file", "vocab_file"):
        tokenizer.init_kwargs.pop(key, None)
    # A limit saved with the tokenizer would truncate texts that this project truncates by its own settings.
    tokenizer.backend_tokenizer.no_truncation()
    tokenizer.backend_tokenizer.no_padding()
    tokenizer.save_pretrained(folder)
