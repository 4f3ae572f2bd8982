"""Checks of attacks beyond what the schema says of each setting: what belongs together, models and files."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from miniature.attack.recipe import KEYS_OF, PRESETS, REQUIRED_SETTINGS, with_preset
from miniature.config.defaults import load_schema
from miniature.config.lines import Place, Positions
from miniature.config.suggest import MASKED_LMS, PRESET, _unknown
from miniature.messages import StudyError


def check_recipes(config: Mapping, positions: Positions) -> Iterator[StudyError]:
    """Everything under ``characteristics.vulnerability.recipes``."""
    for name, recipe in config["characteristics"]["vulnerability"]["recipes"].items():
        place = ("characteristics", "vulnerability", "recipes", name)
        yield from _check_keys(name, recipe, config, place, positions)
        yield from _check_names(name, recipe, config, positions.where(place))
        yield from _check_files(recipe, place, positions)


def _check_keys(
    name: str, recipe: Mapping, config: Mapping, place: Place, positions: Positions
) -> Iterator[StudyError]:
    """What the kind of attack has, what it cannot do without, and settings that contradict each other."""
    settings, where = with_preset(recipe), positions.where(place)
    kind = settings.get("kind")
    if kind not in KEYS_OF:
        if kind is None and "preset" not in recipe:
            yield StudyError(
                f"The recipe '{name}' says neither its preset nor its kind.",
                where=where,
                fix=f"preset: {PRESET}",
            )
        return
    preset = PRESETS.get(recipe.get("preset"))
    if preset and preset["kind"] != kind:
        yield StudyError(
            f"The preset {recipe['preset']} is of the kind {preset['kind']}.",
            where=positions.where((*place, "kind")),
            fix=f"kind: {preset['kind']}",
        )
        return
    examples = load_schema()["$defs"]["recipe"]["properties"]
    for key in recipe:
        if key in examples and key != "preset" and key not in KEYS_OF[kind]:
            yield StudyError(
                f"{key} is no part of {kind}.", where=positions.where((*place, key)), fix=f"remove {key}"
            )
    needed = REQUIRED_SETTINGS.get(kind, ())
    lacking = [k for k in KEYS_OF[kind] if k not in settings or (settings[k] is None and k in needed)]
    if "masked_lm" in lacking:
        lacking.remove("masked_lm")
        masked_lms = list(config.get("masked_lms", {}))
        yield StudyError(
            f"The recipe '{name}' takes its words from a masked language model and names none.",
            where=where,
            fix=f"masked_lm: {masked_lms[0]}" if masked_lms else f"masked_lm: words\n{MASKED_LMS}",
        )
    if lacking:
        yield StudyError(
            f"The recipe '{name}': {kind} needs {', '.join(lacking)}.",
            where=positions.where((*place, lacking[0])) if lacking[0] in recipe else where,
            fix="\n".join(f"{key}: {_example(examples[key])}" for key in lacking),
        )
    if settings.get("subword_order") == "perplexity" and settings.get("subword_combinations", 1) is None:
        yield StudyError(
            "Ranking by perplexity looks at every combination, and their number has no limit here.",
            where=positions.where((*place, "subword_order")),
            fix="subword_combinations: 24",
        )
    encoder = recipe.get("sentence_encoder")
    if isinstance(encoder, Mapping) and encoder.get("skip_shorter") and encoder.get("window", 1) is None:
        yield StudyError(
            "skip_shorter lets texts shorter than the window pass, and there is no window.",
            where=positions.where((*place, "sentence_encoder", "skip_shorter")),
            fix="skip_shorter: false",
        )


def _example(schema: Mapping) -> str:
    value = schema["examples"][0]
    return str(value).lower() if isinstance(value, bool) else str(value)


def _check_names(name: str, recipe: Mapping, config: Mapping, where: str) -> Iterator[StudyError]:
    """The models of other sections that a recipe names."""
    masked_lms, encoders = (list(config.get(key, {})) for key in ("masked_lms", "sentence_encoders"))
    if recipe.get("masked_lm") is not None and recipe["masked_lm"] not in masked_lms:
        yield _unknown("masked language model", recipe["masked_lm"], masked_lms, where, "masked_lm: {}")
    encoder = recipe.get("sentence_encoder") or {}
    if "model" in encoder and not encoders:
        yield StudyError(
            f"The recipe '{name}' names a sentence encoder, and the study has none.",
            where=where,
            fix=f"sentence_encoders: {{{encoder['model']}: {{path: folder/of/the/encoder}}}}",
        )
    elif "model" in encoder and encoder["model"] not in encoders:
        yield _unknown("sentence encoder", encoder["model"], encoders, where, "model: {}")


def _check_files(recipe: Mapping, place: Place, positions: Positions) -> Iterator[StudyError]:
    for key in ("word_vectors", "pos_tagger"):
        if isinstance(recipe.get(key), str) and recipe[key].strip():
            # Word vectors belong to attacks, whose library takes seconds to import.
            from miniature.attack.words.tagger import check_tagger
            from miniature.attack.words.vectors import check_word_vectors

            check = {"word_vectors": check_word_vectors, "pos_tagger": check_tagger}[key]
            try:
                check(Path(recipe[key]), where=positions.where((*place, key)))
            except StudyError as error:
                yield error
