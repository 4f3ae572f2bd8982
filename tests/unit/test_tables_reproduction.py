"""The published figures beside ours: what is comparable, what is within tolerance."""

import itertools
import json
import os
from pathlib import Path

import pandas as pd
import pytest

from miniature.messages import StudyError
from miniature.tables.errors import PAIR_HEADINGS
from miniature.tables.reproduction import printed_figures, read_published, reproduction_table, summarise

FILE = Path(__file__).parents[2] / "resources" / "published-figures.yaml"
PUBLISHED = read_published(FILE)
PAPER = {name: {"hub": hub} for name, hub in PUBLISHED["models"].items()}


def pairs(n=11873, shift=0.0, more=0, **change):
    rows = [
        {
            "task": "squad", "model a": a, "model b": b, "Jaccard": value + shift, "n": n,
            "errors a": PUBLISHED["errors"][a] + more, "errors b": PUBLISHED["errors"][b] + more, **change,
        }
        for a, b, value in PUBLISHED["jaccard"]
    ]  # fmt: skip
    return pd.DataFrame(rows)


def table(found, models=PAPER, task="squad"):
    return reproduction_table(PUBLISHED, models=models, pairs=found, task=task)


def test_every_pair_and_every_model_is_published_once():
    asked = {frozenset(pair[:2]) for pair in PUBLISHED["jaccard"]}
    assert asked == {frozenset(pair) for pair in itertools.combinations(PUBLISHED["models"], 2)}
    assert list(PUBLISHED["errors"]) == list(PUBLISHED["models"])
    assert len(table(pairs())) == 6 + 15


@pytest.mark.real
@pytest.mark.skipif("MINIATURE_REAL_DATA" not in os.environ, reason="MINIATURE_REAL_DATA is not set")
def test_published_figures_follow_from_the_authors_id_lists():
    folder = Path(os.environ["MINIATURE_REAL_DATA"]) / "published" / "authors"
    files = {"".join(c for c in path.stem.lower() if c.isalpha()): path for path in folder.glob("*.json")}
    wrong = {
        name: set(json.loads(files["".join(c for c in name if c.isalpha())].read_text()))
        for name in PUBLISHED["models"]
    }
    assert {name: len(ids) for name, ids in wrong.items()} == PUBLISHED["errors"]
    for a, b, value in PUBLISHED["jaccard"]:
        assert round(len(wrong[a] & wrong[b]) / len(wrong[a] | wrong[b]), 3) == value, (a, b)


def test_the_same_models_and_data_within_and_outside_tolerance():
    near = table(pairs(shift=0.03, more=178))
    assert set(near["status"]) == {"within tolerance"}
    assert near["difference"].tolist()[:6] == [178] * 6
    assert near["difference"].tolist()[6:] == pytest.approx([0.03] * 15)
    far = table(pairs(shift=-0.031, more=179))
    assert set(far["status"]) == {"outside tolerance"}
    assert summarise(far) == {
        "within tolerance": 0, "outside tolerance": 21, "not comparable": 0, "not measured": 0,
    }  # fmt: skip


def test_models_given_by_their_published_errors_have_rounding_only():
    given = {name: {} for name in PAPER}
    assert set(table(pairs(), given)["status"]) == {"within tolerance"}
    assert set(table(pairs(shift=0.001, more=1), given)["status"]) == {"outside tolerance"}


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ({"path": "models/base"}, "bert-base is another checkpoint: models/base"),
        ({"hub": "me/bert"}, "bert-base is another checkpoint: me/bert"),
        ({"hub": PUBLISHED["models"]["bert-base"], "layers": 6}, "bert-base is cut to 6 layers"),
        ({"architecture": {}}, "bert-base is trained from scratch"),
        ({"onnx": "base/model.onnx"}, "bert-base is another checkpoint: base/model.onnx"),
        ({"derive": {"from": "bert-large", "cast": "bf16"}}, "bert-base is made from bert-large"),
    ],
)
def test_another_model_of_the_same_name_is_shown_and_not_compared(entry, why):
    found = table(pairs(), {**PAPER, "bert-base": entry})
    row = found[(found["figure"] == "errors") & (found["model a"] == "bert-base")].iloc[0]
    assert (row["ours"], row["status"], row["why"]) == (3236, "not comparable", why)
    assert pd.isna(row["difference"])
    assert summarise(found)["not comparable"] == 1 + 5


def test_other_data_and_absent_models_are_not_comparable():
    found = table(pairs(n=60), {"large": {"path": "x"}})
    assert set(found["status"]) == {"not comparable"}
    assert "other data: 60 examples" in found["why"].iloc[0]
    assert "not in this study: bert-large, bert-base" in found["why"].iloc[6]


def test_a_study_that_compares_no_errors_measures_none():
    found = table(pd.DataFrame(columns=list(PAIR_HEADINGS)))
    assert set(found["status"]) == {"not measured"}
    assert set(table(pairs(), task="other")["status"]) == {"not measured"}


def test_pairs_in_either_order_and_intervals_are_found():
    found = pairs(**{"CI low": 0.1, "CI high": 0.2}).rename(
        columns={"model a": "model b", "model b": "model a", "errors a": "errors b", "errors b": "errors a"}
    )
    shown = table(found)
    assert set(shown["status"]) == {"within tolerance"}
    assert shown["CI high"].tolist()[6:] == [0.2] * 15
    printed = printed_figures(shown)
    assert printed["published"].tolist()[0] == "2701"
    assert printed["interval"].tolist()[-1] == "0.100 to 0.200"


def test_a_damaged_file_is_told(tmp_path):
    path = tmp_path / "published.yaml"
    path.write_text("errors: [")
    with pytest.raises(StudyError, match="cannot be read"):
        read_published(path)
    path.write_text("errors: {}")
    with pytest.raises(StudyError, match="lack questions, models, jaccard, tolerance"):
        read_published(path)
