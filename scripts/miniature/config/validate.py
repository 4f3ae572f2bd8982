"""All errors of a study at once, before any job starts."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from miniature.config.checks.characteristics import check_characteristics
from miniature.config.checks.datasets import check_datasets
from miniature.config.checks.lengths import check_lengths
from miniature.config.checks.models import (
    check_as_is,
    check_masked_lms,
    check_model_folder,
    check_models,
    check_replicates,
    check_sentence_encoders,
)
from miniature.config.checks.predictions import check_artefacts
from miniature.config.checks.training import check_text, check_training
from miniature.config.checks.verdict import check_figure, check_verdict
from miniature.config.lines import Positions, read_positions
from miniature.config.paths import expand_paths
from miniature.config.schema import load_schema, schema_errors, without_broken
from miniature.messages import StudyError
from miniature.models.folders import check_model_source

CHECKS = (
    check_models,
    check_as_is,
    check_artefacts,
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
FILE_CHECKS = (check_artefacts, check_datasets, check_lengths)


def validate_study(config: Mapping, files: Iterable[str | Path], schema: str | Path) -> dict:
    """Check a study and return it with its paths expanded."""
    positions = read_positions(files)
    rules = load_schema(schema)
    errors = positions.duplicates + schema_errors(config, rules, positions)
    if errors:
        config = without_broken(config, rules)
        seen = {error.where for error in errors}
        raise StudyErrors(errors + [e for e in _still_seen(config, positions) if e.where not in seen])
    expanded, errors = expand_paths(config, positions)
    # A path that cannot be is told once, and not again as a file that is missing.
    checks = [check for check in CHECKS if not errors or check not in FILE_CHECKS]
    errors += [error for check in checks for error in check(expanded, positions)]
    if checks == list(CHECKS):
        errors += _check_folders(expanded, positions)
    if errors:
        raise StudyErrors(errors)
    return expanded


def _still_seen(config: Mapping, positions: Positions) -> list[StudyError]:
    """Mistakes across keys in a study whose form is wrong already, each check as far as it gets."""
    found = []
    for check in CHECKS:
        if check in FILE_CHECKS:
            continue
        try:
            for error in check(config, positions):
                found.append(error)
        except (LookupError, TypeError, AttributeError, ValueError, ArithmeticError):
            # The check met what the schema has refused; the study is refused for that in any case.
            continue
    return found


def _check_folders(config: Mapping, positions: Positions) -> list[StudyError]:
    errors = []
    for name, entry in config["models"].items():
        if "path" in entry:
            errors += check_model_folder(name, config, positions)
    for section in ("masked_lms", "sentence_encoders"):
        for name, entry in config.get(section, {}).items():
            if "path" in entry:
                as_it_is = section == "masked_lms" and "training" not in entry
                try:
                    check_model_source(
                        entry,
                        head="masked-lm" if section == "masked_lms" else "question-answering",
                        where=positions.where((section, name)),
                        needs_head=as_it_is,
                    )
                except StudyError as error:
                    errors.append(error)
    return errors


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
