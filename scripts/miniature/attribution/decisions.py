"""What is explained: the score of a model's own decision on each example."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch
from transformers import PreTrainedModel

from miniature.inference.batches import token_budget_batches
from miniature.inference.spans import best_spans, choose_spans, null_scores
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
    """

    windows: Windows
    target: np.ndarray


class Runner:
    """A model that is run on ids or on embeddings, without gradients of its weights.

    Parameters
    ----------
    model : PreTrainedModel
    device : str
    pad_token : int
    """

    def __init__(self, model: PreTrainedModel, *, device: str, pad_token: int):
        self.model = model.to(device).eval().requires_grad_(False)
        self.device = device
        self.pad_token = pad_token
        self.segments = takes_segments(model)
        # A graph of ONNX runs forward only.
        self.has_gradients = not hasattr(model, "graph")
        self.embedding = model.get_input_embeddings() if self.has_gradients else None

    def batch(self, windows: Windows, indices: np.ndarray) -> dict[str, torch.Tensor]:
        """Ids, segments and mask of some windows, padded to the longest."""
        return {
            name: torch.from_numpy(array).to(self.device)
            for name, array in windows.batch(indices, pad_token=self.pad_token).items()
            if self.segments or name != "token_type_ids"
        }

    def outputs(self, **batch: torch.Tensor) -> list[torch.Tensor]:
        """Logits of each output: one for classes, two for the ends of an answer."""
        output = self.model(**batch)
        return [output.start_logits, output.end_logits] if "start_logits" in output else [output.logits]

    def score(self, target: np.ndarray, **batch: torch.Tensor) -> torch.Tensor:
        """Sum of the logits of each row's decision, shape [batch]."""
        chosen = torch.from_numpy(target).to(self.device)
        outputs = self.outputs(**batch)
        return sum(output.gather(1, chosen[:, [i]])[:, 0] for i, output in enumerate(outputs))


def decide_classes(runner: Runner, windows: Windows, *, batch_tokens: int) -> Decisions:
    """The class with the highest logit, of windows that are one an example."""
    target = np.zeros((len(windows), 1), dtype=np.int64)
    with torch.inference_mode():
        for indices in token_budget_batches(windows.lengths, batch_tokens):
            (logits,) = runner.outputs(**runner.batch(windows, indices))
            target[indices, 0] = logits.float().cpu().numpy().argmax(axis=1)
    return Decisions(windows, target)


def decide_answers(
    runner: Runner, windows: Windows, examples: int, text_settings: Mapping, *, batch_tokens: int
) -> Decisions:
    """The answer that `miniature.inference.question_answering` gives; an empty one in the first window."""
    starts, ends = np.full((2, len(windows)), -1, dtype=np.int64)
    scores, nulls = np.full(len(windows), -np.inf, dtype=np.float32), np.zeros(len(windows), dtype=np.float32)
    with torch.inference_mode():
        for indices in token_budget_batches(windows.lengths, batch_tokens):
            first, last = (
                part.float().cpu().numpy() for part in runner.outputs(**runner.batch(windows, indices))
            )
            starts[indices], ends[indices], scores[indices] = best_spans(
                first,
                last,
                windows.text_start[indices],
                windows.text_tokens[indices],
                n_best=int(text_settings["n_best"]),
                max_answer_length=int(text_settings["max_answer_length"]),
            )
            nulls[indices] = null_scores(first, last)
    chosen = choose_spans(windows, examples, starts, scores, nulls, text_settings["null_threshold"])
    first_window = np.searchsorted(windows.example, np.arange(examples))
    window = np.where(chosen.answered, chosen.window, first_window)
    keep = np.zeros(len(windows), dtype=bool)
    keep[window] = True
    target = np.stack([starts[window], ends[window]], axis=1)
    target[~chosen.answered] = CLS_POSITION
    return Decisions(windows.select(keep), target)
