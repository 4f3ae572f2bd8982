"""Figure 1 as drawn: what is on the sheet, and the bytes of its files."""

import itertools
import os
import subprocess
import sys
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import pytest

from miniature.agreement.table import make_rows
from miniature.figures.figure1 import panel_data, plot_figure1
from miniature.figures.files import figure_bytes, save_figure
from miniature.figures.style import COLORS, INK, model_looks

SCRIPTS = Path(__file__).parents[2] / "scripts"
PANELS = {
    "a": {"characteristic": "representation", "measure": "jaccard", "pairs": "reference"},
    "b": {"characteristic": "representation", "measure": "jaccard", "pairs": "others"},
    "c": {"characteristic": "distribution", "measure": "jaccard_ood", "pairs": "reference"},
}
PANELS["b"]["title"] = "Not {reference}?"
OPTIONS = {"panels": PANELS, "width": 13.3, "height": 5.0}


def agreement(models, ks=(*range(1, 20), 30, 50), **columns):
    tables = []
    pairs = list(itertools.combinations(models, 2))
    for name, measure, points in (
        ("representation", "jaccard", ks),
        ("distribution", "jaccard_ood", (1, 10)),
    ):
        i, k = (grid.ravel() for grid in np.meshgrid(np.arange(len(pairs)), list(points), indexing="ij"))
        value = 0.8 - 0.6 * i / len(models) ** 2 - 0.001 * k
        tables.append(
            make_rows(
                characteristic=name, task="wiki", dataset="wiki", split="test", k=k,
                model_a=[pairs[pair][0] for pair in i], model_b=[pairs[pair][1] for pair in i],
                ood_dataset="news" if name == "distribution" else "", measure=measure, value=value, n=100,
                **({"chance": k / (198 - k)} | {key: f(value) for key, f in columns.items()}),
            )
        )  # fmt: skip
    return pd.concat(tables, ignore_index=True)


def draw(models, table, options=OPTIONS):
    tables = {
        letter: panel_data(table, panel, models=models, reference=models[0])
        for letter, panel in options["panels"].items()
    }
    return plot_figure1(tables, options=options, models=models, reference=models[0])


def sheet_texts(figure):
    """Every visible text with its box in pixels."""
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    texts = [*figure.texts, *(t for axes in figure.axes for t in axes.texts)]
    for axes in figure.axes:
        if axes.axison:
            texts += [axes.xaxis.label, axes.yaxis.label, *axes.get_xticklabels(), *axes.get_yticklabels()]
    for legend in figure.legends:
        texts += legend.get_texts()
    return [(t.get_text(), t.get_window_extent(renderer)) for t in texts if t.get_text()]


SIX = ["large", "base", "distil", "medium", "mini", "tiny"]
LONG = [f"bert_uncased_L-{n}_H-{64 * n}_A-{n}" for n in (24, 12, 8, 4, 2)]


def many(count):
    return [f"bert_uncased_L-{n % 24}_H-{64 * n}_A-{n}" for n in range(1, count + 1)]


NINE = [*SIX, "pruned", "quantised", "nano"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("models", "size"),
    [
        (SIX[:2], (10.0, 4.0)),
        (SIX, (13.3, 5.0)),
        (SIX, (10.0, 4.0)),
        (NINE, (11.0, 4.0)),
        (LONG, (13.3, 5.0)),
        (many(30), (13.3, 5.0)),
        (many(60), (13.3, 5.0)),
        (many(9), (6.5, 4.5)),
        (many(9), (3.3, 4.5)),
    ],
    ids=["two", "six", "six-small", "nine", "long", "thirty", "sixty", "page", "one-column"],
)
def test_no_text_leaves_the_sheet_or_covers_another(models, size):
    figure = draw(models, agreement(models), OPTIONS | {"width": size[0], "height": size[1]})
    found = sheet_texts(figure)
    width, height = figure.canvas.get_width_height()
    for text, box in found:
        assert box.x0 >= 0, text
        assert box.y0 >= 0, text
        assert box.x1 <= width, text
        assert box.y1 <= height, text
    for (one, a), (other, b) in itertools.combinations(found, 2):
        across = min(a.x1, b.x1) - max(a.x0, b.x0)
        up = min(a.y1, b.y1) - max(a.y0, b.y0)
        assert across <= 1.0 or up <= 3.0, f"{one!r} covers {other!r}"


def test_every_model_is_named_beside_its_curve_and_pairs_beside_theirs():
    texts = [text for text, _ in sheet_texts(draw(SIX, agreement(SIX)))]
    assert all(texts.count(model) == 2 for model in SIX[1:])  # panels a and c
    assert sum("–" in text for text in texts) == 10
    assert texts.count("chance") == 3
    assert "Not large?" in texts


def test_curves_are_the_table():
    table = agreement(SIX)
    figure = draw(SIX, table)
    looks = model_looks(SIX, "large")
    shown = [line for line in figure.axes[0].lines if line.get_color() == looks["mini"].color]
    rows = table[
        (table["model_a"] == "large") & (table["model_b"] == "mini") & (table["measure"] == "jaccard")
    ]
    curve = max(shown, key=lambda line: len(line.get_xdata()))
    np.testing.assert_array_equal(curve.get_xdata(), rows["k"])
    np.testing.assert_array_equal(curve.get_ydata(), rows["value"])


def test_a_model_keeps_its_look_when_another_is_added():
    before, after = model_looks(SIX, "large"), model_looks([*SIX, "nano"], "large")
    assert all(after[model] == look for model, look in before.items())
    many = model_looks(["large", *(f"m{i}" for i in range(2 * len(COLORS)))], "large")
    assert len(set(many.values())) == len(many)


def test_bands_are_drawn_where_there_are_intervals_and_said_so():
    band = {"ci_low": lambda v: v - 0.05, "ci_high": lambda v: v + 0.05}
    plain, with_bands = draw(SIX, agreement(SIX)), draw(SIX, agreement(SIX, **band))
    drawn = [sum(len(axes.collections) for axes in f.axes) for f in (plain, with_bands)]
    assert drawn[1] - drawn[0] == 5 + 10 + 5
    said = [any("95 % intervals" in text for text, _ in sheet_texts(f)) for f in (plain, with_bands)]
    assert said == [False, True]


def test_axis_starts_at_zero_and_is_shared_by_panels_of_one_measure():
    figure = draw(SIX, agreement(SIX), OPTIONS | {"y_max": "auto"})
    a, _, b, *_ = figure.axes
    assert a.get_ylim() == b.get_ylim()
    assert a.get_ylim()[0] == 0.0
    highest = max(np.nanmax(line.get_ydata()) for line in a.lines)
    assert highest < a.get_ylim()[1] <= 1.0
    assert draw(SIX, agreement(SIX), OPTIONS | {"y_max": 0.2}).axes[0].get_ylim()[1] >= highest


@pytest.mark.parametrize("ks", [(10,), (1, 2)])
def test_a_single_k_can_be_drawn(ks):
    band = {"ci_low": lambda v: v - 0.05, "ci_high": lambda v: v + 0.05}
    figure_bytes(draw(SIX, agreement(SIX, ks, **band)), "png", dpi=40)


def test_a_panel_without_data_says_so_and_gaps_are_left_out():
    table = agreement(SIX)
    table = table[table["characteristic"] == "representation"]
    table.loc[table["model_b"] == "mini", "value"] = np.nan
    texts = [text for text, _ in sheet_texts(draw(SIX, table))]
    assert "not measured\nin this study" in texts
    assert "mini" not in texts


def test_drawing_leaves_matplotlib_as_it_was():
    before = dict(matplotlib.rcParams)
    draw(SIX, agreement(SIX))
    assert dict(matplotlib.rcParams) == before
    assert "matplotlib.pyplot" not in sys.modules or not sys.modules["matplotlib.pyplot"].get_fignums()


def test_users_settings_do_not_change_the_picture():
    table = agreement(SIX)
    plain = figure_bytes(draw(SIX, table), "png", dpi=50)
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "red", "lines.linewidth": 9}):
        assert figure_bytes(draw(SIX, table), "png", dpi=50) == plain


WRITE = """
import sys
from pathlib import Path
sys.path[:0] = [{scripts!r}, {tests!r}]
from test_figures_figure1 import SIX, agreement, draw
from miniature.figures.files import save_figure
folder = Path(sys.argv[1])
paths = {{kind: folder / f"figure1.{{kind}}" for kind in ("pdf", "svg", "png")}}
save_figure(draw(SIX, agreement(SIX)), paths, dpi=60)
"""


@pytest.mark.slow
def test_files_are_the_same_bytes_in_another_process_on_another_day(tmp_path):
    program = WRITE.format(scripts=str(SCRIPTS), tests=str(Path(__file__).parent))
    for turn in ("1", "2"):
        folder = tmp_path / turn
        folder.mkdir()
        # The date of the build, the seed of str's hash and the time zone are what usually leaks into a file.
        leaks = {"PYTHONHASHSEED": turn, "SOURCE_DATE_EPOCH": turn + "000000000", "TZ": f"XXX{turn}"}
        subprocess.run(
            [sys.executable, "-c", program, str(folder)], check=True, env=os.environ | leaks, cwd=tmp_path
        )
    for kind in ("pdf", "svg", "png"):
        one, other = ((tmp_path / turn / f"figure1.{kind}").read_bytes() for turn in ("1", "2"))
        assert one == other, kind
        assert b"CreationDate" not in one
        assert b"dc:date" not in one
    assert sorted(p.name for p in (tmp_path / "1").iterdir()) == ["figure1.pdf", "figure1.png", "figure1.svg"]


def test_another_format_is_refused(tmp_path):
    with pytest.raises(ValueError, match="jpg"):
        save_figure(draw(SIX[:2], agreement(SIX[:2])), {"jpg": tmp_path / "x.jpg"})
    assert not list(tmp_path.iterdir())


AGAIN = ["large.seed1", "large.seed2"]


def draw_with_floor(models, table, options=OPTIONS):
    tables = {
        letter: panel_data(table, panel, models=models, reference="large", replicates=AGAIN)
        for letter, panel in options["panels"].items()
    }
    return tables, plot_figure1(tables, options=options, models=models, reference="large", replicates=AGAIN)


def test_second_trainings_are_dashed_lines_beside_the_reference_and_nowhere_else():
    tables, figure = draw_with_floor(SIX, agreement([*SIX, *AGAIN]))
    named = {letter: set(rows["model_a"]) | set(rows["model_b"]) for letter, rows in tables.items()}
    assert [set(AGAIN) <= named[letter] for letter in "abc"] == [True, False, True]
    assert [len(tables[letter]) for letter in "abc"] == [7 * 21, 10 * 21, 7 * 2]
    panels = [axes for axes in figure.axes if axes.axison]
    dashed = [
        [line for line in axes.lines if line._dash_pattern[1] and line.get_color() == INK] for axes in panels
    ]
    assert [len(lines) for lines in dashed] == [2, 0, 2]
    rows = tables["a"][tables["a"]["model_b"] == "large.seed2"]
    np.testing.assert_array_equal(dashed[0][1].get_ydata(), rows["value"])
    texts = [text for text, _ in sheet_texts(figure)]
    assert texts.count("large again") == 2
    assert any("additional trainings, the noise floor" in " ".join(text.split()) for text in texts)


def test_a_floor_changes_no_models_look_and_its_label_covers_nothing():
    table = agreement([*SIX, *AGAIN])
    _, figure = draw_with_floor(SIX, table)
    plain = draw(SIX, table)
    for model in SIX[1:]:
        color = model_looks(SIX, "large")[model].color
        assert any(line.get_color() == color for line in figure.axes[0].lines)
    found = sheet_texts(figure)
    for (one, a), (other, b) in itertools.combinations(found, 2):
        across = min(a.x1, b.x1) - max(a.x0, b.x0)
        up = min(a.y1, b.y1) - max(a.y0, b.y0)
        assert across <= 1.0 or up <= 3.0, f"{one!r} covers {other!r}"
    assert not any("again" in text for text, _ in sheet_texts(plain))


def test_the_axis_holds_the_floor_too():
    table = agreement([*SIX, *AGAIN], ks=(1, 10))
    high = table["model_b"].isin(AGAIN) & (table["model_a"] == "large")
    table.loc[high, "value"] = 0.93
    _, figure = draw_with_floor(SIX, table, OPTIONS | {"y_max": "auto"})
    assert figure.axes[0].get_ylim()[1] >= 0.93


def test_a_floor_at_a_single_k_is_a_mark():
    _, figure = draw_with_floor(SIX, agreement([*SIX, *AGAIN], ks=(10,)))
    assert [line.get_marker() for line in figure.axes[0].lines].count("*") == 2
