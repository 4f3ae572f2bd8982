"""Labeled texts: files of rows, and the folders of the Large Movie Review Dataset (Maas et al. 2011)."""

import re
from pathlib import Path

from miniature.data.commands import without_rows
from miniature.data.labels import yaml_word
from miniature.data.problems import Problems
from miniature.data.rows import TextRow
from miniature.data.table_files import id_text, is_missing, list_columns, read_table
from miniature.data.text_files import decode
from miniature.messages import StudyError

COLUMNS = {"text": "text", "label": "label"}
"""Columns read where the configuration names none. Without an ``id`` column rows are numbered."""


def read_texts(
    path: str | Path, problems: Problems, columns: dict[str, str], name: str = ""
) -> list[TextRow]:
    """Labeled texts of a file of rows (see `miniature.data.table_files`), in file order."""
    columns = {**COLUMNS, **columns}
    table = read_table(path, problems, wanted=columns.values(), text=columns["text"])
    if table.columns is not None and not check_columns(table.columns, columns, problems):
        return []
    return text_rows(table.rows, problems, columns, f"{name}{table.unit}")


def check_columns(names: list[str], columns: dict[str, str], problems: Problems) -> bool:
    """Whether a table has the columns that are asked for; those that it lacks are noted."""
    absent = {role: column for role, column in columns.items() if column not in names}
    free = [name for name in names if name not in columns.values()]
    for role, column in absent.items() if names else ():
        line = f"{{{role}: <one of {list_columns(free)}>}}"
        if len(free) == 1:
            roles = {r: free[0] if r == role else c for r, c in columns.items() if r == role or c in names}
            line = f"{{{', '.join(f'{r}: {yaml_word(c, str)}' for r, c in roles.items())}}}"
        what = f"no column {column!r} (the file has {list_columns(names)})"
        problems.error("line 1", what, f"columns: {line}")
    return not absent


def text_rows(entries, problems: Problems, columns: dict[str, str], unit: str = "line") -> list[TextRow]:
    """Rows from (number, mapping) pairs."""
    rows = []
    for index, (number, entry) in enumerate(entries):
        place = f"{unit} {number}"
        absent = [column for column in columns.values() if column not in entry]
        if absent:
            problems.error(
                place,
                f"no {' and no '.join(map(repr, absent))} (it has {list_columns(sorted(map(str, entry)))})",
                "columns: {text: <name of the text column>, label: <name of the label column>}",
            )
            continue
        empty = [column for column in columns.values() if is_missing(entry[column])]
        if empty:
            said = "null" if entry[empty[0]] is None else "NaN"
            problems.error(
                place,
                f"the {' and the '.join(map(repr, empty))} is {said}",
                without_rows(problems.source, columns.values(), ("None", "nan"))
                or f'"{empty[0]}": "..."   (or take the row out)',
            )
            continue
        texts = {role: entry[columns[role]] for role in ("text", "text_pair") if role in columns}
        identifier = str(index)
        other = next((columns[role] for role, text in texts.items() if not isinstance(text, str)), None)
        if other is not None:
            problems.error(place, f"{other!r} is not text", f'"{other}": "..."')
            continue
        if "id" in columns:
            identifier = id_text(entry[columns["id"]])
            if identifier is None:
                problems.error(place, f"{columns['id']!r} is no id", f'"{columns["id"]}": "<text or number>"')
                continue
        cluster = str(entry[columns["cluster"]]) if "cluster" in columns else None
        rows.append(TextRow(place, identifier, label=entry[columns["label"]], cluster=cluster, **texts))
    return rows


def read_aclimdb(path: str | Path, problems: Problems, labels: dict[str, object]) -> list[TextRow]:
    """Labeled texts of a folder with one folder per label and one ``.txt`` file per text."""
    root = Path(path)
    if not root.is_dir():
        raise StudyError("This folder does not exist.", where=str(root), fix="path: <...>/aclImdb/train")
    found = []
    for position, folder in enumerate(map(str, labels.values())):
        files = sorted((root / folder).glob("*.txt"))
        if not files:
            others = ", ".join(sorted(child.name for child in root.iterdir() if child.is_dir()))
            problems.error(
                f"folder {folder}",
                f"no .txt files (the folders here are: {others or 'none'})",
                f"path: {root / 'train'}   (the folder that holds {folder}/)",
            )
        for file in files:
            digits = re.match(r"\d+", file.name)
            number = int(digits.group()) if digits else -1
            found.append(((number, position, file.name), folder, file))
    rows = []
    for _, folder, file in sorted(found):
        name = f"{folder}/{file.stem}"
        try:
            # An empty review is a row like any other here, so the emptiness check of other files is not used.
            text = decode(file.read_bytes(), file)
        except StudyError:
            problems.error(name, "not UTF-8", f"iconv -f WINDOWS-1252 -t UTF-8 '{file}' > utf8.txt")
            continue
        except OSError as error:
            problems.error(name, f"cannot be read ({error.strerror})", f"chmod u+r '{file}'")
            continue
        rows.append(TextRow(name, name, text, folder))
    return rows
