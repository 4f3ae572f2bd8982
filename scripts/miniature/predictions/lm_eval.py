"""Samples of lm-evaluation-harness (written and read against versions 0.4.0 to 0.4.13).

A run with ``--log_samples`` leaves a folder with ``samples_<task>_<date>.jsonl``, one line for each document
and filter, and beside it ``results_<date>.json``, which says how many documents there were and what the
metrics came to. Both are held against each other.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from miniature.messages import StudyError
from miniature.predictions.lines import read_lines, read_objects
from miniature.predictions.lm_eval_choices import QUESTIONS, is_choice, question_of, read_choices
from miniature.predictions.lm_eval_runs import (
    Run,
    choose_runs,
    filters_of,
    results_of,
    runs_at,
    units_of,
    weights_of,
)
from miniature.predictions.records import (
    Options,
    Reading,
    Record,
    Recorded,
    as_text,
    as_truth,
    kind_of,
    nested,
)

# Keys of a line that are no metric; versions before 0.4.7 do not list their metrics.
KNOWN = {
    "doc_id", "doc", "target", "arguments", "resps", "filtered_resps", "filter", "metrics", "doc_hash",
    "prompt_hash", "target_hash", "starts", "ends",
}  # fmt: skip
# Values of a document up to this length are kept, since ids of the data may be among them.
SHORT = 100
# Keys of a document that name what it belongs to.
GROUPS = ("subject", "category", "title", "context", "passage", "article")
ACCURACY_TOLERANCE = 1e-9


def read_lm_eval(path: Path, options: Options, where: str) -> Recorded:
    """Answers of one task, or of a group of tasks, from a folder or a file of samples.

    Parameters
    ----------
    path : Path
        The folder of a run, or one file of samples.
    options : Options
        ``benchmark`` (a task, or a group such as ``mmlu``), ``filter`` and ``metric``.
    where : str
        For messages.

    Returns
    -------
    Recorded
        Multiple choice: the choice with the largest log-probability, the probabilities that their softmax
        gives, and ``acc``. Generation: the filtered response, and the metric.

    Raises
    ------
    StudyError
        Runs of several models or tasks and nothing that says which; a run that was cut off; rows that
        contradict one another, their own log-probabilities or the results file.
    """
    chosen, notes = choose_runs(runs_at(path, options.benchmark), options, where)
    grouped = len(chosen) > 1
    records: list[Record] = []
    for run in chosen:
        rows, said = _read_run(run, options, f"{run.path}, {where.partition(', ')[2]}", grouped=grouped)
        records += rows
        notes += [note for note in said if note not in notes]
    return Recorded(path, records, notes, numbered="id" not in options.columns)


def _read_run(run: Run, options: Options, where: str, *, grouped: bool) -> tuple[list[Record], list[str]]:
    rows, notes = _filtered(_rows(run.path, options, where), options, where)
    rows, repeated = _without_repeats(rows, where)
    if repeated:
        notes.append(f"{run.path.name}: {repeated} rows stand there twice, the same both times; read once")
    results = results_of(run)
    _check_whole(run, rows, results, where)
    name = _metric(rows, options, where)
    group = None if grouped else _group(rows, options, notes)
    if is_choice(rows[0][1]):
        records = read_choices(rows, name, options, where)
    else:
        records = [_generated(number, row, name, options) for number, row in rows]
    partly = sum(as_truth(row.get(name)) is None for _, row in rows) if name else 0
    if partly:
        notes.append(f"{name}: {partly} of {len(rows)} rows are partly right, and count as wrong")
    _check_results(run, rows, results, name, where)
    for (number, row), record in zip(rows, records, strict=True):
        given = nested(row, options.columns["id"]) if "id" in options.columns else row.get("doc_id")
        if given is None:
            raise StudyError(
                f"There is no {options.columns.get('id', 'doc_id')}.",
                where=f"{where}, line {number}",
                fix="columns: {id: doc_id}",
            )
        record.id = f"{run.task}/{as_text(given)}" if grouped else as_text(given)
        record.cluster = run.task if grouped else as_text(nested(row, group)) if group else None
        record.document_hash, record.prompt_hash = row.get("doc_hash"), row.get("prompt_hash")
        if isinstance(row.get("doc"), dict):
            record.others = {f"doc.{k}": v for k, v in row["doc"].items()}
    return records, notes


def _slim(row: dict, options: Options) -> dict:
    """A line without the texts that are not needed: a prompt of pages stands there once for each choice."""
    if "filtered_resps" in row:
        row.pop("resps", None)
    pairs = _arguments(row.pop("arguments", None))
    row["ends"] = [end for _, end in pairs]
    alike = len(set(row["ends"])) < 2
    row["starts"] = [start for start, _ in pairs] if (alike and len(pairs) > 1) or options.texts else []
    if isinstance(row.get("doc"), dict):
        wanted = {name.split(".")[1] for name in options.columns.values() if name.startswith("doc.")}
        wanted |= {*GROUPS, *QUESTIONS} if options.texts else set()
        doc = row["doc"].items()
        row["doc"] = {
            k: v
            for k, v in doc
            if k in wanted or isinstance(v, int) or (isinstance(v, str) and len(v) <= SHORT)
        }
    return row


def _rows(path: Path, options: Options, where: str) -> list[tuple[int, dict]]:
    """Lines of a file without what is long and not needed."""
    rows = [(number, _slim(row, options)) for number, row in _samples(path, where)]
    if not rows:
        raise StudyError("There is no sample in the file.", where=where, fix="run the evaluation again")
    return rows


def _samples(path: Path, where: str) -> Iterator[tuple[int, dict]]:
    """Lines of a file; versions before 0.4.3 wrote one JSON array."""
    start = next(read_lines(path, where), (0, b""))[1].lstrip()
    if start.startswith(b"["):
        from miniature.data.text_files import read_json

        content = read_json(path)
        found: Iterable = enumerate(content, start=1) if isinstance(content, list) else ()
    else:
        found = read_objects(path, where)
    for number, row in found:
        if not isinstance(row, dict) or not {"filtered_resps", "resps"} & set(row):
            raise StudyError(
                f"Line {number} is no sample of lm-evaluation-harness.",
                where=f"{where}, line {number}",
                fix="lm_eval ... --output_path <folder> --log_samples",
            )
        yield number, row


def _filtered(
    rows: list[tuple[int, dict]], options: Options, where: str
) -> tuple[list[tuple[int, dict]], list[str]]:
    """Rows of one filter, chosen and named."""
    filters = list(dict.fromkeys(str(row.get("filter", "none")) for _, row in rows))
    if options.filter is not None and options.filter not in filters:
        raise StudyError(
            f"There is no filter '{options.filter}' (there are: {', '.join(filters)}).",
            where=where,
            fix=f"filter: {filters[0]}",
        )
    chosen = options.filter or filters[0]
    notes = []
    # Questions and right answers are the same under every filter.
    if len(filters) > 1 and options.filter is None and not options.texts:
        notes.append(f"of the filters {', '.join(filters)}, '{chosen}' is read")
    return [(n, row) for n, row in rows if str(row.get("filter", "none")) == chosen], notes


def _without_repeats(rows: list[tuple[int, dict]], where: str) -> tuple[list[tuple[int, dict]], int]:
    """A run within the same second appends to the file: rows that say the same are read once."""
    first: dict[object, tuple[int, dict]] = {}
    repeated = 0
    for number, row in rows:
        key = row.get("doc_id")
        known = first.setdefault(key, (number, row))
        if known[0] == number:
            continue
        if known[1] != row:
            marked = "filter" in row
            raise StudyError(
                f"The document {key} stands there twice, with two answers (lines {known[0]} and {number})"
                + ("." if marked else ": this version does not mark its filters, or two runs were appended."),
                where=f"{where}, line {number}",
                fix=f"keep one line of document {key}, or run the evaluation again into an empty folder",
            )
        repeated += 1
    return list(first.values()), repeated


def _check_whole(run: Run, rows: Sequence, results: Mapping, where: str) -> None:
    samples = results.get("n-samples", {}).get(run.task, {})
    wanted = samples.get("effective") if isinstance(samples, Mapping) else None
    if wanted is not None and wanted != len(rows):
        raise StudyError(
            f"The run answered {wanted} documents, and the file has {len(rows)}: it was cut off.",
            where=where,
            fix="copy the file again, whole, or run the evaluation again",
        )


def _metrics(row: Mapping) -> list[str]:
    return list(row.get("metrics") or [key for key in row if key not in KNOWN])


def _metric(rows: list[tuple[int, dict]], options: Options, where: str) -> str | None:
    """The recorded metric that says right or wrong: the one asked for, else the first that is 0 or 1."""
    names = _metrics(rows[0][1])
    if options.metric is not None:
        if options.metric not in names:
            raise StudyError(
                f"There is no metric '{options.metric}' (there are: {', '.join(names) or 'none'}).",
                where=where,
                fix=f"metric: {names[0]}" if names else "remove metric",
            )
        return options.metric
    for name in names:
        if all(as_truth(row.get(name)) is not None for _, row in rows):
            return name
    raise StudyError(
        f"No metric is right or wrong on every row (there are: {', '.join(names) or 'none'}).",
        where=where,
        fix=f"metric: {names[0]}   # 1 counts as right, anything less as wrong"
        if names
        else "remove the model: what it was asked has no right answer",
    )


def _arguments(given: object) -> list[tuple[str, str]]:
    """(prompt, continuation) of each request, as a mapping of ``gen_args_0`` to mappings or as lists."""
    pairs = list(given.values()) if isinstance(given, Mapping) else list(given or [])
    pairs = [list(pair.values()) if isinstance(pair, Mapping) else list(pair) for pair in pairs]
    return [(as_text(pair[0]) or "", (as_text(pair[1]) or "") if len(pair) > 1 else "") for pair in pairs]


def _generated(number: int, row: Mapping, metric: str, options: Options) -> Record:
    found = row.get("filtered_resps", row.get("resps"))
    while isinstance(found, list):
        found = found[0] if found else None
    return Record(
        place=f"line {number}",
        id="",
        prediction=as_text(found),
        correct=as_truth(row.get(metric)) is True,
        label=as_text(row.get("target")),
        text=question_of(row, options) if options.texts else None,
    )


def _group(rows: Sequence[tuple[int, dict]], options: Options, notes: list[str]) -> str | None:
    """Key of the documents whose values are the clusters; None where each document is its own."""
    if "cluster" in options.columns:
        return options.columns["cluster"]
    for key in GROUPS:
        values = {nested(row, f"doc.{key}") for _, row in rows if isinstance(row.get("doc"), Mapping)
                  if isinstance(nested(row, f"doc.{key}"), str)}  # fmt: skip
        if 1 < len(values) < len(rows):
            if options.texts:
                notes.append(f"documents with the same {key} are one cluster ({len(values)} clusters)")
            return f"doc.{key}"
    return None


def _check_results(run: Run, rows: Sequence, results: Mapping, metric: str | None, where: str) -> None:
    """The mean of the rows is the results file's figure."""
    chosen = str(rows[0][1].get("filter", "none"))
    figure = results.get("results", {}).get(run.task, {}).get(f"{metric},{chosen}")
    values = [row.get(metric) for _, row in rows]
    if not isinstance(figure, int | float) or not all(isinstance(v, int | float) for v in values):
        return
    mean = math.fsum(values) / len(values)
    if abs(mean - figure) > ACCURACY_TOLERANCE:
        raise StudyError(
            f"The rows' mean {metric} is {mean:.10g}, and the run's results say {figure:.10g}.",
            where=where,
            fix="run the evaluation again into an empty folder: the rows are not those of the results",
        )


def readings_of(path: Path) -> list[Reading]:
    """Ways to read a folder or file: its largest groups of one kind, and its tasks, by each filter."""
    units = units_of(runs_at(path), lambda runs: len({_glance(run) for run in runs}) == 1)
    found = []
    for name, runs in units:
        choice, probabilities = _glance(runs[0])
        results = results_of(runs[0])
        filters, weights = filters_of(results, runs[0].task), weights_of(results)
        for one in filters if len(filters) > 1 else [None]:
            whole = name if one is None else f"{name}-{one}"
            found.append(Reading(whole, kind_of(choice), probabilities, name, one, weights))
    return found


def _glance(run: Run) -> tuple[bool, bool]:
    """Of a run's first line: whether it chooses among answers, and whether probabilities come of it."""
    row = next((row for _, row in _samples(run.path, str(run.path))), {})
    return is_choice(row), is_choice(row) and _metrics(row)[:1] == ["acc"]


def is_old(path: Path) -> bool:
    """Whether a ``.jsonl`` file is the one JSON array that versions 0.4.0 to 0.4.2 wrote under that name."""
    if not path.name.endswith((".jsonl", ".jsonl.gz")):
        return False
    start = b"".join(
        line for _, line in zip(range(3), (x for _, x in read_lines(path, str(path))), strict=False)
    )
    return start.lstrip().startswith(b"[") and b'"doc_id"' in start
