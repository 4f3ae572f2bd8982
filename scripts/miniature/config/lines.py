"""Where in which YAML file a key stands, so that a message can point at it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from miniature.messages import StudyError

Place = tuple[str | int, ...]

# Of one file, aliases followed: a study of 1,000 models has some 20,000.
MOST_ENTRIES = 1_000_000
# With this key, Snakemake takes a study for a template and runs the Python code in it.
TEMPLATE = "__use_yte__"


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
    """Positions of all keys in some YAML files."""
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
        except RecursionError:
            raise StudyError(
                "The file is nested too deeply to be a study.", where=str(path), fix="study: my-study"
            ) from None
        if root is not None:
            _count_entries(root, {}, set(), str(path))
            _refuse_template(root, str(path))
            positions.lines.setdefault((), (str(path), 1))
            _walk(root, (), str(path), positions)
    return positions


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return node.value if isinstance(node, yaml.SequenceNode) else []


def _count_entries(node: yaml.Node, counts: dict[int, int], above: set[int], file: str) -> int:
    """Count the entries of a node as if every alias were written out, without writing any out."""
    if id(node) in above:
        raise StudyError(
            "An alias (*name) refers to itself, without end.",
            where=f"{file}:{node.start_mark.line + 1}",
            fix="write the value out in place of the alias",
        )
    if id(node) not in counts:
        above.add(id(node))
        counts[id(node)] = 1 + sum(_count_entries(child, counts, above, file) for child in _children(node))
        above.discard(id(node))
        if counts[id(node)] > MOST_ENTRIES:
            raise StudyError(
                f"With its aliases (*name) written out, this is more than {MOST_ENTRIES:,} entries.",
                where=f"{file}:{node.start_mark.line + 1}",
                fix="write the values out in place of the aliases",
            )
    return counts[id(node)]


def _refuse_template(root: yaml.Node, file: str) -> None:
    for key, _ in root.value if isinstance(root, yaml.MappingNode) else []:
        if key.value == TEMPLATE:
            raise StudyError(
                f"A study is data. With {TEMPLATE} it is a program, which Snakemake runs while it reads "
                "the file: whatever it does has been done.",
                where=f"{file}:{key.start_mark.line + 1}",
                fix=f"remove {TEMPLATE} and what goes with it; look at the study of somebody else first:\n"
                f"PYTHONPATH=scripts python -m miniature.config {file}",
            )


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
