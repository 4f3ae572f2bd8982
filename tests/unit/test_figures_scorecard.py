"""The scorecard as drawn and as tabulated: every verdict is there, by color and by symbol."""

import itertools

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb

from miniature.agreement.table import make_table
from miniature.figures.files import figure_bytes
from miniature.figures.scorecard import SIGNS, plot_scorecard, scorecard_points
from miniature.scorecard.build import COUNT_COLUMNS, SCORECARD_COLUMNS, TEXT_COLUMNS
from miniature.scorecard.verdicts import MINIATURE, NOT_MEASURED, NOT_MINIATURE, UNDECIDED, UNINFORMATIVE
from miniature.tables.scorecard import (
    COLUMNS,
    describe_verdicts,
    printed_scorecard,
    read_scorecard,
    scorecard_table,
)
from miniature.tables.write import write_table

FIVE = ["errors", "representation", "distribution", "vulnerability", "calibration"]
VERDICTS = [MINIATURE, NOT_MINIATURE, UNDECIDED, NOT_MEASURED, UNINFORMATIVE]


def cell(model, characteristic, verdict, **more):
    """A row of a scorecard with all that a verdict rests on, or one that was not measured."""
    row = {
        "model": model, "characteristic": characteristic, "task": "wiki", "dataset": "wiki",
        "measure": "jaccard", "k": 10 if characteristic == "representation" else None, "keep": 0.8,
        "verdict": verdict, "reason": "", "floor_kind": "", "as_measured": "",
    }  # fmt: skip
    if verdict == NOT_MEASURED:
        return row | {"reason": "no agreement with the reference was measured"}
    return (
        row
        | {
            "agreement": 0.4, "ci_low": 0.35, "ci_high": 0.45, "chance": 0.1, "ceiling": 0.9,
            "floor": 0.6, "floor_low": 0.55, "floor_high": 0.65, "difference": -0.2, "difference_low": -0.26,
            "difference_high": -0.14, "score": 0.6, "score_low": 0.48, "score_high": 0.72, "n": 100,
            "replicates": 3, "kept": 0.6, "kept_low": 0.48, "kept_high": 0.72, "floor_kind": "retrained",
            "n_clusters": 100,
        }
        | more
    )  # fmt: skip


def scorecard(rows):
    columns = {name: [row.get(name) for row in rows] for name in SCORECARD_COLUMNS} if rows else {}
    return make_table(SCORECARD_COLUMNS, TEXT_COLUMNS, COUNT_COLUMNS, columns)


def full(models, names=FIVE):
    turns = itertools.cycle(VERDICTS)
    return scorecard([cell(m, n, next(turns)) for m in models for n in names])


def draw(card):
    return plot_scorecard(scorecard_points(card), card, reference="large")


def boxes(figure):
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    texts = [*figure.texts, *(t for axes in figure.axes for t in axes.texts)]
    for axes in figure.axes:
        texts += [axes.xaxis.label, *axes.get_xticklabels()]
    return [(t.get_text(), t.get_window_extent(renderer)) for t in texts if t.get_text().strip()]


@pytest.mark.parametrize(
    ("models", "names"),
    [
        (["base", "tiny"], FIVE),
        (["tiny"], FIVE[:1]),
        ([f"bert_uncased_L-{n}_H-{64 * n}_A-{n}" for n in range(2, 12)], FIVE),
        ([f"bert_uncased_L-{n}_H-{64 * n}_A-{n}" for n in range(2, 62)], [*FIVE, "attribution"]),
        (["m" * 64, "base"], FIVE[:2]),
    ],
    ids=["usual", "least", "many", "sixty", "longest-name"],
)
def test_no_text_leaves_the_sheet_or_covers_another(models, names):
    figure = draw(full(models, names))
    width, height = figure.canvas.get_width_height()
    found = boxes(figure)
    for text, box in found:
        assert box.x0 >= 0, text
        assert box.y0 >= 0, text
        assert box.x1 <= width + 0.5, text
        assert box.y1 <= height, text
    for (one, a), (other, b) in itertools.combinations(found, 2):
        across = min(a.x1, b.x1) - max(a.x0, b.x0)
        up = min(a.y1, b.y1) - max(a.y0, b.y0)
        assert across <= 1.0 or up <= 3.0, f"{one!r} covers {other!r}"


def test_every_cell_has_the_symbol_of_its_verdict_at_the_share_kept():
    rows = [cell("base", "errors", MINIATURE, kept=0.97), cell("tiny", "errors", NOT_MINIATURE, kept=0.31)]
    rows += [cell("mini", "errors", UNDECIDED, kept=0.85), cell("odd", "errors", NOT_MEASURED)]
    rows += [cell("dull", "errors", UNINFORMATIVE)]
    axes = draw(scorecard(rows)).axes[0]
    drawn = [
        (
            line.get_marker(),
            line.get_color(),
            float(np.ravel(line.get_xdata())[0]),
            int(np.ravel(line.get_ydata())[0]),
        )
        for line in axes.lines
        if line.get_marker() in "oXD"
    ]
    assert drawn == [
        (SIGNS[v].marker, SIGNS[v].color, score, y)
        for y, (v, score) in enumerate([(MINIATURE, 0.97), (NOT_MINIATURE, 0.31), (UNDECIDED, 0.85)])
    ]
    texts = [text.get_text() for text in axes.texts]
    assert {"– not measured", "– uninformative"} <= set(texts)
    assert 0.8 in [float(line.get_xdata()[0]) for line in axes.lines]
    assert {"0.97", "0.31", "0.85"} <= set(texts)


def test_verdicts_differ_without_color():
    shapes = [(sign.marker, sign.filled) for sign in SIGNS.values()]
    assert len(set(shapes)) == len(SIGNS)
    # Dark enough on their tints to be seen: WCAG's contrast for graphics is 3.
    for sign in SIGNS.values():
        assert contrast(sign.color, sign.tint) > 3


def contrast(one, other):
    """Contrast ratio of WCAG 2."""

    def luminance(color):
        parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(color)]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


def test_without_a_share_the_agreement_is_shown_with_its_interval_over_examples():
    nothing = dict.fromkeys(("floor", "floor_low", "floor_high", "kept", "kept_low", "kept_high"))
    card = scorecard([cell("base", "errors", UNDECIDED, **nothing)])
    point = scorecard_points(card).iloc[0]
    assert point["axis"] == "jaccard"
    assert point[["value", "low", "high"]].tolist() == [0.4, 0.35, 0.45]
    assert np.isnan(point["floor"])
    figure = draw(card)
    assert figure.axes[0].get_xlabel() == "jaccard"
    said = " ".join(text.get_text().replace("\n", " ") for text in figure.texts)
    assert "The measure itself (dotted" in said


@pytest.mark.parametrize(
    ("ends", "expected"), [((-0.18, -0.12), [0.15, 0.12, 0.18]), ((-0.31, 0.01), [0.15, 0.0, 0.31])]
)
def test_levels_are_drawn_as_the_size_of_their_difference_with_its_margin(ends, expected):
    row = cell("base", "calibration", NOT_MINIATURE, measure="brier_difference", agreement=-0.15)
    row |= {"ci_low": ends[0], "ci_high": ends[1], "keep": None, "margin": 0.02, "kept": None}
    point = scorecard_points(scorecard([row])).iloc[0]
    assert point[["value", "low", "high"]].tolist() == pytest.approx(expected)
    assert point["bar"] == 0.02


def test_a_share_off_the_axis_is_an_arrow_at_its_edge():
    row = cell("base", "errors", UNDECIDED, kept=0.9, kept_low=-7.0, kept_high=9.0)
    axes = draw(scorecard([row])).axes[0]
    arrows = {
        line.get_marker(): float(line.get_xdata()[0]) for line in axes.lines if line.get_marker() in "<>"
    }
    low, high = axes.get_xlim()
    assert arrows == {"<": low, ">": high}
    assert low >= -0.3
    assert high <= 1.6


def test_a_study_without_verdicts_says_so():
    figure = draw(scorecard([]))
    assert any("no verdict is asked for" in text.get_text() for text in figure.texts)


def test_the_same_bytes_every_time():
    card = full(["base", "tiny"])
    assert figure_bytes(draw(card), "svg", dpi=72) == figure_bytes(draw(card), "svg", dpi=72)


def test_points_keep_the_rows_of_the_scorecard():
    card = full(["base", "tiny", "mini"])
    points = scorecard_points(card)
    assert points[["model", "characteristic", "verdict"]].equals(card[["model", "characteristic", "verdict"]])
    assert points.loc[points["verdict"] == NOT_MEASURED, "value"].isna().all()


def test_the_csv_comes_back_as_it_was(tmp_path):
    card = full(["NA", "null"])
    card.to_csv(tmp_path / "scorecard.csv", index=False)
    pd.testing.assert_frame_equal(read_scorecard(tmp_path / "scorecard.csv"), card)


def test_the_table_reads_by_characteristic_with_intervals_in_a_cell(tmp_path):
    card = full(["base", "tiny"])
    table = scorecard_table(card)
    assert list(table.columns) == list(COLUMNS)
    assert table["characteristic"].tolist() == [name for name in FIVE for _ in range(2)]
    assert table["model"].tolist() == ["base", "tiny"] * 5
    first = printed_scorecard(table).iloc[0]
    assert first["agreement"] == "0.400 (0.350 to 0.450)"
    assert first["kept, %"] == "60 (48 to 72)"
    assert first["floor"] == "0.600 (0.550 to 0.650)"
    bare = printed_scorecard(table[table["verdict"] == NOT_MEASURED]).iloc[0]
    assert set(bare[["agreement", "floor", "kept, %", "why"]]) == {""}
    caption = describe_verdicts(table)
    assert "representation: jaccard at K = 10, keep 0.8" in caption
    assert caption.endswith("Floor: other trainings, other seeds (3)")
    files = {suffix: tmp_path / f"scorecard.{suffix}" for suffix in ("csv", "md", "tex")}
    write_table(table, **files, caption=caption, label="tab:scorecard", printed=printed_scorecard(table))
    assert "0.400 (0.350 to 0.450)" in files["md"].read_text()
