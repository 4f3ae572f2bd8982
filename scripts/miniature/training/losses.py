"""Losses: what the heads are trained on, alone or beside a teacher's soft outputs."""

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
    """Mean of the cross-entropies of the answer's start and end (Devlin et al. 2019, section 4.2).

    Parameters
    ----------
    start_logits, end_logits : float tensors, shape (batch, tokens)
    starts, ends : int64 tensors, shape (batch,)
        Gold positions.
    mask : int or bool tensor, shape (batch, tokens)
        Zero at padding, which takes no part: padding to another length changes nothing.

    Returns
    -------
    float32 tensor, shape ()
    """
    start = F.cross_entropy(without_padding(start_logits, mask), starts)
    end = F.cross_entropy(without_padding(end_logits, mask), ends)
    return (start + end) / 2


def without_padding(logits: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Logits in float32, so low at padding that a softmax gives it no probability."""
    return logits.float().masked_fill(mask == 0, NO_CHANCE)


def distillation_loss(student: torch.Tensor, teacher: torch.Tensor, *, temperature: float) -> torch.Tensor:
    """Kullback-Leibler divergence of softened outputs, T² KL(teacher ‖ student), mean over the batch.

    The factor T² keeps the gradient's size when the temperature changes (Hinton, Vinyals & Dean 2015,
    *Distilling the Knowledge in a Neural Network*, section 2). Used for fine-tuning a student on a
    fine-tuned teacher's outputs as in Sanh et al. 2019 (*DistilBERT*, section 4, distillation during
    adaptation to a task).

    Parameters
    ----------
    student, teacher : float tensors, shape (batch, outcomes)
        Logits; outcomes that do not exist hold `NO_CHANCE` in both.
    temperature : float
        T > 0.

    Returns
    -------
    float32 tensor, shape ()
    """
    student_log = F.log_softmax(student.float() / temperature, dim=-1)
    teacher_log = F.log_softmax(teacher.float() / temperature, dim=-1)
    divergence = F.kl_div(student_log, teacher_log, reduction="batchmean", log_target=True)
    return temperature**2 * divergence
