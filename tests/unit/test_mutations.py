"""Valid files changed in thousands of ways: each is read right, told or warned about, none ends in a crash.

What is right is known without the reader: the value of every cell of the file as it was written, and what a
change did to it. A file that is read without a word must give those values.
"""

import collections
import csv
import gzip
import io
import json
import logging
import random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from miniature.data.build import build_split
from miniature.messages import StudyError
from miniature.predictions.source import read_matched

SEEDS = range(7)
LABELS = {"bad": "0", "good": "1"}
WORDS = [
    "a fine film", 'she said "no", twice', "dull; cold", "naïve 😀 plot", "line\nbreak, and more",
    "it's ok", "tab\there", "plain", "März 3, 1950", "end",
]  # fmt: skip


def rows_of(rng):
    """Ids, texts, labels and predictions, all different enough to be told apart."""
    ids = (
        [f"{i:03d}" for i in range(len(WORDS))]
        if rng.random() < 0.5
        else [f"q{i}" for i in range(len(WORDS))]
    )
    return [
        {"id": key, "text": text, "label": str(i % 2), "prediction": ("good", "bad")[rng.random() < 0.4]}
        for i, (key, text) in enumerate(zip(ids, WORDS, strict=True))
    ]


def write(rows, kind, names):
    """Bytes of a file of rows."""
    if kind == "parquet":
        file = io.BytesIO()
        pq.write_table(pa.Table.from_pylist([{n: row[n] for n in names} for row in rows]), file)
        return file.getvalue()
    if kind in ("csv", "tsv"):
        text = io.StringIO()
        writer = csv.writer(text, delimiter="," if kind == "csv" else "\t", lineterminator="\n")
        writer.writerows([names, *([row[n] for n in names] for row in rows)])
        return text.getvalue().encode()
    dumped = [{n: row[n] for n in names} for row in rows]
    if kind == "json":
        return json.dumps(dumped, ensure_ascii=False).encode()
    return b"".join(json.dumps(row).encode() + b"\n" for row in dumped)


# Changes of rows: what the file then says is known, and a silent reading must say the same.
def drop_row(rows, rng):
    rows.pop(rng.randrange(len(rows)))


def repeat_row(rows, rng):
    rows.insert(rng.randrange(len(rows)), dict(rng.choice(rows)))


def swap_rows(rows, rng):
    i, j = rng.sample(range(len(rows)), 2)
    rows[i], rows[j] = rows[j], rows[i]


def change_id(rows, rng):
    row = rng.choice(rows)
    row["id"] = rng.choice([f"{row['id']}.0", f" {row['id']}", row["id"].lstrip("0") or "0", "", "zz", "ID"])


def change_value(rows, rng):
    name = rng.choice(["label", "prediction"])
    rng.choice(rows)[name] = rng.choice(
        ["", "-1", "nan", "None", "Good", "2", "1.0", " bad", "null", "goood"]
    )


def all_ids_as_numbers(rows, rng):
    for i, row in enumerate(rows):
        row["id"] = i


ROW_CHANGES = (drop_row, repeat_row, swap_rows, change_id, change_value, all_ids_as_numbers)


# Changes of bytes: nobody can say what the file was to mean, so that it must be told, or read as it was.
def truncate(content, rng):
    return content[: rng.randrange(1, len(content))]


def drop_byte(content, rng):
    i = rng.randrange(len(content))
    return content[:i] + content[i + 1 :]


def put_byte(content, rng):
    i = rng.randrange(len(content))
    return (
        content[:i]
        + rng.choice([b'"', b",", b"\t", b"\0", b"\xff", b"\\", b"\n", b"{", b"]", b"'"])
        + content[i:]
    )


def drop_line(content, rng):
    lines = content.split(b"\n")
    lines.pop(rng.randrange(len(lines)))
    return b"\n".join(lines)


def repeat_line(content, rng):
    lines = content.split(b"\n")
    lines.insert(rng.randrange(len(lines)), rng.choice(lines))
    return b"\n".join(lines)


def re_encode(content, rng):
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return content
    return text.encode(rng.choice(["utf-16", "utf-8-sig", "utf-16-le", "cp1252", "utf-32"]), errors="replace")


def other_line_ends(content, rng):
    return content.replace(b"\n", rng.choice([b"\r\n", b"\n\n"]))


def other_separator(content, rng):
    return content.replace(b",", rng.choice([b";", b"|", b"\t", b", "]))


def no_quotes(content, rng):
    return content.replace(b'"', rng.choice([b"", b"'", b'\\"']))


def column_twice(content, rng):
    first, _, rest = content.partition(b"\n")
    return first.replace(b"prediction", b"id").replace(b"label", b"text") + b"\n" + rest


def swap_names(content, rng):
    return content.replace(b"text", b"@").replace(b"label", b"text").replace(b"@", b"label")


def half_pair(content, rng):
    return content.replace(b"\\ud83d\\ude00", b"\\ud83d").replace("😀".encode(), b"\\ud83d")


BYTE_CHANGES = (
    truncate, drop_byte, put_byte, drop_line, repeat_line, re_encode, other_line_ends, other_separator,
    no_quotes, column_twice, swap_names, half_pair,
)  # fmt: skip
KINDS = ("csv", "tsv", "jsonl", "json", "parquet")


def read_data(path):
    entry = {
        "task": "classification", "format": "csv", "labels": LABELS,
        "columns": {"id": "id", "text": "text", "label": "label"},
        "splits": {"test": {"path": str(path), "examples": "all"}},
    }  # fmt: skip
    return build_split(entry, "test", name="mine", seed=0)


def read_predicted(path, table):
    matched, notes = read_matched(
        {"path": str(path)}, table, model="m", dataset="mine", kind="classification",
        labels=list(LABELS), values=list(LABELS.values()), columns={"id": "id"},
    )  # fmt: skip
    return dict(zip(matched["id"], matched["prediction"], strict=True)), notes


def said_of_data(rows):
    names = {value: name for name, value in LABELS.items()}
    return [(str(row["id"]), row["text"], names.get(row["label"])) for row in rows]


class Heard(logging.Handler):
    """Counts warnings."""

    count = 0

    def emit(self, record):
        self.count += 1


@pytest.fixture
def heard():
    handler = Heard(logging.WARNING)
    logging.getLogger("miniature").addHandler(handler)
    yield handler
    logging.getLogger("miniature").removeHandler(handler)


@pytest.mark.slow
def test_files_changed_in_thousands_of_ways(tmp_path, heard, capsys):
    outcomes = collections.Counter()
    good = tmp_path / "good.jsonl"
    for seed in SEEDS:
        for kind in KINDS:
            for change in (*ROW_CHANGES, *BYTE_CHANGES):
                for what in ("data", "predictions"):
                    for packed in (False, True):
                        rng = random.Random(f"{seed} {kind} {change.__name__} {what} {packed}")
                        outcome = one_change(tmp_path, good, rng, kind, change, what, packed, heard)
                        outcomes[outcome] += 1
    with capsys.disabled():
        print(f"\n{sum(outcomes.values())} changed files: {dict(outcomes)}")
    assert sum(outcomes.values()) >= 2000
    assert not [outcome for outcome in outcomes if outcome.startswith("badly")]
    # A reader that refuses everything would pass as well.
    assert all(outcomes[name] > 100 for name in ("right", "told"))


def one_change(tmp_path, good, rng, kind, change, what, packed, heard):
    """Change one file and read it: right, warned, or told; anything else fails."""
    rows = rows_of(rng)
    good.write_bytes(write(rows, "jsonl", ["id", "text", "label"]))
    if change in ROW_CHANGES:
        change(rows, rng)
    names = ["id", "text", "label"] if what == "data" else ["id", "prediction"]
    content = write(rows, kind, names)
    if change in BYTE_CHANGES:
        content = change(content, rng)
    path = tmp_path / f"{what}.{kind}{'.gz' if packed else ''}"
    path.write_bytes(gzip.compress(content, mtime=0) if packed else content)
    before, notes, case = heard.count, [], (kind, change.__name__, what, packed)
    try:
        if what == "data":
            table = read_data(path)
            found = list(zip(table["id"], table["text"], table["label"], strict=True))
            wanted = said_of_data(rows)
        else:
            found, notes = read_predicted(path, read_data(good))
            # A class is its name, whatever blanks stand around it.
            wanted = {str(row["id"]): row["prediction"].strip() for row in rows}
    except StudyError as error:
        lacking = [part for part in ("what", "where", "fix") if not getattr(error, part)]
        return "told" if str(path) in str(error) and not lacking else f"badly told: {error}"
    if heard.count > before or notes:
        return "warned"
    # A line taken out whole, or another letter in a text, leaves a file that rightly says something else.
    if change in BYTE_CHANGES:
        assert_plain(found, content, kind, case)
        return "right"
    assert found == wanted, (case, content[:400])
    return "right"


def assert_plain(found, content, kind, case):
    """A file whose bytes changed is read as what its bytes say, by another reader than ours."""
    if kind == "parquet":
        said = pq.read_table(io.BytesIO(content)).to_pylist()
    elif kind in ("csv", "tsv"):
        text = content.decode("utf-8-sig").lstrip("\n")
        options = {"delimiter": "," if kind == "csv" else "\t"}
        if kind == "tsv" and isinstance(found, dict) and not text.startswith("id"):
            text = f"id\tprediction\n{text}"  # id<TAB>prediction is a format without names of columns
        said = list(csv.DictReader(io.StringIO(text, newline=""), **options))
    elif kind == "json":
        said = json.loads(content.decode("utf-8-sig"))
    else:
        said = [json.loads(line) for line in content.decode("utf-8-sig").split("\n") if line.strip()]
    if isinstance(found, dict):
        names = {"0": "bad", "1": "good"}
        answers = {str(row["id"]): row["prediction"].strip() for row in said}
        assert {k: names.get(v, v) for k, v in answers.items()} == found, (case, content[:400])
    else:
        assert [(i, t, n) for i, t, n in found] == said_of_data(said), (case, content[:400])
