"""The masked language model of an attack: texts are read once, in batches, and used word by word.

Only the last hidden state of a text is kept; the head, which multiplies every token by the whole vocabulary,
is applied only to the words in question. The likeliest pieces must not depend on the rest of a batch: if two
pieces are so close that they could, the text is read alone.
"""

from collections import OrderedDict
from collections.abc import Sequence

import torch

from miniature.attack.search.answers import BoundExceeded
from miniature.attack.search.victim import BATCHED, LEAST_ERROR, MOST_TOKENS, SAFETY, Encoder, plan_batches
from miniature.messages import StudyError
from miniature.models.checkpoints import longest_input

# Cached numbers (128 MB of hidden states): enough for all examples in progress, and few others.
MOST_NUMBERS = 2**25


class MaskedLM:
    """Reads texts unmasked.

    Parameters
    ----------
    model : PreTrainedModel
        With a masked-language-model head.
    tokenizer : PreTrainedTokenizerFast
        The masked LM's own, which may differ from the victim's.
    max_length : int
        Maximum input length in tokens, special tokens included.
    device : str
        ``cpu`` or ``cuda``.

    Attributes
    ----------
    error : float or None
        Bound on the difference between a text's logits in a batch and alone; None until two texts have been
        read together.

    Raises
    ------
    StudyError
        The model's inputs are shorter than `max_length`.
    """

    def __init__(self, model, tokenizer, *, max_length: int, device: str = "cpu"):
        longest = min(longest_input(model), int(tokenizer.model_max_length))
        if max_length > longest:
            raise StudyError(
                f"The masked LM accepts at most {longest} tokens, but the recipe asks for {max_length}.",
                where="max_masked_lm_length",
                fix=f"max_masked_lm_length: {longest}",
            )
        self.model = model.to(device=device, dtype=torch.float32).eval()
        self.tokenizer = tokenizer
        self.max_length = max_length
        self.device = device
        self.tokens = MOST_TOKENS[torch.device(device).type]
        self.encode = Encoder(tokenizer, max_length)
        self.error: float | None = None
        self.forward_passes = 0
        self._read: OrderedDict[str, tuple[torch.Tensor, bool]] = OrderedDict()
        self._numbers = 0
        self._head = self._find_head()

    def prefetch(self, texts: Sequence[str]) -> None:
        """Read the texts that have not been read yet, in batches."""
        new = [text for text in dict.fromkeys(texts) if text not in self._read]
        keys = self.encode(new)
        for batch in plan_batches([len(key) for key in keys], self.tokens):
            states = self._hidden([list(keys[i]) for i in batch])  # [batch, tokens, hidden]
            if self.error is None and len(batch) > 1:
                for row in (0, len(batch) - 1):
                    key = keys[batch[row]]
                    self._calibrate(key, states[row, : len(key)])
            for row, i in enumerate(batch):
                self._keep(new[i], states[row, : len(keys[i])].clone(), len(batch) == 1)

    def forget(self) -> None:
        """Drop all cached texts."""
        self._read.clear()
        self._numbers = 0

    def likeliest(
        self,
        text: str,
        positions: Sequence[int],
        k: int,
        *,
        min_confidence: float = 0.0,
        min_score: float | None = None,
    ) -> list[list[int]]:
        """Find the likeliest pieces at some positions of a text."""
        logits, exact = self._logits(text, positions)  # [places, vocabulary]
        if not exact and self._is_doubtful(logits, k, min_confidence, min_score):
            alone, _ = self._logits(text, positions, alone=True)
            error = float((alone - logits).abs().max())
            if error > self.error:
                self.error = SAFETY[BATCHED] * error
                raise BoundExceeded(BATCHED, error)
            logits = alone
        scores, pieces = torch.topk(logits, min(k, logits.shape[-1]))  # [places, k]
        likely = torch.ones_like(pieces, dtype=torch.bool)
        if min_score is not None:
            likely &= scores >= min_score
        if min_confidence <= 0:
            return [row[some].tolist() for row, some in zip(pieces, likely, strict=True)]
        probabilities = torch.exp(scores - torch.logsumexp(logits, dim=-1, keepdim=True))  # [places, k]
        likely &= probabilities >= min_confidence
        return [row[some].tolist() for row, some in zip(pieces, likely, strict=True)]

    def losses(self, combinations: Sequence[tuple[int, ...]]) -> torch.Tensor:
        """Mean cross-entropy of the pieces, each combination read alone, float32 [combinations]."""
        ids = torch.tensor(combinations)  # [combinations, pieces]
        logits = self._decode(self._hidden([list(pieces) for pieces in combinations]))
        loss = torch.nn.functional.cross_entropy(logits.transpose(1, 2), ids, reduction="none")
        return loss.mean(dim=1)

    def _logits(
        self, text: str, positions: Sequence[int], *, alone: bool = False
    ) -> tuple[torch.Tensor, bool]:
        """Logits at some positions, float32 [places, vocabulary], and whether the text was read alone."""
        state, exact = self._read.get(text, (None, False))
        if state is None or (alone and not exact) or len(state) <= positions[-1]:
            (key,) = self.encode([text])
            state, exact = self._hidden([list(key)], width=positions[-1] + 1)[0], True
            self._keep(text, state, exact)
        # Only the requested positions, every time: the same product gives the same bits.
        return self._decode(state[list(positions)]), exact

    def _is_doubtful(
        self, logits: torch.Tensor, k: int, min_confidence: float, min_score: float | None
    ) -> bool:
        """Whether rounding could change the k likeliest pieces or their order."""
        most = 2 * (self.error or 0.0)
        scores = torch.topk(logits, min(k + 1, logits.shape[-1])).values  # [places, k + 1]
        if bool((scores[:, :-1] - scores[:, 1:] <= most).any()):
            return True
        if min_score is not None and bool(((scores - min_score).abs() <= most).any()):
            return True
        if min_confidence <= 0:
            return False
        logarithms = scores - torch.logsumexp(logits, dim=-1, keepdim=True)
        least = torch.tensor(min_confidence).log()
        return bool(((logarithms - least).abs() <= most).any())

    def _calibrate(self, key: Sequence[int], state: torch.Tensor) -> None:
        """Measure how far a text's logits in a batch are from those of the text alone; set the bound."""
        alone = self._decode(self._hidden([list(key)])[0])
        found = float((self._decode(state) - alone).abs().max())
        least = LEAST_ERROR[BATCHED] * max(1.0, float(alone.abs().max()))
        self.error = max(self.error or 0.0, SAFETY[BATCHED] * found, least)

    def _keep(self, text: str, state: torch.Tensor, exact: bool) -> None:
        if text in self._read:
            self._numbers -= self._read.pop(text)[0].numel()
        self._read[text] = (state, exact)
        self._numbers += state.numel()
        while self._numbers > MOST_NUMBERS and len(self._read) > 1:
            _, (old, _) = self._read.popitem(last=False)
            self._numbers -= old.numel()

    def _find_head(self) -> torch.nn.Module | None:
        """The module that maps a hidden state to logits, if the model applies nothing else."""
        head = self.model.get_output_embeddings()
        ids = [[self.tokenizer.mask_token_id, self.tokenizer.unk_token_id or 0]]
        with torch.inference_mode():
            expected = self.model(input_ids=torch.tensor(ids, device=self.device)).logits.float().cpu()
        self._head = head
        state = self._hidden(ids) if head is not None else None
        if state is None or not torch.allclose(self._decode(state), expected, rtol=1e-4, atol=1e-4):
            return None
        return head

    def _hidden(self, ids: list[list[int]], width: int = 0) -> torch.Tensor | None:
        """Input of the head, float32 [batch, tokens, hidden]; the logits if there is no such head."""
        width = max(width, *map(len, ids))
        padding = self.tokenizer.pad_token_id or 0
        filled = torch.tensor([row + [padding] * (width - len(row)) for row in ids])
        mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in ids])
        caught: list[torch.Tensor] = []

        def catch(_, inputs):
            caught.append(inputs[0])
            return (inputs[0][:, :1],)

        hook = self._head.register_forward_pre_hook(catch) if self._head is not None else None
        try:
            with torch.inference_mode():
                output = self.model(input_ids=filled.to(self.device), attention_mask=mask.to(self.device))
        finally:
            if hook is not None:
                hook.remove()
        self.forward_passes += 1
        if hook is None:
            return output.logits.float()
        return caught[0] if len(caught) == 1 and caught[0].shape[:2] == filled.shape else None

    def _decode(self, state: torch.Tensor) -> torch.Tensor:
        """Logits of hidden states, float32 on the CPU, [..., vocabulary]."""
        if self._head is None:
            return state.float().cpu()
        with torch.inference_mode():
            return self._head(state).float().cpu()
