import numpy as np
import pytest
import torch

from miniature.messages import StudyError
from miniature.training.losses import NO_CHANCE, distillation_loss, span_loss
from miniature.training.schedule import training_order


def test_span_loss_is_that_of_transformers_without_padding():
    from transformers import BertConfig, BertForQuestionAnswering

    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=40, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16
    )
    model = BertForQuestionAnswering(config).eval()
    tokens = torch.randint(5, 40, (3, 9))
    starts, ends = torch.tensor([1, 0, 4]), torch.tensor([2, 0, 8])
    output = model(input_ids=tokens, start_positions=starts, end_positions=ends)
    ours = span_loss(output.start_logits, output.end_logits, starts, ends, torch.ones(3, 9))
    assert torch.allclose(ours, output.loss)
    # Padding, whatever its logits, changes nothing.
    more = torch.nn.functional.pad(output.start_logits, (0, 4), value=50.0)
    mask = torch.nn.functional.pad(torch.ones(3, 9), (0, 4))
    also = torch.nn.functional.pad(output.end_logits, (0, 4), value=9.0)
    assert torch.allclose(span_loss(more, also, starts, ends, mask), ours)


def test_distillation_loss_closed_form():
    teacher = torch.tensor(
        [[np.log(0.5) * 2, np.log(0.25) * 2, np.log(0.25) * 2]]
    )  # softened by 2: .5 .25 .25
    student = torch.zeros(1, 3)
    expected = 4 * (0.5 * np.log(0.5 * 3) + 2 * 0.25 * np.log(0.25 * 3))
    assert distillation_loss(student, teacher, temperature=2.0).item() == pytest.approx(expected, rel=1e-5)
    assert distillation_loss(teacher, teacher + 3.0, temperature=2.0).item() == pytest.approx(0, abs=1e-6)


def test_distillation_loss_is_finite_beside_padding():
    teacher = torch.tensor([[1.0, 2.0, NO_CHANCE]])
    student = torch.tensor([[2.0, 1.0, NO_CHANCE]], requires_grad=True)
    loss = distillation_loss(student, teacher, temperature=0.5)
    loss.backward()
    short = distillation_loss(student[:, :2], teacher[:, :2], temperature=0.5)
    assert loss.item() == pytest.approx(short.item())
    assert torch.isfinite(student.grad).all()


def test_orders():
    lengths = np.random.default_rng(0).integers(1, 100, 1000)

    def order(kind, epochs=2.5, seed=0):
        return training_order(1000, epochs=epochs, batch_size=10, order=kind, seed=seed, lengths=lengths)

    assert order("table").tolist() == [*range(1000), *range(1000), *range(500)]
    for kind in ("shuffled", "grouped"):
        drawn = order(kind)
        assert len(drawn) == 2500
        for epoch in (drawn[:1000], drawn[1000:2000]):
            assert sorted(epoch) == list(range(1000))
        assert drawn[:1000].tolist() != drawn[1000:2000].tolist()
        assert order(kind).tolist() == drawn.tolist()
        assert order(kind, seed=1).tolist() != drawn.tolist()

    def padded(indices):
        return sum(lengths[indices[i : i + 10]].max() * 10 for i in range(0, len(indices), 10))

    assert (
        padded(order("grouped", 1)) < 1.1 * lengths.sum() < 1.5 * lengths.sum() < padded(order("shuffled", 1))
    )
    # Not from long to short: the first half of an epoch is about as long as the second.
    grouped = order("grouped", 1)
    assert lengths[grouped[:500]].sum() == pytest.approx(lengths[grouped[500:]].sum(), rel=0.2)


def test_order_with_a_last_batch_that_is_not_full():
    drawn = training_order(23, epochs=1, batch_size=5, order="grouped", seed=0, lengths=np.ones(23))
    assert sorted(drawn) == list(range(23))


@pytest.mark.parametrize(
    ("count", "epochs", "kind"), [(0, 1, "table"), (3, 0.1, "table"), (3, 1, "alphabetical")]
)
def test_orders_that_are_none(count, epochs, kind):
    with pytest.raises(StudyError):
        training_order(count, epochs=epochs, batch_size=2, order=kind, seed=0, lengths=np.ones(count))
