"""Checks of attacks: every recipe by itself, and the models and files that it names."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from miniature.attack.recipe.check import KEYS_OF, PRESETS, check_recipe
from miniature.config.lines import Positions
from miniature.config.suggest import MASKED_LMS, _unknown
from miniature.messages import StudyError


def check_recipes(config: Mapping, positions: Positions) -> Iterator[StudyError]:
    """Everything under ``characteristics.vulnerability.recipes``."""
    masked_lms = list(config.get("masked_lms", {}))
    encoders = list(config.get("sentence_encoders", {}))
    for name, recipe in config["characteristics"]["vulnerability"]["recipes"].items():
        where = positions.where(("characteristics", "vulnerability", "recipes", name))
        if _lacks_masked_lm(recipe):
            yield StudyError(
                f"The recipe '{name}' takes its words from a masked language model and names none.",
                where=where,
                fix=f"masked_lm: {masked_lms[0]}" if masked_lms else f"masked_lm: words\n{MASKED_LMS}",
            )
            continue
        try:
            check_recipe(recipe, where)
        except StudyError as error:
            yield error
        if isinstance(recipe.get("masked_lm"), str) and recipe["masked_lm"] not in masked_lms:
            yield _unknown("masked language model", recipe["masked_lm"], masked_lms, where, "masked_lm: {}")
        encoder = recipe.get("sentence_encoder")
        if isinstance(encoder, Mapping) and isinstance(encoder.get("model"), str):
            if not encoders:
                yield StudyError(
                    f"The recipe '{name}' names a sentence encoder, and the study has none.",
                    where=where,
                    fix=f"sentence_encoders: {{{encoder['model']}: {{path: folder/of/the/encoder}}}}",
                )
            elif encoder["model"] not in encoders:
                yield _unknown("sentence encoder", encoder["model"], encoders, where, "model: {}")
        yield from _check_files(recipe, where)


def _lacks_masked_lm(recipe: Mapping) -> bool:
    preset = recipe.get("preset")
    preset = PRESETS.get(preset, {}) if isinstance(preset, str) else {}
    kind = recipe.get("kind", preset.get("kind"))
    return isinstance(kind, str) and "masked_lm" in KEYS_OF.get(kind, ()) and "masked_lm" not in recipe


def _check_files(recipe: Mapping, where: str) -> Iterator[StudyError]:
    named = [key for key in ("word_vectors", "pos_tagger") if isinstance(recipe.get(key), str)]
    for key in named:
        if recipe[key].strip():
            # Word vectors belong to attacks, whose library takes seconds to import.
            from miniature.attack.words.tagger import check_tagger
            from miniature.attack.words.vectors import check_word_vectors

            check = {"word_vectors": check_word_vectors, "pos_tagger": check_tagger}[key]
            try:
                check(Path(recipe[key]), where=f"{where}: {key}")
            except StudyError as error:
                yield error
