"""Samples of Every Eval Ever (schema 0.3), to which converters bring the logs of several harnesses."""

from collections.abc import Mapping
from pathlib import Path

from miniature.messages import StudyError
from miniature.predictions.lines import read_objects
from miniature.predictions.records import Options, Reading, Record, Recorded, as_text, choice_name, kind_of

GROUPS = ("subject", "category")


def read_every_eval_ever(path: Path, options: Options, where: str) -> Recorded:
    """Answers of one model to one benchmark, by one of its metrics.

    The format has one line for each sample, evaluation and metric; those of one evaluation (`benchmark`, with
    its filter after a slash) and one metric are read.

    Parameters
    ----------
    path : Path
        The ``*_samples.jsonl`` file.
    options : Options
        ``benchmark``: an ``evaluation_name``; ``metric``: an ``evaluation_result_id``.
    where : str
        For messages.

    Returns
    -------
    Recorded

    Raises
    ------
    StudyError
        Lines of several models; several evaluations and nothing that says which; a line without its keys.
    """
    rows = list(read_objects(path, where))
    for number, row in rows:
        missing = [key for key in ("sample_id", "input", "evaluation") if key not in row]
        if missing:
            raise StudyError(
                f"Line {number} lacks {', '.join(missing)}.",
                where=f"{where}, line {number}",
                fix="every_eval_ever validate <file>",
            )
    models = list(dict.fromkeys(row.get("model_id") for _, row in rows))
    if len(models) > 1:
        raise StudyError(
            f"The file has answers of {len(models)} models: {', '.join(map(str, models))}.",
            where=where,
            fix=f"jq -c 'select(.model_id == \"{models[0]}\")' '{path}' > one_samples.jsonl",
        )
    notes: list[str] = []
    own = options.dataset if any(row.get("evaluation_name") == options.dataset for _, row in rows) else None
    rows = _one(rows, "evaluation_name", options.benchmark or own, "benchmark", where, notes, ask=True)
    rows = _one(rows, "evaluation_result_id", options.metric, "metric", where, notes, ask=False)
    records = [_record(number, row, options) for number, row in rows]
    return Recorded(path, records, notes, numbered="id" not in options.columns)


def readings_of(path: Path) -> list[Reading]:
    """One reading for each evaluation in a file, in its order."""
    found = {}
    for _, row in read_objects(path, str(path)):
        if (name := row.get("evaluation_name")) is not None and name not in found:
            choices = bool((row.get("input") or {}).get("choices"))
            found[name] = Reading(str(name), kind_of(choices), False, str(name))
    return list(found.values())


def _one(rows, key: str, wanted: str | None, option: str, where: str, notes: list[str], *, ask: bool) -> list:
    """Lines with one value of a key: the wanted one, the only one, or (unless `ask`) the first."""
    found = list(dict.fromkeys(row.get(key) for _, row in rows))
    if (wanted is not None and wanted not in found) or (wanted is None and len(found) > 1 and ask):
        raise StudyError(
            f"There are {len(found)} values of {key}: {', '.join(map(str, found))}"
            + (f", and no '{wanted}'." if wanted is not None else "; which one is meant?"),
            where=where,
            fix=f"{option}: {found[0]}",
        )
    chosen = found[0] if wanted is None and found else wanted
    if wanted is None and len(found) > 1:
        notes.append(f"of the {option}s {', '.join(map(str, found))}, '{chosen}' is read")
    return [(number, row) for number, row in rows if row.get(key) == chosen]


def _record(number: int, row: Mapping, options: Options) -> Record:
    given, output = row["input"], row.get("output") or {}
    metadata = row.get("metadata") or {}
    choices = [as_text(c) or "" for c in given.get("choices") or []]
    answers = [item.get("extracted_value") for item in row.get("answer_attribution") or [] if
               item.get("is_terminal", True)]  # fmt: skip
    answer = as_text(answers[-1]) if answers else as_text(next(iter(output.get("raw") or []), None))
    reference = as_text(next(iter(given.get("reference") or []), None))
    failed = row.get("error") is not None
    return Record(
        place=f"line {number}",
        id=as_text(row["sample_id"]) or "",
        prediction=None if failed else _chosen(answer, choices),
        correct=None if failed else row["evaluation"].get("is_correct"),
        label=_chosen(reference, choices),
        text=given.get("raw") if options.texts else None,
        cluster=next((as_text(metadata[key]) for key in GROUPS if key in metadata), None),
        choices=choices if choices and options.texts else None,
        names=[choice_name(i) for i in range(len(choices))] if choices else None,
        document_hash=metadata.get("doc_hash") or row.get("sample_hash"),
        prompt_hash=metadata.get("prompt_hash") or None,
    )


def _chosen(answer: str | None, choices: list[str]) -> str | None:
    """Letter of a choice that is given by its letter, its index from 0 or its text; others as they stand."""
    if answer is None or not choices:
        return answer
    names = [choice_name(i) for i in range(len(choices))]
    text = answer.strip()
    if text in names:
        return text
    if text in choices:
        return names[choices.index(text)]
    return names[int(text)] if text.isdecimal() and int(text) < len(choices) else answer
