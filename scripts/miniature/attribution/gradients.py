"""Integrated gradients and gradient times input on the embeddings, batched over examples and steps."""

import logging
import time
from collections.abc import Iterator

import numpy as np
import torch

from miniature.attribution.decisions import Decisions, Runner
from miniature.models.windows import Windows

logger = logging.getLogger("miniature.attribution")


def path_rule(method: str, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Positions on the way from the baseline (0) to the text (1) and their weights, float64 [steps] each.

    Integrated gradients (Sundararajan et al. 2017) by the Gauss-Legendre rule; gradient times input is one
    step, at the text itself.

    Examples
    --------
    >>> position, weight = path_rule("integrated-gradients", 8)
    >>> round(float(weight @ position**2), 12)  # the integral of x squared
    0.333333333333
    """
    if method == "gradient-x-input":
        return np.ones(1), np.ones(1)
    nodes, weights = np.polynomial.legendre.leggauss(steps)
    return (1 + nodes) / 2, weights / 2


def baseline_tokens(windows: Windows, indices: np.ndarray, *, replace: int, pad_token: int) -> np.ndarray:
    """Ids of a text that says nothing: every token but the special ones replaced, int64 [batch, longest]."""
    ids = windows.batch(indices, pad_token=pad_token)["input_ids"]
    columns = np.arange(ids.shape[1])
    inside = columns < windows.lengths[indices][:, None]
    flat = np.where(inside, windows.borders[indices][:, None] + columns, 0)
    return np.where(inside & ~windows.special[flat], replace, ids)


def attribute_gradients(
    runner: Runner,
    decisions: Decisions,
    rows: np.ndarray,
    *,
    method: str,
    steps: int,
    replace: int,
    batch_tokens: int,
) -> Iterator[tuple[int, np.ndarray, float, float]]:
    """Attribute the decision of each example to the tokens of its window.

    Parameters
    ----------
    runner : Runner
    decisions : Decisions
    rows : int array
        Examples to explain.
    method : str
        ``integrated-gradients`` or ``gradient-x-input``.
    steps : int
        Points of the Gauss-Legendre rule.
    replace : int
        Token that replaces every token that is not special in the baseline.
    batch_tokens : int
        Most tokens of a batch, all its texts at all its steps.

    Yields
    ------
    row : int
    scores : float64 array, shape (tokens,)
    text, baseline : float
        Score of the decision for the text and for the baseline; for gradient times input the baseline's is
        NaN, because it has none.
    """
    windows = decisions.windows
    positions, weights = path_rule(method, steps)
    zero = method == "gradient-x-input"
    began = shown = time.monotonic()
    done = 0
    for indices in _equal_lengths(windows, rows, max(1, batch_tokens // len(positions))):
        batch = runner.batch(windows, indices)
        ids = batch.pop("input_ids")
        base_ids = baseline_tokens(windows, indices, replace=replace, pad_token=runner.pad_token)
        target = decisions.target[indices]
        with torch.no_grad():
            text = runner.embedding(ids)  # [batch, tokens, hidden]
            base = runner.embedding(torch.from_numpy(base_ids).to(runner.device))
            difference = text if zero else text - base
            of_text = runner.score(target, inputs_embeds=text, **batch).double().cpu().numpy()
            of_base = np.full(len(indices), np.nan)
            if not zero:
                of_base = runner.score(target, inputs_embeds=base, **batch).double().cpu().numpy()
        scores = torch.zeros(ids.shape, dtype=torch.float64, device=ids.device)
        # As many steps together as fit into a batch: of a short text all, of a long one a few.
        at_once = max(1, batch_tokens // ids.numel())
        for start in range(0, len(positions), at_once):
            position = torch.tensor(
                positions[start : start + at_once], dtype=torch.float32, device=ids.device
            )
            weight = torch.tensor(weights[start : start + at_once], device=ids.device)
            steps_here = len(position)
            between = position[:, None, None, None] * difference
            point = (text if zero else base + between).expand(steps_here, *text.shape)
            point = point.flatten(0, 1).detach().requires_grad_(True)  # [steps * batch, tokens, hidden]
            repeated = {name: tensor.repeat(steps_here, 1) for name, tensor in batch.items()}
            value = runner.score(np.tile(target, (steps_here, 1)), inputs_embeds=point, **repeated).sum()
            (gradient,) = torch.autograd.grad(value, point)
            along = (gradient.view(steps_here, *text.shape) * difference).sum(
                dim=-1
            )  # [steps, batch, tokens]
            scores += (weight[:, None, None] * along.double()).sum(dim=0)
        found = scores.cpu().numpy()
        for place, row in enumerate(indices):
            yield int(row), found[place], float(of_text[place]), float(of_base[place])
        done += len(indices)
        now = time.monotonic()
        if now - shown > 10:
            shown = now
            left = (now - began) * (len(rows) - done) / done
            logger.info("%d of %d examples explained, %d s left", done, len(rows), left)


def _equal_lengths(windows: Windows, rows: np.ndarray, budget: int) -> Iterator[np.ndarray]:
    """Rows in batches of one length each, which need no padding and no mask, longest first."""
    lengths = windows.lengths[rows]
    for length in np.unique(lengths)[::-1]:
        same = rows[lengths == length]
        size = max(1, budget // int(length))
        yield from (same[start : start + size] for start in range(0, len(same), size))
