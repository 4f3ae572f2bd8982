"""Predictions in JSON files that are no tables: SQuAD's mapping, MMLU-Pro, OpenCompass."""

from collections.abc import Mapping
from pathlib import Path
from textwrap import shorten

from miniature.messages import StudyError
from miniature.predictions.read import prediction_line
from miniature.predictions.records import Options, Record, Recorded, as_text, as_truth, choice_name


def is_nbest(content: object) -> bool:
    """``{id: [{"text": ..., "probability": ...}, ...]}``, as the SQuAD scripts of transformers leave it."""
    lists = [v for v in content.values() if isinstance(v, list)] if isinstance(content, dict) else []
    best = [value for value in lists if value and all(isinstance(v, dict) and "text" in v for v in value)]
    return bool(lists) and len(best) == len(lists)


def is_mmlu_pro(content: object) -> bool:
    """``[{"question_id": ..., "answer": "A", "pred": "B", ...}, ...]``."""
    return _rows(content, ("question_id", "answer", "pred"))


def is_opencompass(content: object) -> bool:
    """``{"0": {"origin_prompt": ..., "prediction": ..., "gold": ...}, ...}``."""
    return isinstance(content, dict) and bool(content) and all(
        isinstance(value, dict) and "prediction" in value and {"origin_prompt", "gold"} & set(value)
        for value in content.values()
    )  # fmt: skip


def is_opencompass_details(content: object) -> bool:
    """``{"accuracy": ..., "details": {"0": {"predictions": ..., "correct": ...}, ...}}``."""
    details = content.get("details") if isinstance(content, dict) else None
    rows = [v for v in details.values() if isinstance(v, dict)] if isinstance(details, dict) else []
    return bool(rows) and all({"predictions", "correct"} <= set(row) for row in rows)


def _rows(content: object, keys: tuple[str, ...]) -> bool:
    first = content[0] if isinstance(content, list) and content else None
    return isinstance(first, dict) and all(key in first for key in keys)


def read_mapping(path: Path, content: Mapping, options: Options, where: str) -> Recorded:
    """Answers by id, as SQuAD's evaluation takes them."""
    for key, value in content.items():
        if isinstance(value, list | dict):
            raise StudyError(
                f"The prediction for {key} is {shorten(repr(value), 80)}, and not text.",
                where=where,
                fix=prediction_line(path, key, "<the prediction as text>"),
            )
    return Recorded(path, [Record(f"key {key}", key, as_text(value)) for key, value in content.items()])


def refuse_nbest(path: Path, content: Mapping, options: Options, where: str) -> Recorded:
    """The n-best file of run_squad and run_qa lies beside the file that is wanted."""
    single = path.with_name(path.name.replace("nbest_", ""))
    if "nbest_" in path.name and single.is_file():
        fix = f"path: {single}"
    else:
        target = path.with_name(f"best-{path.name.removesuffix('.gz')}")
        opened = f"__import__('gzip').open('{path}')" if path.suffix == ".gz" else f"open('{path}')"
        fix = (
            f'python -c "import json; best = json.load({opened}); '
            f"json.dump({{k: v[0]['text'] for k, v in best.items()}}, open('{target}', 'w'))\""
            f"   # the first of each; then path: {target}"
        )
    raise StudyError(
        "This is a file of the n best answers to each question, not of one prediction each: "
        "predictions.json, which run_squad and run_qa write beside it, is meant.",
        where=where,
        fix=fix,
    )


def _key(row: object, names: tuple[str, ...], number: int, where: str) -> str:
    key = as_text(next((row[name] for name in names if name in row), None)) if isinstance(row, dict) else None
    if key is None:
        raise StudyError(
            f"Row {number} has no {names[0]}.", where=f"{where}, row {number}", fix=f'"{names[0]}": "..."'
        )
    return key


def read_mmlu_pro(path: Path, content: list, options: Options, where: str) -> Recorded:
    """Letters of the answers; one that could not be extracted (``pred`` is null) is wrong."""
    records, unread = [], 0
    for number, row in enumerate(content, start=1):
        key = _key(row, ("question_id",), number, where)
        answer, predicted = as_text(row.get("answer")), as_text(row.get("pred"))
        unread += predicted is None
        choices = [as_text(choice) or "" for choice in row.get("options") or []]
        records.append(
            Record(
                f"row {number}", key, predicted, answer == predicted, answer,
                text=as_text(row.get("question")) if options.texts else None,
                cluster=as_text(row.get("category")),
                choices=choices if choices and options.texts else None,
                names=[choice_name(i) for i in range(len(choices))] if choices else None,
            )
        )  # fmt: skip
    notes = (
        [f"{unread} of {len(records)} answers could not be extracted (pred is null): wrong"] if unread else []
    )
    return Recorded(path, records, notes)


def read_opencompass(path: Path, content: Mapping, options: Options, where: str) -> Recorded:
    """Predictions and gold answers by the row's number; OpenCompass judges in another file."""
    records = []
    for key, row in content.items():
        prompt = row.get("origin_prompt")
        parts = (
            [p.get("prompt", "") for p in prompt if isinstance(p, dict)] if isinstance(prompt, list) else []
        )
        records.append(
            Record(
                f"key {key}", key, as_text(row["prediction"]), label=as_text(row.get("gold")),
                text=("\n".join(parts) or as_text(prompt)) if options.texts else None,
            )
        )  # fmt: skip
    return Recorded(path, records, numbered=True)


def read_opencompass_details(path: Path, content: Mapping, options: Options, where: str) -> Recorded:
    """Answers as OpenCompass extracted and judged them, by the row's number (``--dump-eval-details``)."""
    records = []
    for key, row in content["details"].items():
        if not isinstance(row, dict):
            continue  # beside the rows stands how they were asked
        correct = as_truth(row["correct"])
        if correct is None:
            raise StudyError(
                f"correct is {row['correct']!r} for {key}, not right or wrong.",
                where=f"{where}, key {key}",
                fix='"correct": true   (or false)',
            )
        answer, label = as_text(row["predictions"]), as_text(row.get("references"))
        question = as_text(row.get("prompt")) if options.texts else None
        records.append(Record(f"key {key}", key, answer, correct, label, text=question))
    right, stated = sum(record.correct for record in records), content.get("accuracy")
    if isinstance(stated, int | float) and abs(100 * right / len(records) - stated) > 0.01:
        raise StudyError(
            f"{100 * right / len(records):.2f} % of the rows are right, and the file says {stated:g}.",
            where=where,
            fix="run the evaluation again: rows are missing, or are another run's",
        )
    return Recorded(path, records, numbered=True)
