"""Outputs of a model are checked before use: numbers, and not the same for every text."""

import numpy as np
import pandas as pd

from miniature.messages import StudyError
from miniature.models.windows import Windows


def check_outputs(
    outputs: np.ndarray,
    embeddings: np.ndarray,
    windows: Windows,
    table: pd.DataFrame,
    *,
    source: str,
    trained: bool,
) -> None:
    """Refuse outputs that are no numbers, or the same for texts that differ.

    Parameters
    ----------
    outputs : float array, shape (windows, outputs)
        What the head gives for each window.
    embeddings : float array, shape (examples, hidden)
    windows : Windows
        Of `table`.
    table : DataFrame
        With ``id``.
    source : str
        The checkpoint's folder, for messages.
    trained : bool
        The study trained it, and can train it otherwise.

    Raises
    ------
    StudyError
        With the first example.
    """
    retrain = "train it again with a lower learning_rate, or more warmup_ratio"
    bad = np.zeros(len(table), dtype=bool)
    bad[windows.example[~np.isfinite(outputs).all(axis=1)]] = True
    bad |= ~np.isfinite(embeddings).all(axis=1)
    if bad.any():
        raise StudyError(
            f"The model's outputs are NaN or infinite for {bad.sum()} of {len(table)} examples, the first is "
            f"{table['id'].iloc[int(bad.argmax())]}.",
            where=source,
            fix=retrain
            if trained
            else "look whether it does so where it was made; if not, fetch its weights again, and if so, "
            "take another checkpoint: no number of this one means anything",
        )
    if _several_texts(windows) and (outputs == outputs[0]).all() and (embeddings == embeddings[0]).all():
        raise StudyError(
            f"The model gives each of {len(table)} examples the same outputs, whatever it reads.",
            where=source,
            fix=retrain
            if trained
            else "look whether it does so where it was made; its weights may have been saved before they "
            "were filled, or its tokenizer may belong to another model",
        )


def _several_texts(windows: Windows) -> bool:
    """Whether any window holds other tokens than the first one."""
    if len(windows) < 2:
        return False
    first = windows.tokens[: windows.borders[1]]
    return any(
        not np.array_equal(first, windows.tokens[start:end])
        for start, end in zip(windows.borders[1:-1], windows.borders[2:], strict=True)
    )
