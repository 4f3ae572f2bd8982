"""Which column of a table has which role, by its name."""

from collections.abc import Mapping

from miniature.config.suggest import flow
from miniature.data.problems import Problems
from miniature.data.table_files import read_table
from miniature.data.text_files import comma_line, separator_of
from miniature.messages import StudyError

# What columns are called: the first name of a role decides; of the others only one may be there.
ROLES = {
    "text": ("text", "sentence", "review", "content", "document", "comment", "body", "tweet", "question"),
    "label": ("label", "labels", "class", "category", "sentiment", "target", "label_text", "label_name", "y"),
    "id": ("id", "idx", "index", "guid", "uid", "example_id", "doc_id", "sentence_id"),
    "cluster": ("cluster",),
}

NEEDED_ROLES = ("text", "label")

# Columns of pairs of texts, as GLUE and data of NLI, paraphrases and code clones have them.
PAIRS = (
    ("premise", "hypothesis"), ("sentence1", "sentence2"), ("sentence_1", "sentence_2"),
    ("sentence_a", "sentence_b"), ("question1", "question2"), ("question", "sentence"), ("text1", "text2"),
    ("text_1", "text_2"), ("text_a", "text_b"), ("text", "text_pair"), ("code1", "code2"), ("func1", "func2"),
)  # fmt: skip


def read_rows(path: str, problems: Problems, *, first: bool = False) -> tuple[list[str], list[dict]]:
    """Column names and rows of a table; of the first row alone where that is asked for."""
    table = read_table(path, problems, wanted=[names[0] for names in (ROLES["text"], ROLES["label"])])
    rows = []
    for _, row in table.rows:
        rows.append(row)
        if first:
            break
    header = table.columns or (list(rows[0]) if rows else [])
    separator = separator_of(header, ()) if table.columns else None
    if separator is not None:
        raise StudyError(
            f"The columns of {path} seem to be separated by {separator!r}, and must be by a comma.",
            where=f"{path}, line 1",
            fix=comma_line(path, separator),
        )
    return header, rows


def pair_of(header: list[str], taken: Mapping, path: str, where: str) -> dict[str, str] | None:
    """The two columns of a pair of texts; None where the file has no such columns."""
    lower = {column.strip().lower(): column for column in header if column not in taken.values()}
    pairs = [[lower[name] for name in names] for names in PAIRS if lower.keys() >= {*names}]
    if not pairs:
        return None
    roles = [dict(zip(("text", "text_pair"), pair, strict=True)) for pair in pairs]
    single = [lower["text"]] if "text" in lower and "text" not in pairs[0] else []
    if len(pairs) == 1 and not single:
        return roles[0]
    found = [*single, *(" with ".join(pair) for pair in pairs)]
    lines = [{**taken, **role} for role in [*({"text": column} for column in single), *roles]]
    raise StudyError(
        f"The texts could be {' or '.join(found)} in {path}.",
        where=where,
        fix="\nor ".join(f"columns: {flow(line)}" for line in lines),
    )


def column_of(
    role: str, names: tuple[str, ...], header: list[str], taken: Mapping, path: str, where: str
) -> str | None:
    """The column of a role by its name; None where an optional one is not there."""
    lower = {column.strip().lower(): column for column in header if column not in taken.values()}
    near = [lower[name] for name in names if name in lower]
    if names[0] in lower:
        return lower[names[0]]
    if len(near) == 1:
        return near[0]
    if role not in NEEDED_ROLES:
        return None
    free = [column for column in header if column not in taken.values()]
    fixes = near or free
    if not near and role == "label" and len(free) < 2:
        raise StudyError(
            f"{path} has no column of labels (it has {', '.join(header)}): nothing tells right from wrong.",
            where=where,
            fix=f"add a column to the file: {','.join([*header, 'label'])}",
        )
    lines = [f"columns: {flow({**taken, role: column})}" for column in fixes[:5]]
    raise StudyError(
        f"The column of the {role}s could be {' or '.join(map(repr, near))} in {path}."
        if near
        else f"No column of {path} is called as one of {role}s is (it has {', '.join(header)}).",
        where=where,
        fix="\nor ".join(lines),
    )
