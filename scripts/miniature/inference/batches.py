"""Batches of similar length that hold at most so many tokens, padding included."""

import numpy as np

# Padding that a batch may hold: so many tokens, which starting another batch costs about as much as, and a
# share of its own.
SPARE_TOKENS, SPARE_SHARE = 64, 1 / 32


def token_budget_batches(lengths: np.ndarray, budget: int) -> list[np.ndarray]:
    """Group windows, longest first, into batches within a budget and with little padding."""
    lengths = np.asarray(lengths)
    if lengths.ndim != 1:
        raise ValueError(f"lengths has shape {lengths.shape}, not one dimension")
    if budget < 1:
        raise ValueError(f"the budget is {budget} tokens, not at least 1")
    order = np.argsort(-lengths, kind="stable")
    batches = []
    start = 0
    while start < len(order):
        longest = int(lengths[order[start]])
        batch = order[start : start + max(1, budget // max(1, longest))]
        tokens = np.cumsum(lengths[batch])
        padding = longest * np.arange(1, len(batch) + 1) - tokens
        too_much = padding > SPARE_TOKENS + SPARE_SHARE * tokens
        if too_much.any():
            batch = batch[: int(too_much.argmax())]
        batches.append(batch)
        start += len(batch)
    return batches
