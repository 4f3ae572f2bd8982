"""The defaults of a study, all of which are in the schema."""

import copy
import functools
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import yaml

from miniature.characteristics.declared import DECLARED
from miniature.config.lines import Place

SCHEMA = Path(__file__).parents[3] / "config" / "schema.yaml"


def load_schema(path: str | Path = SCHEMA) -> dict:
    """Read the schema file; wherever it takes the name of a characteristic, it takes those declared."""
    return _load_schema(Path(path))


@functools.cache
def _load_schema(path: Path) -> dict:
    # libyaml, where it is there, is eight times as fast.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    schema = yaml.load(path.read_text(encoding="utf-8"), Loader=loader)
    schema["properties"]["verdict"]["propertyNames"] = {"enum": list(DECLARED)}
    panel = schema["properties"]["figure1"]["properties"]["panels"]["additionalProperties"]
    panel["properties"]["characteristic"]["enum"] = [name for name, one in DECLARED.items() if one.by_k]
    return schema


def default_of(*place: str) -> object:
    """Default of a key, as the schema states it.

    Examples
    --------
    >>> default_of("statistics", "resamples"), default_of("training", "my-task", "epochs")
    (2000, 3)
    """
    node = load_schema()
    for key in place:
        node = _entries(node, load_schema())
        node = {**node.get(None, {}), **node.get(key, {})}
    return copy.deepcopy(node["default"])


def _entries(schema: Mapping, root: Mapping) -> dict[str | None, dict]:
    """Schemas of the keys of a mapping, references followed; under None that of names of the study's own."""
    parts = [schema, *schema.get("allOf", ())]
    parts += [root["$defs"][part["$ref"].rpartition("/")[2]] for part in parts if "$ref" in part]
    found: dict[str | None, dict] = {}
    for part in parts:
        for key, value in part.get("properties", {}).items():
            found[key] = {**found.get(key, {}), **value}
        if isinstance(part.get("additionalProperties"), Mapping):
            found[None] = part["additionalProperties"]
    return found


def fill_defaults(
    config: dict,
    root: Mapping,
    skip: Callable[[Place], bool],
    place: Place = (),
    schema: Mapping | None = None,
) -> Iterator[Place]:
    """Write the schema's defaults into a study, and tell where.

    Parameters
    ----------
    config : dict
        The study, or the part of it at `place`; changed.
    root : mapping
        The schema.
    skip : callable
        Whether a place is left as it is.
    place, schema
        The part that is filled, the whole by default.

    Yields
    ------
    tuple
        Path of keys of each value without keys of its own that was written.
    """
    entries = _entries(root if schema is None else schema, root)
    for key, part in entries.items():
        if key is not None and key not in config and "default" in part and not skip((*place, key)):
            config[key] = copy.deepcopy(part["default"])
            if config[key] != {}:
                yield (*place, key)
    for key, value in config.items():
        part = entries.get(key, entries.get(None))
        if part is not None and isinstance(value, dict):
            yield from fill_defaults(value, root, skip, (*place, key), part)
