"""What an attack was run with: written beside its results, since without it they mean nothing."""

from collections.abc import Mapping
from importlib import metadata

from miniature.attack.stopwords import STOPWORDS

PACKAGES = ("textattack", "torch", "transformers", "tokenizers", "nltk")


def attack_settings(
    recipe: Mapping,
    *,
    task: str,
    model: str,
    examples: int,
    labels: list[str],
    text_settings: Mapping,
    device: str,
    threads: int,
    seed: int,
) -> dict:
    """Everything that decides the rows of an attacks table, but for the contents of models and data.

    Parameters
    ----------
    recipe : mapping
        From `recipes.check_recipe`: every key of the attack's kind.
    task, model : str
        Which fine-tuned model.
    examples : int
        How many examples were attacked.
    labels : list of str
        Names of the classes.
    text_settings : mapping
        ``max_length``.
    device : str
        ``cpu`` or ``cuda``.
    threads : int
        Numerical threads.
    seed : int
        The study's seed.

    Returns
    -------
    dict
        Plain values, for json. ``deterministic`` is false where a time budget makes the rows depend on the
        machine; ``stop_words`` are spelled out where the recipe uses them.
    """
    uses_stop_words = recipe["skip_stopwords"] or recipe.get("skip_stopword_candidates", False)
    return {
        "task": task,
        "model": model,
        "recipe": dict(recipe),
        "deterministic": recipe["max_seconds"] is None,
        "examples": examples,
        "labels": list(labels),
        "max_length": int(text_settings["max_length"]),
        "device": device,
        "threads": threads,
        "seed": seed,
        "packages": {name: metadata.version(name) for name in PACKAGES},
        "stop_words": sorted(STOPWORDS) if uses_stop_words else [],
    }
