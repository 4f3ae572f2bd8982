"""The attacks table: one row per example, none omitted."""

from collections.abc import Iterable, Mapping
from importlib import metadata

import pandas as pd
import pyarrow as pa

from miniature.attack.words.stopwords import STOPWORDS

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
    """Everything that determines the rows of an attacks table, except the contents of models and data.

    Parameters
    ----------
    recipe : mapping
        As `miniature.attack.recipe.spell_recipe` gives it: every key of the attack's kind.
    task, model : str
        The fine-tuned model.
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


# Possible outcomes of an attack; every reader of an attacks table imports the words from here.
BROKEN = ("success",)
HELD = ("failure",)
BUDGET = ("query_budget", "time_budget")  # spent before the search finished: not broken
WRONG_BEFORE = ("skipped",)
FAILED = ("error",)
ATTACKED = BROKEN + HELD + BUDGET  # right before the attack
OUTCOMES = ATTACKED + WRONG_BEFORE + FAILED

ATTACKS_SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("label", pa.string()),
        ("prediction_before", pa.string()),
        ("prediction_after", pa.string()),
        ("outcome", pa.string()),
        ("original_text", pa.string()),
        ("perturbed_text", pa.string()),
        ("words", pa.int32()),
        ("words_changed", pa.int32()),
        ("queries", pa.int32()),
        ("message", pa.string()),
    ]
)


def attacks_frame(rows: Iterable[dict]) -> pd.DataFrame:
    """Rows as a table with the columns and types of `ATTACKS_SCHEMA`; inapplicable values are missing."""
    columns = {name: [] for name in ATTACKS_SCHEMA.names}
    for row in rows:
        for name, values in columns.items():
            values.append(row[name])
    return pd.DataFrame(
        {
            field.name: pd.array(columns[field.name], dtype="Int32")
            if field.type == pa.int32()
            else pd.Series(columns[field.name], dtype=object)
            for field in ATTACKS_SCHEMA
        }
    )
