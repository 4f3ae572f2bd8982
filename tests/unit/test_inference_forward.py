"""Linear layers by oneDNN give what torch's own give, and are torch's own again afterward."""

import numpy as np
import pytest
import torch

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
