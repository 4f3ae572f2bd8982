"""Floors that no verdict rests on: what they say of a model, on agreements whose truth is known."""

import numpy as np
import pandas as pd
import pytest

from miniature.agreement.comparison import BOOTSTRAP, make_resamples
from miniature.agreement.table import concat_rows, make_rows
from miniature.files import write_csv
from miniature.scorecard.answer import answer_markdown, make_answer
from miniature.scorecard.build import build_scorecard
from miniature.scorecard.floor import FloorModel
from miniature.scorecard.noise import NOISE_COLUMNS, measure_noise, read_noise
from miniature.scorecard.tolerance import COLUMNS as TOLERANCE_COLUMNS
from miniature.tables.noise import printed_noise

SETTINGS = {"errors": {"task": "squad", "measure": "jaccard", "keep": 0.8}}
FLOOR = [
    FloorModel("again", "rerun", "large", "again"),
    FloorModel("int8.b", "requantized", "int8", "int8.b"),
    FloorModel("int8.c", "requantized", "int8", "int8.c"),
]
# The standard deviation of each over resamples is 0.01, each by itself.
VALUES = {
    ("large", "again"): 0.90, ("large", "copy"): 0.90, ("large", "int8"): 0.60, ("large", "far"): 0.30,
    ("int8", "int8.b"): 0.62, ("int8.c", "int8"): 0.58,
}  # fmt: skip


def measured(values=VALUES, floor=FLOOR, models=("copy", "int8", "far"), chance=0.2, **change):
    random = np.random.default_rng(3)
    rows, draws = [], []
    for (a, b), value in values.items():
        rows.append(
            make_rows(characteristic="errors", task="squad", dataset="squad", model_a=a, model_b=b, n=2000,
                      measure="jaccard", value=value, chance=chance, ceiling=1.0,
                      **{"n_clusters": 2000, **change})
        )  # fmt: skip
        noise = 0.01 * random.normal(size=2000)
        draws.append(make_resamples("squad", a, b, BOOTSTRAP, value + noise - noise.mean(), chance))
    agreement, resamples = concat_rows(rows), {"errors": pd.concat(draws, ignore_index=True)}
    study = {"models": models, "reference": "large", "verdict": SETTINGS, "floor": floor}
    return measure_noise(agreement, resamples=resamples, **study), (agreement, resamples, study)


def test_each_floor_says_its_own():
    table = measured()[0].set_index(["model", "kind"])
    assert list(table.index) == [
        ("copy", "rerun"), ("int8", "rerun"), ("int8", "requantized"), ("far", "rerun")
    ]  # fmt: skip
    assert table["as_measured"].tolist() == ["level", "further", "level", "further"]
    assert table["kept"].tolist() == pytest.approx([1.0, 0.4 / 0.7, 1.0, 0.1 / 0.7])
    assert table.loc[("int8", "requantized"), "noise"] == pytest.approx(0.60)
    assert table["realizations"].tolist() == [1, 1, 2, 1]
    # Fieller by hand: the share at which (m - b f)^2 = z^2 s^2 (1 + b^2).
    m, f, s, z = 0.4, 0.7, 0.01, 1.6449
    a, b, c = f**2 - z**2 * s**2, -2 * m * f, m**2 - z**2 * s**2
    high = (-b + np.sqrt(b**2 - 4 * a * c)) / 2 / a
    assert table.loc[("int8", "rerun"), "kept_high"] == pytest.approx(high, abs=0.003)


def test_what_cannot_be_said_has_its_reason():
    few = measured(n_clusters=4)[0]
    assert set(few["as_measured"]) == {""}
    assert few["reason"].str.contains("4 clusters").all()
    without = {pair: value for pair, value in VALUES.items() if "again" not in pair}
    assert "no agreement of large" in measured(without)[0].set_index("model").loc["far", "reason"]
    noise = measured(chance=0.895)[0].set_index(["model", "kind"])
    assert noise.loc[("int8", "requantized"), "reason"].startswith("these realizations may agree no better")


def test_the_floor_that_verdicts_rest_on_is_not_repeated():
    seeds = [FloorModel("large.seed1", "retrained", "large", "large.seed1")]
    table = measured({**VALUES, ("large", "large.seed1"): 0.8}, [*FLOOR, *seeds])[0]
    assert set(table["kind"]) == {"rerun", "requantized"}
    origin = [FloorModel("theirs", "origin", "large", "them")]
    table = measured({**VALUES, ("large", "theirs"): 0.8}, [*seeds, *origin], models=("far",))[0]
    assert table["kind"].tolist() == ["origin"]


def test_it_is_read_printed_and_answered(tmp_path):
    table, (agreement, resamples, study) = measured()
    write_csv(table, tmp_path / "noise.csv")
    again = read_noise(tmp_path / "noise.csv")
    pd.testing.assert_frame_equal(again, table)
    assert list(again.columns) == list(NOISE_COLUMNS)
    assert printed_noise(table)["beside"].iloc[2] == "int8: other quantizations (2)"
    card = build_scorecard(agreement, resamples=resamples, **study)
    empty = pd.DataFrame(columns=list(TOLERANCE_COLUMNS))
    answer = make_answer(
        card, empty, study="s", reference="large", models=study["models"], noise=table
    )  # fmt: skip
    text = answer_markdown(answer, results="results/s")
    assert "no further than the same checkpoint run again (large) in errors" in text
    assert "further than the same checkpoint run again (large) in errors" in text.split("**far**")[1]
