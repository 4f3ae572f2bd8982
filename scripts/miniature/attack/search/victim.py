"""The model under attack: its answers, and how precisely they are known.

The last bits of an answer depend on the rest of its batch. The decisions of an attack must not, so answers
have three levels: screened (bfloat16), batched (float32, many texts together) and alone (float32, a single
text, unpadded), which is authoritative. The others are estimates with an error bound.
"""

import contextlib
import copy
import logging
from collections.abc import Sequence

import numpy as np
import torch

from miniature.attack.library import ModelWrapper

# Maximum padding in a batch, as a share of its tokens: a padded token costs as much as a real one, but an
# extra batch has an overhead of a hundred tokens or so.
MOST_PADDING = 0.15
CHEAP_PADDING = 256


def plan_batches(lengths: Sequence[int], tokens: int) -> list[list[int]]:
    """Group inputs into batches, shortest first."""
    batches: list[list[int]] = []
    real = 0
    for i in sorted(range(len(lengths)), key=lengths.__getitem__):
        length = lengths[i]
        padded = (len(batches[-1]) + 1) * length if batches else 0
        padding = padded - real - length
        if batches and padded <= tokens and padding <= max(CHEAP_PADDING, MOST_PADDING * padded):
            batches[-1].append(i)
            real += length
        else:
            batches.append([i])
            real = length
    return batches


# A tokenizer keeps truncated tokens in memory: thousands of long texts at once would not fit.
TEXTS_PER_PORTION = 64
# Cached strings; a study's whole vocabulary fits, and unlimited distinct words cannot exhaust memory.
MOST_STRETCHES = 2**18


class Encoder:
    """Returns the same ids as ``tokenizer(text, truncation=True, max_length=max_length)``.

    Parameters
    ----------
    tokenizer : PreTrainedTokenizerFast
        Any fast tokenizer.
    max_length : int
        Longest result, special tokens included.
    """

    def __init__(self, tokenizer, max_length: int):
        self.tokenizer = tokenizer
        self.max_length = max_length
        self._stretches: dict[str, list[int]] = {}
        self.by_stretches = reads_by_stretches(tokenizer) and max_length > 2

    def __call__(self, texts: Sequence[str]) -> list[tuple[int, ...]]:
        """Encode texts, one segment each."""
        if not self.by_stretches:
            return self._ask(texts, truncation=True, max_length=self.max_length)
        room = self.max_length - 2
        first, last = (self.tokenizer.cls_token_id,), (self.tokenizer.sep_token_id,)
        encoded = []
        for text in texts:
            ids: list[int] = []
            for stretch in text.split(" "):
                if stretch not in self._stretches:
                    self._learn(text)
                ids += self._stretches[stretch]
                if len(ids) >= room:
                    break
            encoded.append((*first, *ids[:room], *last))
        return encoded

    def _learn(self, text: str) -> None:
        if len(self._stretches) > MOST_STRETCHES:
            self._stretches.clear()
        stretches = list(dict.fromkeys(text.split(" ")))
        found = self._ask(stretches, add_special_tokens=False)
        self._stretches.update(zip(stretches, map(list, found), strict=True))

    def _ask(self, texts: Sequence[str], **options) -> list[tuple[int, ...]]:
        ids: list[tuple[int, ...]] = []
        for start in range(0, len(texts), TEXTS_PER_PORTION):
            portion = self.tokenizer(
                list(texts[start : start + TEXTS_PER_PORTION]),
                return_attention_mask=False,
                return_token_type_ids=False,
                **options,
            )
            ids.extend(map(tuple, portion["input_ids"]))
        return ids


def reads_by_stretches(tokenizer) -> bool:
    """Whether a tokenizer handles each string between spaces separately and adds only [CLS] and [SEP]."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None or type(backend.model).__name__ != "WordPiece":
        return False
    added = tokenizer.added_tokens_decoder.values()
    return (
        type(backend.normalizer).__name__ == "BertNormalizer"
        and type(backend.pre_tokenizer).__name__ == "BertPreTokenizer"
        and not any(
            token.lstrip or token.rstrip or token.single_word or " " in token.content for token in added
        )
        and tokenizer.truncation_side == "right"
        and tokenizer("")["input_ids"] == [tokenizer.cls_token_id, tokenizer.sep_token_id]
    )


logger = logging.getLogger(__name__)

SCREENED, BATCHED, ALONE = 0, 1, 2
# Maximum tokens of a forward pass: more do not speed up a CPU, but a GPU needs more to be busy.
MOST_TOKENS = {"cpu": 4096, "cuda": 65536}
# The bound on an estimate's error, as a multiple of the largest error found when calibrating on a few texts.
SAFETY = {SCREENED: 4.0, BATCHED: 8.0}
# At least this share of the largest logit: rounding in float32, and in bfloat16.
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
        Maximum input length in tokens, special tokens included.
    batch_size : int
        Texts of maximum length per forward pass; proportionally more of shorter ones.
    device : str
        ``cpu`` or ``cuda``.
    screening : str
        ``bf16`` keeps a bfloat16 copy of the model for the level `SCREENED`; ``none`` keeps none.

    Attributes
    ----------
    errors : dict of int to float
        For every level, a bound on the distance of its logits from those of the level `ALONE`.
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
        """Answer texts in batches, as TextAttack asks a model."""
        keys = self.encode(text_input_list)
        distinct = list(dict.fromkeys(keys))
        answers = dict(zip(distinct, self.forward(distinct, BATCHED), strict=True))
        return torch.from_numpy(np.stack([answers[key] for key in keys]))  # [texts, classes]

    def forward(self, keys: Sequence[Key], level: int) -> np.ndarray:
        """Logits of texts at a level."""
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
                # Batches planned for more memory than available would fail one by one.
                left = [i for batch in batches for i in batch]
                planned = plan_batches([len(keys[i]) for i in left], self.tokens)
                batches = [[left[place] for place in batch] for batch in planned]
        return logits

    def calibrate(self, keys: Sequence[Key]) -> None:
        """Measure how far batched and screened answers are from those of single texts; set the bounds."""
        whole = list(dict.fromkeys(keys))[:CALIBRATION_TEXTS]
        halves = [(*key[: len(key) // 2], key[-1]) for key in whole]
        alone: dict[Key, np.ndarray] = {}
        for key in (*whole, *halves):
            # A text on which the model fails is reported when it is attacked.
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
        # Outside the exception handler, which would keep the failed pass's tensors alive.
        half = len(batch) // 2
        self.tokens = min(self.tokens, width * half)
        logger.info("out of memory: continuing with %d tokens per batch", self.tokens)
        return np.concatenate([self._forward(model, batch[:half]), self._forward(model, batch[half:])])
