"""The labels of a study against those that a file holds: the line that would make them fit."""

import json
from collections.abc import Iterable, Mapping

import yaml

from miniature.names import suggest_name

# More values than this are no classes that somebody misspelled.
MOST = 30


def correct_labels(labels: Mapping[str, object], found: Iterable[str]) -> str | None:
    """Corrected ``labels:`` of a study, given the values in the file."""
    found = dict.fromkeys(found)
    known = {str(value) for value in labels.values()}
    strange = sorted((value for value in found if value not in known), key=_order)
    if not strange:
        return None
    if len(strange) > MOST:
        return "columns: {label: <the column of the classes>}"
    corrected, left = dict(labels), [name for name, value in labels.items() if str(value) not in found]
    for alike in (_same_text, _same_number, _same_start):
        for name in list(left):
            like = [v for v in strange if alike(v, str(labels[name])) or alike(v, name)]
            if len(like) == 1:
                corrected[name] = like[0]
                strange.remove(like[0])
                left.remove(name)
    note = ""
    if (
        strange
        and len(found) == len(labels)
        and all(_number(value) is not None for value in (*found, *known))
    ):
        # Counted from another start: in order, or a class would get a neighbor's number.
        corrected, strange = dict(zip(labels, sorted(found, key=_order), strict=True)), []
    elif strange and len(strange) == len(left):
        corrected |= dict(zip(left, strange, strict=True))
        note = "   # or the other way round: only you know which is which" if len(strange) > 1 else ""
        strange = []
    lower = {str(value).casefold(): str(value) for value in corrected.values()}
    twice = [value for value in strange if value.casefold() in lower]
    if twice:
        # A class has one value in a file, so a second spelling can only be mended there.
        return f"in the file, write {twice[0]!r} as {lower[twice[0].casefold()]!r}, as in its other rows"
    for value in strange:
        name = suggest_name(value)
        names = (name, *(f"{name[:60]}-{i}" for i in range(2, MOST + 2)))
        corrected[next(n for n in names if n not in corrected)] = value
    listed = ", ".join(f"{yaml_word(name, str)}: {yaml_word(value)}" for name, value in corrected.items())
    return f"labels: {{{listed}}}{note}"


def _order(value: str) -> tuple[float, str]:
    number = _number(value)
    return (float("inf") if number is None else number, value)


def _number(value: str) -> float | None:
    try:
        return float(value)
    except ValueError:
        return None


def _same_text(value: str, other: str) -> bool:
    return value.strip().casefold() == other.strip().casefold()


def _same_number(value: str, other: str) -> bool:
    return _number(value) is not None and _number(value) == _number(other)


def _same_start(value: str, other: str) -> bool:
    short, long = sorted((value.strip().casefold(), other.strip().casefold()), key=len)
    return bool(short) and not short[0].isdigit() and long.startswith(short)


def yaml_word(value: object, kinds: type = str | int | bool) -> str:
    """A value as YAML that reads back as the same text, in quotes only where it must be."""
    text = str(value)
    try:
        read = yaml.safe_load(f"[{text}]")
    except (yaml.YAMLError, ValueError):
        read = None
    plain = isinstance(read, list) and len(read) == 1 and isinstance(read[0], kinds)
    return text if plain and str(read[0]) == text else json.dumps(text)
