"""The formats of predictions: one row for each, tried in this order where a study names none."""

import itertools
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from miniature.data.json_rows import read_json_value
from miniature.data.table_files import table_kind
from miniature.messages import StudyError
from miniature.predictions import every_eval_ever, inspect_logs, json_files, lm_eval, tables
from miniature.predictions.lines import read_lines, read_objects, suffix_of
from miniature.predictions.lm_eval_runs import is_run_folder
from miniature.predictions.read import about
from miniature.predictions.records import Options, Reading, Recorded, check_records


class Source:
    """A file or folder, looked into no further than its recognition needs.

    Parameters
    ----------
    path : Path
        It must exist.
    where : str
        For messages.
    """

    def __init__(self, path: Path, where: str):
        self.path, self.where = path, where
        self.suffix = "" if path.is_dir() else suffix_of(path)

    @cached_property
    def content(self) -> object:
        """Value of a ``.json`` file; None for any other kind, and for JSON lines under that name."""
        return read_json_value(self.path) if self.suffix == ".json" else None

    @cached_property
    def first(self) -> dict:
        """First object of a file of JSON lines; empty for any other kind."""
        if self.suffix not in (".jsonl", ".ndjson"):
            return {}
        start = next(read_lines(self.path, self.where), (0, b""))[1].lstrip()
        return next(read_objects(self.path, self.where))[1] if start.startswith(b"{") else {}

    @cached_property
    def lines(self) -> list[str]:
        """First lines of a file of text with tabs or one word a line; empty for any other kind."""
        if self.suffix not in (".txt", ".tsv", ".tab", ""):
            return []
        if self.path.is_dir():
            return []
        start = itertools.islice(read_lines(self.path, self.where), 10)
        return [line.decode("utf-8", "replace").rstrip("\r\n") for _, line in start]


Reader = Callable[[Source, Options], Recorded]


class Format(NamedTuple):
    """A format of predictions.

    Attributes
    ----------
    name : str
        As in a study's ``format``.
    recognize : callable
        Whether a source has it.
    read : callable
        Reads a source.
    readings : callable or None
        From the path of a log to the ways to read it; None where a file is no log and has no questions.
    """

    name: str
    recognize: Callable[[Source], bool]
    read: Reader
    readings: Callable[[Path], list[Reading]] | None = None


def _json(name: str, recognize: Callable[[object], bool], read: Callable) -> Format:
    """A format of whole JSON files."""
    return Format(
        name,
        lambda source: recognize(source.content),
        lambda source, options: read(source.path, source.content, options, source.where),
    )


FORMATS = (
    Format(
        "lm-eval",
        lambda s: is_run_folder(s.path) or {"doc_id", "arguments"} <= set(s.first) or lm_eval.is_old(s.path),
        lambda s, options: lm_eval.read_lm_eval(s.path, options, s.where),
        lm_eval.readings_of,
    ),
    Format(
        "inspect",
        lambda s: (
            s.suffix == ".eval"
            or (isinstance(s.content, dict) and {"eval", "samples", "status"} <= set(s.content))
        ),
        lambda s, options: inspect_logs.read_inspect(s.path, options, s.where),
        inspect_logs.readings_of,
    ),
    Format(
        "every-eval-ever",
        lambda s: {"sample_id", "evaluation_name", "evaluation"} <= set(s.first),
        lambda s, options: every_eval_ever.read_every_eval_ever(s.path, options, s.where),
        every_eval_ever.readings_of,
    ),
    _json("n-best", json_files.is_nbest, json_files.refuse_nbest),
    _json("mmlu-pro", json_files.is_mmlu_pro, json_files.read_mmlu_pro),
    _json("opencompass-details", json_files.is_opencompass_details, json_files.read_opencompass_details),
    _json("opencompass", json_files.is_opencompass, json_files.read_opencompass),
    _json(
        "squad",
        lambda content: isinstance(content, dict) and not tables.has_rows(content),
        json_files.read_mapping,
    ),
    Format(
        "without-header",
        lambda s: tables.is_without_header(s.path, s.lines),
        lambda s, options: tables.read_without_header(s.path, options, s.where),
    ),
    Format(
        "table",
        lambda s: table_kind(s.path) is not None,
        lambda s, options: tables.read_table_of_predictions(s.path, s.content, options, s.where),
    ),
)
"""One row for each format; the general table last."""

DEFAULTS = Options()
NAMES = tuple(format.name for format in FORMATS)


def read_recorded(path: str | Path, options: Options = DEFAULTS, *, where: str) -> Recorded:
    """Read predictions of any format.

    Parameters
    ----------
    path : path
        A file or folder.
    options : Options
        What the study says of it.
    where : str
        For messages; begins with the path.

    Returns
    -------
    Recorded
        Checked: no id twice, probabilities that sum to 1.

    Raises
    ------
    StudyError
        No format fits, or what the format's reader finds.
    """
    path = Path(path)
    if not path.exists():
        raise StudyError("There is no such file.", where=where, fix="path: /where/it/is")
    try:
        source = Source(path, where)
        recorded = find_format(source, options.format).read(source, options)
        check_records(recorded, where)
    except StudyError as error:
        # What reads any file says which, and not whose predictions are in it.
        whose = where.removeprefix(str(path))
        raise error if whose in (error.where or "") else about(error, path, where) from None
    return recorded


def find_format(source: Source, name: str | None) -> Format:
    """The format of a source: the one of that name, or else the first that recognizes it.

    Raises
    ------
    StudyError
        There is none.
    """
    fitting = (f for f in FORMATS if (f.name == name if name is not None else f.recognize(source)))
    found = next(fitting, None)
    if found is None:
        raise StudyError(
            f"There is no format of predictions '{name}' (there are: {', '.join(NAMES)})."
            if name is not None
            else f"This is no format of predictions that is known here (there are: {', '.join(NAMES)}).",
            where=source.where,
            fix=f"format: {NAMES[-1]}" if name is not None else "id,prediction   (a .csv with these columns)",
        )
    return found
