"""What differs between two trainings of one model: weights, head, dropout and the order of the data."""

import numpy as np
import pytest
import torch

from miniature.models.build import build_model
from miniature.seeds import derive_seed
from miniature.training.loop import train
from miniature.training.schedule import training_order
from small_models import ARCHITECTURE, TRAINING, save_bert_tokenizer, save_encoder

# As scripts/finetune_model.py derives them, from the names that `replicates` gives.
SEEDS = [derive_seed(0, "finetune", "reviews", name) for name in ("large", "large.seed1", "large.seed2")]


def build(spec, vocabulary=None):
    """The model as each of the trainings begins with it."""
    return [
        build_model(
            spec, head="classification", labels=["bad", "good"], vocabulary=vocabulary,
            seed=derive_seed(seed, "weights"),
        )[0].state_dict()
        for seed in SEEDS
    ]  # fmt: skip


def test_a_model_from_scratch_begins_with_other_weights(tmp_path):
    states = build({"architecture": ARCHITECTURE}, save_bert_tokenizer(tmp_path / "vocabulary"))
    name = "bert.encoder.layer.0.attention.self.query.weight"
    assert not torch.equal(states[0][name], states[1][name])
    assert not torch.equal(states[1][name], states[2][name])


def test_a_pre_trained_model_begins_with_another_head_only(tmp_path):
    states = build({"path": str(save_encoder(tmp_path / "encoder", "bert"))})
    differ = [name for name in states[0] if not torch.equal(states[0][name], states[1][name])]
    assert differ == ["classifier.weight"]


@pytest.mark.parametrize("order", ["shuffled", "grouped", "table"])
def test_the_order_of_the_data_differs_but_for_a_curriculum(order):
    orders = [
        training_order(40, epochs=1, batch_size=4, order=order, seed=seed, lengths=np.arange(40) % 7)
        for seed in SEEDS
    ]
    alike = [np.array_equal(orders[0], other) for other in orders[1:]]
    assert alike == [order == "table"] * 2


class Dropped(torch.nn.Module):
    """Remembers what dropout left of ones."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(8))
        self.seen = []

    def forward(self, x):
        left = torch.nn.functional.dropout(x, 0.5, training=self.training)
        self.seen.append(left)
        return left @ self.weight


def test_dropout_differs(tmp_path):
    seen = []
    for turn, seed in enumerate(SEEDS):
        model = Dropped()
        train(
            model,
            np.arange(4),
            lambda indices, _: {"x": np.ones((len(indices), 8), dtype=np.float32)},
            lambda model, batch: model(batch["x"]).square().mean(),
            settings=TRAINING | {"batch_size": 4, "checkpoint_every": 10},
            seed=derive_seed(seed, "dropout"),
            device="cpu",
            checkpoint_folder=tmp_path / str(turn),
        )
        seen.append(model.seen[0])
    assert not torch.equal(seen[0], seen[1])
    assert not torch.equal(seen[1], seen[2])
