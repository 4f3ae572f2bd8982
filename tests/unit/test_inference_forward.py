"""Linear layers by oneDNN give what torch's own give, and are torch's own again afterward."""

import numpy as np
import pytest
import torch
from transformers import (
    BertConfig,
    BertModel,
    DistilBertConfig,
    DistilBertModel,
    ElectraConfig,
    ElectraModel,
)  # fmt: skip

from miniature.inference.forward import packed_linears


@pytest.mark.parametrize("shape", [(5, 24), (3, 7, 24), (1, 1, 24)])
def test_packed_layers_are_those_of_torch(shape):
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(24, 40), torch.nn.GELU(), torch.nn.Linear(40, 3, bias=False))
    hidden = torch.randn(shape)
    with torch.inference_mode():
        own = model(hidden)
        with packed_linears(model, "cpu"):
            packed = model(hidden)
            # Attention hands on a view whose rows are not one after the other.
            turned = model(hidden.transpose(0, -1).contiguous().transpose(0, -1))
        again = model(hidden)
    np.testing.assert_allclose(packed, own, atol=1e-5)
    np.testing.assert_allclose(turned, own, atol=1e-5)
    assert packed.shape == own.shape
    assert torch.equal(again, own)


def test_other_precisions_and_other_layers_stay_as_they_are():
    class Other(torch.nn.Linear):
        def forward(self, hidden):
            return super().forward(hidden) + 1

    model = torch.nn.ModuleList([torch.nn.Linear(4, 4, dtype=torch.bfloat16), Other(4, 4)])
    with packed_linears(model, "cpu"):
        assert not any("forward" in vars(module) for module in model)
    layers = torch.nn.ModuleList([torch.nn.Linear(4, 4)])
    with packed_linears(layers, "cuda"):
        assert "forward" not in vars(layers[0])


USUAL = {"hidden_size": 24, "intermediate_size": 40, "num_attention_heads": 2, "num_hidden_layers": 2}
FAMILIES = {
    "bert": BertModel(BertConfig(vocab_size=30, initializer_range=0.5, **USUAL)),
    "distilbert": DistilBertModel(
        DistilBertConfig(vocab_size=30, initializer_range=0.5, dim=24, hidden_dim=40, n_heads=2, n_layers=2)
    ),
    "electra": ElectraModel(ElectraConfig(vocab_size=30, initializer_range=0.5, embedding_size=24, **USUAL)),
    "gelu by Python": BertModel(
        BertConfig(vocab_size=30, initializer_range=0.5, hidden_act="gelu_python", **USUAL)
    ),
    "relu": BertModel(BertConfig(vocab_size=30, initializer_range=0.5, hidden_act="relu", **USUAL)),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_gelu_that_a_linear_layer_puts_on_is_that_of_the_model(family):
    model = FAMILIES[family].eval()
    blocks = [module for module in model.modules() if type(module).__name__.endswith(("Intermediate", "FFN"))]
    before = [dict(block.named_children()) for block in blocks]
    ids = torch.arange(1, 28).reshape(3, 9)
    with torch.inference_mode():
        own = model(ids)[0]
        with packed_linears(model, "cpu"):
            np.testing.assert_allclose(model(ids)[0], own, atol=1e-5)
            passed = [
                any(isinstance(child, torch.nn.Identity) for child in block.children()) for block in blocks
            ]
    assert passed == [family != "relu"] * 2
    assert [dict(block.named_children()) for block in blocks] == before
