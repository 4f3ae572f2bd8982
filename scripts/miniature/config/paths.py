"""Environment variables in paths: ``${NAME}`` in whatever names a file or folder of the user's."""

import copy
import os
import re
from collections.abc import Mapping

from miniature.config.lines import Positions
from miniature.messages import StudyError
from miniature.models.entry import SOURCES

# Keys that name a file or folder; `local` does too, but may be missing.
PATHS = {"path", "word_vectors", "pos_tagger", *(key for source in SOURCES.values() for key in source.paths)}
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
# Snakemake takes braces for wildcards; no file is called by a NUL, and none should be by a newline.
_UNUSABLE = re.compile(r"[{}\x00-\x1f\x7f]")


def expand_paths(
    config: Mapping, positions: Positions, environment: Mapping[str, str] | None = None
) -> tuple[dict, list[StudyError]]:
    """Copy of a configuration with every key of `PATHS` and ``local:`` expanded."""
    environment = os.environ if environment is None else environment
    expanded = copy.deepcopy(dict(config))
    errors: list[StudyError] = []
    missing: set[str] = set()

    def check(value, place):
        if _UNUSABLE.search(value):
            errors.append(
                StudyError(
                    f"The path {value!r} has a brace or a control character; no path of a study may.",
                    where=positions.where(place),
                    fix=f"rename the file, then {place[-1]}: {_UNUSABLE.sub('-', value)}",
                )
            )

    def visit(node, place):
        for key, value in list(node.items() if isinstance(node, dict) else enumerate(node)):
            if key == "local" and isinstance(value, str):
                if all(environment.get(name) for name in _VARIABLE.findall(value)):
                    node[key] = _VARIABLE.sub(lambda m: environment[m.group(1)], value)
                    check(node[key], (*place, key))
                else:
                    del node[key]
            elif key in PATHS and isinstance(value, str):
                for name in _VARIABLE.findall(value):
                    if not environment.get(name) and name not in missing:
                        missing.add(name)
                        errors.append(
                            StudyError(
                                f"The environment variable {name} is not set.",
                                where=positions.where((*place, key)),
                                fix=f"export {name}=/path/to/the/folder",
                            )
                        )
                node[key] = _VARIABLE.sub(lambda m: environment.get(m.group(1), m.group(0)), value)
                if all(environment.get(name) for name in _VARIABLE.findall(value)):
                    check(node[key], (*place, key))
            elif isinstance(value, dict | list):
                visit(value, (*place, key))

    visit(expanded, ())
    return expanded, errors
