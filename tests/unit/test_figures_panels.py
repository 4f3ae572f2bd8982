"""Which rows a panel shows, and how its labels are placed."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from miniature.agreement.table import make_rows
from miniature.figures.curves import k_ticks, marked_points
from miniature.figures.labels import spread, text_width, wrap
from miniature.figures.panels import chance_range, panel_data
from miniature.messages import StudyError

MODELS = ["large", "base", "tiny"]
PANEL = {"characteristic": "representation", "measure": "jaccard", "pairs": "reference"}


def rows(a, b, ks=(1, 10), value=0.5, **columns):
    given = {"characteristic": "representation", "task": "wiki", "dataset": "wiki", "split": "test"}
    given |= {"measure": "jaccard", "chance": 0.1, "n": 100} | columns
    return make_rows(model_a=a, model_b=b, k=list(ks), value=value, **given)


def all_pairs(**columns):
    # Out of order on purpose: by pair, and K falling.
    pairs = [("base", "tiny"), ("large", "tiny"), ("large", "base")]
    return pd.concat([rows(a, b, ks=(10, 1), **columns) for a, b in pairs], ignore_index=True)


def test_reference_and_others_share_out_the_pairs_in_config_order():
    found = panel_data(all_pairs(), PANEL, models=MODELS, reference="large")
    keys = list(zip(found["model_a"], found["model_b"], found["k"], strict=True))
    assert keys == [("large", "base", 1), ("large", "base", 10), ("large", "tiny", 1), ("large", "tiny", 10)]
    others = panel_data(all_pairs(), PANEL | {"pairs": "others"}, models=MODELS, reference="large")
    assert list(zip(others["model_a"], others["model_b"], others["k"], strict=True)) == [
        ("base", "tiny", 1),
        ("base", "tiny", 10),
    ]


def test_second_trainings_and_other_measures_stay_out():
    table = pd.concat([all_pairs(), rows("large", "large.seed1"), rows("large", "base", measure="kappa")])
    found = panel_data(table, PANEL, models=MODELS, reference="large")
    assert set(found["model_b"]) == {"base", "tiny"}
    assert set(found["measure"]) == {"jaccard"}


def test_a_missing_value_stays_a_row():
    table = all_pairs()
    table.loc[table["model_b"] == "base", "value"] = np.nan
    found = panel_data(table, PANEL, models=MODELS, reference="large")
    assert found["value"].isna().sum() == 2


def test_nothing_measured_gives_no_rows():
    assert panel_data(make_rows(), PANEL, models=MODELS, reference="large").empty


@pytest.mark.parametrize(
    ("panel", "table", "said"),
    [
        ({"measure": "jacard"}, all_pairs(), "no measure named 'jacard'"),
        ({}, all_pairs().assign(k=pd.NA), "has no K"),
        ({}, pd.concat([all_pairs(), all_pairs(task="books")]), "shows one task"),
        ({"task": "films"}, all_pairs(), "nothing to draw for task 'films'"),
    ],
)
def test_a_panel_that_cannot_be_drawn_says_why_and_what_to_write(panel, table, said):
    with pytest.raises(StudyError, match=said) as caught:
        panel_data(table, PANEL | panel, models=MODELS, reference="large")
    assert ":" in caught.value.fix


def test_a_task_can_be_chosen_among_several():
    table = pd.concat([all_pairs(value=0.2), all_pairs(task="books", value=0.7)], ignore_index=True)
    found = panel_data(table, PANEL | {"task": "books"}, models=MODELS, reference="large")
    assert set(found["value"]) == {0.7}


def test_two_values_for_one_point_are_refused():
    with pytest.raises(ValueError, match="two rows"):
        panel_data(pd.concat([all_pairs(), all_pairs()]), PANEL, models=MODELS, reference="large")


def test_chance_is_shown_as_mean_and_range_over_pairs():
    table = pd.concat([rows("large", "base", chance=0.1), rows("large", "tiny", chance=[0.3, np.nan])])
    chance = chance_range(table).set_index("k")
    assert chance.loc[1].tolist() == pytest.approx([0.2, 0.1, 0.3])
    assert chance.loc[10].tolist() == pytest.approx([0.1, 0.1, 0.1])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_labels_keep_their_order_and_distance(wanted):
    places = np.array(spread(wanted, gap=0.05, low=0.0, high=1.0))
    order = np.lexsort((-np.arange(len(wanted)), wanted))
    assert (np.diff(places[order]) >= 0.05 - 1e-8).all()
    assert (places >= -1e-9).all()
    assert (places <= 1 + 1e-9).all()


@given(st.lists(st.integers(0, 20), min_size=1, max_size=8, unique=True))
def test_labels_with_room_enough_stay_where_they_are_wanted(steps):
    wanted = [step / 20 for step in steps]
    assert spread(wanted, gap=0.05, low=0.0, high=1.0) == pytest.approx(wanted)


@given(st.lists(st.floats(0, 1), min_size=2, max_size=6))
@settings(max_examples=40, deadline=None)
def test_labels_are_moved_no_further_than_needed(wanted):
    # Outside witness: a general optimiser on the same constraints.
    from scipy.optimize import LinearConstraint, minimize

    order = np.lexsort((-np.arange(len(wanted)), wanted))
    target = np.array(wanted)[order]
    gaps = np.diff(np.eye(len(target)), axis=0)
    best = minimize(
        lambda z: ((z - target) ** 2).sum(), np.linspace(0, 1, len(target)), jac=lambda z: 2 * (z - target),
        constraints=[LinearConstraint(gaps, lb=0.1)], bounds=[(0, 1)] * len(target), method="SLSQP",
    )  # fmt: skip
    ours = np.array(spread(wanted, gap=0.1, low=0.0, high=1.0))[order]
    assert ((ours - target) ** 2).sum() == pytest.approx(best.fun, abs=1e-5)


def test_too_many_labels_share_the_room_evenly():
    assert spread([0.5] * 5, gap=0.9, low=0.0, high=1.0) == pytest.approx([1.0, 0.75, 0.5, 0.25, 0.0])


@given(st.text(alphabet="abc ", max_size=60), st.floats(10, 200))
@settings(max_examples=40, deadline=None)
def test_wrapping_loses_no_word_and_fills_lines(text, width):
    lines = wrap(text, width, 10)
    assert " ".join(lines).split() == text.split()
    assert all(text_width(line, 10) <= width or " " not in line for line in lines)


def test_few_points_are_all_marked_and_many_are_not():
    assert marked_points(5, np.arange(1.0, 5.0), 0.3).tolist() == [0, 1, 2, 3]
    many = np.arange(1.0, 201.0)
    marked = marked_points(5, many, 0.3)
    assert len(marked) == 5
    ratios = np.diff(np.log(many[marked]))
    assert ratios.max() / ratios.min() < 2.0


@pytest.mark.parametrize(("low", "high"), [(1, 1), (7, 7), (1, 200), (3, 4), (1, 100000), (30, 40)])
def test_ticks_are_few_and_inside(low, high):
    ticks = k_ticks(low, high)
    assert 1 <= len(ticks) <= 8
    assert all(low <= tick <= high for tick in ticks)
