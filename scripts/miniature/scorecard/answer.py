"""The answer: what a study found about every model, in a few lines."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from miniature.scorecard.floor import KINDS
from miniature.scorecard.limits import BEYOND, WITHIN
from miniature.scorecard.limits import UNDECIDED as OPEN
from miniature.scorecard.verdicts import MINIATURE, NOT_MEASURED, NOT_MINIATURE, UNDECIDED, UNINFORMATIVE


class ModelAnswer(NamedTuple):
    """What was found about one model.

    Attributes
    ----------
    model, original : str
    headline : str
    verdicts : mapping of str to str
        By characteristic.
    kept : mapping of str to tuple
        Share kept with its bounds, by characteristic; NaN where there are none.
    changes : mapping of str to mapping
        By task and measure: ``value``, ``low``, ``high``, ``limit``, ``verdict`` and ``retraining`` against
        the original.
    tolerance : str
        In words.
    noise : mapping of str to mapping
        By floor that no verdict rests on, ``further``, ``level`` or ``closer`` of each characteristic.
    """

    model: str
    original: str
    headline: str
    verdicts: Mapping[str, str]
    kept: Mapping[str, tuple[float, float, float]]
    changes: Mapping[str, Mapping[str, Mapping[str, object]]]
    tolerance: str
    noise: Mapping[str, Mapping[str, str]]


class Answer(NamedTuple):
    """The answer of a study; see `answer_markdown` and `answer_json`."""

    study: str
    reference: str
    floor: str
    models: Sequence[ModelAnswer]
    warnings: Sequence[str]


def headline(verdicts: Mapping[str, str]) -> str:
    """One line on one model.

    Parameters
    ----------
    verdicts : mapping of str to str
        By characteristic.

    Examples
    --------
    >>> headline({"errors": "miniature", "calibration": "miniature", "vulnerability": "uninformative"})
    'miniature in everything informative (errors, calibration)'
    >>> headline({"errors": "not-miniature", "calibration": "undecided"})
    'not-miniature in errors; undecided in calibration'
    >>> headline({"errors": "not-measured"})
    'no verdict: nothing measured'
    """
    of = {v: [name for name, found in verdicts.items() if found == v] for v in set(verdicts.values())}
    if not of:
        return "no verdict asked for"
    informative = [v for v in verdicts.values() if v not in (UNINFORMATIVE, NOT_MEASURED)]
    if informative and set(informative) == {MINIATURE}:
        return f"{MINIATURE} in everything informative ({', '.join(of[MINIATURE])})"
    said = [
        f"{verdict} in {', '.join(of[verdict])}"
        for verdict in (NOT_MINIATURE, MINIATURE, UNDECIDED)
        if verdict in of
    ]
    if said:
        return "; ".join(said)
    return f"no verdict: nothing {'informative' if UNINFORMATIVE in of else 'measured'}"


def describe_tolerance(rows: pd.DataFrame) -> str:
    """What the tolerance says of one model, in words.

    Examples
    --------
    >>> describe_tolerance(pd.DataFrame({"measure": ["newly_wrong"], "verdict": ["beyond"]}))
    'beyond the tolerance in newly wrong'
    """
    judged = rows[rows["verdict"].isin([WITHIN, BEYOND, OPEN])]
    if not len(judged):
        return ""
    if (judged["verdict"] == WITHIN).all():
        return "within the tolerance on every measure"
    said = []
    for verdict, words in ((BEYOND, "beyond the tolerance in"), (OPEN, "undecided in")):
        names = dict.fromkeys(judged.loc[judged["verdict"] == verdict, "measure"])
        if names:
            said.append(f"{words} {', '.join(name.replace('_', ' ') for name in names)}")
    return "; ".join(said)


def make_answer(
    card: pd.DataFrame,
    tolerance: pd.DataFrame,
    *,
    study: str,
    reference: str,
    models: Sequence[str],
    noise: pd.DataFrame | None = None,
    warnings: Sequence[str] = (),
) -> Answer:
    """The answer of a study from its scorecard and its tolerance table.

    Parameters
    ----------
    card : DataFrame
        `miniature.scorecard.build.SCORECARD_COLUMNS`.
    tolerance : DataFrame
        `miniature.scorecard.tolerance.COLUMNS`.
    study, reference : str
    models : sequence of str
        Models that are compared, in the study's order.
    noise : DataFrame, optional
        `miniature.scorecard.noise.NOISE_COLUMNS`.
    warnings : sequence of str
        From `miniature.scorecard.sanity`.

    Returns
    -------
    Answer
    """
    answers = []
    for model in models:
        rows, changed = card[card["model"] == model], tolerance[tolerance["model"] == model]
        verdicts = dict(zip(rows["characteristic"], rows["verdict"], strict=True))
        kept = {
            row["characteristic"]: (row["kept"], row["kept_low"], row["kept_high"])
            for row in rows.to_dict("records")
            if not pd.isna(row["kept"]) and row["verdict"] != UNINFORMATIVE
        }
        changes: dict[str, dict[str, dict[str, object]]] = {}
        names = ("value", "low", "high", "limit", "verdict", "retraining", "n")
        for row in changed.to_dict("records"):
            if row["verdict"] != NOT_MEASURED:
                changes.setdefault(row["task"], {})[row["measure"]] = {name: row[name] for name in names}
        original = str(changed["original"].iloc[0]) if len(changed) else reference
        beside: dict[str, dict[str, str]] = {}
        if noise is not None:
            for row in noise[(noise["model"] == model) & (noise["as_measured"] != "")].to_dict("records"):
                floor = f"{KINDS[row['kind']]} ({row['of']})"
                beside.setdefault(floor, {})[row["characteristic"]] = row["as_measured"]
        said = describe_tolerance(changed)
        answers.append(
            ModelAnswer(model, original, headline(verdicts), verdicts, kept, changes, said, beside)
        )
    return Answer(study, reference, _describe_floor(card), answers, list(warnings))


def _describe_floor(card: pd.DataFrame) -> str:
    kinds = [kind for kind in dict.fromkeys(card["floor_kind"]) if kind]
    if not kinds:
        return "no other training of the reference"
    count = int(card["replicates"].max()) if card["replicates"].notna().any() else 0
    return f"{KINDS[kinds[0]]} ({count})"


def answer_markdown(answer: Answer, *, results: str) -> str:
    """The answer to read, on a terminal or as Markdown.

    Parameters
    ----------
    answer : Answer
    results : str
        Folder of the study's results, for where to look.

    Returns
    -------
    str
        Two lines for each model, one for what they are set against, one for where to look, and the warnings.
    """
    count = len(answer.models)
    lines = [
        f"**{answer.study}**: {count} model{'s' * (count != 1)} against {answer.reference}; "
        f"floor: {answer.floor}.",
        "",
    ]
    for model in answer.models:
        lines.append(f"- **{model.model}**: {model.headline}")
        details = [part for part in (_kept(model), *_changed(model), model.tolerance, _noise(model)) if part]
        if details:
            lines.append(f"  {'; '.join(details)}")
    lines += ["", f"Look: {results}/report.html"]
    lines += [f"Warning: {text}" for text in answer.warnings]
    return "\n".join(lines) + "\n"


def _kept(model: ModelAnswer) -> str:
    cells = []
    for name, (share, low, high) in model.kept.items():
        bounds = "" if math.isnan(low) or math.isnan(high) else f" ({_percent(low)} to {_percent(high)})"
        cells.append(f"{name} {_percent(share)} %{bounds}")
    return f"keeps {', '.join(cells)}" if cells else ""


def _changed(model: ModelAnswer) -> list[str]:
    said = []
    several = len(model.changes) > 1
    for task, measures in model.changes.items():
        parts = []
        if "decisions_changed" in measures:
            found = measures["decisions_changed"]
            again = found["retraining"]
            beside = "" if pd.isna(again) else f", retraining {100 * again:.1f} %"
            parts.append(f"changes {100 * found['value']:.1f} % of decisions{beside}")
        if "accuracy_kept" in measures:
            points = 100 * (measures["newly_right"]["value"] - measures["newly_wrong"]["value"])
            kept = 100 * measures["accuracy_kept"]["value"]
            parts.append(f"accuracy {points:+z.1f} points, {kept:.1f} % of it kept")
        if parts:
            said.append((f"on {task} " if several else "") + ", ".join(parts))
    return said


def _noise(model: ModelAnswer) -> str:
    """Where a model differs by no more than noise, and where by more, if no verdict says so already."""
    said = []
    for floor, found in model.noise.items():
        further = [name for name, words in found.items() if words == "further"]
        alike = [name for name, words in found.items() if words != "further"]
        if alike:
            said.append(f"no further than {floor} in {', '.join(alike)}")
        if further and not model.kept:
            said.append(f"further than {floor} in {', '.join(further)}")
    return "; ".join(said)


def _percent(share: float) -> str:
    return f"{100 * share:.0f}"


def answer_json(answer: Answer) -> str:
    """The same for programs: what is not known is null."""
    models = [{**model._asdict(), "kept": _named(model.kept)} for model in answer.models]
    return json.dumps(_plain({**answer._asdict(), "models": models}), indent=1, ensure_ascii=False) + "\n"


def _named(kept: Mapping[str, tuple[float, float, float]]) -> dict[str, dict[str, float]]:
    return {name: dict(zip(("share", "low", "high"), found, strict=True)) for name, found in kept.items()}


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, str | bool) or value is None:
        return value
    if pd.isna(value) or (isinstance(value, float) and not math.isfinite(value)):
        return None
    return (
        int(value) if float(value).is_integer() and not isinstance(value, float) else float(f"{value:.10g}")
    )
