"""What the outputs of a checkpoint that tells classes apart already mean, without torch."""

import json
import os
import re
from collections.abc import Mapping, Sequence

from miniature.messages import StudyError
from miniature.models.configuration import has_head
from miniature.models.folders import HEAD_WEIGHTS, Folder, read_folder
from miniature.models.weights import ELSEWHERE
from miniature.names import suggest_name


def trained_classes(folder: str | os.PathLike | Folder) -> list[str] | None:
    """Names of the classes that a checkpoint's own head tells apart, in the order of its outputs.

    Parameters
    ----------
    folder : path or Folder
        A folder in the format of Hugging Face.

    Returns
    -------
    list of str or None
        ``LABEL_0`` and so on where its configuration names none, as transformers does; None where the folder
        holds no head for classification.

    Raises
    ------
    StudyError
        As `miniature.models.folders.read_folder`; or its configuration names classes in two ways that differ,
        or in none that can be read.
    """
    source = read_folder(folder)
    # A head for single tokens or for choices has a weight of the same name.
    named = source.config.get("architectures") and source.graph is None
    if named and not has_head(source.config, "classification"):
        return None
    found = [source.shapes[name] for name in HEAD_WEIGHTS["classification"] if name in source.shapes]
    if not found:
        return None
    count = found[0][0]
    given = {key: source.config[key] for key in ("id2label", "label2id") if source.config.get(key)}
    if not given:
        return [f"LABEL_{index}" for index in range(count)]
    try:
        read = [_in_order(key, value, count) for key, value in given.items()]
    except (AttributeError, TypeError, ValueError):
        read = []
    if len(read) == 2 and read[0] != read[1]:
        raise StudyError(
            f"id2label and label2id differ: {', '.join(read[0])} and {', '.join(read[1])}.",
            where=str(source.path / "config.json"),
            fix=_id2label_line(read[0]) + "   # and no label2id, if this is the right one",
        )
    if not read:
        key, value = next(iter(given.items()))
        names = value if isinstance(value, list) and len(value) == count else None
        raise StudyError(
            f"{key} is no mapping that names each of the head's {count} outputs once.",
            where=str(source.path / "config.json"),
            fix=_id2label_line([str(name) for name in names or (f"LABEL_{n}" for n in range(count))])
            + "   # and no label2id",
        )
    return read[0]


def _in_order(key: str, value: Mapping, count: int) -> list[str]:
    """Names by output; `ValueError` unless each output has one name of its own."""
    pairs = [(int(k), str(v)) if key == "id2label" else (int(v), str(k)) for k, v in value.items()]
    if sorted(index for index, _ in pairs) != list(range(count)) or len({name for _, name in pairs}) != count:
        raise ValueError
    return [name for _, name in sorted(pairs)]


def _id2label_line(names: Sequence[str]) -> str:
    return f'"id2label": {json.dumps({str(i): name for i, name in enumerate(names)}, ensure_ascii=False)},'


def check_classes(
    folder: str | os.PathLike | Folder,
    labels: Sequence[str] | Mapping[str, object],
    *,
    where: str | None = None,
) -> list[str]:
    """Refuse a checkpoint whose trained head means other classes than the study by its outputs.

    Fine-tuned or not, it would be taken for wrong where it is right, and no number would say so. Names are
    compared without regard to case, as this project writes them; where the study gives the values in its
    files and the checkpoint names those, these are compared. Another order is no obstacle where the names say
    which class an output is. ``LABEL_0`` or ``0`` for the first class and so on says nothing, and is taken in
    the order of the study.

    Parameters
    ----------
    folder : path or Folder
        The checkpoint; one without a head for classification is none of our business.
    labels : mapping of str to value, or sequence of str
        The study's classes in order, with their values in the files where these are known.
    where : str, optional
        The configuration key that names the classes, for messages; the folder's config.json by default.

    Returns
    -------
    list of str
        The study's classes in the order of the checkpoint's outputs; in the study's where it has no head.

    Raises
    ------
    StudyError
        The head decides no single class; or another number of classes, other names, or numbers in another
        order, with the line to paste.
    """
    source = read_folder(folder)
    its = trained_classes(source)
    values = dict(labels) if isinstance(labels, Mapping) else dict.fromkeys(labels)
    if its is None:
        return list(values)
    told = f"{', '.join(its)} in the order of its outputs; the study's are {', '.join(values)}."
    folder, own = source.path, str(source.path / "config.json")
    encoder = f"\nor, to train a new head, the encoder alone: {_without_head(folder)}"
    problem = source.config.get("problem_type")
    if problem == "regression" or len(its) == 1:
        raise StudyError(
            f"The head of the checkpoint {folder} gives one number (a regression, or a sigmoid with a "
            "threshold), and no classes."
            if len(its) == 1
            else f"The head of the checkpoint {folder} is a regression: its outputs are no classes.",
            where=own,
            fix=ELSEWHERE + encoder,
        )
    if problem == "multi_label_classification":
        raise StudyError(
            f"The head of the checkpoint {folder} says yes or no to each class separately; its outputs are "
            "for sigmoids, and a softmax over them gives probabilities that the model never gave.",
            where=own,
            fix='"problem_type": "single_label_classification",   # if trained with a softmax; if not:\n'
            + ELSEWHERE
            + encoder,
        )
    where = where or own
    if len(its) != len(values):
        raise StudyError(
            f"The head of the checkpoint {folder} tells {len(its)} classes apart: {told}",
            where=where,
            fix=_labels_line({suggest_name(name): None for name in its}) + encoder,
        )
    keys = list(map(_key, its))
    for study in ([_key(name) for name in values], [_key(_shown(value)) for value in values.values()]):
        if keys == study:
            return list(values)
        if sorted(keys) == sorted(study) and len({*keys}) == len(keys):
            entries = list(values.items())
            if not any(re.fullmatch(r"(label_)?[+-]?\d+", key) for key in keys):
                return [entries[study.index(key)][0] for key in keys]
            raise StudyError(
                f"The classes of the checkpoint {folder} are in another order: {told}",
                where=where,
                fix=_labels_line(dict(entries[study.index(key)] for key in keys)),
            )
    if all(name.strip().casefold() in (f"label_{index}", str(index)) for index, name in enumerate(its)):
        return list(values)
    raise StudyError(
        f"The classes of the checkpoint {folder} have other names: {told}",
        where=where,
        fix=_labels_line(dict(zip(map(suggest_name, its), values.values(), strict=True)))
        + "   # if these values mean these classes"
        + f"\nor, to train a new head, the encoder alone: {_without_head(folder)}",
    )


def named_values(labels: Sequence[str] | None, values: Sequence | None) -> dict[str, object] | None:
    """Classes with their values in the study's files, in class order; None where there are no classes.

    Examples
    --------
    >>> named_values(["negative", "positive"], [0, 1])
    {'negative': 0, 'positive': 1}
    """
    return None if labels is None else dict(zip(labels, values, strict=True))


def _key(name: str) -> str:
    """A class name to compare: as a study may write it, whatever its case."""
    stripped = name.strip()
    # "-1" and "1" become one name where others are made of letters: they must stay two.
    return (stripped if stripped.lstrip("+-").isdecimal() else suggest_name(stripped)).casefold()


def _shown(value: object) -> str:
    """A value of ``labels:`` as YAML writes it."""
    if value is None:
        return "..."
    return str(value).lower() if isinstance(value, bool) else str(value)


def _labels_line(values: Mapping[str, object]) -> str:
    return f"labels: {{{', '.join(f'{_quoted(name)}: {_quoted(value)}' for name, value in values.items())}}}"


def _quoted(value: object) -> str:
    """A name or value that reads back as it is: text that YAML would take for something else is quoted."""
    plain = isinstance(value, str) and suggest_name(value) == value and value[0].isalpha()
    if value is None or not isinstance(value, str) or (plain and value.casefold() not in YAML_WORDS):
        return _shown(value)
    return "'" + value.replace("'", "''") + "'"


YAML_WORDS = ("y", "n", "yes", "no", "on", "off", "true", "false", "null")


def _without_head(folder: str | os.PathLike) -> str:
    return f"AutoModel.from_pretrained({str(folder)!r}).save_pretrained(...), with its tokenizer"
