"""Losses of the heads, with or without a teacher's soft outputs."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812 - its usual name

# Low enough for a probability of zero, and finite when divided by a temperature below 1.
NO_CHANCE = -1e30


def span_loss(
    start_logits: torch.Tensor,
    end_logits: torch.Tensor,
    starts: torch.Tensor,
    ends: torch.Tensor,
    mask: torch.Tensor,
) -> torch.Tensor:
    """Mean of the cross-entropies of the answer's start and end (Devlin et al. 2019, section 4.2)."""
    start = F.cross_entropy(without_padding(start_logits, mask), starts)
    end = F.cross_entropy(without_padding(end_logits, mask), ends)
    return (start + end) / 2


def without_padding(logits: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Logits in float32, so low at padding that a softmax assigns it no probability."""
    return logits.float().masked_fill(mask == 0, NO_CHANCE)


def distillation_loss(student: torch.Tensor, teacher: torch.Tensor, *, temperature: float) -> torch.Tensor:
    """Kullback-Leibler divergence of softened outputs, T² KL(teacher ‖ student), mean over the batch."""
    student_log = F.log_softmax(student.float() / temperature, dim=-1)
    teacher_log = F.log_softmax(teacher.float() / temperature, dim=-1)
    divergence = F.kl_div(student_log, teacher_log, reduction="batchmean", log_target=True)
    return temperature**2 * divergence


def hidden_loss(
    student: Sequence[torch.Tensor], teacher: Sequence[torch.Tensor], mask: torch.Tensor
) -> torch.Tensor:
    """Mean squared distance of hidden layers, each [batch, tokens, hidden], embeddings first; no padding.

    Layer i of m is held against the teacher's layer i n / m, as PKD-Skip does (Sun et al. 2019); every token
    counts and not the first alone, as in TinyBERT (Jiao et al. 2020).
    """
    layers, its_layers = len(student) - 1, len(teacher) - 1
    inside = mask.unsqueeze(-1)
    distances = [
        ((student[i].float() - teacher[i * its_layers // layers].float()) ** 2 * inside).sum()
        for i in range(1, layers + 1)
    ]
    return sum(distances) / (layers * inside.sum() * student[0].shape[-1])
