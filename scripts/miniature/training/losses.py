"""Losses of the heads, with or without a teacher's soft outputs."""

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
