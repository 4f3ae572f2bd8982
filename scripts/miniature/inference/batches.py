"""Batches of similar length that hold at most so many tokens, padding included."""

import numpy as np


def token_budget_batches(lengths: np.ndarray, budget: int) -> list[np.ndarray]:
    """Group windows into batches whose padded size stays within a budget."""
    lengths = np.asarray(lengths)
    if lengths.ndim != 1:
        raise ValueError(f"lengths has shape {lengths.shape}, not one dimension")
    if budget < 1:
        raise ValueError(f"the budget is {budget} tokens, not at least 1")
    order = np.argsort(-lengths, kind="stable")
    batches = []
    start = 0
    while start < len(order):
        size = max(1, budget // max(1, int(lengths[order[start]])))
        batches.append(order[start : start + size])
        start += size
    return batches
