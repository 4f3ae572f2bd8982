"""Data files retrieved from the Hugging Face Hub, as they lie on disk: parquet, JSON, JSON lines, CSV.

The files are read as data with pyarrow; nothing is executed and nothing is fetched here.
"""

import re
from pathlib import Path

from miniature.data.json_rows import read_json_value
from miniature.data.problems import Problems
from miniature.data.readers.classification import read_texts
from miniature.data.readers.squad import is_nested, read_shapes, settle_answers
from miniature.data.rows import QuestionRow, TextRow
from miniature.messages import StudyError
from miniature.retrieval.datasets import HUB_SUFFIXES

SAME_SPLIT = {"validation": ("validation", "valid", "val", "dev")}
"""Other names under which the Hub's data files go."""


def find_split_files(path: str | Path, hub_split: str) -> list[Path]:
    """Find the data files of one split in a retrieved folder, in name order."""
    root = Path(path)
    if root.is_file():
        return [root]
    if not root.is_dir():
        raise StudyError(
            "The retrieved folder does not exist.",
            where=str(root),
            fix="run the workflow where there is a network, so that it is retrieved",
        )
    files = sorted(
        file.relative_to(root)
        for file in root.rglob("*")
        if file.is_file() and file.name.endswith(HUB_SUFFIXES) and file.name != "RETRIEVED.json"
    )
    names = SAME_SPLIT.get(hub_split, (hub_split,))
    pattern = re.compile(rf"(^|[-_.])({'|'.join(map(re.escape, names))})([-_.]|$)")
    chosen = [file for file in files if any(pattern.search(part) for part in file.parts)]
    if not chosen:
        listed = ", ".join(map(str, files[:10])) or "no data file at all"
        raise StudyError(
            f"No data file of the split {hub_split!r} was retrieved; there is {listed}.",
            where=str(root),
            fix="hub_split: <the split's name on the Hub, as in the file names>",
        )
    return [root / file for file in chosen]


def read_hub_questions(
    path: str | Path, problems: Problems, hub_split: str, columns: dict[str, str] | None = None
) -> list[QuestionRow]:
    """Questions of retrieved files with SQuAD's columns, files in name order, rows in file order."""
    nested: list[QuestionRow] = []
    flat: list[QuestionRow] = []
    for file in find_split_files(path, hub_split):
        rows, is_flat = read_shapes(file, problems, columns, f"{file.name}, ")
        (flat if is_flat else nested).extend(rows)
    return settle_answers(nested, problems, flat=False) + settle_answers(flat, problems, flat=True)


def read_hub_texts(
    path: str | Path, problems: Problems, hub_split: str, columns: dict[str, str]
) -> list[TextRow]:
    """Labeled texts of retrieved files, files in name order, rows in file order."""
    rows: list[TextRow] = []
    for file in find_split_files(path, hub_split):
        if is_nested(read_json_value(file)):
            problems.error(file.name, "question answering, not labeled texts", "task: question-answering")
            continue
        found = read_texts(file, problems, columns, f"{file.name}, ")
        if "id" not in columns:
            # Numbers start again in each file, so those of later files are moved up.
            for position, row in enumerate(found, start=len(rows)):
                row.id = str(position)
        rows.extend(found)
    return rows
