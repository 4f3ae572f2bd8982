"""One forward pass over all windows: the heads' outputs and the last layer's features together."""

import contextlib
import logging
import math
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import torch
from transformers import PreTrainedModel
from transformers.activations import GELUActivation
from transformers.utils import ModelOutput

from miniature.inference.batches import token_budget_batches
from miniature.job.compute import prepare_device
from miniature.messages import StudyError
from miniature.models.checkpoints import CASTS, COMPUTED_IN, takes_segments
from miniature.models.windows import CLS_POSITION, Windows

logger = logging.getLogger("miniature.inference")

LOG_SECONDS = 10.0
FEATURES = ("cls", "mean")
# By the ending of a block's class name, the linear layer and the activation that takes its output as it is.
GELU_BLOCKS = {"Intermediate": ("dense", "intermediate_act_fn"), "FFN": ("lin1", "activation")}


def run_forward(
    model: PreTrainedModel,
    windows: Windows,
    *,
    pad_token: int,
    batch_tokens: int,
    device: str,
) -> Iterator[tuple[np.ndarray, list[np.ndarray], np.ndarray]]:
    """Run an encoder with its head over all windows."""
    prepare_device(device)
    model.to(device).eval()
    segments = takes_segments(model)
    last_layer: list[torch.Tensor] = []
    # The base model's output is the last layer: asking for all hidden states would keep every layer.
    hook = model.base_model.register_forward_hook(lambda _, __, output: last_layer.append(output[0]))
    if hasattr(model, "describe_batches"):
        model.describe_batches(windows, pad_token=pad_token)
    batches = token_budget_batches(windows.lengths, batch_tokens)
    began = shown = time.monotonic()
    tokens_done, tokens = 0, int(windows.lengths.sum())
    try:
        with torch.inference_mode(), packed_linears(model, device):
            for indices in batches:
                if model.training or torch.is_grad_enabled():
                    raise RuntimeError("inference with dropout or gradients would not be inference")
                logits = read_logits(
                    model(
                        **make_batch(windows, indices, pad_token=pad_token, segments=segments, device=device)
                    )
                )
                yield indices, [part.float().cpu().numpy() for part in logits], last_layer.pop()
                tokens_done += int(windows.lengths[indices].sum())
                now = time.monotonic()
                if now - shown > LOG_SECONDS:
                    shown = now
                    left = (now - began) * (tokens - tokens_done) / max(tokens_done, 1)
                    logger.info(
                        "%d %% of the tokens read, %d s left", 100 * tokens_done // tokens, math.ceil(left)
                    )
    finally:
        hook.remove()


def in_precision(model: PreTrainedModel, precision: str) -> PreTrainedModel:
    """A model that computes in this precision, unless it was made to compute in another."""
    made_to = not isinstance(model, PreTrainedModel) or hasattr(model.config, COMPUTED_IN)
    return model if made_to or precision not in CASTS else model.to(CASTS[precision])


@contextlib.contextmanager
def packed_linears(model: PreTrainedModel, device: str) -> Iterator[None]:
    """Linear layers by oneDNN, their weights laid out for it once and GELU put on their output in passing.

    torch multiplies float32 matrices by MKL, which leaves the wide instructions of other makers' processors
    unused: on AMD's fifth generation oneDNN takes half of its time, on its fourth nine tenths.
    """
    if device != "cpu" or not torch.backends.mkldnn.is_available():
        yield
        return
    packed = [
        module
        for module in model.modules()
        if type(module) is torch.nn.Linear and module.weight.dtype == torch.float32
    ]
    fused = {
        linear: (block, name, getattr(block, name))
        for block, linear, name in _gelu_blocks(model)
        if linear in packed
    }
    for module in packed:
        weight = torch.ops.mkldnn._reorder_linear_weight(module.weight.detach())
        module.forward = partial(_by_onednn, weight, module.bias, "gelu" if module in fused else "none")
    for block, name, _ in fused.values():
        setattr(block, name, torch.nn.Identity())
    try:
        yield
    finally:
        for module in packed:
            del module.forward
        for block, name, activation in fused.values():
            setattr(block, name, activation)


def _by_onednn(
    weight: torch.Tensor, bias: torch.Tensor | None, activation: str, hidden: torch.Tensor
) -> torch.Tensor:
    return torch.ops.mkldnn._linear_pointwise(hidden, weight, bias, activation, [], "none")


def _gelu_blocks(model: PreTrainedModel) -> Iterator[tuple[torch.nn.Module, torch.nn.Linear, str]]:
    """Blocks that put GELU on what a linear layer gives: block, layer, name of the activation."""
    for block in model.modules():
        kind = type(block).__name__
        names = next((names for ending, names in GELU_BLOCKS.items() if kind.endswith(ending)), None)
        if names and type(getattr(block, names[1], None)) is GELUActivation:
            yield block, getattr(block, names[0]), names[1]


def make_batch(
    windows: Windows, indices: np.ndarray, *, pad_token: int, segments: bool, device: str
) -> dict[str, torch.Tensor]:
    """Ids, mask and, where the model takes them, segments of some windows, padded to the longest."""
    return {
        name: torch.from_numpy(array).to(device)
        for name, array in windows.batch(indices, pad_token=pad_token).items()
        if segments or name != "token_type_ids"
    }


def read_logits(output: ModelOutput) -> list[torch.Tensor]:
    """Logits of each of a head's outputs: one for classes, two for the ends of an answer."""
    return [output.start_logits, output.end_logits] if "start_logits" in output else [output.logits]


def hidden_size(model: PreTrainedModel) -> int:
    """Width of the last layer; 0 for a graph that does not put it out."""
    return getattr(model, "hidden_size", model.config.hidden_size)


def origin(model: PreTrainedModel) -> dict[str, object]:
    """Where a model was loaded from, and whether it was trained in this study, for messages."""
    return {"source": model.name_or_path, "trained": (Path(model.name_or_path) / "training.json").is_file()}


def pool(hidden: torch.Tensor, windows: Windows, indices: np.ndarray, *, feature: str) -> np.ndarray:
    """One vector a window from its last layer."""
    if feature not in FEATURES:
        raise StudyError(
            f"There is no feature {feature!r}.", where="inference: feature", fix=f"feature: {FEATURES[0]}"
        )
    if feature == "cls":
        return hidden[:, CLS_POSITION].float().cpu().numpy()
    starts, lengths = windows.borders[indices], windows.lengths[indices]
    columns = np.arange(hidden.shape[1])
    inside = columns < lengths[:, None]  # (batch, longest)
    special = windows.special[np.where(inside, starts[:, None] + columns, 0)]
    counted = inside & ~special
    counted = np.where(counted.any(axis=1, keepdims=True), counted, inside)
    weights = torch.from_numpy(counted / counted.sum(axis=1, keepdims=True)).to(hidden.device, torch.float32)
    return torch.einsum("btd,bt->bd", hidden.float(), weights).cpu().numpy()
