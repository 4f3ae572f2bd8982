"""The answer, the checks that stand in it, and what it takes to decide."""

import json

import numpy as np
import pandas as pd
import pytest

from cards import card, outputs, tolerance_of_two
from miniature.agreement.table import concat_rows, make_rows
from miniature.scorecard.answer import answer_json, answer_markdown, headline, make_answer
from miniature.scorecard.planning import decides, planning_table, reach, rescale
from miniature.scorecard.sanity import check_clusters, check_outputs, check_reference
from miniature.statistics.kept import Kept, p_miniature
from miniature.tables.planning import measured_planning


@pytest.fixture
def tolerance():
    return tolerance_of_two()


def test_the_answer_holds_two_lines_a_model_and_where_to_look(tolerance):
    answer = make_answer(
        card(), tolerance, study="trial", reference="large", models=["tiny", "base"], warnings=["look here"]
    )
    text = answer_markdown(answer, results="results/trial")
    lines = text.splitlines()
    assert lines[0] == "**trial**: 2 models against large; floor: other trainings, other seeds (3)."
    assert lines[2] == "- **tiny**: not-miniature in errors; miniature in calibration"
    assert lines[3].startswith(
        "  keeps errors 30 % (20 to 40); changes 45.0 % of decisions, accuracy -45.0 points"
    )
    assert "beyond the tolerance in decisions changed" in lines[3]
    assert lines[4] == "- **base**: miniature in everything informative (errors)"
    assert lines[-2:] == [
        "Look: results/trial/report.html", "Warning: look here",
    ]  # fmt: skip
    assert len(lines) <= 10


def test_the_answer_for_programs_is_strict_json_with_the_same(tolerance):
    answer = make_answer(card(), tolerance, study="trial", reference="large", models=["tiny", "base"])
    found = json.loads(answer_json(answer), parse_constant=pytest.fail)
    assert found["models"][0]["verdicts"] == {"errors": "not-miniature", "calibration": "miniature"}
    assert found["models"][0]["kept"] == {"errors": {"share": 0.3, "low": 0.2, "high": 0.4}}
    changed = found["models"][0]["changes"]["reviews"]["decisions_changed"]
    assert (changed["value"], changed["verdict"], changed["retraining"]) == (0.45, "beyond", None)


def test_headlines_say_what_is_undecided():
    assert headline({}) == "no verdict asked for"
    assert headline({"errors": "undecided", "calibration": "miniature"}) == (
        "miniature in calibration; undecided in errors"
    )
    assert headline({"errors": "uninformative"}) == "no verdict: nothing informative"


def check(**made):
    return list(check_outputs(
        made, task="reviews", reference="large", subjects=["tiny"], labels=["good", "bad"],
        reruns=[("large", "again")],
    ))  # fmt: skip


def test_one_file_under_two_names_is_told_unless_it_is_a_rerun():
    one = outputs([0] * 22 + [1] * 18, np.repeat([0, 1], 20))
    assert check(large=one, again=one) == []
    told = check(large=one, tiny=one)
    assert told == [
        "large and tiny: the same predictions on reviews, to the last digit. One file under two names?"
    ]
    # The same answers with other probabilities are another model's.
    other = one._replace(probabilities=one.probabilities * 0.98 + 0.01)
    assert check(large=one, tiny=other) == []


def test_swapped_labels_and_a_model_below_the_commonest_class_are_told():
    label = np.array([0] * 60 + [1] * 40)
    right = outputs(label, label)
    swapped = outputs(1 - label, label)
    told = check(large=swapped)
    assert len(told) == 1
    assert "labels of reviews look swapped" in told[0]
    assert "bad as good" in told[0]
    coin = outputs(np.arange(100) % 2, label)
    assert "less than always naming the commonest class (60.0 %)" in check(large=coin)[0]
    assert check(large=right) == []


def test_a_loss_of_accuracy_is_told_of_compared_models_only():
    label = np.repeat([0, 1], 50)
    good, worse = (outputs(np.where(np.arange(100) < k, 1 - label, label), label) for k in (5, 20))
    told = check(large=good, tiny=worse)
    assert told == ["significantly less accurate than large on reviews: tiny by 15.0 points (p = 6.1e-05)."]
    assert check(large=good, **{"large.seed1": worse}) == []


def test_a_reference_that_is_no_typical_training_is_told():
    labels = {"characteristic": "errors", "task": "reviews", "measure": "jaccard", "chance": 0.1}
    trainings = ["large.seed1", "large.seed2"]
    usual = {("large", t): 0.2 for t in trainings} | {tuple(trainings): 0.6}
    rows = concat_rows([make_rows(**labels, model_a=a, model_b=b, value=v) for (a, b), v in usual.items()])
    verdict = {"errors": {"task": "reviews", "measure": "jaccard", "keep": 0.8}}
    (told,) = check_reference(rows, verdict, reference="large", trainings=trainings)
    assert "no typical training of itself in errors" in told
    assert "by 0.100 above chance, with each other by 0.500" in told
    alike = rows.assign(value=0.6)
    assert not list(check_reference(alike, verdict, reference="large", trainings=trainings))
    assert not list(check_reference(rows, verdict, reference="large", trainings=trainings[:1]))


def test_few_clusters_are_told():
    assert list(check_clusters(card())) == [
        "errors: examples of only 12 clusters; intervals are too narrow below 20."
    ]


def test_more_data_decide_more():
    low, high = zip(*(reach(n, 3, 0.03) for n in (500, 2000, 10_000)), strict=True)
    assert sorted(low) == list(low)
    assert sorted(high, reverse=True) == list(high)
    assert reach(2000, 6, 0.08)[0] > reach(2000, 2, 0.08)[0]
    with pytest.raises(ValueError, match="two trainings"):
        reach(2000, 1, 0.03)


def test_a_plan_holds_about_as_often_as_it_says():
    """Data of the size that is said to decide do so in about four cases of five."""
    kept = Kept(0.36, 0.40, 2e-4, 1e-4, 0.5e-4, 10**6, 4e-4, 0.0, 3, 3)
    assert not decides(kept, 0.8)
    r = next(r for r in range(4, 20) if decides(rescale(kept, trainings=r), 0.8))
    planned = rescale(kept, trainings=r)
    random, simulations = np.random.default_rng(0), 4000
    spread = 4e-4 * random.chisquare(r - 1, simulations) / (r - 1)
    floor = 0.40 + np.sqrt(4e-4 / r) * random.standard_normal(simulations)
    model = 0.36 + np.sqrt(planned.contrast(0.8)[1].example_variance) * random.standard_normal(simulations)
    drawn = planned._replace(model=model, floor=floor, training_variance=spread)
    examples = float(planned.contrast(0.8)[1].example_variance)
    drawn = drawn._replace(model_variance=examples, floor_variance=0.0, covariance=0.0)
    assert 0.7 < np.mean(p_miniature(drawn, 0.8) <= 0.05) < 0.95


def test_planning_from_the_measured_spread():
    table = measured_planning(card())
    assert set(table["characteristic"]) == {"errors"}
    assert set(table["spread"]) == {0.05}
    assert table["3 replicates"].tolist() == planning_table(spreads=(0.05,))["3 replicates"].tolist()
    unknown = measured_planning(card().assign(spread=np.nan))
    assert set(unknown["characteristic"]) == {"any"}
    assert isinstance(unknown, pd.DataFrame)
