"""Tables of predictions, with names of columns, or ``id<TAB>prediction`` without."""

import difflib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from textwrap import shorten

from miniature.data.json_rows import json_rows
from miniature.data.problems import Problems
from miniature.data.table_files import id_text, is_missing, list_columns, read_table, table_kind
from miniature.messages import StudyError
from miniature.predictions.lines import read_lines
from miniature.predictions.read import about, prediction_line
from miniature.predictions.records import (
    ROLES,
    Options,
    Record,
    Recorded,
    as_text,
    as_truth,
    choice_name,
    nested,
)

CLASS = "p_"  # a column of the probability of a class: p_<class>
# Names that columns have elsewhere, read where the study names none and there is exactly one.
OTHER_NAMES = {
    "id": ("idx", "index", "qid", "question_id", "example_id", "sample_id", "guid", "ID", "Id"),
    "prediction": ("pred", "predicted", "predicted_label", "prediction_text", "predictions", "y_pred"),
}
# Ids by these names are numbers of rows.
ROW_NUMBERS = ("idx", "index")


def is_without_header(path: Path, lines: list[str]) -> bool:
    """Whether a text file has two cells a line from the first line on, and none of them names a column."""
    cells = [line.split("\t") for line in lines]
    known = {*ROLES, *(name for names in OTHER_NAMES.values() for name in names)}
    return bool(cells) and all(len(row) == len(cells[0]) <= 2 for row in cells) and known.isdisjoint(cells[0])


def read_without_header(path: Path, options: Options, where: str) -> Recorded:
    """``id<TAB>prediction``; or a prediction a line, where rows are in the order of the data."""
    width = 1 if options.in_order else 2
    records = []
    for number, line in read_lines(path, where):
        try:
            cells = line.decode("utf-8-sig").rstrip("\r\n").split("\t")
        except UnicodeDecodeError:
            raise StudyError(
                f"Line {number} is not UTF-8.", where=f"{where}, line {number}", fix="save the file as UTF-8"
            ) from None
        if len(cells) != width and len(cells) != 2:
            raise StudyError(
                f"Line {number} has {len(cells)} cells.",
                where=f"{where}, line {number}",
                fix="<id><TAB><prediction>" if not options.in_order else "<prediction>",
            )
        records.append(Record(f"line {number}", cells[0] if len(cells) == 2 else str(number), cells[-1]))
    return Recorded(path, records)


def has_rows(content: object) -> bool:
    """Whether a JSON value is a table: rows, or a mapping of names to lists of one length."""
    return json_rows(content, ["id"]) is not None or _column_lists(content) is not None


def read_table_of_predictions(path: Path, content: object, options: Options, where: str) -> Recorded:
    """Rows with an ``id`` and ``prediction``, ``correct``, ``confidence``, ``p_<class>`` and so on.

    Parameters
    ----------
    path : Path
        CSV, TSV, JSON lines, JSON or parquet, each also gzipped.
    content : object
        The parsed value of a JSON file; None for other kinds.
    options : Options
        ``columns`` names those that are called otherwise; with ``in_order`` no id is needed.
    where : str
        For messages.

    Returns
    -------
    Recorded

    Raises
    ------
    StudyError
        What the strict reader of tables finds; a column is missing; a cell is not what its column holds.
    """
    problems = Problems(where, strict=True)
    lists = _column_lists(content)
    if isinstance(content, list) and not any(isinstance(row, dict) for row in content):
        raise StudyError("This is no mapping of id to answer.", where=where, fix='{"<id>": "<answer>", ...}')
    if lists is not None:
        header, rows, unit = list(lists[0]) if lists else [], list(enumerate(lists, start=1)), "row"
    else:
        try:
            table = read_table(
                path, problems, wanted=_wanted(options), text=options.columns.get("prediction", "prediction")
            )
            rows, unit = list(table.rows), table.unit
        except StudyError as error:
            raise about(error, path, where) from None
        if problems.n_errors and table.columns == []:
            problems.finish()
        header = table.columns or list(dict.fromkeys(key for _, row in rows for key in row))
    if not rows:
        problems.finish()
        raise StudyError("The table has no rows.", where=where, fix="write it again")
    names, notes = _find_columns(path, header, rows, options, where)
    classes = [name.removeprefix(CLASS) for name in header if name.startswith(CLASS) and name != CLASS]
    used = {*names.values(), *(CLASS + name for name in classes)}
    others = [name for name in header if name not in used]
    cells = _Cells(path, names, classes, others, options, problems)
    records = [cells.record(f"{unit} {number}", index, row) for index, (number, row) in enumerate(rows)]
    problems.finish()
    if others and not options.texts:
        notes.append(f"not read: the column{'s' * (len(others) > 1)} {list_columns(others)}")
    numbered = names.get("id") in ROW_NUMBERS and "id" not in options.columns
    return Recorded(path, records, notes, classes or None, numbered)


def _wanted(options: Options) -> list[str]:
    """Columns by which the separator and the layout of a table are known."""
    if options.in_order or options.texts:
        return list(options.columns.values())
    return [options.columns.get("id", "id")]


def _column_lists(content: object) -> list[dict] | None:
    """Rows of a mapping from names to lists of one length, beside which there may be single values."""
    if not isinstance(content, Mapping) or json_rows(content, ["id"]) is not None:
        return None
    lists = {key: value for key, value in content.items() if isinstance(value, list)}
    plain = all(not isinstance(cell, dict) for value in lists.values() for cell in value)
    if not lists or not plain or len({len(value) for value in lists.values()}) > 1:
        return None
    return [dict(zip(lists, row, strict=True)) for row in zip(*lists.values(), strict=True)]


def _find_columns(
    path: Path, header: list[str], rows: list[tuple[int, dict]], options: Options, where: str
) -> tuple[dict[str, str], list[str]]:
    """The column of each role that the table has."""
    notes: list[str] = []
    names = {role: role for role in ROLES if role in header}
    for role, others in OTHER_NAMES.items():
        found = [name for name in others if name in header]
        if role not in names and role not in options.columns and len(found) == 1:
            names[role] = found[0]
            notes.append(f"the column {found[0]} is read as {role}")
    names |= options.columns
    if options.in_order:
        names.pop("id", None)
    for role, name in names.items():
        if name not in header and all(nested(row, name) is None for _, row in rows[:100]):
            raise StudyError(
                f"There is no column {name!r} (the table has {list_columns(header)}).",
                where=where,
                fix=f"columns: {{{role}: {_nearest(name, header)}}}",
            )
    says = {"prediction", "correct", "probabilities", "confidence"} & set(names)
    says |= {name for name in header if name.startswith(CLASS)}
    missing = [
        *(["id"] if "id" not in names and not options.in_order and not options.texts else []),
        *(["prediction"] if not says and not options.texts else []),
    ]
    if missing:
        raise StudyError(
            f"The table lacks the column{'s' * (len(missing) > 1)} {' and '.join(missing)}; "
            f"it has {list_columns(header)}.",
            where=where,
            fix=_columns_line(path, header, missing),
        )
    return names, notes


def _nearest(name: str, header: list[str]) -> str:
    return next(iter(difflib.get_close_matches(name, header, 1, 0.3)), f"<one of {list_columns(header)}>")


def _columns_line(path: Path, columns: list[str], missing: list[str]) -> str:
    """The header, or a row, as it must be; the names of two columns can only be in one order."""
    kind = table_kind(path)
    if kind not in ("csv", "tsv"):
        return f"{json.dumps({'id': '...', 'prediction': '...'})}   (in every row)"
    separator = "," if kind == "csv" else "\t"
    left = [name for name in columns if name not in ("id", "prediction")]
    if len(columns) == 2 and len(missing) == 1 and len(left) == 1:
        return separator.join(missing[0] if name == left[0] else name for name in columns)
    return f"{separator.join(('id', 'prediction'))}   (as names of the columns, in the first line)"


class _Cells:
    """From a row to a record, what is wrong noted with the row and a line that would be right."""

    def __init__(
        self, path: Path, names: Mapping, classes: list[str], others: list[str], options, problems: Problems
    ):
        self.path, self.names, self.classes, self.others = path, names, classes, others
        self.options, self.problems, self.place = options, problems, ""
        self.needed = [names[role] for role in ("id", "prediction") if role in names]
        self.plain = not classes and set(names) <= {"id", "prediction"}

    def record(self, place: str, index: int, row: Mapping) -> Record:
        """One row."""
        self.place = place
        lacking = [name for name in self.needed if name not in row and nested(row, name) is None]
        if lacking:
            self.wrong(
                f"no {' and no '.join(map(repr, lacking))} (it has {list_columns(row)})",
                prediction_line(self.path, str(row.get(self.names.get("id"), "<id>")), "<prediction>"),
            )
        others = {name: row[name] for name in self.others if isinstance(row.get(name), str | int | float)}
        if self.plain:
            return Record(place, self.key(row, index), self.answer(row), others=others)
        choices, choice_names = _choices(self.given(row, "choices"))
        probabilities = self.numbers(row)
        correct = self.given(row, "correct")
        if correct not in (None, "") and as_truth(correct) is None:
            self.wrong(
                f"{self.names['correct']} is {correct!r}, not right or wrong",
                f"{self.names['correct']}: 1   (or 0)",
            )
        confidence = self.given(row, "confidence")
        return Record(
            place=place,
            id=self.key(row, index),
            prediction=self.answer(row),
            correct=as_truth(correct),
            label=as_text(self.given(row, "label")),
            probabilities=probabilities,
            confidence=None
            if confidence in (None, "")
            else self.number(confidence, self.names["confidence"]),
            text=as_text(self.given(row, "text")),
            cluster=as_text(self.given(row, "cluster")),
            choices=choices,
            names=choice_names,
            document_hash=as_text(self.given(row, "document_hash")),
            prompt_hash=as_text(self.given(row, "prompt_hash")),
            others=others,
        )

    def wrong(self, what: str, fix: str) -> None:
        """Note what is wrong in this row."""
        self.problems.error(self.place, what, fix)

    def given(self, row: Mapping, role: str) -> object:
        """Value of a role; None where there is none."""
        name = self.names.get(role)
        if name is None:
            return None
        value = row[name] if name in row else nested(row, name)
        return None if is_missing(value) else value

    def key(self, row: Mapping, index: int) -> str:
        """Id of a row; its number from 0 where the table has no ids."""
        if "id" not in self.names:
            return str(index)
        value = nested(row, self.names["id"])
        key = id_text(value)
        if key is None and self.names["id"] in row:
            self.wrong(f"the id is {value!r}", prediction_line(self.path, "<id>", "<prediction>"))
        return key or ""

    def answer(self, row: Mapping) -> str | None:
        """The prediction."""
        value = self.given(row, "prediction")
        if isinstance(value, list | dict):
            key = str(row.get(self.names.get("id"), ""))
            self.wrong(
                f"the prediction for {key} is {shorten(repr(value), 80)}, and not text",
                prediction_line(self.path, key, "<the prediction as text>"),
            )
        return as_text(value)

    def numbers(self, row: Mapping) -> list[float] | None:
        """The probabilities, from a column for each class or from a list."""
        if self.classes:
            cells = {CLASS + name: row.get(CLASS + name) for name in self.classes}
            if all(is_missing(value) or value == "" for value in cells.values()):
                return None
            return [self.number(value, name) for name, value in cells.items()]
        given, name = self.given(row, "probabilities"), self.names.get("probabilities")
        if given is None or given == "":
            return None
        if isinstance(given, str):
            given = given.strip("[]() ").replace(",", " ").split()
        if not isinstance(given, list | tuple) or not given:
            self.wrong(f"{name} is {given!r}, and no list of numbers", f"{name}: [0.25, 0.75]")
            return None
        return [self.number(value, name) for value in given]

    def number(self, given: object, name: str) -> float:
        """A number from 0 to 1, or what comes near to one."""
        try:
            value = float(given)
        except (TypeError, ValueError):
            value = math.nan
        if isinstance(given, bool) or math.isnan(value):
            self.wrong(f"{name} is {given!r}, and no number", f"{name}: 0.75")
            return 0.0
        return value


def _choices(given: object) -> tuple[list[str] | None, list[str] | None]:
    """Texts and names of choices: a list, a mapping of name to text, or ``{text: [...], label: [...]}``."""
    if isinstance(given, str) and given.lstrip()[:1] in ("[", "{"):
        try:
            given = json.loads(given)
        except ValueError:
            return None, None
    if (
        isinstance(given, Mapping)
        and isinstance(given.get("text"), list)
        and isinstance(given.get("label"), list)
    ):
        given = dict(zip(map(str, given["label"]), given["text"], strict=False))
    if isinstance(given, Mapping):
        return [as_text(text) or "" for text in given.values()], [str(name) for name in given]
    if isinstance(given, list):
        return [as_text(text) or "" for text in given], [choice_name(i) for i in range(len(given))]
    return None, None
