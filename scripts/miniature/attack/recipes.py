"""Recipes: every setting of an attack, named, bounded and written with the results.

Three public implementations of BERT-ATTACK disagree on nearly every setting, so a number without its
settings means nothing. A recipe names a preset, or spells out every key, or does the first and overrides
some. No recipe uses a sentence encoder: the candidates are limited by the masked language model and by the
share of words that may change.
"""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass

from miniature.messages import StudyError


@dataclass(frozen=True)
class Knob:
    """One key of a recipe.

    Parameters
    ----------
    kind : type
        ``int``, ``float``, ``bool`` or ``str``.
    meaning : str
        What it does, for the user.
    example : object
        A value to paste.
    low, high : float, optional
        Smallest and largest value allowed.
    low_excluded : bool
        Whether `low` itself is forbidden.
    choices : tuple of str
        The values allowed, where they can be listed.
    nullable : bool
        Whether ``null`` (no limit) is allowed.
    """

    kind: type
    meaning: str
    example: object
    low: float | None = None
    high: float | None = None
    low_excluded: bool = False
    choices: tuple[str, ...] = ()
    nullable: bool = False


RECIPE_KEYS: dict[str, Knob] = {
    "kind": Knob(str, "the attack", "bert-attack", choices=("bert-attack",)),
    "masked_lm": Knob(str, "name under `masked_lms` of the model that proposes the words", "world-lm"),
    "max_candidates": Knob(int, "K: proposals per word", 48, low=1, high=1000),
    "max_words_changed": Knob(
        float, "share of the words that may change, rounded up", 0.4, low=0, high=1, low_excluded=True
    ),
    "min_confidence": Knob(
        float, "least probability of a proposal (of each piece) under the masked LM", 0.0, low=0, high=1
    ),
    "skip_stopwords": Knob(bool, "leave English function words alone", True),
    "skip_stopword_candidates": Knob(bool, "propose no English function words", False),
    "skip_special_tokens": Knob(bool, "propose no special tokens such as [UNK]", False),
    "subword_candidates": Knob(
        int, "proposals per piece of a word of several pieces; null: K", None, low=1, high=1000, nullable=True
    ),
    "subword_combinations": Knob(
        int, "combinations of pieces looked at; null: until K are found", None, low=1, nullable=True
    ),
    "subword_order": Knob(
        str,
        "order of the combinations: as they are enumerated, or by the masked LM's perplexity of the pieces",
        "enumeration",
        choices=("enumeration", "perplexity"),
    ),
    "subword_max_pieces": Knob(
        int, "words of more pieces are left alone; null: no limit", None, low=1, nullable=True
    ),
    "importance": Knob(
        str,
        "how a word's importance is found: replace it by the victim's unknown token, or delete it",
        "unk",
        choices=("unk", "delete"),
    ),
    "query_budget": Knob(int, "most queries per example; null: no limit", None, low=1, nullable=True),
    "max_masked_lm_length": Knob(int, "longest input of the masked LM, in tokens", 512, low=8, high=8192),
    "batch_size": Knob(
        int,
        "texts of the longest length per forward pass of the victim; of shorter ones as many more",
        64,
        low=1,
        high=4096,
    ),
    "screening": Knob(
        str,
        "a first look at the texts in bf16, after which full precision decides wherever it could differ; "
        "faster only where the hardware has bf16 units",
        "none",
        choices=("none", "bf16"),
    ),
}

_TEXTATTACK = {
    "kind": "bert-attack",
    "max_words_changed": 0.4,
    "min_confidence": 0.0,
    "skip_stopwords": True,
    "skip_stopword_candidates": False,
    "skip_special_tokens": False,
    "subword_candidates": None,
    "subword_combinations": None,
    "subword_order": "enumeration",
    "subword_max_pieces": None,
    "importance": "unk",
    "query_budget": None,
    "max_masked_lm_length": 512,
    "batch_size": 64,
    "screening": "none",
}

# What TextAttack's recipe BERTAttackLi2020 sets, without its Universal Sentence Encoder (which needs
# TensorFlow Hub) and with our stop words. K was 48, as in the paper, until version 0.3.11 made it 8.
PRESETS: dict[str, dict] = {
    "textattack-48": {**_TEXTATTACK, "max_candidates": 48},
    "textattack-8": {**_TEXTATTACK, "max_candidates": 8},
}


def check_recipe(recipe: Mapping, where: str) -> dict:
    """Check a recipe and spell it out.

    Parameters
    ----------
    recipe : mapping
        The recipe as written in the study: every key of `RECIPE_KEYS`, or ``preset`` and what differs.
    where : str
        Where it stands, for messages.

    Returns
    -------
    dict
        Every key of `RECIPE_KEYS`, in that order; ``preset`` is resolved.

    Raises
    ------
    StudyError
        An unknown or missing key, a value of the wrong type or out of range, or keys that contradict.

    Examples
    --------
    >>> full = check_recipe({"preset": "textattack-8", "masked_lm": "lm"}, "config.yaml")
    >>> full["max_candidates"], full["max_words_changed"]
    (8, 0.4)
    """
    if not isinstance(recipe, Mapping):
        raise StudyError("A recipe is a block of keys and values.", where=where, fix="preset: textattack-48")
    given = dict(recipe)
    settings: dict = {}
    if "preset" in given:
        preset = given.pop("preset")
        if not isinstance(preset, str) or preset not in PRESETS:
            raise StudyError(
                f"There is no preset {preset!r}; there are {', '.join(PRESETS)}.",
                where=f"{where}: preset",
                fix=f"preset: {_nearest(preset, PRESETS) or next(iter(PRESETS))}",
            )
        settings.update(PRESETS[preset])
    for key in given:
        if key not in RECIPE_KEYS:
            nearest = _nearest(key, [*RECIPE_KEYS, "preset"])
            raise StudyError(
                f"A recipe has no key {key!r}.",
                where=f"{where}: {key}",
                fix=f"{nearest}: {_yaml(given[key])}" if nearest else f"remove {key!r}",
            )
    settings.update(given)
    for key, knob in RECIPE_KEYS.items():
        if key not in settings:
            raise StudyError(
                f"The recipe lacks {key!r} ({knob.meaning}).",
                where=where,
                fix=f"{key}: {_yaml(knob.example)}",
            )
        settings[key] = _check_value(key, settings[key], knob, where)
    if settings["subword_order"] == "perplexity" and settings["subword_combinations"] is None:
        raise StudyError(
            "Ranking by perplexity looks at every combination, and their number has no limit here.",
            where=f"{where}: subword_combinations",
            fix="subword_combinations: 24",
        )
    return {key: settings[key] for key in RECIPE_KEYS}


def _check_value(key: str, value: object, knob: Knob, where: str) -> object:
    place, fix = f"{where}: {key}", f"{key}: {_yaml(knob.example)}"
    if value is None and knob.nullable:
        return None
    # A bool is an int to Python, never to the reader of a config.
    if knob.kind is float and type(value) in (int, float):
        value = float(value)
    if type(value) is not knob.kind:
        names = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}
        also = " or null" if knob.nullable else ""
        raise StudyError(
            f"{key} ({knob.meaning}) must be {names[knob.kind]}{also}, not {value!r}.", where=place, fix=fix
        )
    if knob.choices and value not in knob.choices:
        nearest = _nearest(value, knob.choices) or knob.example
        raise StudyError(
            f"{key} must be one of {', '.join(knob.choices)}, not {value!r}.",
            where=place,
            fix=f"{key}: {nearest}",
        )
    if knob.kind is str and not value.strip():
        raise StudyError(f"{key} ({knob.meaning}) is empty.", where=place, fix=fix)
    if knob.kind in (int, float):
        too_low = knob.low is not None and (value <= knob.low if knob.low_excluded else not value >= knob.low)
        too_high = knob.high is not None and not value <= knob.high
        if too_low or too_high:
            low = f"{'above' if knob.low_excluded else 'at least'} {knob.low:g}"
            high = f" and at most {knob.high:g}" if knob.high is not None else ""
            raise StudyError(f"{key} must be {low}{high}, not {value!r}.", where=place, fix=fix)
    return value


def _nearest(key: object, known) -> str | None:
    found = difflib.get_close_matches(str(key), list(known), n=1, cutoff=0.5)
    return found[0] if found else None


def _yaml(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)
