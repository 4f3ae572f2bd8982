"""The floor figure: what is drawn is what the table says, and the same bytes every time."""

import numpy as np
import pandas as pd
import pytest

from miniature.figures.files import figure_bytes
from miniature.figures.floor import KINDS, clusters, plot_floor
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


def drawn():
    figure = plot_floor(table(), task="wiki")
    (axes,) = figure.axes
    return figure, axes


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
    assert "rough noise floor 0.555" in texts  # (0.58 + (0.52 + 0.54) / 2) / 2
    assert any("them 0.580, group 0.530" in text for text in texts)
    assert "wiki, n = 1,000" in [text.get_text() for text in figure.texts]


def test_the_curves_pass_through_the_marks_of_every_model():
    _, axes = drawn()
    ceiling, chance = (line for line in axes.lines if len(line.get_xdata()) == 400)
    for row in table().to_dict("records")[1:]:
        for curve, name in ((ceiling, "ceiling"), (chance, "chance")):
            x, y = curve.get_xdata(), curve.get_ydata()
            at = y[abs(x - row["accuracy %"]).argmin()]
            assert at == pytest.approx(row[name], abs=0.01)


def test_no_text_leaves_the_sheet_or_meets_another():
    figure, axes = drawn()
    figure.canvas.draw()
    sheet = figure.bbox
    boxes = [t.get_window_extent() for t in [*axes.texts, *figure.texts] if t.get_text()]
    assert all(sheet.x0 <= b.x0 and b.x1 <= sheet.x1 and sheet.y0 <= b.y0 and b.y1 <= sheet.y1 for b in boxes)
    names = [t.get_window_extent() for t in axes.texts]
    for i, box in enumerate(names):
        assert not any(box.overlaps(other) for other in names[i + 1 :])


def test_near_points_share_a_column():
    assert clusters(table().iloc[1:].reset_index(drop=True)) == [[0, 3, 4, 5], [1], [2], [6]]


def test_same_bytes_every_time():
    first, second = (figure_bytes(drawn()[0], "svg", dpi=72) for _ in range(2))
    assert first == second


def test_a_table_without_a_floor_is_drawn_too():
    figure = plot_floor(table()[lambda t: ~t["kind"].isin([SAME, VARIANT])], task="wiki")
    assert not any("floor" in text.get_text() for text in figure.axes[0].texts)


@pytest.mark.parametrize("accuracies", [(0.0, 0.0), (100.0, 0.0), (100.0, 100.0)])
def test_models_that_are_always_right_or_wrong_are_drawn_too(accuracies):
    extreme = table()
    extreme["accuracy %"] = [accuracies[0], *[accuracies[1]] * 7]
    figure = plot_floor(extreme, task="wiki")
    for line in figure.axes[0].lines:
        y = np.asarray(line.get_ydata(), dtype=float)
        assert ((y[~np.isnan(y)] >= 0) & (y[~np.isnan(y)] <= 1)).all()
