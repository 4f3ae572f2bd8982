"""Commands that messages offer for files of rows: each writes a new file and leaves the old one as it is."""

from collections.abc import Iterable
from pathlib import Path

from miniature.data.text_files import table_kind


def new_name(path: str | Path, prefix: str) -> str:
    """Name of the file that a command writes, beside the old one and not gzipped.

    Examples
    --------
    >>> new_name("a/test.csv.gz", "labeled")
    'a/labeled-test.csv'
    """
    path = Path(path)
    return str(path.with_name(f"{prefix}-{path.name.removesuffix('.gz')}"))


def _command(body: str, path: str | Path, note: str) -> str:
    """A command to paste into a shell; a name that a shell would read as more than a name comes first."""
    if set(str(path)) & set("\"'$`\\!\n"):
        return f"rename the file to letters, digits, - and _: {Path(path).name!r} cannot be used in a command"
    return f'python -c "{body}"   # {note}'


def _opened(path: str | Path, mode: str = "t") -> str:
    options = ", newline=''" if table_kind(path) in ("csv", "tsv") else ""
    if str(path).endswith(".gz"):
        return f"__import__('gzip').open('{path}', 'r{mode}', encoding='utf-8-sig'{options})"
    return f"open('{path}', encoding='utf-8-sig'{options})"


def without_rows(path: str | Path, columns: Iterable[str], values: Iterable[str]) -> str | None:
    """Command that writes a file of rows again without those that have one of these values in a column.

    Parameters
    ----------
    path : str or Path
        The file.
    columns : iterable of str
        Names of the columns, in any of which the value counts.
    values : iterable of str
        As text; ``None`` and ``nan`` stand for null and NaN.

    Returns
    -------
    str or None
        None for a file of no kind of rows.
    """
    kind, target = table_kind(path), new_name(path, "labeled")
    names, listed = _tuple(columns), _tuple(sorted(set(values)))
    if kind == "jsonl":
        body = (
            f"import json; rows = [r for r in {_opened(path)} if r.strip() and "
            f"not any(str(json.loads(r).get(c)) in {listed} for c in {names})]; "
            f"open('{target}', 'w').writelines(rows)"
        )
    elif kind == "json":
        body = (
            f"import json; rows = [r for r in json.load({_opened(path)}) if "
            f"not any(str(r.get(c)) in {listed} for c in {names})]; json.dump(rows, open('{target}', 'w'))"
        )
    elif kind in ("csv", "tsv"):
        separator = "','" if kind == "csv" else "chr(9)"
        body = (
            f"import csv; rows = list(csv.reader({_opened(path)}, delimiter={separator})); "
            f"out = csv.writer(open('{target}', 'w', newline=''), delimiter={separator}); "
            f"places = [rows[0].index(c) for c in {names}]; "
            f"out.writerows(r for r in rows if r and not any(r[c] in {listed} for c in places))"
        )
    elif kind == "parquet":
        body = (
            f"import pyarrow.parquet as pq; t = pq.read_table('{path}'); pq.write_table(t.filter("
            f"[not any(str(r[c]) in {listed} for c in {names}) for r in t.to_pylist()]), '{target}')"
        )
    else:
        return None
    return _command(body, path, f"then path: {target}")


def _tuple(values: Iterable[str]) -> str:
    """A tuple of texts in Python, in quotes that a shell leaves alone inside double ones."""
    return "(" + "".join(f"{value!r}, " for value in values) + ")"


def with_surplus(path: str | Path, column: str) -> str | None:
    """Command that writes a CSV again, what a row has too much of separators put back into one column."""
    separator, target = "','" if table_kind(path) == "csv" else "chr(9)", new_name(path, "quoted")
    body = (
        f"import csv; rows = [r for r in csv.reader({_opened(path)}, delimiter={separator}) if r]; "
        f"c = rows[0].index('{column}'); e = lambda r: len(r) - len(rows[0]) + c + 1; "
        f"out = csv.writer(open('{target}', 'w', newline=''), delimiter={separator}); "
        f"out.writerows(r[:c] + [{separator}.join(r[c:e(r)])] + r[e(r):] for r in rows)"
    )
    return _command(body, path, f"then path: {target}")


def with_empty(path: str | Path) -> str | None:
    """Command that writes predictions again with an empty text where they are null."""
    kind, target = table_kind(path), new_name(path, "empty")
    text = "(lambda v: '' if v is None or v != v else v)"
    if kind == "jsonl":
        body = (
            f"import json; rows = [json.loads(r) for r in {_opened(path)} if r.strip()]; "
            f"f = lambda r: {{k: {text}(v) for k, v in r.items()}}; "
            f"open('{target}', 'w').writelines(json.dumps(f(r)) + chr(10) for r in rows)"
        )
    elif kind == "json":
        body = (
            f"import json; x = json.load({_opened(path)}); "
            f"f = lambda r: {{k: {text}(v) for k, v in r.items()}}; "
            f"json.dump(f(x) if isinstance(x, dict) else [f(r) for r in x], open('{target}', 'w'))"
        )
    elif kind == "parquet":
        body = (
            f"import pyarrow as pa, pyarrow.parquet as pq; rows = pq.read_table('{path}').to_pylist(); "
            f"pq.write_table(pa.Table.from_pylist([{{k: {text}(v) for k, v in r.items()}} for r in rows]), "
            f"'{target}')"
        )
    else:
        return None
    return _command(body, path, f"then path: {target}")


def without_halves(path: str | Path) -> str:
    """Command that writes JSON again without halves of surrogate pairs."""
    target = new_name(path, "whole")
    dumped = "json.dumps(json.loads({}), ensure_ascii=False).encode('utf-8', 'ignore')"
    if table_kind(path) == "jsonl":
        body = (
            f"import json; rows = [{dumped.format('r')} for r in {_opened(path)} if r.strip()]; "
            f"open('{target}', 'wb').writelines(r + bytes([10]) for r in rows)"
        )
    else:
        body = f"import json; open('{target}', 'wb').write({dumped.format(_opened(path) + '.read()')})"
    return _command(body, path, f"saves the text as UTF-8; then path: {target}")


def with_ids(path: str | Path, expression: str, before: str = "") -> str | None:
    """Command that writes a file of predictions again, each id ``i`` (a text) changed by an expression.

    Parameters
    ----------
    path : str or Path
        The file: rows with a column ``id``, a mapping by id, or a list of ids.
    expression : str
        Python without double quotes, of ``i``.
    before : str
        Statements that the expression needs.

    Returns
    -------
    str or None
        None for a file of no kind that is read.
    """
    kind, target = table_kind(path), new_name(path, "ids")
    if kind == "jsonl":
        body = (
            f"import json; {before}f = lambda i: {expression}; "
            f"rows = [json.loads(r, parse_float=str) for r in {_opened(path)} if r.strip()]; "
            f"open('{target}', 'w').writelines(json.dumps({{**r, 'id': f(str(r['id']))}}) + chr(10) "
            "for r in rows)"
        )
    elif kind == "json":
        body = (
            f"import json; {before}f = lambda i: {expression}; "
            f"x = json.load({_opened(path)}, parse_float=str); "
            f"json.dump({{f(k): v for k, v in x.items()}} if isinstance(x, dict) else "
            f"[{{**r, 'id': f(str(r['id']))}} if isinstance(r, dict) else f(str(r)) for r in x], "
            f"open('{target}', 'w'))"
        )
    elif kind in ("csv", "tsv"):
        separator = "','" if kind == "csv" else "chr(9)"
        body = (
            f"import csv; {before}f = lambda i: {expression}; "
            f"rows = [r for r in csv.reader({_opened(path)}, delimiter={separator}) if r]; "
            f"c = rows[0].index('id'); csv.writer(open('{target}', 'w', newline=''), delimiter={separator})"
            f".writerows(r[:c] + [f(r[c]) if n else r[c]] + r[c + 1:] for n, r in enumerate(rows))"
        )
    elif kind == "parquet":
        body = (
            f"import pyarrow as pa, pyarrow.parquet as pq; {before}f = lambda i: {expression}; "
            f"t = pq.read_table('{path}'); "
            f"c = t.column_names.index('id'); ids = pa.array([f(str(i)) for i in t['id'].to_pylist()]); "
            f"pq.write_table(t.set_column(c, 'id', ids), '{target}')"
        )
    else:
        return None
    return _command(body, path, f"then path: {target}")
