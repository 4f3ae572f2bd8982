"""What the outputs of a checkpoint that tells classes apart already mean, without torch."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from miniature.messages import StudyError
from miniature.models.folders import has_head, read_config, tensor_shapes, weight_files
from miniature.names import suggest_name

# The last layer of a head for classification, one row a class; the second name is RoBERTa's and ELECTRA's.
HEAD_WEIGHTS = ("classifier.weight", "classifier.out_proj.weight")


def trained_classes(folder: str | os.PathLike) -> list[str] | None:
    """Names of the classes that a checkpoint's own head tells apart, in the order of its outputs."""
    config = read_config(folder)
    # A head for single tokens or for choices has a weight of the same name.
    if config.get("architectures") and not has_head(config, "classification"):
        return None
    shapes: dict[str, list[int]] = {}
    for file in weight_files(folder):
        shapes |= tensor_shapes(file)
    found = [shapes[name] for name in HEAD_WEIGHTS if name in shapes]
    if not found:
        return None
    names = config.get("id2label")
    names = names if isinstance(names, Mapping) else {}
    return [str(names.get(str(index), f"LABEL_{index}")) for index in range(found[0][0])]


def check_classes(
    folder: str | os.PathLike, labels: Sequence[str] | Mapping[str, object], *, where: str | None = None
) -> None:
    """Refuse a checkpoint whose trained head means other classes than the study by its outputs.

    Fine-tuned or not, it would be taken for wrong where it is right, and no number would say so. Names are
    compared without regard to case, as this project writes them; where the study gives the values in its
    files and the checkpoint names those, these are compared. ``LABEL_0`` or ``0`` for the first class and so
    on says nothing, and is taken in the order of the study.

    Parameters
    ----------
    folder : path
        The checkpoint; one without a head for classification is none of our business.
    labels : mapping of str to value, or sequence of str
        The study's classes in order, with their values in the files where these are known.
    where : str, optional
        The configuration key that names the classes, for messages; the folder's config.json by default.

    Raises
    ------
    StudyError
        Another number of classes, another order, or other names, with the line to paste.
    """
    its = trained_classes(folder)
    if its is None:
        return
    values = dict(labels) if isinstance(labels, Mapping) else dict.fromkeys(labels)
    told = f"{', '.join(its)} in the order of its outputs; the study's are {', '.join(values)}."
    where = where or str(Path(folder) / "config.json")
    if len(its) != len(values):
        raise StudyError(
            f"The head of the checkpoint {folder} tells {len(its)} classes apart: {told}",
            where=where,
            fix=_labels_line({suggest_name(name): None for name in its})
            + f"\nor, to train a new head, the encoder alone: {_without_head(folder)}",
        )
    keys = list(map(_key, its))
    for study in ([_key(name) for name in values], [_key(_shown(value)) for value in values.values()]):
        if keys == study:
            return
        if sorted(keys) == sorted(study) and len({*keys}) == len(keys):
            entries = list(values.items())
            raise StudyError(
                f"The classes of the checkpoint {folder} stand in another order: {told}",
                where=where,
                fix=_labels_line(dict(entries[study.index(key)] for key in keys)),
            )
    if all(name.strip().casefold() in (f"label_{index}", str(index)) for index, name in enumerate(its)):
        return
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
