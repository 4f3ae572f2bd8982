"""The authors' published numbers next to ours, and the conclusion that each difference allows."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
import yaml

from miniature.messages import StudyError
from miniature.models.entry import SOURCES
from miniature.tables.write import format_cell

WITHIN = "within tolerance"
OUTSIDE = "outside tolerance"
NOT_COMPARABLE = "not comparable"
NOT_MEASURED = "not measured"

COLUMNS = (
    "figure", "model a", "model b", "published", "ours", "difference", "CI low", "CI high",
    "tolerance", "status", "why",
)  # fmt: skip
NUMBERS = ("published", "ours", "difference", "CI low", "CI high", "tolerance")
KEYS = ("questions", "models", "errors", "jaccard", "tolerance")

# Rounding of binary fractions, far below any tolerance.
EPSILON = 1e-9


def read_published(path: str | Path) -> dict:
    """Read the file of published numbers.

    Raises
    ------
    StudyError
        It is missing, not YAML, or incomplete.
    """
    try:
        published = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise StudyError(
            f"The published numbers cannot be read: {str(error).splitlines()[0]}.",
            where=str(path),
            fix=f"git checkout -- {path}",
        ) from None
    missing = [key for key in KEYS if not isinstance(published, dict) or key not in published]
    if missing:
        raise StudyError(
            f"The published numbers lack {', '.join(missing)}.",
            where=str(path),
            fix=f"git checkout -- {path}",
        )
    return published


def reproduction_table(
    published: Mapping,
    *,
    models: Mapping[str, Mapping],
    pairs: pd.DataFrame,
    task: str,
) -> pd.DataFrame:
    """One row for each published number.

    Parameters
    ----------
    published : mapping
        From `read_published`.
    models : mapping of str to mapping
        The study's ``models:`` entries.
    pairs : DataFrame
        Pairs of models from `miniature.tables.errors.error_pairs`: task, model a, model b, errors a,
        errors b, Jaccard, n; optionally CI low and CI high. No rows if errors were not compared.
    task : str
        The task that the study's verdict on errors is about.

    Returns
    -------
    DataFrame
        With `COLUMNS`, in the order of the file. ``ours`` is shown wherever a model of that name was
        measured; it is compared with the published number only if data and checkpoints are the same.
    """
    pairs = pairs[pairs["task"] == task]
    numbers = {int(n) for n in pairs["n"].dropna()}
    data = None
    if numbers and numbers != {int(published["questions"])}:
        seen = ", ".join(str(n) for n in sorted(numbers))
        data = f"other data: {seen} examples"
    counts = _counts(pairs)
    rows = []
    for model, value in published["errors"].items():
        rows.append(
            _row("errors", (model, ""), value, counts.get(model), None, data, published, models, len(pairs))
        )
    for a, b, value in published["jaccard"]:
        found = pairs[
            ((pairs["model a"] == a) & (pairs["model b"] == b))
            | ((pairs["model a"] == b) & (pairs["model b"] == a))
        ]
        ours = float(found["Jaccard"].iloc[0]) if len(found) else None
        interval = None
        if len(found) and "CI low" in found:
            interval = (float(found["CI low"].iloc[0]), float(found["CI high"].iloc[0]))
        rows.append(_row("jaccard", (a, b), value, ours, interval, data, published, models, len(pairs)))
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    return table.astype(dict.fromkeys(NUMBERS, float))


def _counts(pairs: pd.DataFrame) -> dict[str, int]:
    """Number of errors of each model, from either side of its pairs."""
    counts = {}
    for side in ("a", "b"):
        if f"errors {side}" in pairs:
            known = pairs.dropna(subset=[f"errors {side}"])
            counts |= {
                m: int(e) for m, e in zip(known[f"model {side}"], known[f"errors {side}"], strict=True)
            }
    return counts


def _row(
    figure: str,
    names: Sequence[str],
    value: float,
    ours: float | None,
    interval: tuple[float, float] | None,
    data: str | None,
    published: Mapping,
    models: Mapping[str, Mapping],
    measured: int,
) -> dict:
    row = {
        "figure": figure, "model a": names[0], "model b": names[1], "published": value, "ours": ours,
        "CI low": interval[0] if interval else None, "CI high": interval[1] if interval else None,
    }  # fmt: skip
    asked = [name for name in names if name]
    absent = [name for name in asked if name not in models]
    reasons = [f"not in this study: {', '.join(absent)}"] if absent else []
    reasons += [
        why for name in asked if name in models and (why := other_model(models[name], name, published))
    ]
    if data:
        reasons.append(data)
    if reasons:
        return {**row, "status": NOT_COMPARABLE, "why": "; ".join(reasons)}
    if ours is None:
        why = "not among the pairs measured" if measured else "the study does not compare errors"
        return {**row, "status": NOT_MEASURED, "why": why}
    kind = "trained" if any(models[name].keys() & SOURCES.keys() for name in asked) else "given"
    tolerance = published["tolerance"][kind][figure]
    difference = ours - value
    status = WITHIN if abs(difference) <= tolerance + EPSILON else OUTSIDE
    why = "trained here" if kind == "trained" else "from published predictions or error lists"
    return {**row, "difference": difference, "tolerance": tolerance, "status": status, "why": why}


def other_model(entry: Mapping, name: str, published: Mapping) -> str | None:
    """Why a study's model is not the published one of that name; None if it is."""
    if "layers" in entry:
        return f"{name} is cut to {entry['layers']} layers"
    if "architecture" in entry:
        return f"{name} is trained from scratch"
    if "derive" in entry:
        return f"{name} is made from {entry['derive']['from']}"
    source = next((entry[key] for key in SOURCES if key in entry), None)
    # An entry without weights consists of what was published under that name: predictions or error lists.
    if source is not None and source != published["models"][name]:
        return f"{name} is another checkpoint: {source}"
    return None


def summarise(table: pd.DataFrame) -> dict[str, int]:
    """The number of entries with each status, in the order of the statuses."""
    counts = table["status"].value_counts()
    return {status: int(counts.get(status, 0)) for status in (WITHIN, OUTSIDE, NOT_COMPARABLE, NOT_MEASURED)}


def printed_figures(figures: pd.DataFrame) -> pd.DataFrame:
    """Numbers as text: whole for counts, three decimals for Jaccard indices, an interval in one cell."""
    shown = figures[["figure", "model a", "model b"]].copy()
    digits = [0 if figure == "errors" else 3 for figure in figures["figure"]]
    for name in ("published", "ours", "difference"):
        shown[name] = [format_cell(v, d) for v, d in zip(figures[name], digits, strict=True)]
    shown["interval"] = [
        f"{format_cell(low, d)} to {format_cell(high, d)}" if pd.notna(low) and pd.notna(high) else ""
        for low, high, d in zip(figures["CI low"], figures["CI high"], digits, strict=True)
    ]
    shown["tolerance"] = [f"{v:g}" if pd.notna(v) else "" for v in figures["tolerance"]]
    return shown.assign(status=figures["status"], why=figures["why"])
