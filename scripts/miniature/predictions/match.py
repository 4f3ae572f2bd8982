"""Models given by their outputs: predictions and error lists, matched to the data table."""

import logging
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd

from miniature.data.commands import with_ids
from miniature.messages import StudyError
from miniature.predictions.context import Context
from miniature.predictions.kinds import KINDS
from miniature.predictions.read import prediction_line
from miniature.predictions.records import Record, Recorded, as_text

logger = logging.getLogger(__name__)


def _check_numbered(
    ids: Iterable[str], known: Sequence[str], columns: Mapping | None, path: str | os.PathLike, where: str
) -> None:
    """No file of a user's knows the numbers that rows get where the data name no ids."""
    ids = list(ids)
    if not len(known) or not set(known).isdisjoint(ids):
        return
    if columns is not None and "id" not in columns:
        named = {"id": "id", "text": "text", "label": "label", **columns}
        raise StudyError(
            "None of the ids is in the data: no column of ids is named for them, so their rows are numbered, "
            f"the first is {known[0]}.",
            where=where,
            fix=f"columns: {{{', '.join(f'{role}: {name}' for role, name in named.items())}}}"
            "   # in the dataset",
        )
    if len(ids) == len(known) and list(known) == [str(i) for i in range(len(known))]:
        raise StudyError(
            "None of the ids is in the data, whose rows are numbered from 0; "
            f"the first of the file is {ids[0]!r}.",
            where=where,
            fix=with_ids(path, "str(next(c))", "import itertools; c = itertools.count(); ")
            + "   (if the file is in the order of the data)",
        )


SPELLINGS = (
    ("a .0 behind them", "i.removesuffix('.0')", lambda i, _: i.removesuffix(".0")),
    ("no .0 behind them", "i + '.0'", lambda i, _: f"{i}.0"),
    ("blanks around them", "i.strip()", lambda i, _: i.strip()),
    ("capitals", "i.lower()", lambda i, _: i.lower()),
    ("small letters", "i.upper()", lambda i, _: i.upper()),
    ("zeros before them", "i.lstrip('0')", lambda i, _: i.lstrip("0")),
    ("the zeros before them lost", "i.zfill({width})", lambda i, width: i.zfill(width)),
)
"""How ids may be spelled that would be the data's otherwise, and the Python that makes them so."""


def _check_alike(given: Iterable[str], known: Sequence[str], path: str | os.PathLike, where: str) -> None:
    """Ids that are the data's but for their spelling: one of each, and the command that changes all."""
    given, wanted, width = list(given), set(known), max(map(len, known), default=0)
    if not given or not wanted.isdisjoint(given):
        return
    for difference, expression, change in SPELLINGS:
        changed = {change(key, width): key for key in given}
        if len(changed) == len(given) and (changed.keys() >= wanted or changed.keys() <= wanted):
            key = next(key for key in known if key in changed)
            raise StudyError(
                f"The ids of the file have {difference}: {changed[key]!r} stands there, {key!r} in the data.",
                where=where,
                fix=with_ids(path, expression.format(width=width)),
            )


def _check_known(ids: Sequence[str], known: Sequence[str], where: str, dataset: str) -> None:
    unknown = sorted(set(ids) - set(known))
    if unknown:
        raise StudyError(
            f"{len(unknown)} of {len(ids)} ids are not in the test split of {dataset}, "
            f"the first is {unknown[0]}.",
            where=where,
            fix=f"remove them, or name the dataset they belong to (ids there look like {known[0]})"
            if len(known)
            else "name the dataset they belong to",
        )


def match_predictions(
    recorded: Recorded,
    table: pd.DataFrame,
    *,
    kind: str,
    labels: Sequence[str] | None,
    values: Sequence[object] | None = None,
    stated: Mapping[str, object] | None = None,
    in_order: bool = False,
    model: str,
    dataset: str,
    columns: Mapping[str, str] | None = None,
    reference: pd.DataFrame | None = None,
    other_prompts: bool = False,
) -> pd.DataFrame:
    """Predictions table of a model that was run elsewhere.

    Parameters
    ----------
    recorded : Recorded
        From `miniature.predictions.formats.read_recorded`.
    table : DataFrame, [examples]
        The data table.
    kind : str
        A key of `miniature.predictions.kinds.KINDS`.
    labels : sequence of str or None
        Class names, for classification.
    values : sequence or None
        Value in the data for each of `labels`.
    stated : mapping of str to object, optional
        Value in the file for each of `labels`, where the study says so.
    in_order : bool
        Whether row i of the file is row i of the table; ids are then not compared.
    model, dataset : str
        For messages.
    columns : mapping of str to str, optional
        Columns that the study names for the data, whose rows are numbered without an id; for messages.
    reference : DataFrame, optional
        Predictions table of the reference, whose documents and prompts must be the same where both are known.
    other_prompts : bool
        Whether the model was asked in other words on purpose (``floor: prompt``).

    Returns
    -------
    DataFrame, [examples]
        The columns of a predictions table, rows as in the data table; what the file does not tell is missing.

    Raises
    ------
    StudyError
        An example has no prediction or a prediction no example; a prediction is no class or choice; the file
        contradicts itself, the data or the reference's prompts.
    """
    where = f"{recorded.path}, predictions of model {model}"
    ids = list(table["id"])
    if in_order:
        records = _in_order(recorded, ids, where, dataset)
    else:
        wanted = f"<{' or '.join(labels)}>" if labels else WANTED.get(kind, "<prediction>")
        records = _by_id(recorded, ids, where, dataset, columns, wanted)
    context = Context(
        labels=list(labels or []), values=list(values or []), stated=stated or {}, classes=recorded.classes,
        model=model, dataset=dataset, where=where, line=partial(prediction_line, recorded.path),
        path=recorded.path,
    )  # fmt: skip
    found = KINDS[kind](records, table, context)
    if reference is not None:
        _check_same_questions(found, reference, records, where, other_prompts)
    return found


WANTED = {"question-answering": "<answer, or empty for no answer>"}


def _in_order(recorded: Recorded, ids: Sequence[str], where: str, dataset: str) -> list[Record]:
    if len(recorded.records) != len(ids):
        raise StudyError(
            f"There are {len(recorded.records)} rows for the {len(ids)} examples of {dataset}, "
            "whose order they are said to have.",
            where=where,
            fix="columns: {id: <the column that has the ids>}   # in place of order: data",
        )
    return [replace(record, id=key) for key, record in zip(ids, recorded.records, strict=True)]


def _by_id(
    recorded: Recorded, ids: Sequence[str], where: str, dataset: str, columns: Mapping | None, wanted: str
) -> list[Record]:
    found = {record.id: record for record in recorded.records}
    missing = [key for key in ids if key not in found]
    if len(missing) == len(ids):
        _check_other_ids(recorded, ids, where, dataset)
    if missing:
        _check_numbered(found, ids, columns, recorded.path, where)
        _check_alike(found, ids, recorded.path, where)
        raise StudyError(
            f"{len(missing)} of {len(ids)} examples of {dataset} have no prediction, "
            f"the first is {missing[0]}{_of_file(found, ids)}.",
            where=where,
            fix=prediction_line(recorded.path, missing[0], wanted)
            + "   (or, if only a part was predicted, make that part a dataset of its own)",
        )
    unknown = found.keys() - set(ids)
    numbered = columns is not None and "id" not in columns
    if numbered or 2 * len(unknown) > len(found):
        _check_known(list(found), ids, where, dataset)
    elif unknown:
        # Every example has its prediction by its own id, so that nothing can be mistaken for another.
        logger.warning(
            "%s: not read: %d of %d predictions, whose ids are not in the test split of %s (the first is %s)",
            where, len(unknown), len(found), dataset, min(unknown),
        )  # fmt: skip
    return [found[key] for key in ids]


def _of_file(given: Iterable[str], known: Sequence[str]) -> str:
    """An id of the file, where it has none of the data's."""
    first = next(iter(given), None)
    return "" if first is None or not set(known).isdisjoint(given) else f"; an id of the file is {first!r}"


def _check_other_ids(recorded: Recorded, ids: Sequence[str], where: str, dataset: str) -> None:
    """Where no id is in the data, another column may have them, or the rows' order."""
    known = set(ids)
    others = {name for record in recorded.records[:1] for name in record.others or ()}
    for name in sorted(others):
        values = {as_text((record.others or {}).get(name)) for record in recorded.records}
        if known <= values:
            raise StudyError(
                f"None of the ids of this file is in {dataset} (they look like {recorded.records[0].id}, "
                f"there like {ids[0]}); its {name} are.",
                where=where,
                fix=f"columns: {{id: {name}}}   # beside the path",
            )
    own = [record.id for record in recorded.records]
    counted = (
        recorded.numbered
        or own == [str(i) for i in range(len(own))]
        or own == [str(i + 1) for i in range(len(own))]
    )
    if counted and len(own) == len(ids):
        raise StudyError(
            f"The ids of this file are numbers of rows, those of {dataset} are not (the first is {ids[0]}).",
            where=where,
            fix="order: data   # beside the path, if row i of the file is row i of the data",
        )


def _check_same_questions(
    found: pd.DataFrame, reference: pd.DataFrame, records: Sequence[Record], where: str, other_prompts: bool
) -> None:
    """Models are compared on the same documents, asked in the same words."""
    for column, what in (("document_hash", "document"), ("prompt_hash", "prompt")):
        if column not in found or column not in reference or (column == "prompt_hash" and other_prompts):
            continue
        own, other = found[column], reference[column]
        unequal = (own.notna() & other.notna() & (own != other)).to_numpy()
        if unequal.any():
            i = int(np.flatnonzero(unequal)[0])
            raise StudyError(
                f"{int(unequal.sum())} of {len(found)} {what}s are not those that the reference was given, "
                f"the first is {records[i].id}"
                + (": another template, other examples in it, or another tokenizer's chat format." if
                   column == "prompt_hash" else ": other data, or another order."),
                where=f"{where}, {records[i].place}",
                fix="floor: prompt   # in the model's entry, if other words are what it is there to measure"
                if column == "prompt_hash"
                else "run both models on the same documents",
            )  # fmt: skip


def match_errors(
    ids: Sequence[str],
    table: pd.DataFrame,
    *,
    model: str,
    dataset: str,
    path: str | os.PathLike,
    columns: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Errors table from the ids that a model got wrong; every other example counts as right.

    Parameters
    ----------
    ids : sequence of str
        From `read_error_ids`.
    table : DataFrame, [examples]
        The data table.
    model, dataset, path, columns
        For messages, as for `match_predictions`.

    Returns
    -------
    DataFrame, [examples]
        ``id`` and ``error`` (nullable boolean, never missing), rows as in the data table.

    Raises
    ------
    StudyError
        An id is not in the table.

    Examples
    --------
    >>> table = pd.DataFrame({"id": ["q1", "q2"]})
    >>> match_errors(["q2"], table, model="m", dataset="d", path="f.json")["error"].tolist()
    [False, True]
    """
    where = f"{path}, errors of model {model}"
    if ids:
        _check_numbered(ids, list(table["id"]), columns, path, where)
        _check_alike(ids, list(table["id"]), path, where)
    _check_known(ids, list(table["id"]), where, dataset)
    wrong = set(ids)
    return pd.DataFrame(
        {
            "id": table["id"].astype("str").to_numpy(),
            "error": pd.array([key in wrong for key in table["id"]], dtype="boolean"),
        }
    )


def summarize_errors(errors: pd.DataFrame, table: pd.DataFrame, kind: str) -> dict[str, float | int | None]:
    """What an error list alone says of a model's score.

    Parameters
    ----------
    errors : DataFrame, [examples]
        ``id`` and ``error``.
    table : DataFrame, [examples]
        The data table.
    kind : str
        ``question-answering`` or ``classification``.

    Returns
    -------
    dict
        For question answering ``exact`` and ``total``, with ``HasAns_`` and ``NoAns_``, and
        ``baseline_exact``; for classification ``accuracy``, ``baseline_accuracy`` and ``n``. Per cent, None
        over no example.

    Examples
    --------
    >>> errors = pd.DataFrame({"id": ["a", "b"], "error": [True, False]})
    >>> table = pd.DataFrame({"id": ["a", "b"], "label": ["x", "x"]})
    >>> summarize_errors(errors, table, "classification")
    {'accuracy': 50.0, 'baseline_accuracy': 100.0, 'n': 2}
    """
    right = 1.0 - errors["error"].astype("boolean").to_numpy(dtype=np.float64, na_value=math.nan)
    known = ~np.isnan(right)

    def share(rows: np.ndarray) -> float | None:
        return float(100 * right[rows].mean()) if rows.any() else None

    if kind != "question-answering":
        n = len(table)
        majority = int(table["label"].value_counts().max()) if n else 0
        return {
            "accuracy": share(known), "baseline_accuracy": 100 * majority / n if n else None, "n": n,
        }  # fmt: skip
    answerable = table["answerable"].astype("boolean")
    known &= ~answerable.isna().to_numpy()
    has = answerable.fillna(False).to_numpy(dtype=bool)
    summary: dict[str, float | int | None] = {}
    for prefix, rows in (("", known), ("HasAns_", known & has), ("NoAns_", known & ~has)):
        summary |= {f"{prefix}exact": share(rows), f"{prefix}total": int(rows.sum())}
    total = summary["total"]
    return summary | {"baseline_exact": 100 * summary["NoAns_total"] / total if total else None}
