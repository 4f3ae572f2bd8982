"""The floor figure: what is drawn is what the table says, and the same bytes every time."""

import itertools

import numpy as np
import pandas as pd
import pytest

from miniature.figures.files import figure_bytes
from miniature.figures.floor import KINDS, plot_floor
from miniature.tables.floor import COMPARED, OTHER, REFERENCE, SAME, VARIANT

NAN = float("nan")


def table():
    rows = [
        ("large", REFERENCE, "us", 77.0, NAN),
        ("base", COMPARED, "us", 73.0, 0.53),
        ("tiny", COMPARED, "us", 48.0, 0.22),
        ("theirs", SAME, "them", 79.0, 0.58),
        ("a", SAME, "group", 72.0, 0.52),
        ("b", SAME, "group", 72.5, 0.54),
        ("b-plus", VARIANT, "group", 72.4, 0.50),
        ("else", OTHER, "far", 76.0, 0.40),
    ]
    found = pd.DataFrame(rows, columns=["model", "kind", "origin", "accuracy %", "Jaccard"])
    wrong, own = 100 - found["accuracy %"], 23.0
    found["ceiling"] = [min(w, own) / max(w, own) for w in wrong]
    found["chance"] = [w * own / (100 * (w + own) - w * own) for w in wrong]
    found["n"] = pd.array([None, *[1000] * 7], dtype="Int64")
    return found


def drawn(found=None):
    figure = plot_floor(table() if found is None else found, task="wiki")
    return figure, figure.axes[0]


def crowded(count, name="bert_uncased_L-{}_H-{}_A-12"):
    """A table of so many models with long names, most of which lie close together."""
    rng = np.random.default_rng(count)
    kinds = [REFERENCE, *rng.choice([SAME, COMPARED, COMPARED, COMPARED, OTHER, VARIANT], count - 1)]
    found = pd.DataFrame(
        {
            "model": [name.format(i, 64 * i) for i in range(count)], "kind": kinds,
            "origin": [f"group-{i % 7}-of-many" for i in range(count)],
            "accuracy %": [77.0, *rng.normal(72, 4, count - 1)],
            "Jaccard": [NAN, *np.clip(rng.normal(0.45, 0.05, count - 1), 0.1, 0.9)],
        }
    )  # fmt: skip
    found["ceiling"], found["chance"], found["n"] = 0.8, 0.2, 1000
    return found


def test_every_model_is_a_point_of_its_kind():
    _, axes = drawn()
    for row in table().to_dict("records")[1:]:
        marker = KINDS[row["kind"]][1]
        points = [
            line
            for line in axes.lines
            if line.get_marker() == marker and list(line.get_xdata()) == [row["accuracy %"]]
        ]
        assert any(list(line.get_ydata()) == [row["Jaccard"]] for line in points), row["model"]


def test_every_name_but_those_of_variants_stands_in_the_picture():
    figure, axes = drawn()
    texts = [text.get_text() for text in axes.texts]
    for model, value in zip(table()["model"], table()["Jaccard"], strict=True):
        shown = f"{model}  {value:.3f}" in texts
        assert shown == (model not in ("large", "b-plus")), model
    assert "large, the reference" in texts
    # (0.58 + (0.52 + 0.54) / 2) / 2
    about = "Rough noise floor 0.555, from other trainings: them 0.580, group 0.530"
    assert f"wiki, n = 1,000\n{about}" in [text.get_text() for text in figure.texts]


def test_the_curves_pass_through_the_marks_of_every_model():
    _, axes = drawn()
    ceiling, chance = (line for line in axes.lines if len(line.get_xdata()) == 400)
    for row in table().to_dict("records")[1:]:
        for curve, name in ((ceiling, "ceiling"), (chance, "chance")):
            x, y = curve.get_xdata(), curve.get_ydata()
            at = y[abs(x - row["accuracy %"]).argmin()]
            assert at == pytest.approx(row[name], abs=0.01)


@pytest.mark.parametrize(
    "found",
    [table(), *map(crowded, (2, 9, 30, 60)), crowded(9, "m" * 60 + "{}")],
    ids=["usual", "2", "9", "30", "60", "longest"],
)
def test_no_text_leaves_the_sheet_or_meets_another(found):
    figure, axes = drawn(found)
    figure.canvas.draw()
    sheet = figure.bbox
    texts = [*axes.texts, *figure.texts, axes.xaxis.label, axes.yaxis.label, *axes.get_xticklabels()]
    boxes = [(t.get_text(), t.get_window_extent()) for t in texts if t.get_text()]
    for text, b in boxes:
        assert sheet.x0 <= b.x0 < b.x1 <= sheet.x1, text
        assert sheet.y0 <= b.y0 < b.y1 <= sheet.y1, text
    for (one, a), (other, b) in itertools.combinations(boxes, 2):
        across, up = min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)
        assert across <= 1.0 or up <= 3.0, f"{one!r} covers {other!r}"


def test_same_bytes_every_time():
    first, second = (figure_bytes(drawn()[0], "svg", dpi=72) for _ in range(2))
    assert first == second


def test_a_table_without_a_floor_is_drawn_too():
    figure = plot_floor(table()[lambda t: ~t["kind"].isin([SAME, VARIANT])], task="wiki")
    assert not any("Rough noise floor" in text.get_text() for text in figure.texts)


@pytest.mark.parametrize("accuracies", [(0.0, 0.0), (100.0, 0.0), (100.0, 100.0)])
def test_models_that_are_always_right_or_wrong_are_drawn_too(accuracies):
    extreme = table()
    extreme["accuracy %"] = [accuracies[0], *[accuracies[1]] * 7]
    figure = plot_floor(extreme, task="wiki")
    for line in figure.axes[0].lines:
        y = np.asarray(line.get_ydata(), dtype=float)
        assert ((y[~np.isnan(y)] >= 0) & (y[~np.isnan(y)] <= 1)).all()
