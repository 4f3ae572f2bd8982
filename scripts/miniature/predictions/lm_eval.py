"""Samples of lm-evaluation-harness (written and read against versions 0.4.0 to 0.4.13).

A run with ``--log_samples`` leaves a folder with ``samples_<task>_<date>.jsonl``, one line for each document
and filter, and beside it ``results_<date>.json``, which says how many documents there were and what the
metrics came to. Both are held against each other.
"""

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from miniature.messages import StudyError
from miniature.predictions.lines import read_lines, read_objects
from miniature.predictions.records import Options, Record, Recorded, as_text, as_truth, choice_name, nested

DATE = r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d(?:\.\d+)?"
SAMPLES = re.compile(rf"samples_(?P<task>.+)_(?P<date>{DATE})\.jsonl(?:\.gz)?")
# Keys of a line that are no metric; versions before 0.4.7 do not list their metrics.
KNOWN = {
    "doc_id", "doc", "target", "arguments", "resps", "filtered_resps", "filter", "metrics", "doc_hash",
    "prompt_hash", "target_hash", "starts", "ends",
}  # fmt: skip
# Values of a document up to this length are kept, since ids of the data may be among them.
SHORT = 100
# Keys of a document that name what it belongs to, and what it asks.
GROUPS = ("subject", "category", "title", "context", "passage", "article")
QUESTIONS = ("question", "query", "text", "sentence", "problem", "prompt", "goal", "ctx")
ACCURACY_TOLERANCE = 1e-9


class Run(NamedTuple):
    """Samples of one task, written by one run."""

    task: str
    date: str
    path: Path


def find_runs(folder: Path) -> list[Run]:
    """Every file of samples in a folder, or in its one subfolder that has any, by task and date."""
    runs = _runs_of(folder)
    inside = [sub for sub in sorted(folder.iterdir()) if sub.is_dir() and _runs_of(sub)] if not runs else []
    if len(inside) > 1:
        raise StudyError(
            f"The folder holds the runs of {len(inside)} models: {', '.join(sub.name for sub in inside)}.",
            where=str(folder),
            fix=f"path: {inside[0]}",
        )
    return sorted(runs or (_runs_of(inside[0]) if inside else []))


def _runs_of(folder: Path) -> list[Run]:
    found = [(SAMPLES.fullmatch(file.name), file) for file in folder.iterdir() if file.is_file()]
    return [Run(match["task"], match["date"], file) for match, file in found if match]


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
    runs = [Run(_old_task(path, options), "", path)] if path.is_file() else find_runs(path)
    match = SAMPLES.fullmatch(path.name)
    if path.is_file() and match:
        runs = [Run(match["task"], match["date"], path)]
    chosen, notes = _choose(runs, options, where)
    grouped = len(chosen) > 1
    records: list[Record] = []
    for run in chosen:
        rows, said = _read_run(run, options, f"{run.path}, {where.partition(', ')[2]}", grouped=grouped)
        records += rows
        notes += [note for note in said if note not in notes]
    return Recorded(path, records, notes, numbered="id" not in options.columns)


def _old_task(path: Path, options: Options) -> str:
    return options.benchmark or path.name.removesuffix(".gz").removesuffix(".jsonl")


def _choose(runs: Sequence[Run], options: Options, where: str) -> tuple[list[Run], list[str]]:
    """The newest run of the task, or of each task of the group."""
    if not runs:
        raise StudyError(
            "The folder has no samples of lm-evaluation-harness (samples_<task>_<date>.jsonl).",
            where=where,
            fix="lm_eval ... --output_path <folder> --log_samples",
        )
    tasks = sorted({run.task for run in runs})
    own = options.dataset if options.dataset in tasks else None
    wanted = _tasks_of(runs, tasks, options.benchmark or own)
    if not wanted:
        raise StudyError(
            f"The folder has the tasks {', '.join(tasks)}"
            + (f", and no '{options.benchmark}'." if options.benchmark else "; which one is meant?"),
            where=where,
            fix=f"benchmark: {tasks[0]}",
        )
    notes, chosen = [], []
    for task in wanted:
        dates = sorted((run for run in runs if run.task == task), key=lambda run: run.date)
        chosen.append(dates[-1])
        if len(dates) > 1:
            notes.append(f"{len(dates)} runs of {task}: the newest is read, {dates[-1].path.name}")
    return chosen, notes


def _tasks_of(runs: Sequence[Run], tasks: list[str], benchmark: str | None) -> list[str]:
    if benchmark in tasks:
        return [benchmark]
    if benchmark is None:
        return tasks if len(tasks) == 1 else []
    for run in reversed(runs):
        group = _results(run).get("group_subtasks", {})
        found = _leaves(benchmark, group) & set(tasks)
        if found:
            return sorted(found)
    return [task for task in tasks if task.startswith(f"{benchmark}_")]


def _leaves(name: str, group: Mapping) -> set[str]:
    inside = group.get(name) or []
    return {leaf for sub in inside for leaf in (_leaves(sub, group) or {sub})}


def _results(run: Run) -> Mapping:
    path = run.path.parent / f"results_{run.date}.json"
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise StudyError(
            f"The results of the run cannot be read: {error}.",
            where=str(path),
            fix="copy the folder again, whole",
        ) from None
    return content if isinstance(content, dict) else {}


def _read_run(run: Run, options: Options, where: str, *, grouped: bool) -> tuple[list[Record], list[str]]:
    rows, notes = _filtered(_rows(run.path, options, where), options, where)
    rows, repeated = _without_repeats(rows, where)
    if repeated:
        notes.append(f"{run.path.name}: {repeated} rows stand there twice, the same both times; read once")
    results = _results(run)
    _check_whole(run, rows, results, where)
    name = _metric(rows, options, where)
    group = None if grouped else _group(rows, options, notes)
    if _is_choice(rows[0][1]):
        records = _choices(rows, name, options, where)
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
    """Lines of a file without what is long and not needed; versions before 0.4.3 wrote one JSON array."""
    start = next(read_lines(path, where), (0, b""))[1].lstrip()
    if start.startswith(b"["):
        from miniature.data.text_files import read_json

        content = read_json(path)
        found: Iterable = enumerate(content, start=1) if isinstance(content, list) else ()
    else:
        found = read_objects(path, where)
    rows = []
    for number, row in found:
        if not isinstance(row, dict) or not {"filtered_resps", "resps"} & set(row):
            raise StudyError(
                f"Line {number} is no sample of lm-evaluation-harness.",
                where=f"{where}, line {number}",
                fix="lm_eval ... --output_path <folder> --log_samples",
            )
        rows.append((number, _slim(row, options)))
    if not rows:
        raise StudyError("There is no sample in the file.", where=where, fix="run the evaluation again")
    return rows


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
    if len(filters) > 1 and options.filter is None:
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


def _metric(rows: list[tuple[int, dict]], options: Options, where: str) -> str | None:
    """The recorded metric that says right or wrong: the one asked for, else the first that is 0 or 1."""
    row = rows[0][1]
    names = list(row.get("metrics") or [key for key in row if key not in KNOWN])
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


def _is_choice(row: Mapping) -> bool:
    """Whether there is a log-probability for each of several requests."""
    found = row.get("filtered_resps")
    return isinstance(found, list) and len(found) > 1 and all(_log_probability(x) is not None for x in found)


def _log_probability(response: object) -> float | None:
    if isinstance(response, list) and len(response) == 2 and str(response[1]) in ("True", "False", "true"):
        try:
            return float(response[0])
        except (TypeError, ValueError):
            return None
    return None


def _arguments(given: object) -> list[tuple[str, str]]:
    """(prompt, continuation) of each request, as a mapping of ``gen_args_0`` to mappings or as lists."""
    pairs = list(given.values()) if isinstance(given, Mapping) else list(given or [])
    pairs = [list(pair.values()) if isinstance(pair, Mapping) else list(pair) for pair in pairs]
    return [(as_text(pair[0]) or "", (as_text(pair[1]) or "") if len(pair) > 1 else "") for pair in pairs]


def _choice_texts(row: Mapping) -> list[str]:
    """What differs between the requests: the continuations, or else the prompts."""
    alike = len(set(row["ends"])) < 2 and len(row["starts"]) > 1
    return row["starts"] if alike else [end.strip() for end in row["ends"]]


def _choices(rows: list[tuple[int, dict]], metric: str, options: Options, where: str) -> list[Record]:
    readings = {"index": _target_index, "text": _target_text}
    logs = []
    for number, row in rows:
        found = [_log_probability(x) for x in row["filtered_resps"]]
        if None in found or not any(map(math.isfinite, found)):
            raise StudyError(
                "There is no log-probability for each choice.",
                where=f"{where}, line {number}",
                fix="run the evaluation again: this row is damaged",
            )
        logs.append(np.array(found, dtype=np.float64))
    best = [int(np.argmax(values)) for values in logs]
    # A target may be a number that is the index of a choice, or its text: what `acc` agrees with is meant.
    failed: dict[str, tuple[int, str]] = {}
    for name, read in readings.items():
        golds = [read(row, len(values)) for (_, row), values in zip(rows, logs, strict=True)]
        failed[name] = _first_contradiction(rows, best, golds)
        if failed[name] is None:
            break
    else:
        number, what = max(failed.values())
        raise StudyError(what, where=f"{where}, line {number}", fix="run the evaluation again")
    predicted = best if metric == "acc" else _by_metric(rows, logs, best, golds, metric)
    records = []
    for (number, row), values, gold, chosen in zip(rows, logs, golds, predicted, strict=True):
        odds = np.exp(values - values.max())
        records.append(
            Record(
                place=f"line {number}",
                id="",
                prediction=None if chosen is None else choice_name(chosen),
                correct=as_truth(row.get(metric)) is True,
                label=None if gold is None else choice_name(gold),
                # The largest probability belongs to the prediction only where both rest on the same scores.
                probabilities=(odds / odds.sum()).tolist() if predicted is best else None,
                text=_question(row, options) if options.texts else None,
                choices=_choice_texts(row) if options.texts else None,
                names=[choice_name(i) for i in range(len(values))],
            )
        )
    return records


def _target_index(row: Mapping, choices: int) -> int | None:
    text = str(row.get("target")).strip()
    return int(text) if text.isdecimal() and int(text) < choices else None


def _target_text(row: Mapping, choices: int) -> int | None:
    texts = _choice_texts(row)
    text = str(row.get("target")).strip()
    return texts.index(text) if text in texts and len(texts) == choices else None


def _first_contradiction(rows, best: Sequence[int], golds: Sequence[int | None]) -> tuple[int, str] | None:
    """First row whose ``acc`` is not what its log-probabilities and target give; None where all agree."""
    if all(gold is None for gold in golds):
        return 0, "No target is one of the choices."
    for (number, row), chosen, gold in zip(rows, best, golds, strict=True):
        recorded = as_truth(row.get("acc"))
        if recorded is not None and gold is not None and recorded != (chosen == gold):
            return number, (
                f"acc is {row['acc']:g}, and the largest log-probability is that of choice "
                f"{choice_name(chosen)} where {choice_name(gold)} is right."
            )
    return None


def _by_metric(rows, logs, best, golds, metric: str) -> list[int | None]:
    """Choices that a metric with normalized log-probabilities rests on, by the length that it agrees with.

    Versions differ in whether they divide by characters or bytes, with or without the blank before a choice.
    """
    lengths = (
        lambda text: len(text.strip()), len,
        lambda text: len(text.strip().encode()), lambda text: len(text.encode()),
    )  # fmt: skip
    for length in lengths:
        chosen = []
        for (_, row), values in zip(rows, logs, strict=True):
            ends = [max(length(end), 1) for end in row["ends"]]
            chosen.append(int(np.argmax(values / ends)) if len(ends) == len(values) else None)
        if all(
            gold is None or one is None or (as_truth(row.get(metric)) is True) == (one == gold)
            for (_, row), one, gold in zip(rows, chosen, golds, strict=True)
        ):
            return chosen
    # The metric does not say which choice it took; right or wrong is all that is known.
    return [None] * len(rows)


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
        text=_question(row, options) if options.texts else None,
    )


def _question(row: Mapping, options: Options) -> str:
    if "text" in options.columns:
        return as_text(nested(row, options.columns["text"])) or ""
    doc = row.get("doc")
    found = next((doc[key] for key in QUESTIONS if key in doc), None) if isinstance(doc, Mapping) else None
    return found if isinstance(found, str) else next(iter(row["starts"]), "")


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


def is_old(path: Path) -> bool:
    """Whether a ``.jsonl`` file is the one JSON array that versions 0.4.0 to 0.4.2 wrote under that name."""
    if not path.name.endswith((".jsonl", ".jsonl.gz")):
        return False
    start = b"".join(
        line for _, line in zip(range(3), (x for _, x in read_lines(path, str(path))), strict=False)
    )
    return start.lstrip().startswith(b"[") and b'"doc_id"' in start
