"""The model under attack: what it answers, and how exactly that is known.

The last bits of an answer depend on what else is in its batch. What an attack decides must not, so answers
come at three levels: screened (bfloat16), batched (float32, many texts together) and alone (float32, the text
by itself, unpadded), which is the one that counts. The others are estimates with a bound on their error.
"""

import contextlib
import copy
import logging
from collections.abc import Sequence

import numpy as np
import torch

from miniature.attack.batches import plan_batches
from miniature.attack.encoding import Encoder
from miniature.attack.library import ModelWrapper

logger = logging.getLogger(__name__)

SCREENED, BATCHED, ALONE = 0, 1, 2
# Most tokens of a forward pass: more make no CPU faster, and a GPU needs more to be busy.
MOST_TOKENS = {"cpu": 4096, "cuda": 65536}
# The bound on an estimate's error, as a multiple of the largest error found when calibrating on a few texts.
SAFETY = {SCREENED: 4.0, BATCHED: 8.0}
# Never less than this share of the largest logit: rounding in float32, and in bfloat16.
LEAST_ERROR = {SCREENED: 2.0**-8, BATCHED: 1e-5}
CALIBRATION_TEXTS = 8

Key = tuple[int, ...]


class Victim(ModelWrapper):
    """A Hugging Face sequence classifier that answers texts, given as token ids, with logits.

    Parameters
    ----------
    model : PreTrainedModel
        With a sequence-classification head; put into evaluation mode and moved to `device`.
    tokenizer : PreTrainedTokenizerBase
        The model's own.
    max_length : int
        Longest input in tokens, special tokens included.
    batch_size : int
        Texts of the longest length in a forward pass; of shorter ones as many more.
    device : str
        ``cpu`` or ``cuda``.
    screening : str
        ``bf16`` keeps a copy of the model in bfloat16 for the level `SCREENED`; ``none`` does without.

    Attributes
    ----------
    errors : dict of int to float
        For every level a bound on how far its logits are from those of the level `ALONE`.
    """

    def __init__(
        self,
        model,
        tokenizer,
        *,
        max_length: int,
        batch_size: int,
        device: str = "cpu",
        screening: str = "none",
    ):
        self.model = model.to(device=device, dtype=torch.float32).eval()
        self.tokenizer = tokenizer
        self.encode = Encoder(tokenizer, max_length)
        self.device = device
        self.max_length = max_length
        self.tokens = min(batch_size * max_length, MOST_TOKENS[torch.device(device).type])
        self._screen = copy.deepcopy(self.model).to(torch.bfloat16) if screening == "bf16" else None
        self.first_level = SCREENED if screening == "bf16" else BATCHED
        self.errors = {SCREENED: float("inf"), BATCHED: float("inf"), ALONE: 0.0}
        self.calibrated = False
        self.forward_passes = 0

    def __call__(self, text_input_list: Sequence[str]) -> torch.Tensor:
        """Answer texts in batches, as TextAttack asks a model.

        Parameters
        ----------
        text_input_list : sequence of str
            Texts, one segment each.

        Returns
        -------
        torch.Tensor
            float32 on the CPU, [texts, classes]; texts of the same tokens get the same numbers.
        """
        keys = self.encode(text_input_list)
        distinct = list(dict.fromkeys(keys))
        answers = dict(zip(distinct, self.forward(distinct, BATCHED), strict=True))
        return torch.from_numpy(np.stack([answers[key] for key in keys]))  # [texts, classes]

    def forward(self, keys: Sequence[Key], level: int) -> np.ndarray:
        """Logits of texts at a level.

        Parameters
        ----------
        keys : sequence of tuple of int
            Token ids from `encode`, each text once.
        level : int
            `SCREENED`, `BATCHED` or `ALONE`.

        Returns
        -------
        ndarray
            float32, [texts, classes]
        """
        if level == ALONE:
            batches = [[i] for i in range(len(keys))]
        else:
            batches = plan_batches([len(key) for key in keys], self.tokens)
        model = self._screen if level == SCREENED else self.model
        logits = np.empty((len(keys), self.model.config.num_labels), dtype=np.float32)
        while batches:
            batch, tokens = batches.pop(0), self.tokens
            logits[batch] = self._forward(model, [keys[i] for i in batch])
            if self.tokens < tokens and level != ALONE:
                # What was planned for more memory than there is would fail batch by batch.
                left = [i for batch in batches for i in batch]
                planned = plan_batches([len(keys[i]) for i in left], self.tokens)
                batches = [[left[place] for place in batch] for batch in planned]
        return logits

    def calibrate(self, keys: Sequence[Key]) -> None:
        """Measure how far batched and screened answers are from those of texts alone, and set the bounds.

        Until then no estimate is worth anything, and every text is read alone.

        Parameters
        ----------
        keys : sequence of tuple of int
            Some texts to be attacked. Halves of them are read as well, so that padding is part of it.
        """
        whole = list(dict.fromkeys(keys))[:CALIBRATION_TEXTS]
        halves = [(*key[: len(key) // 2], key[-1]) for key in whole]
        alone: dict[Key, np.ndarray] = {}
        for key in (*whole, *halves):
            # A text that the model fails on says so when it is attacked.
            with contextlib.suppress(RuntimeError, IndexError):
                (row,) = self.forward([key], ALONE)
                if np.isfinite(row).all():
                    alone[key] = row
        if not alone:
            return
        some = list(alone)
        exact = np.stack(list(alone.values()))  # [texts, classes]
        largest = max(1.0, float(np.abs(exact).max()))
        for level in range(self.first_level, ALONE):
            found = float(np.abs(self.forward(some, level) - exact).max())
            self.errors[level] = max(SAFETY[level] * found, LEAST_ERROR[level] * largest)
            logger.info("level %d: error %.2g, bound %.2g", level, found, self.errors[level])
        self.calibrated = True

    def _forward(self, model, batch: list[Key]) -> np.ndarray:
        width = max(map(len, batch))
        padding = (self.tokenizer.pad_token_id or 0,)
        ids = np.array([key + padding * (width - len(key)) for key in batch])  # [batch, width]
        lengths = np.array([len(key) for key in batch])
        mask = (np.arange(width) < lengths[:, None]).astype(np.int64)  # [batch, width]
        try:
            with torch.inference_mode():
                output = model(
                    input_ids=torch.from_numpy(ids).to(self.device),
                    attention_mask=torch.from_numpy(mask).to(self.device),
                )
                self.forward_passes += 1
                return output.logits.float().cpu().numpy()  # [batch, classes]
        except torch.OutOfMemoryError:
            if len(batch) == 1:
                raise
        # Outside the handler, which would keep the failed pass's tensors alive.
        half = len(batch) // 2
        self.tokens = min(self.tokens, width * half)
        logger.info("out of memory: from now on %d tokens in a batch", self.tokens)
        return np.concatenate([self._forward(model, batch[:half]), self._forward(model, batch[half:])])
