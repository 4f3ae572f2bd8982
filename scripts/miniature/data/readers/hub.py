"""Data files retrieved from the Hugging Face Hub, as they lie on disk: parquet, JSON, JSON lines, CSV.

The files are read as data with pyarrow; nothing is executed and nothing is fetched here.
"""

import re
from pathlib import Path

from miniature.data.problems import Problems
from miniature.data.readers.classification import COLUMNS, text_rows
from miniature.data.readers.squad import squad_rows
from miniature.data.rows import QuestionRow, TextRow
from miniature.data.text_files import read_csv_rows, read_json, read_json_lines
from miniature.messages import StudyError
from miniature.retrieval.datasets import HUB_SUFFIXES

SAME_SPLIT = {"validation": ("validation", "valid", "val", "dev")}
"""Other names under which the Hub's data files go."""

QUESTION_COLUMNS = {name: name for name in ("id", "question", "context", "answers")}


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


def _read_parquet(path: Path) -> list[tuple[int, dict]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path, partitioning=None)
    except (pa.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0]
        raise StudyError(
            f"This parquet file is damaged or cut short: {reason}",
            where=str(path),
            fix="delete the retrieved folder and retrieve it again",
        ) from None
    return list(enumerate(table.to_pylist()))


def _entries(path: Path, problems: Problems) -> tuple[str, list[tuple[int, dict]] | list[QuestionRow]]:
    """Entries of one file with what their numbers count, or question rows of a nested SQuAD file."""
    if path.suffix == ".parquet":
        return "row", _read_parquet(path)
    if path.name.endswith((".csv", ".csv.gz")):
        return "line", read_csv_rows(path, problems)[1]
    if path.name.endswith((".jsonl", ".jsonl.gz")):
        return "line", list(read_json_lines(path, problems))
    try:
        content = read_json(path)
    except StudyError as error:
        # Many repositories keep JSON lines under the suffix .json: a whole first line tells them apart.
        if "Extra data" not in error.what:
            raise
        return "line", list(read_json_lines(path, problems))
    if isinstance(content, list) and all(isinstance(entry, dict) for entry in content):
        return "row", list(enumerate(content))
    if isinstance(content, dict) and "data" not in content:
        return "row", [(0, content)]
    return "squad", squad_rows(content, path, problems)


def read_hub_questions(
    path: str | Path, problems: Problems, hub_split: str, columns: dict[str, str] | None = None
) -> list[QuestionRow]:
    """Questions of retrieved files with SQuAD's columns, files in name order, rows in file order."""
    rows = []
    flat = []
    names = columns or {}
    for file in find_split_files(path, hub_split):
        unit, entries = _entries(file, problems)
        if unit == "squad":
            rows.extend(entries)
            continue
        for number, entry in entries:
            row = _question(entry, f"{file.name}, {unit} {number}", problems, {**QUESTION_COLUMNS, **names})
            if row is not None:
                flat.append(row)
    if any(row.answers for row in flat):
        for row in flat:
            row.answerable = bool(row.answers)
    return rows + flat


def _question(entry: dict, place: str, problems: Problems, names: dict[str, str]) -> QuestionRow | None:
    absent = [f"{role}: <its column>" for role in QUESTION_COLUMNS if entry.get(names[role]) is None]
    if absent:
        problems.error(
            place,
            f"no {', '.join(part.partition(':')[0] for part in absent)} "
            f"(it has {', '.join(sorted(map(str, entry)))})",
            f"columns: {{{', '.join(absent)}}}",
        )
        return None
    identity, question, context, answers = (entry[names[role]] for role in QUESTION_COLUMNS)
    if isinstance(answers, list):
        answers = {"text": answers}
    texts = answers.get("text") if isinstance(answers, dict) else None
    starts = answers.get("answer_start") if isinstance(answers, dict) else None
    fits = isinstance(texts, list) and all(isinstance(text, str) for text in texts)
    if fits and starts is None:
        starts = [None] * len(texts)
    if (
        not fits
        or not isinstance(starts, list)
        or len(texts) != len(starts)
        or not all(start is None or type(start) is int for start in starts)
        or not isinstance(question, str)
        or not isinstance(context, str)
    ):
        problems.error(
            place,
            "the columns have other types than SQuAD's",
            '"answers": {"text": ["..."], "answer_start": [0]}',
        )
        return None
    return QuestionRow(
        f"{place} (id {identity})",
        str(identity),
        question,
        context,
        list(zip(texts, starts, strict=True)),
        None,
        str(entry.get("title") or ""),
    )


def read_hub_texts(
    path: str | Path, problems: Problems, hub_split: str, columns: dict[str, str]
) -> list[TextRow]:
    """Labelled texts of retrieved files, files in name order, rows in file order."""
    rows: list[TextRow] = []
    for file in find_split_files(path, hub_split):
        unit, entries = _entries(file, problems)
        if unit == "squad":
            problems.error(file.name, "question answering, not labelled texts", "task: question-answering")
            continue
        found = text_rows(entries, problems, {**COLUMNS, **columns}, unit=f"{file.name}, {unit}")
        if "id" not in columns:
            # Numbers start again in each file, so those of later files are moved up.
            for position, row in enumerate(found, start=len(rows)):
                row.id = str(position)
        rows.extend(found)
    return rows
