"""The strict schema, and its violations told as messages a user can act on."""

import copy
import difflib
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import jsonschema
import yaml

from miniature.config.lines import Place, Positions
from miniature.config.suggest import flow, value_for
from miniature.messages import StudyError
from miniature.names import suggest_name


def _full_pattern(validator, pattern, instance, schema):
    """Match patterns to the very end: Python's ``$`` also matches before a final newline."""
    if isinstance(instance, str) and not re.search(pattern.replace("$", r"\Z"), instance):
        yield jsonschema.ValidationError(f"{instance!r} does not match {pattern!r}")


def _is_number(checker, instance):
    """Take finite numbers only: YAML's .inf and .nan pass every bound that a schema can state, or none."""
    if isinstance(instance, float):
        return math.isfinite(instance)
    return jsonschema.Draft202012Validator.TYPE_CHECKER.is_type(instance, "number")


def _is_whole(checker, instance):
    """Take 8 only: JSON's 8.0 is no count of anything."""
    return isinstance(instance, int) and not isinstance(instance, bool)


_Validator = jsonschema.validators.extend(
    jsonschema.Draft202012Validator,
    {"pattern": _full_pattern},
    type_checker=jsonschema.Draft202012Validator.TYPE_CHECKER.redefine("number", _is_number).redefine(
        "integer", _is_whole
    ),
)


def schema_errors(config: Mapping, schema: Mapping, positions: Positions) -> list[StudyError]:
    """Every violation of the schema, in the order of the file."""
    found: list[tuple[tuple, StudyError]] = []
    for error in _Validator(schema).iter_errors(config):
        for place, message in _explain(error, config, positions):
            found.append((positions.line(place), message))
    found.sort(key=lambda item: item[0])
    return [message for _, message in found]


class _Broken:
    """Stands for a part that is no mapping or list where one must be: whatever looks into it stops."""

    __hash__ = None


def without_broken(config: Mapping, schema: Mapping) -> Mapping:
    """Copy of a refused study in which no check takes a text for a list of letters."""
    config = copy.deepcopy(config)
    for error in list(_Validator(schema).iter_errors(config)):
        if error.validator == "type" and error.validator_value in ("object", "array") and error.absolute_path:
            *parents, last = error.absolute_path
            node = config
            for key in parents:
                node = node[key]
            node[last] = _Broken()
    return config


def _explain(
    error: jsonschema.ValidationError, config: Mapping, positions: Positions
) -> Iterator[tuple[Place, StudyError]]:
    place: Place = tuple(error.absolute_path)
    key = place[-1] if place else ""
    schema = error.schema
    if error.validator == "additionalProperties":
        known = list(schema.get("properties", {}))
        for name in error.instance:
            if name not in known:
                fix = _renamed(name, error.instance, known, place, config)
                yield (
                    (*place, name),
                    StudyError(f"Unknown key '{name}'.", where=positions.where((*place, name)), fix=fix),
                )
    elif error.validator == "required":
        name = re.match(r"'(.*)' is a required property", error.message).group(1)
        known = list(schema.get("properties", {}))
        if any(key not in known and _near(key, known) == name for key in error.instance):
            return  # already reported as a misspelling
        example = _own(config, (*place, name)) or _example(schema.get("properties", {}).get(name, {}))
        yield (
            place,
            StudyError(
                f"The key '{name}' is missing.",
                where=positions.where(place),
                fix=f"{name}: {example or '...'}",
            ),
        )
    elif error.parent is not None or "propertyNames" in error.absolute_schema_path:
        what = "name" if "pattern" in error.schema else "key"
        letter = error.schema.get("pattern") == "^[a-z]$"
        fix = suggest_name(error.instance) if what == "name" else None
        if letter:
            fix = next((c for c in suggest_name(error.instance).lower() if c.isalpha()), "a")
        if error.validator == "enum":
            near = difflib.get_close_matches(str(error.instance), error.validator_value, n=1)
            fix = f"{(near or error.validator_value)[0]}: ..."
        if isinstance(error.instance, bool):
            # YAML reads yes, no, on and off as truth values, unless they are quoted.
            fix = f"{place[-1]}: {flow(_as_written(positions, place))}"
        yield (
            (*place, str(error.instance)),
            StudyError(
                f"{error.instance!r} is not a {what} that may stand here"
                + (f" ({'one small letter' if letter else _NAME_RULE})." if what == "name" else "."),
                where=positions.where((*place, str(error.instance))),
                fix=fix if fix is None or ":" in fix else f"{fix}: ...",
            ),
        )
    else:
        named = next((part for part in reversed(place) if isinstance(part, str)), "")
        yield (
            place,
            StudyError(
                f"'{named}' is {_shown(error.instance)}, but {_expected(error)}.",
                where=positions.where(place),
                fix=_corrected_list(error, config, place)
                if isinstance(key, int) and error.validator == "enum"
                else _corrected(error, key, _own(config, place)),
            ),
        )


def _as_written(positions: Positions, place: Place) -> object:
    """A value of a study's file with every key and word as text, as it was typed."""
    try:
        value = yaml.load(Path(positions.line(place)[0]).read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
        for key in place:
            value = value[key]
    except (OSError, yaml.YAMLError, LookupError, TypeError):
        return {"<name>": "..."}
    return value


def _near(name: object, known: list[str]) -> str | None:
    return next(iter(difflib.get_close_matches(str(name), known, n=1)), None)


def _renamed(name: object, entry: Mapping, known: list[str], place: Place, config: Mapping) -> str:
    """The known key that an unknown one is most like, with the value that stands there."""
    near, value = _near(name, known), entry[name]
    if near is None:
        return f"known keys here: {', '.join(known)}"
    if near in entry:
        return f"remove it; '{near}' is there already"
    if (*place, near) == ("reference",) and value not in list(config.get("models") or ()):
        value = value_for(config, ("reference",)) or value
    text = flow(value)
    return f"{near}: {text}" if len(text) <= 200 else f"{near}: ...   # with all that stands under '{name}'"


def _own(config: Mapping, place: Place) -> str:
    """A value for this place in the study's own names; empty where it has no say."""
    value = value_for(config, place) if isinstance(config, Mapping) else None
    return "" if value is None else flow(value)


_NAME_RULE = "letters, digits, - and _; at most 64"


def _example(schema: Mapping) -> str:
    """First example as YAML that reads back the same: 3e-05 would be text, 3.0e-05 is a number."""
    examples = schema.get("examples", [])
    if examples and isinstance(examples[0], bool):
        return str(examples[0]).lower()
    return re.sub(r"^(\d+)e", r"\1.0e", str(examples[0])) if examples else ""


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


_SENTENCES = {
    "minimum": "must be at least {}",
    "maximum": "must be at most {}",
    "exclusiveMinimum": "must be above {}",
    "exclusiveMaximum": "must be below {}",
    "minItems": "must not be empty",
    "minProperties": "needs at least {} entries",
    "uniqueItems": "holds an entry twice",
    "minLength": "must not be empty",
    "maxLength": "may have at most {} characters",
    "pattern": "may hold only letters, digits, - and _ (64 at most), with / and . in Hub ids only",
}


def _expected(error: jsonschema.ValidationError) -> str:
    value = error.validator_value
    if error.validator == "type":
        infinite = isinstance(error.instance, float) and not math.isfinite(error.instance)
        return "must be a finite number" if infinite else f"must be {_typed(value)}"
    if error.validator == "enum":
        return f"must be one of {', '.join(map(str, value))}"
    if error.validator == "anyOf":
        # A word, or a number within bounds.
        words = [str(choice["const"]) for choice in value if "const" in choice]
        bounds = [
            _SENTENCES[name].format(bound).removeprefix("must be ")
            for choice in value
            for name, bound in choice.items()
            if name in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
        ]
        return " or the word ".join([", ".join(["must be a number", *bounds]), *words])
    if error.validator == "pattern" and _example(error.schema):
        return f"must look like {_example(error.schema)}"
    return _SENTENCES.get(error.validator, error.message).format(value)


def _typed(kind: str | list[str]) -> str:
    words = {
        "object": "a mapping (key: value)", "array": "a list", "string": "text", "integer": "a whole number",
        "number": "a number", "boolean": "true or false", "null": "null",
    }  # fmt: skip
    return " or ".join(words[k] for k in ([kind] if isinstance(kind, str) else kind))


# What people write for a choice that goes by another name here.
_SYNONYMS = {"gpu": "cuda"}


def _corrected_list(error: jsonschema.ValidationError, config: Mapping, place: Place) -> str:
    """The line of a list with a word in it that is none of the choices."""
    items: object = config
    for part in place[:-1]:
        items = items[part]
    known = [str(value) for value in error.validator_value]
    kept = [item if item in known else _near(item, known) for item in items]
    kept = list(dict.fromkeys(item for item in kept if item))
    return f"{place[-2]}: {flow(kept or known)}"


def _corrected(error: jsonschema.ValidationError, key: object, own: str) -> str | None:
    if error.validator == "type" and isinstance(error.instance, str):
        try:
            number = float(error.instance)
        except ValueError:
            number = math.nan
        if math.isfinite(number):
            # YAML 1.1 reads 1e-3 as text; with a dot it is a number.
            shown = (
                error.instance if "." in error.instance else re.sub(r"(?i)^(\d+)e", r"\1.0e", error.instance)
            )
            return (
                f"{key}: {shown}"
                if number != int(number) or "e" in shown.lower()
                else f"{key}: {int(number)}"
            )
    if error.validator == "enum":
        given, known = str(error.instance).lower(), [str(value) for value in error.validator_value]
        given = _SYNONYMS.get(given, given)
        return f"{key}: {_near(given, known) or known[0]}"
    if error.validator == "type" and error.validator_value == "array" and isinstance(error.instance, str):
        return f"{key}: [{error.instance}]"
    if error.validator == "type" and isinstance(error.instance, float) and error.instance.is_integer():
        return f"{key}: {int(error.instance)}"
    example = own or _example(error.schema)
    if error.validator == "pattern" and not example:
        return f"{key}: {suggest_name(error.instance)}"
    return f"{key}: {example}" if example and isinstance(key, str) else None
