"""An engine from model folders."""

import os

from miniature.attack.engine import Engine
from miniature.models.checkpoints import load_result


def load_engine(
    victim_folder: str | os.PathLike,
    masked_lm_folder: str | os.PathLike,
    recipe: dict,
    *,
    labels: list[str],
    max_length: int,
    device: str = "cpu",
    seed: int = 0,
) -> Engine:
    """Load a classifier and a masked LM and put an attack together; parameters as of `engine.Engine`.

    Both folders are the workflow's own: a damaged one is set aside.
    """
    victim, victim_tokenizer = load_result(victim_folder, head="classification")
    masked_lm, masked_lm_tokenizer = load_result(masked_lm_folder, head="masked-lm")
    return Engine(
        victim,
        victim_tokenizer,
        masked_lm,
        masked_lm_tokenizer,
        recipe,
        labels=labels,
        max_length=max_length,
        device=device,
        seed=seed,
    )
