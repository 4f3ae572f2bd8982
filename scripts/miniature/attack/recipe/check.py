"""Recipes: every setting of an attack, named, bounded and written with the results.

Three public implementations of BERT-ATTACK disagree on nearly every setting, so a number without its
settings means nothing. A recipe names a preset, or spells out every key of its kind of attack, or does the
first and overrides some.
"""

import difflib
from collections.abc import Mapping

from miniature.attack.recipe.knobs import KEYS_OF, NEEDED, NEEDED_EXAMPLES, RECIPE_KEYS, Knob
from miniature.attack.recipe.presets import PRESETS
from miniature.messages import StudyError

__all__ = ["KEYS_OF", "PRESETS", "RECIPE_KEYS", "check_recipe"]


def check_recipe(recipe: Mapping, where: str) -> dict:
    """Check a recipe and spell it out.

    Parameters
    ----------
    recipe : mapping
        The recipe as written in the study: every key of its kind, or ``preset`` and what differs.
    where : str
        Where it stands, for messages.

    Returns
    -------
    dict
        Every key of ``KEYS_OF[kind]``, in that order; ``preset`` is resolved.

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
                fix=f"preset: {_nearest(preset, PRESETS) or 'textattack-48'}",
            )
        settings.update(PRESETS[preset])
        if given.get("kind", settings["kind"]) != settings["kind"]:
            raise StudyError(
                f"The preset {preset} is of the kind {settings['kind']}.",
                where=f"{where}: kind",
                fix=f"kind: {settings['kind']}",
            )
    unknown = next((key for key in given if key not in RECIPE_KEYS), None)
    if unknown is not None:
        nearest = _nearest(unknown, [*RECIPE_KEYS, "preset"])
        raise StudyError(
            f"A recipe has no key {unknown!r}.",
            where=f"{where}: {unknown}",
            fix=f"{nearest}: {_yaml(given[unknown])}" if nearest else f"remove {unknown!r}",
        )
    settings.update(given)
    _require("kind", settings, where)
    kind = _check_value("kind", settings["kind"], RECIPE_KEYS["kind"], where)
    for key in given:
        if key not in KEYS_OF[kind]:
            raise StudyError(
                f"{key} ({RECIPE_KEYS[key].meaning}) is no part of {kind}.",
                where=f"{where}: {key}",
                fix=f"remove {key}",
            )
    for key in KEYS_OF[kind]:
        # What a preset leaves open and the attack cannot do without is missing, even if null.
        if key in NEEDED.get(kind, ()) and settings.get(key) is None:
            raise StudyError(
                f"{kind} needs {key} ({RECIPE_KEYS[key].meaning}).",
                where=where if key not in settings else f"{where}: {key}",
                fix=f"{key}: {NEEDED_EXAMPLES[key]}",
            )
        _require(key, settings, where)
        settings[key] = _check_value(key, settings[key], RECIPE_KEYS[key], where)
    if settings.get("subword_order") == "perplexity" and settings["subword_combinations"] is None:
        raise StudyError(
            "Ranking by perplexity looks at every combination, and their number has no limit here.",
            where=f"{where}: subword_combinations",
            fix="subword_combinations: 24",
        )
    return {key: settings[key] for key in KEYS_OF[kind]}


def _require(key: str, settings: Mapping, where: str) -> None:
    if key not in settings:
        knob = RECIPE_KEYS[key]
        raise StudyError(
            f"The recipe lacks {key!r} ({knob.meaning}).", where=where, fix=f"{key}: {_yaml(knob.example)}"
        )


_KINDS = {int: "a whole number", float: "a number", bool: "true or false", str: "a text", list: "a list"}


def _check_value(key: str, value: object, knob: Knob, where: str) -> object:
    place, fix = f"{where}: {key}", f"{key}: {_yaml(knob.example)}"
    if value is None and knob.nullable:
        return None
    # A bool is an int to Python, never to the reader of a config.
    if knob.kind is float and type(value) in (int, float):
        value = float(value)
    if knob.kind is dict:
        return _check_block(key, value, knob, where)
    if type(value) is not knob.kind:
        also = " or null" if knob.nullable else ""
        raise StudyError(
            f"{key} ({knob.meaning}) must be {_KINDS[knob.kind]}{also}, not {value!r}.", where=place, fix=fix
        )
    if knob.kind is list:
        return _check_list(key, value, knob, place, fix)
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
        # Not a number and infinity pass no bound that is there, and would pass one that is not.
        if too_low or too_high or value != value or value in (float("inf"), float("-inf")):
            low = f"{'above' if knob.low_excluded else 'at least'} {knob.low:g}"
            high = f" and at most {knob.high:g}" if knob.high is not None else ""
            raise StudyError(f"{key} must be {low}{high}, not {value!r}.", where=place, fix=fix)
    return value


def _check_list(key: str, value: list, knob: Knob, place: str, fix: str) -> list:
    unknown = [item for item in value if item not in knob.choices]
    if not value or unknown or len(set(value)) != len(value):
        raise StudyError(
            f"{key} must name some of {', '.join(knob.choices)}, each once, not {value!r}.",
            where=place,
            fix=fix,
        )
    return list(value)


def _check_block(key: str, value: object, knob: Knob, where: str) -> dict:
    place = f"{where}: {key}"
    example = {name: inner.example for name, inner in knob.keys.items()}
    if not isinstance(value, Mapping):
        raise StudyError(
            f"{key} ({knob.meaning}) must be a block of keys and values or null, not {value!r}.",
            where=place,
            fix=f"{key}: {_yaml(example)}",
        )
    for name in value:
        if name not in knob.keys:
            nearest = _nearest(name, knob.keys)
            raise StudyError(
                f"{key} has no key {name!r}.",
                where=f"{place}: {name}",
                fix=f"{nearest}: {_yaml(value[name])}" if nearest else f"remove {name!r}",
            )
    for name, inner in knob.keys.items():
        if name not in value:
            raise StudyError(
                f"{key} lacks {name!r} ({inner.meaning}).", where=place, fix=f"{name}: {_yaml(inner.example)}"
            )
    checked = {name: _check_value(name, value[name], inner, place) for name, inner in knob.keys.items()}
    if checked.get("skip_shorter") and checked["window"] is None:
        raise StudyError(
            "skip_shorter lets texts shorter than the window pass, and there is no window.",
            where=f"{place}: skip_shorter",
            fix="skip_shorter: false",
        )
    return checked


def _nearest(key: object, known) -> str | None:
    found = difflib.get_close_matches(str(key), list(known), n=1, cutoff=0.5)
    return found[0] if found else None


def _yaml(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(map(_yaml, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_yaml(inner)}" for key, inner in value.items()) + "}"
    return str(value)
