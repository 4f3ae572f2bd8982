"""The transfer figure: every rate is there, readable in gray, nothing runs over anything else."""

import math

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb
from scipy.stats import binomtest

from miniature.figures.files import figure_bytes
from miniature.figures.transfer import COLUMNS, SHADES, plot_transfer, transfer_points

MODELS = ["large", "large.seed1", "a-model-of-a-long-name", "tiny"]
MANY = [f"distilbert-base-multilingual-{i}" for i in range(60)]


def table(models, seed=0, most=60):
    rng = np.random.default_rng(seed)
    rows = []
    for source in models:
        for target in models:
            if source != target:
                n = int(rng.integers(0, most))
                rows.append(
                    {"source": source, "target": target, "n": n, "broken": int(rng.integers(0, n + 1))}
                )
    return pd.DataFrame(rows)


def texts_of(figure):
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    texts = [*figure.texts, *(t for axes in figure.axes for t in axes.texts)]
    return [(t.get_text(), t.get_window_extent(renderer), t.get_rotation()) for t in texts]


def test_points_are_the_tables_with_intervals():
    counts = pd.DataFrame(
        [
            {"source": "a", "target": "b", "n": 12, "broken": 3},
            {"source": "b", "target": "a", "n": 0, "broken": 0},
        ]
    )
    points = transfer_points({("reviews", "one"): counts})
    assert list(points.columns) == list(COLUMNS)
    expected = binomtest(3, 12).proportion_ci(method="wilson")
    row = points.iloc[0]
    assert (row["task"], row["recipe"], row["rate"], row["ci_method"]) == ("reviews", "one", 0.25, "wilson")
    assert (row["ci_low"], row["ci_high"]) == pytest.approx((expected.low, expected.high))
    assert math.isnan(points.loc[1, "rate"])
    assert math.isnan(points.loc[1, "ci_low"])
    assert list(transfer_points({}).columns) == list(COLUMNS)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("models", "recipes"),
    [
        (MODELS[:2], ["one"]), (MODELS, ["one", "two", "three"]), (MANY[:12], ["one", "two"]),
        (MANY[:30], ["one", "two"]), (MANY, ["one"]),
    ],
    ids=lambda names: str(len(names)),
)  # fmt: skip
def test_what_is_written_stays_inside_the_sheet_and_nothing_overlaps(models, recipes):
    points = transfer_points({("reviews", name): table(models, seed) for seed, name in enumerate(recipes)})
    figure = plot_transfer(points, models=models)
    found = texts_of(figure)
    for model in models:
        assert [text for text, *_ in found].count(model) == 2 * len(recipes)
    for text, box, _ in found:
        assert box.x0 >= 0, text
        assert box.y0 >= 0, text
        assert box.x1 <= figure.bbox.x1, text
        assert box.y1 <= figure.bbox.y1, text
    # Slanted names have boxes far larger than their letters.
    straight = [(text, box) for text, box, rotation in found if rotation % 90 == 0]
    boxes = np.array([[box.x0, box.y0, box.x1, box.y1] for _, box in straight])
    for i, box in enumerate(boxes):
        others = boxes[i + 1 :]
        meets = (others[:, :2] < box[2:]).all(axis=1) & (others[:, 2:] > box[:2]).all(axis=1)
        assert not meets.any(), (straight[i][0], straight[i + 1 + int(meets.argmax())][0])


@pytest.mark.parametrize(("count", "written"), [(12, "{:.0%}"), (30, "{:.0f}"), (41, None)])
def test_rates_are_written_where_there_is_room(count, written):
    points = transfer_points({("reviews", "one"): table(MANY[:count])})
    figure = plot_transfer(points, models=MANY[:count])
    rates = [text.get_text() for text in figure.axes[0].texts]
    rates = sorted(text for text in rates if not text.startswith(("of", "no")))
    factor = 1 if count == 12 else 100
    assert rates == (sorted(written.format(factor * x) for x in points["rate"].dropna()) if written else [])
    # Shades alone tell them where there is none: one for each cell, the diagonal's among them.
    assert len(figure.axes[0].patches) >= count**2


def test_shades_get_darker_with_the_rate_and_the_writing_stands_out():
    def grey(color):
        return float(np.dot(to_rgb(color), (0.2126, 0.7152, 0.0722)))

    shades = [grey(SHADES(x)) for x in np.linspace(0, 1, 21)]
    assert (np.diff(shades) < 0).all()
    counts = pd.DataFrame([{"source": "a", "target": f"t{i}", "n": 100, "broken": 5 * i} for i in range(21)])
    points = transfer_points({("reviews", "one"): counts})
    figure = plot_transfer(points, models=["a", *(f"t{i}" for i in range(21))])
    for text in figure.axes[0].texts:
        if text.get_text().endswith("%"):
            behind = grey(SHADES(float(text.get_text()[:-1]) / 100))
            assert abs(grey(text.get_color()) - behind) > 0.3


def test_the_same_bytes_every_time():
    points = transfer_points({("reviews", "one"): table(MODELS)})
    for kind in ("png", "svg", "pdf"):
        first, second = (figure_bytes(plot_transfer(points, models=MODELS), kind, dpi=50) for _ in range(2))
        assert first == second
