"""What is explained: the score of a model's own decision on each example."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch
from transformers import PreTrainedModel

from miniature.inference.forward import make_batch, read_logits, run_forward
from miniature.inference.question_answering import read_spans
from miniature.models.checkpoints import takes_segments
from miniature.models.windows import CLS_POSITION, Windows


class Decisions(NamedTuple):
    """One decision an example, and the window that it is made in.

    Attributes
    ----------
    windows : Windows
        One window an example, in the order of the table.
    target : int64 array, shape (examples, outputs)
        Classification: the class. Question answering: the positions of the answer's first and last token; the
        classification token's, twice, where the answer is empty.
    score : float64 array, shape (examples,)
        Sum of the logits there: what the decision scores.
    """

    windows: Windows
    target: np.ndarray
    score: np.ndarray


class Runner:
    """A model that is run on ids or on embeddings, without gradients of its weights.

    Parameters
    ----------
    model : PreTrainedModel
    device : str
    pad_token : int
    """

    def __init__(self, model: PreTrainedModel, *, device: str, pad_token: int):
        # A graph of ONNX runs forward only, and on the CPU.
        self.has_gradients = not hasattr(model, "graph")
        self.device = device if self.has_gradients else "cpu"
        self.model = model.to(self.device).eval().requires_grad_(False)
        self.pad_token = pad_token
        self.segments = takes_segments(model)
        self.embedding = model.get_input_embeddings() if self.has_gradients else None

    def batch(self, windows: Windows, indices: np.ndarray) -> dict[str, torch.Tensor]:
        """As `miniature.inference.forward.make_batch`."""
        return make_batch(
            windows, indices, pad_token=self.pad_token, segments=self.segments, device=self.device
        )

    def score(self, target: np.ndarray, **batch: torch.Tensor) -> torch.Tensor:
        """Sum of the logits of each row's decision, shape [batch]."""
        chosen = torch.from_numpy(target).to(self.device)
        outputs = read_logits(self.model(**batch))
        return sum(output.gather(1, chosen[:, [i]])[:, 0] for i, output in enumerate(outputs))


def decide_classes(runner: Runner, windows: Windows, *, batch_tokens: int) -> Decisions:
    """The class with the highest logit, of windows that are one an example."""
    target, score = np.zeros((len(windows), 1), dtype=np.int64), np.zeros(len(windows))
    for indices, (logits,), _ in run_forward(
        runner.model, windows, pad_token=runner.pad_token, batch_tokens=batch_tokens, device=runner.device
    ):
        target[indices, 0], score[indices] = logits.argmax(axis=1), logits.max(axis=1)
    return Decisions(windows, target, score)


def decide_answers(
    runner: Runner, windows: Windows, examples: int, text_settings: Mapping, *, batch_tokens: int
) -> Decisions:
    """The answer that `miniature.inference.question_answering` gives; an empty one in the first window."""
    spans = read_spans(
        runner.model,
        windows,
        text_settings,
        pad_token=runner.pad_token,
        batch_tokens=batch_tokens,
        device=runner.device,
    )
    chosen = spans.choose(windows, examples, text_settings["null_threshold"])
    first_window = np.searchsorted(windows.example, np.arange(examples))
    window = np.where(chosen.answered, chosen.window, first_window)
    keep = np.zeros(len(windows), dtype=bool)
    keep[window] = True
    target = np.stack([spans.starts[window], spans.ends[window]], axis=1)
    target[~chosen.answered] = CLS_POSITION
    score = np.where(chosen.answered, spans.scores[window], spans.nulls[window]).astype(np.float64)
    return Decisions(windows.select(keep), target, score)
