"""Labelled texts: CSV, JSON lines, and the folders of the Large Movie Review Dataset (Maas et al. 2011)."""

import re
from pathlib import Path

from miniature.data.problems import Problems
from miniature.data.rows import TextRow
from miniature.data.text_files import comma_line, decode, read_csv_rows, read_json_lines, separator_of
from miniature.messages import StudyError

COLUMNS = {"text": "text", "label": "label"}
"""Columns read where the configuration names none. Without an ``id`` column rows are numbered."""


def read_csv_texts(path: str | Path, problems: Problems, columns: dict[str, str]) -> list[TextRow]:
    """Labelled texts of a CSV file (plain or gzipped) with a header, in file order."""
    columns = {**COLUMNS, **columns}
    header, lines = read_csv_rows(path, problems)
    if problems.n_errors and not header:
        return []
    separator = separator_of(header, columns.values())
    if separator is not None:
        what = f"the separator seems to be {separator!r}, and must be a comma"
        problems.error("line 1", what, comma_line(path, separator))
        return []
    for role, column in columns.items():
        if column not in header:
            problems.error(
                "line 1",
                f"no column {column!r} (the file has {', '.join(header)})",
                f"columns: {{{role}: <one of {', '.join(header)}>}}",
            )
    return text_rows(lines, problems, columns) if set(columns.values()) <= set(header) else []


def read_json_texts(path: str | Path, problems: Problems, columns: dict[str, str]) -> list[TextRow]:
    """As `read_csv_texts`, for a file with one JSON object a line (plain or gzipped)."""
    return text_rows(read_json_lines(path, problems), problems, {**COLUMNS, **columns})


def text_rows(entries, problems: Problems, columns: dict[str, str], unit: str = "line") -> list[TextRow]:
    """Rows from (number, mapping) pairs."""
    rows = []
    for index, (number, entry) in enumerate(entries):
        place = f"{unit} {number}"
        absent = [column for column in columns.values() if column not in entry]
        null = [column for column in columns.values() if column in entry and entry[column] is None]
        if null and not absent:
            problems.error(
                place,
                f"the {' and the '.join(map(repr, null))} is null",
                f'"{null[0]}": "..."   (or take the row out)',
            )
            continue
        if absent:
            has = ", ".join(sorted(map(str, entry)))
            problems.error(
                place,
                f"no {' and no '.join(map(repr, absent))} (it has {has})",
                "columns: {text: <name of the text column>, label: <name of the label column>}",
            )
            continue
        text = entry[columns["text"]]
        if not isinstance(text, str):
            problems.error(place, f"{columns['text']!r} is not text", f'"{columns["text"]}": "..."')
            continue
        identifier = str(entry[columns["id"]]) if "id" in columns else str(index)
        cluster = str(entry[columns["cluster"]]) if "cluster" in columns else None
        rows.append(TextRow(place, identifier, text, entry[columns["label"]], cluster))
    return rows


def read_aclimdb(path: str | Path, problems: Problems, labels: dict[str, object]) -> list[TextRow]:
    """Labelled texts of a folder with one folder per label and one ``.txt`` file per text."""
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
