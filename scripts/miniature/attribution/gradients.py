"""Integrated gradients and gradient times input on the embeddings, batched over examples and steps."""

import logging
import time
from collections.abc import Iterator

import numpy as np
import torch

from miniature.attribution.decisions import Decisions, Runner
from miniature.inference.batches import token_budget_batches
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
    left: np.ndarray | None = None,
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
    left : int array, optional
        Those of `rows` that are still to be explained. They are read with the same neighbors as if all were,
        so that the last bits are the same.

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
    base_scores = np.full(len(windows), np.nan)
    if not zero:
        for indices in _batches(runner, windows, rows, batch_tokens):
            base_scores[indices] = _score_baselines(runner, decisions, indices, replace)
    began = shown = time.monotonic()
    done = 0
    left = rows if left is None else left
    for indices in _batches(runner, windows, rows, max(1, batch_tokens // len(positions))):
        if not np.isin(indices, left).any():
            continue
        batch = runner.batch(windows, indices)
        ids = batch.pop("input_ids")
        base_ids = baseline_tokens(windows, indices, replace=replace, pad_token=runner.pad_token)
        target = decisions.target[indices]
        with torch.no_grad():
            text = runner.embedding(ids)  # [batch, tokens, hidden]
            base = runner.embedding(torch.from_numpy(base_ids).to(runner.device))
            difference = text if zero else text - base
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
        for place in np.flatnonzero(np.isin(indices, left)):
            row = indices[place]
            own = found[place, : windows.lengths[row]]
            yield int(row), own, float(decisions.score[row]), float(base_scores[row])
            done += 1
        now = time.monotonic()
        if now - shown > 10:
            shown = now
            seconds = (now - began) * (len(left) - done) / done
            logger.info("%d of %d examples explained, %d s left", done, len(left), seconds)


def _score_baselines(runner: Runner, decisions: Decisions, indices: np.ndarray, replace: int) -> np.ndarray:
    """Score of each example's decision for its baseline, float64 [batch]."""
    windows = decisions.windows
    batch = runner.batch(windows, indices)
    base = baseline_tokens(windows, indices, replace=replace, pad_token=runner.pad_token)
    batch["input_ids"] = torch.from_numpy(base).to(runner.device)
    with torch.inference_mode():
        return runner.score(decisions.target[indices], **batch).double().cpu().numpy()


def _batches(runner: Runner, windows: Windows, rows: np.ndarray, budget: int) -> Iterator[np.ndarray]:
    """Rows in batches of so many tokens, longest first.

    On a CPU of one length each, which need no padding and no mask. A GPU reads padding in less time than it
    takes to be told of another batch.
    """
    lengths = windows.lengths[rows]
    if runner.device != "cpu":
        yield from (rows[places] for places in token_budget_batches(lengths, budget))
        return
    for length in np.unique(lengths)[::-1]:
        same = rows[lengths == length]
        size = max(1, budget // int(length))
        yield from (same[start : start + size] for start in range(0, len(same), size))
