"""Where in which YAML file a key stands, so that a message can point at it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from miniature.messages import StudyError

Place = tuple[str | int, ...]


@dataclass
class Positions:
    """Line of every key of the configuration files, later files overriding earlier ones.

    Parameters
    ----------
    lines : dict
        Path of keys -> (file, line counted from 1).
    duplicates : list of StudyError
        Keys written twice in one mapping: YAML keeps the last one in silence.
    """

    lines: dict[Place, tuple[str, int]] = field(default_factory=dict)
    duplicates: list[StudyError] = field(default_factory=list)

    def where(self, place: Iterable[str | int]) -> str:
        """``file:line: key.key`` of a key, or of its nearest ancestor that is written somewhere."""
        place = tuple(place)
        dotted = ".".join(map(str, place))
        known = place
        while known and known not in self.lines:
            known = known[:-1]
        if known in self.lines:
            file, line = self.lines[known]
            return f"{file}:{line}: {dotted}" if dotted else f"{file}:{line}"
        return dotted or "the configuration"

    def line(self, place: Iterable[str | int]) -> tuple[str, int]:
        """File and line of a key for sorting; unknown ones come last."""
        place = tuple(place)
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place, ("~", 0))


def read_positions(paths: Iterable[str | Path]) -> Positions:
    """Positions of all keys in some YAML files.

    Raises
    ------
    StudyError
        A file is missing or is not YAML.
    """
    positions = Positions()
    for path in paths:
        try:
            # Composing gives nodes with positions and builds no objects, whatever tags a file holds.
            root = yaml.compose(Path(path).read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            place = f"{path}:{mark.line + 1}" if mark else str(path)
            raise StudyError(
                f"The file is not YAML: {getattr(error, 'problem', error)}.", where=place
            ) from error
        except (OSError, UnicodeDecodeError) as error:
            raise StudyError(f"The file cannot be read: {error}.", where=str(path)) from error
        if root is not None:
            positions.lines.setdefault((), (str(path), 1))
            _walk(root, (), str(path), positions)
    return positions


def _walk(node: yaml.Node, place: Place, file: str, positions: Positions) -> None:
    if isinstance(node, yaml.MappingNode):
        seen: dict[str, int] = {}
        for key, value in node.value:
            name = key.value if isinstance(key, yaml.ScalarNode) else str(key)
            line = key.start_mark.line + 1
            if name in seen:
                positions.duplicates.append(
                    StudyError(
                        f"The key '{name}' is written twice; only the last one would count.",
                        where=f"{file}:{line}: {'.'.join(map(str, (*place, name)))} "
                        f"(first in line {seen[name]})",
                        fix="remove one of the two",
                    )
                )
            seen[name] = line
            positions.lines[(*place, name)] = (file, line)
            _walk(value, (*place, name), file, positions)
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            positions.lines[(*place, index)] = (file, item.start_mark.line + 1)
            _walk(item, (*place, index), file, positions)
