"""Models and texts for the benchmark: classifiers and a masked LM trained on generated reviews."""

import copy
from pathlib import Path

import pandas as pd
import torch

from miniature.data.world.reviews import build_reviews
from miniature.models.checkpoints import load_checkpoint
from miniature.models.vocabulary import train_vocabulary
from miniature.seeds import generator
from miniature.training.finetune import FineTuning, finetune, write_checkpoint
from miniature.training.masked_lm import train_masked_lm

LABELS = ["negative", "positive"]
LONGEST = 512
SEED = 0
_TRAINING = {
    "epochs": 1,
    "batch_size": 32,
    "warmup_ratio": 0.1,
    "adam_beta2": 0.98,
    "weight_decay": 0.0,
    "max_gradient_norm": 1.0,
    "order": "table",
    "precision": "fp32",
    "checkpoint_every": 100000,
}
# Training reviews (the first three in ten are single sentences, where negation and contrast are learned),
# reviews joined to long texts, and learning rate.
VICTIMS = {
    "2x128": {"layers": 2, "hidden": 128, "reviews": 16000, "long": 400, "rate": 1e-3},
    "4x256": {"layers": 4, "hidden": 256, "reviews": 16000, "long": 200, "rate": 5e-4},
    "6x384": {"layers": 6, "hidden": 384, "reviews": 12000, "long": 100, "rate": 3e-4},
    "2x768": {"layers": 2, "hidden": 768, "reviews": 12800, "long": 50, "rate": 3e-4, "precision": "bf16"},
    # From scratch 12 layers learn nothing in the time there is, and a victim that answers everything alike is
    # none. These grow out of the two above and are trained on as a whole.
    "12x768": {"layers": 12, "hidden": 768, "reviews": 320, "long": 0, "rate": 1e-5, "precision": "bf16",
               "grown_from": "2x768"},
}  # fmt: skip


def reviews(split: str, examples: int) -> pd.DataFrame:
    """The world's generated reviews: id, cluster, text, label."""
    return build_reviews(split, examples, seed=SEED)


def joined(table: pd.DataFrame, count: int, low: int, high: int) -> pd.DataFrame:
    """Texts of `low` to `high` words, each made of reviews of one label put one after another.

    Parameters
    ----------
    table : DataFrame
        Reviews to draw from.
    count, low, high : int
        How many texts; number of words, both ends included.
    """
    random = generator(SEED, "benchmark", "joined", str(low), str(high))
    rows = []
    while len(rows) < count:
        label = LABELS[int(random.integers(2))]
        words = int(random.integers(low, high + 1))
        texts = table["text"][table["label"] == label].to_list()
        text = ""
        while len(text.split()) < words:
            text = f"{text} {texts[int(random.integers(len(texts)))]}".strip()
        text = " ".join(text.split()[:words])
        rows.append((f"{low}-{high}-{len(rows):03d}", text, label))
    return pd.DataFrame(rows, columns=["id", "text", "label"])


def prepare_masked_lm(folder: Path, device: str = "cpu") -> Path:
    """Train the masked LM (2 layers of 128), unless it is there."""
    target = folder / "masked-lm"
    if not target.exists():
        train_masked_lm(
            _architecture(2, 128),
            list(reviews("train", 4000)["text"]),
            settings={**_TRAINING, "learning_rate": 1e-3, "max_length": 64},
            vocabulary=_vocabulary(folder),
            seed=SEED,
            device=device,
            checkpoint_folder=folder / "partial" / "masked-lm",
            output_folder=target,
        )
    return target


def prepare_victim(folder: Path, name: str, device: str = "cpu") -> Path:
    """Train a victim of `VICTIMS`, unless it is there."""
    target = folder / name
    if not target.exists():
        size = VICTIMS[name]
        table = reviews("train", size["reviews"])[["id", "text", "label"]]
        table = pd.concat([table, joined(table, size["long"], 40, 300)], ignore_index=True)
        grown = _grown(folder, name, device) if "grown_from" in size else None
        finetune(
            {"path": str(grown)} if grown else _architecture(size["layers"], size["hidden"]),
            table.assign(cluster=table["id"]),
            FineTuning(
                task="classification",
                labels=LABELS,
                settings={
                    **_TRAINING,
                    "learning_rate": size["rate"],
                    "precision": size.get("precision", _TRAINING["precision"]),
                },
                text_settings={"max_length": LONGEST},
                seed=SEED,
                device=device,
                checkpoint_folder=folder / "partial" / name,
            ),
            vocabulary=None if grown else _vocabulary(folder),
            output_folder=target,
        )
    return target


def _grown(folder: Path, name: str, device: str) -> Path:
    """A trained victim with more layers on top, which at first hand on what they are given.

    Their weights are new but for the output of attention and of the feed-forward part, which is zero: what is
    left of such a layer is its normalization. They cost what layers cost.
    """
    size, target = VICTIMS[name], folder / "partial" / f"{name}-grown"
    model, tokenizer = load_checkpoint(
        prepare_victim(folder, size["grown_from"], device), head="classification"
    )
    config = copy.deepcopy(model.config)
    config.num_hidden_layers = size["layers"]
    torch.manual_seed(SEED)
    larger = type(model)(config)
    missing, unexpected = larger.load_state_dict(model.state_dict(), strict=False)
    if unexpected or not all(".layer." in key for key in missing):
        raise ValueError(f"Not a larger model of the same kind: {missing}, {unexpected}.")
    with torch.no_grad():
        for layer in larger.bert.encoder.layer[model.config.num_hidden_layers :]:
            layer.attention.output.dense.weight.zero_()
            layer.output.dense.weight.zero_()
    write_checkpoint(larger, tokenizer, target)
    return target


def _vocabulary(folder: Path) -> Path:
    target = folder / "vocabulary"
    if not target.exists():
        # Nearly all words of the reviews are whole, as most words are to BERT. Stock enumerates every
        # combination of the pieces of the others, so a smaller vocabulary would slow it down many times.
        train_vocabulary(reviews("train", 4000)["text"], size=1200, folder=target)
    return target


def _architecture(layers: int, hidden: int) -> dict:
    return {
        "architecture": {
            "layers": layers,
            "hidden": hidden,
            "heads": hidden // 64,
            "intermediate": 4 * hidden,
            "max_positions": LONGEST,
            "dropout": 0.0,
            # BERT's 0.02 suits 768 units; narrower ones learn later with it.
            "initializer_range": 0.05 if hidden < 300 else 0.03 if hidden < 500 else 0.02,
        }
    }
