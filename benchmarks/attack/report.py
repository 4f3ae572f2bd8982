"""What the benchmark measured, as Markdown tables."""

import json
import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path

INTRODUCTION = """\
# The attack beside stock TextAttack

Printed by `benchmarks/attack/measure_attack.py`. Stock is an attack put together from TextAttack's own
classes with its own model wrapper and the same constraints; the Universal Sentence Encoder, which needs
TensorFlow Hub, is left out of both. Victims and masked LM were trained for the benchmark on generated
reviews; longer texts are reviews of one label joined. Times are processor seconds of one thread, models
loaded.
"""
SAME = ("same_outcome", "same_text", "same_queries")
SPEED_HEADER = ("", "Stock, s", "Engine, s", "Ratio", "Forward passes alone, s", "Engine over that")


def write_report(folder: Path) -> str:
    """Tables of everything that has been measured in a folder.

    Parameters
    ----------
    folder : path
        Holds ``identity.jsonl``, ``short.jsonl``, ``long.jsonl`` and ``memory.jsonl``, as far as measured.
    """
    sections = [INTRODUCTION]
    for name, write in {"identity": identity, "short": short, "long": long, "memory": memory}.items():
        path = folder / f"{name}.jsonl"
        if path.exists():
            sections.append(write([json.loads(line) for line in path.read_text("utf-8").splitlines()]))
    return "\n".join(sections)


def identity(records: list[dict]) -> str:
    """Do both come to the same?"""
    header = ("Victim", "Words", "Attacked", "Successes", "Failures", "Skipped")
    rows = []
    for victim, band in dict.fromkeys((r["victim"], r["band"]) for r in records):
        some = [r for r in records if (r["victim"], r["band"]) == (victim, band)]
        rows.append(_identity_row(victim, band, some))
    for victim in dict.fromkeys(r["victim"] for r in records):
        rows.append(_identity_row(victim, "all", [r for r in records if r["victim"] == victim]))
    for band in dict.fromkeys(r["band"] for r in records):
        rows.append(_identity_row("all", band, [r for r in records if r["band"] == band]))
    rows.append(_identity_row("all", "all", records))
    table = _table((*header, "Same outcome", "Same text", "Same queries"), rows)
    return f"## Same results\n\nA spent budget of queries counts as a failure, as in TextAttack.\n\n{table}"


def _identity_row(victim: str, band: str, records: list[dict]) -> tuple:
    outcomes = [r["outcome"] for r in records]
    success, failure, skipped = (outcomes.count(name) for name in ("success", "failure", "skipped"))
    same = (f"{sum(r[key] for r in records)}/{len(records)}" for key in SAME)
    return (victim, band, success + failure, success, failure, skipped, *same)


def short(records: list[dict]) -> str:
    """Speed on short texts, many together."""
    one = records[0]
    rows = [_speed_row(f"repeat {r['repeat'] + 1}", r, r["engine"], r["floor"]) for r in records]
    return (
        "## Speed: 2 layers x 128, texts of 8 to 30 words\n\n"
        f"{one['examples']} texts, {one['queries']} queries, K = {one['k']}, on {one['device']}; "
        f"{one['same']} of {one['examples']} the same in outcome, text and queries. {len(records)} repeats, "
        "stock and engine in turn.\n\n"
        f"{_table(SPEED_HEADER, rows)}\n"
        f"Ratio: {_spread(r['stock'] / r['engine'] for r in records)}. The forward passes strictly needed "
        f"are {one['needed']} texts of the victim and {one['read']} of the masked LM, each once, in full "
        "batches.\n"
    )


def long(records: list[dict]) -> str:
    """Speed on long texts with a large victim, for each budget of queries."""
    sections = [
        "## Speed: 12 layers x 768, texts of about 230 words\n\n"
        f"Each text alone, on {records[0]['device']}. With `screening: none` everything is read in "
        "float32, with `bf16` first in bfloat16. TextAttack counts a query for each word that it hides to "
        "find its importance. Where that spends the budget, nothing can change any more: the engine reads "
        "nothing, stock reads it all.\n"
    ]
    for budget in dict.fromkeys(r["budget"] for r in records):
        some = [r for r in records if r["budget"] == budget and r["none"]["outcome"] != "skipped"]
        sections += [_long_table(some, budget, screening) for screening in ("none", "bf16")]
    return "\n".join(sections)


def _long_table(records: list[dict], budget: int, screening: str) -> str:
    ours = [r[screening] for r in records]
    rows = []
    for r, one in zip(records, ours, strict=True):
        name = f"{r['words']} words, {one['queries']} queries, {one['outcome']}"
        rows.append(_speed_row(name, r, one["seconds"], one["floor"]))
    total = sum(r["stock"] for r in records) / sum(one["seconds"] for one in ours)
    same = sum(all(one[key] for key in SAME) for one in ours)
    return (
        f"### {budget} queries, `screening: {screening}`\n\n{_table(SPEED_HEADER, rows)}\n"
        f"Ratio of the sums {total:.1f}; text by text "
        f"{_spread(r['stock'] / one['seconds'] for r, one in zip(records, ours, strict=True))}. "
        f"{same} of {len(records)} the same in outcome, text and queries.\n"
    )


def memory(records: list[dict]) -> str:
    """Peak memory."""
    header = ("Victim", "Queries", "TextAttack imported, MB", "Models loaded, MB", "Peak, MB", "Attack, MB")
    rows = [
        (
            r["victim"],
            r["queries"],
            *(f"{r[key]:.0f}" for key in ("imported", "loaded", "peak")),
            f"{extra:.0f}",
        )
        for r in records
        for extra in [r["peak"] - r["loaded"]]
    ]
    return f"## Memory\n\nMost memory of a process so far, at each point.\n\n{_table(header, rows)}"


def _speed_row(name: str, record: dict, engine: float, floor: float) -> tuple:
    stock = record["stock"]
    numbers = (f"{stock:.2f}", f"{engine:.2f}", f"{stock / engine:.1f}", f"{floor:.2f}")
    return (name, *numbers, f"{engine / floor:.2f}" if floor > 0 else "")


def _spread(ratios: Iterable[float]) -> str:
    ratios = sorted(ratios)
    return f"median {statistics.median(ratios):.1f}, from {ratios[0]:.1f} to {ratios[-1]:.1f}"


def _table(header: Sequence, rows: Iterable[Sequence]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines) + "\n"
