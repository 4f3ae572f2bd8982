"""Checks of lengths: no text is cut to more tokens than the model that reads it has positions for."""

from collections.abc import Iterator, Mapping

from miniature.attack.recipe import with_preset
from miniature.config.checks.characteristics import _enabled
from miniature.config.lines import Positions
from miniature.config.plan import named_tasks, trained_models
from miniature.messages import StudyError
from miniature.models.entry import entry_positions


def check_lengths(config: Mapping, positions: Positions) -> Iterator[StudyError]:
    """Every length against the positions of the models that meet it."""
    yield from _check_models(config, positions)
    masked_lms = config.get("masked_lms", {})
    for name, entry in masked_lms.items():
        length = entry.get("training", {}).get("max_length")
        place = ("masked_lms", name, "training", "max_length")
        yield from _check_length(length, "max_length", {name: entry}, place, positions)
    if not _enabled(config, "vulnerability"):
        return
    for name, recipe in config["characteristics"]["vulnerability"]["recipes"].items():
        place = ("characteristics", "vulnerability", "recipes", name, "max_masked_lm_length")
        full = with_preset(recipe)
        if full.get("masked_lm") in masked_lms and isinstance(full.get(place[-1]), int):
            used = {full["masked_lm"]: masked_lms[full["masked_lm"]]}
            yield from _check_length(full[place[-1]], place[-1], used, place, positions)


def _check_models(config: Mapping, positions: Positions) -> Iterator[StudyError]:
    models = {name: config["models"][name] for name in trained_models(config)}
    measured = named_tasks(config) & set(config["datasets"])
    kinds = {config["datasets"][task]["task"] for task in measured}
    for kind, key in (("question-answering", "question_answering"), ("classification", "classification")):
        if kind in kinds and key in config:
            length = config[key]["max_length"]
            yield from _check_length(length, "max_length", models, (key, "max_length"), positions)


def _check_length(
    length: int | None, key: str, entries: Mapping, place: tuple, positions: Positions
) -> Iterator[StudyError]:
    limits = {name: entry_positions(entry) for name, entry in entries.items()}
    short = {name: n for name, n in limits.items() if n is not None and length is not None and n < length}
    if not short:
        return
    fix = f"{key}: {min(short.values())}"
    if any("architecture" in entries[name] for name in short):
        fix += f"   # or max_positions: {length} in the architecture"
    yield StudyError(
        f"{key} is {length}, more tokens than "
        + ", ".join(f"'{name}' takes ({n})" for name, n in short.items())
        + ".",
        where=positions.where(place),
        fix=fix,
    )
