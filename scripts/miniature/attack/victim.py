"""The model under attack, as TextAttack's model wrapper."""

from collections.abc import Sequence

import torch

from miniature.attack.encoding import Encoder
from miniature.attack.library import ModelWrapper


class Victim(ModelWrapper):
    """A Hugging Face sequence classifier that answers lists of texts with logits.

    Texts are truncated to `max_length` tokens, grouped by length and padded only to the longest of their
    batch. A text that becomes the same tokens as one seen before in the same example gets the very same
    numbers, so that a change which the model cannot see never looks like progress.

    Parameters
    ----------
    model : PreTrainedModel
        With a sequence-classification head; put into evaluation mode and moved to `device`.
    tokenizer : PreTrainedTokenizerBase
        The model's own.
    max_length : int
        Longest input in tokens, special tokens included.
    batch_size : int
        Texts per forward pass.
    device : str
        ``cpu`` or ``cuda``.
    """

    def __init__(self, model, tokenizer, *, max_length: int, batch_size: int, device: str = "cpu"):
        self.model = model.to(device=device, dtype=torch.float32).eval()
        self.tokenizer = tokenizer
        self._encode = Encoder(tokenizer, max_length)
        self.batch_size = batch_size
        self.device = device
        self._seen: dict[tuple[int, ...], torch.Tensor] = {}
        self.forward_passes = 0

    def forget(self) -> None:
        """Drop what was remembered. Called between examples, which then cannot influence one another."""
        self._seen.clear()

    def __call__(self, text_input_list: Sequence[str]) -> torch.Tensor:
        """Logits of texts.

        Parameters
        ----------
        text_input_list : sequence of str
            Texts, one segment each.

        Returns
        -------
        torch.Tensor
            float32 on the CPU, [texts, classes].

        Raises
        ------
        ValueError
            The model's answer is not a number.
        """
        keys = self._encode(text_input_list)
        # dict.fromkeys keeps the order of first appearance, and the sort is stable: same texts, same batches.
        new = sorted((key for key in dict.fromkeys(keys) if key not in self._seen), key=len)
        for start in range(0, len(new), self.batch_size):
            batch = new[start : start + self.batch_size]
            self._seen.update(zip(batch, self._forward(batch), strict=True))
        return torch.stack([self._seen[key] for key in keys])  # [texts, classes]

    def _forward(self, batch: list[tuple[int, ...]]) -> torch.Tensor:
        width = len(batch[-1])
        ids = torch.full((len(batch), width), self.tokenizer.pad_token_id or 0, dtype=torch.long)
        mask = torch.zeros((len(batch), width), dtype=torch.long)
        for row, key in enumerate(batch):
            ids[row, : len(key)] = torch.tensor(key)
            mask[row, : len(key)] = 1
        with torch.inference_mode():
            output = self.model(input_ids=ids.to(self.device), attention_mask=mask.to(self.device))
        self.forward_passes += 1
        logits = output.logits.float().cpu()  # [batch, classes]
        if not torch.isfinite(logits).all():
            raise ValueError("The model's answer is not a number.")
        return logits
