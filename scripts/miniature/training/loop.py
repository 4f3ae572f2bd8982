"""Transformers' Trainer without its log output and pickled arguments, resumable to the same bytes."""

import logging
import math
import os
import pickle
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import Dataset, SequentialSampler
from transformers import PreTrainedModel, Trainer, TrainerCallback, TrainingArguments
from transformers.trainer import TRAINER_STATE_NAME

from miniature.files import quarantine
from miniature.job.compute import prepare_device
from miniature.messages import StudyError
from miniature.training.resume import drop_old, last_whole_checkpoint, seal

logger = logging.getLogger("miniature.training")

LOG_EVERY = 50  # steps; also the intervals over which the losses of the learning curve are averaged
LOG_SECONDS = 10.0  # at most one progress line in this time

Batch = dict[str, torch.Tensor]
Loss = Callable[[PreTrainedModel, Batch], torch.Tensor]


def train(
    model: PreTrainedModel,
    order: np.ndarray,
    make_batch: Callable[[np.ndarray, int], dict[str, np.ndarray]],
    compute_loss: Loss,
    *,
    settings: Mapping,
    seed: int,
    device: str,
    checkpoint_folder: str | os.PathLike,
) -> list[tuple[int, float]]:
    """Train a model in place, from the last complete checkpoint if there is one."""
    prepare_device(device)
    checkpoint_folder = Path(checkpoint_folder)
    checkpoint_folder.mkdir(parents=True, exist_ok=True)
    batch_size = int(settings["batch_size"])
    steps = math.ceil(len(order) / batch_size)
    arguments = TrainingArguments(
        output_dir=str(checkpoint_folder),
        use_cpu=device == "cpu",
        per_device_train_batch_size=batch_size,
        num_train_epochs=1,  # `order` holds all epochs
        max_steps=steps,
        learning_rate=float(settings["learning_rate"]),
        lr_scheduler_type="linear",
        warmup_ratio=float(settings["warmup_ratio"]),
        weight_decay=float(settings["weight_decay"]),
        max_grad_norm=float(settings["max_gradient_norm"]),
        adam_beta2=float(settings.get("adam_beta2", 0.999)),
        optim="adamw_torch_fused",
        save_strategy="steps",
        save_steps=int(settings["checkpoint_every"]),
        logging_strategy="steps",
        logging_steps=LOG_EVERY,
        # A NaN loss must be reported, not averaged away.
        logging_nan_inf_filter=False,
        seed=seed,
        report_to=[],
        disable_tqdm=True,
        remove_unused_columns=False,
        dataloader_num_workers=0,
        dataloader_pin_memory=device == "cuda",
    )
    # One process trains on one device; several visible GPUs would silently multiply the batch.
    arguments._n_gpu = min(arguments.n_gpu, 1)

    def collate(positions: list[int]) -> Batch:
        arrays = make_batch(order[positions[0] : positions[-1] + 1], positions[0])
        return {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in arrays.items()}

    progress = Progress(int(settings["checkpoint_every"]))
    trainer = ResumableTrainer(
        model=model,
        args=arguments,
        train_dataset=Positions(len(order)),
        data_collator=collate,
        callbacks=[progress],
    )
    trainer.loss = compute_loss
    trainer.half = settings["precision"] == "bf16"
    for callback in list(trainer.callback_handler.callbacks):
        if type(callback).__name__ in ("PrinterCallback", "ProgressCallback"):
            trainer.remove_callback(callback)

    resume = last_whole_checkpoint(checkpoint_folder)
    if resume is not None:
        logger.info("continuing from %s of %d steps", resume.name, steps)
    model.train()
    try:
        trainer.train(resume_from_checkpoint=str(resume) if resume is not None else None)
    except pickle.UnpicklingError as error:
        # torch rejects anything but plain tensors: this checkpoint was not written by this loop.
        raise quarantine(resume, "it contains objects other than tensors, which are not loaded") from error
    return [(entry["step"], entry["loss"]) for entry in trainer.state.log_history if "loss" in entry]


class Positions(Dataset):
    """The numbers 0 to n-1: positions in the training order. Batches are built in the collator."""

    def __init__(self, count: int):
        self.count = count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> int:
        return index


class ResumableTrainer(Trainer):
    """Trainer with a fixed order, a custom loss and atomic checkpoints."""

    loss: Loss
    half: bool = False

    def _get_train_sampler(self, train_dataset=None):
        return SequentialSampler(self.train_dataset if train_dataset is None else train_dataset)

    def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
        """Mean loss of a batch, under bfloat16 autocast if the study asks for it."""
        with torch.autocast(self.args.device.type, dtype=torch.bfloat16, enabled=self.half):
            return self.loss(model, inputs)

    def floating_point_ops(self, inputs) -> int:
        """Not counted: counting visits all modules at every step."""
        return 0

    def _save(self, output_dir=None, state_dict=None):
        # Without training_args.bin, which is a pickle.
        self.model.save_pretrained(output_dir, state_dict=state_dict, safe_serialization=True)

    def _save_checkpoint(self, model, trial):
        # Under another name until complete: after a kill at any moment the older checkpoint is still the
        # newest.
        folder = Path(self.args.output_dir)
        final = folder / f"checkpoint-{self.state.global_step}"
        unfinished = folder / f"unfinished-{self.state.global_step}"
        shutil.rmtree(unfinished, ignore_errors=True)
        self.save_model(str(unfinished), _internal_call=True)
        self._save_optimizer_and_scheduler(str(unfinished))
        self._save_rng_state(str(unfinished))
        self.state.save_to_json(str(unfinished / TRAINER_STATE_NAME))
        seal(unfinished)
        shutil.rmtree(final, ignore_errors=True)
        os.replace(unfinished, final)
        drop_old(folder)


class Progress(TrainerCallback):
    """Progress lines: step, loss, time left. Stops a training that has diverged."""

    def __init__(self, checkpoint_every: int):
        self.checkpoint_every = checkpoint_every
        self.began = 0.0
        self.first_step = 0
        self.shown = 0.0

    def on_train_begin(self, args, state, control, **kwargs):
        """Start the clock."""
        self.began = self.shown = time.monotonic()
        self.first_step = state.global_step
        logger.info("training: %d steps", state.max_steps)

    def on_step_end(self, args, state, control, **kwargs):
        """Average losses up to every checkpoint too, so that a resumed run has the same learning curve."""
        if state.global_step % self.checkpoint_every == 0 or state.global_step >= state.max_steps:
            control.should_log = True
        # The end needs no checkpoint: the finished model is written next.
        if state.global_step >= state.max_steps:
            control.should_save = False
        return control

    def on_log(self, args, state, control, logs=None, **kwargs):
        """Report the progress of the training."""
        if not logs or "loss" not in logs:
            return
        if not math.isfinite(logs["loss"]):
            raise StudyError(
                f"The training has diverged: the loss is {logs['loss']} at step {state.global_step}.",
                where="training: learning_rate",
                fix=f"learning_rate: {args.learning_rate / 4:.1e}",
            )
        now = time.monotonic()
        if now - self.shown < LOG_SECONDS and state.global_step < state.max_steps:
            return
        self.shown = now
        left = (
            (now - self.began) / (state.global_step - self.first_step) * (state.max_steps - state.global_step)
        )
        logger.info(
            "step %d of %d, loss %.3f, %d s left",
            state.global_step,
            state.max_steps,
            logs["loss"],
            round(left),
        )
