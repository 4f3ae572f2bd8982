"""All errors of a study at once, before any job starts."""

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from miniature.config.checks.characteristics import check_characteristics
from miniature.config.checks.datasets import check_datasets
from miniature.config.checks.derived import check_derived
from miniature.config.checks.lengths import check_lengths
from miniature.config.checks.models import (
    check_as_is,
    check_masked_lms,
    check_model_folder,
    check_models,
    check_replicates,
    check_sentence_encoders,
    measured_tasks,
    with_dataset,
)
from miniature.config.checks.predictions import check_artifacts
from miniature.config.checks.training import check_text, check_training
from miniature.config.checks.verdict import check_figure, check_verdict
from miniature.config.defaults import SCHEMA, load_schema
from miniature.config.lines import Positions, read_positions
from miniature.config.paths import expand_paths
from miniature.config.plan import is_as_is
from miniature.config.resolve import Resolved, resolve_study, spell_out
from miniature.config.schema import schema_errors, without_broken
from miniature.messages import StudyError
from miniature.models.entry import SOURCES, check_entry, source_of
from miniature.models.folders import check_head, read_folder

CHECKS = (
    check_models,
    check_as_is,
    check_derived,
    check_artifacts,
    check_replicates,
    check_masked_lms,
    check_sentence_encoders,
    check_datasets,
    check_text,
    check_lengths,
    check_training,
    check_characteristics,
    check_verdict,
    check_figure,
)

# They look at files, which a path that is wrong would make missing.
FILE_CHECKS = (check_artifacts, check_datasets, check_lengths)
# What a check meets in a study that the schema has refused.
_WRONG_FORM = (LookupError, TypeError, AttributeError, ValueError, ArithmeticError)


def validate_study(config: Mapping, files: Iterable[str | Path], schema: str | Path = SCHEMA) -> dict:
    """Check a study and return it with its paths expanded and every value that it leaves out."""
    return resolve_and_check(config, files, schema).config


def resolve_and_check(config: Mapping, files: Iterable[str | Path], schema: str | Path = SCHEMA) -> Resolved:
    """Complete and check a study.

    Parameters
    ----------
    config : mapping
        The study as it was read.
    files : iterable of path
        Its files, later ones laid over earlier ones.
    schema : path
        The schema.

    Returns
    -------
    Resolved
        Without errors.

    Raises
    ------
    StudyErrors
        Everything that is wrong with it.
    """
    files = list(files)
    positions = read_positions(files)
    rules = load_schema(schema)
    config, named = spell_out(config, files)
    errors = positions.duplicates + schema_errors(config, rules, positions)
    if errors:
        config = without_broken(config, rules)
        seen = {error.where for error in errors}
        raise StudyErrors(errors + [e for e in _still_seen(config, rules, positions) if e.where not in seen])
    expanded, errors = expand_paths(config, positions)
    if errors:
        # A path that cannot be is told once, and not again as a file that is missing.
        raise StudyErrors(errors + _still_seen(expanded, rules, positions))
    resolved = resolve_study(expanded, rules, positions)
    if resolved.errors:
        seen = {error.where for error in resolved.errors}
        found = _still_checked(resolved.config, [*CHECKS, _check_folders], positions)
        raise StudyErrors(resolved.errors + [e for e in found if e.where not in seen])
    errors += [error for check in CHECKS for error in check(resolved.config, positions)]
    errors += _check_folders(resolved.config, positions)
    if errors:
        raise StudyErrors(errors)
    return resolved._replace(sources={**named, **resolved.sources})


def _still_seen(config: Mapping, rules: Mapping, positions: Positions) -> list[StudyError]:
    """Other mistakes of a study whose form is wrong; those of its files where all paths are right."""
    errors, unknown = [], True
    with contextlib.suppress(*_WRONG_FORM):
        config, unknown = expand_paths(config, positions)
    with contextlib.suppress(*_WRONG_FORM):
        resolved = resolve_study(config, rules, positions)
        config, errors = resolved.config, resolved.errors
    checks = [check for check in CHECKS if check not in FILE_CHECKS] if unknown else [*CHECKS, _check_folders]
    seen = {error.where for error in errors}
    return [*errors, *(e for e in _still_checked(config, checks, positions) if e.where not in seen)]


def _still_checked(config: Mapping, checks: Iterable, positions: Positions) -> Iterator[StudyError]:
    """What checks find in a study that is refused in any case, each as far as it gets."""
    for check in checks:
        with contextlib.suppress(*_WRONG_FORM):
            yield from check(config, positions)


def _check_folders(config: Mapping, positions: Positions) -> list[StudyError]:
    """What can be known of models without loading them."""
    errors = []
    for name, entry in config["models"].items():
        if SOURCES.keys() & entry.keys():
            errors += check_model_folder(name, config, positions)
    for section in ("masked_lms", "sentence_encoders"):
        for name, entry in config.get(section, {}).items():
            where = positions.where((section, name))
            try:
                if source_of(entry) is not None:
                    check_entry(entry, where=where)
                if section == "masked_lms" and "path" in entry and "training" not in entry:
                    fix = "add datasets: [...] and a training: block, so that the head is trained"
                    check_head(read_folder(entry["path"]), "masked-lm", where=where, fix=fix)
            except StudyError as error:
                errors.append(error)
    return errors


def load_folders(config: Mapping, positions: Positions) -> None:
    """Load every local model's configuration and tokenizer; seconds, for it imports torch.

    Not done at every start: what fails here would fail in the first job that reads the model.

    Parameters
    ----------
    config : mapping
        A study that `validate_study` gave back.
    positions : Positions

    Raises
    ------
    StudyErrors
        Everything that is wrong.
    """
    tasks = measured_tasks(config)
    errors = []
    for section in ("models", "masked_lms", "sentence_encoders"):
        for name, entry in config.get(section, {}).items():
            if source_of(entry) is None:
                continue
            head = None
            if section == "models" and is_as_is(entry) and tasks:
                head = config["datasets"][tasks[0]]["task"]
            elif section == "masked_lms" and "training" not in entry:
                head = "masked-lm"
            try:
                source_of(entry).load(entry, head, positions.where((section, name)))
            except StudyError as error:
                errors.append(with_dataset(error, tasks))
    if errors:
        raise StudyErrors(errors)


class StudyErrors(StudyError):
    """Several mistakes, told together.

    Parameters
    ----------
    errors : list of StudyError
        At least one.
    """

    def __init__(self, errors: list[StudyError]):
        self.errors = errors
        super().__init__(f"{len(errors)} mistake{'s' * (len(errors) > 1)} in the study")

    def __str__(self) -> str:
        shown = [
            f"{number}. {error}".replace("\n", "\n   ") for number, error in enumerate(self.errors[:50], 1)
        ]
        more = [f"... and {len(self.errors) - 50} more"] if len(self.errors) > 50 else []
        return "\n".join([f"{self.what}:", *shown, *more])
