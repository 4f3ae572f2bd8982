"""A sentence encoder that judges whether a changed text keeps its meaning."""

import os

import torch
from transformers import AutoModel

from miniature.attack.library import SentenceEncoder
from miniature.attack.search.victim import Encoder
from miniature.messages import StudyError
from miniature.models.checkpoints import longest_input
from miniature.models.folders import read_folder
from miniature.models.tokenizers import load_tokenizer, loading

TEXTS_PER_BATCH = 32


def load_sentence_encoder(folder: str | os.PathLike):
    """Load an encoder without a head."""
    source = read_folder(folder)
    with loading("The sentence encoder cannot be loaded", where=str(folder), fix="download the model again"):
        model, found = AutoModel.from_pretrained(
            str(folder),
            dtype=torch.float32,
            use_safetensors=True,
            trust_remote_code=False,
            local_files_only=True,
            output_loading_info=True,
        )
    # The pooler follows the last layer, the only one used here.
    missing = sorted(key for key in found["missing_keys"] if not key.startswith("pooler."))
    if missing:
        raise StudyError(
            f"The sentence encoder's weights do not include {missing[0]}.",
            where=str(folder),
            fix="download the model again",
        )
    return model.eval(), load_tokenizer(source.path)


class MeanPooledEncoder(SentenceEncoder):
    """TextAttack's constraint on the similarity of texts; a text's vector is its mean token vector.

    Parameters
    ----------
    model, tokenizer : PreTrainedModel, PreTrainedTokenizerFast
        From `load_sentence_encoder`.
    settings : dict
        As under ``sentence_encoder`` in a recipe.
    device : str
        ``cpu`` or ``cuda``.
    """

    def __init__(self, model, tokenizer, settings: dict, *, device: str = "cpu"):
        super().__init__(
            threshold=settings["min_similarity"],
            metric=settings["metric"],
            compare_against_original=settings["compared_with"] == "original",
            window_size=settings["window"],
            skip_text_shorter_than_window=settings["skip_shorter"],
        )
        self.model = model.to(device=device, dtype=torch.float32).eval()
        self.device = device
        self.padding = tokenizer.pad_token_id or 0
        self._encode = Encoder(tokenizer, min(longest_input(model), int(tokenizer.model_max_length)))

    def encode(self, sentences: list[str]) -> torch.Tensor:
        """Vectors of texts, float32 on the CPU, [texts, hidden]."""
        keys = self._encode(sentences)
        new = sorted(dict.fromkeys(keys), key=len)
        vectors: dict[tuple[int, ...], torch.Tensor] = {}
        for start in range(0, len(new), TEXTS_PER_BATCH):
            batch = new[start : start + TEXTS_PER_BATCH]
            vectors.update(zip(batch, self._forward(batch), strict=True))
        return torch.stack([vectors[key] for key in keys])

    def _forward(self, batch: list[tuple[int, ...]]) -> torch.Tensor:
        width = len(batch[-1])
        ids = torch.tensor([[*key, *[self.padding] * (width - len(key))] for key in batch])
        mask = torch.tensor([[1] * len(key) + [0] * (width - len(key)) for key in batch])
        with torch.inference_mode():
            hidden = self.model(
                input_ids=ids.to(self.device), attention_mask=mask.to(self.device)
            ).last_hidden_state.float()  # [texts, tokens, hidden]
        weights = mask.to(self.device, torch.float32)[:, :, None]
        return ((hidden * weights).sum(dim=1) / weights.sum(dim=1)).cpu()
