"""A model against its original: what counts as a change, and what within, beyond and undecided mean."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import entropy

from miniature.scorecard.limits import BEYOND, NOT_MEASURED, UNDECIDED, WITHIN, possible_examples
from miniature.scorecard.outputs import Outputs, read_outputs
from miniature.scorecard.tolerance import compare_with_original, kl_divergence, tolerance_rows


def outputs(logit, label):
    """A binary classifier with these log odds of class 1."""
    right = 1 / (1 + np.exp(-logit))
    probabilities = np.stack([1 - right, right], axis=1)
    answer = (right > 0.5).astype(int)
    return Outputs((answer != label).astype(float), answer, probabilities, label)


@pytest.fixture
def world():
    random = np.random.default_rng(0)
    label = random.integers(0, 2, 1000)
    logit = (2 * label - 1) * 1.2 + random.normal(0, 1.3, 1000)
    made = {"large": logit, "copy": logit, "half": logit + random.normal(0, 0.002, 1000)}
    made |= {
        "pruned": 0.1 * logit + random.normal(0, 1, 1000),
        "large.seed1": logit + random.normal(0, 0.4, 1000),
    }
    return {name: outputs(x, label) for name, x in made.items()}


def rows_of(world, *subjects, clusters=None, originals=(), **options):
    n = len(world["large"].error)
    return tolerance_rows(
        world, np.arange(n) if clusters is None else clusters, subjects=subjects,
        originals=dict.fromkeys(subjects, "large") | dict(originals), trainings={"large": ["large.seed1"]},
        task="reviews", dataset="reviews", **options,
    )  # fmt: skip


def test_a_copy_and_one_of_half_the_precision_are_within_and_a_ruin_is_beyond(world):
    table = rows_of(world, "copy", "half", "pruned")
    judged = table[table["limit"].notna()].set_index(["model", "measure"])["verdict"]
    assert set(judged["copy"]) == set(judged["half"]) == {WITHIN}
    assert set(judged["pruned"]) == {BEYOND}


def test_a_model_is_set_against_what_it_was_made_from(world):
    world["pruned-int8"] = world["pruned"]
    table = rows_of(world, "pruned", "pruned-int8", originals={"pruned-int8": "pruned"})
    own = table[table["model"] == "pruned-int8"].set_index("measure")
    assert set(own["original"]) == {"pruned"}
    assert own.at["decisions_changed", "value"] == 0
    assert set(own["verdict"][own["limit"].notna()]) == {WITHIN}
    # Trainings of the reference say nothing of another original.
    assert own["retraining"].isna().all()
    assert table[table["model"] == "pruned"].set_index("measure").at["decisions_changed", "verdict"] == BEYOND


def test_rows_do_not_depend_on_the_company(world):
    alone = rows_of(world, "half")
    together = rows_of(world, "copy", "half", "pruned")
    pd.testing.assert_frame_equal(alone, together[together["model"] == "half"].reset_index(drop=True))


def test_a_copy_of_few_examples_is_told_how_many_it_takes(world):
    few = {name: Outputs(*(x[:140] for x in made)) for name, made in world.items()}
    table = rows_of(few, "copy").set_index("measure")
    assert table.at["decisions_changed", "verdict"] == WITHIN
    assert table.at["newly_wrong", "verdict"] == UNDECIDED
    assert table.at["newly_wrong", "examples_possible"] == 149
    assert "takes 149" in table.at["newly_wrong", "reason"]


def test_what_is_not_known_is_not_measured():
    errors = {"large": np.zeros(200), "tiny": np.ones(200)}
    table = rows_of({name: Outputs(e) for name, e in errors.items()}, "tiny").set_index("measure")
    assert table.at["decisions_changed", "verdict"] == NOT_MEASURED
    assert table.at["brier_difference", "reason"] == "probabilities are not known"
    assert table.at["newly_wrong", "verdict"] == BEYOND
    assert table.at["accuracy_kept", "value"] == 0


def test_an_original_that_is_never_right_keeps_no_accuracy():
    table = rows_of({"large": Outputs(np.ones(200)), "tiny": Outputs(np.zeros(200))}, "tiny").set_index(
        "measure"
    )
    assert table.at["accuracy_kept", "verdict"] == NOT_MEASURED


def test_one_cluster_and_few_clusters(world):
    one = rows_of(world, "half", clusters=np.zeros(1000)).set_index("measure")
    assert one.at["newly_wrong", "verdict"] == UNDECIDED
    assert "too few" in one.at["newly_wrong", "reason"]
    few = rows_of(world, "half", clusters=np.arange(1000) % 10).set_index("measure")
    assert "only 10 clusters" in few.at["brier_difference", "reason"]


def test_retraining_stands_beside_and_limits_are_the_study_s(world):
    table = rows_of(world, "half", limits={"js_divergence": 1e-9}).set_index("measure")
    assert table.at["js_divergence", "verdict"] == BEYOND
    assert table["verdict"].drop("js_divergence").eq("").all()
    direct = compare_with_original(world["large"], world["large.seed1"], np.arange(1000))
    assert table.at["decisions_changed", "retraining"] == direct[0].bounds.value
    assert (table["trainings"] == 1).all()


def test_accuracy_kept_is_the_ratio_with_bounds_of_a_simulated_truth():
    """Before and after independent given the example: the bound errs about as often as it says."""
    random = np.random.default_rng(3)
    low, high, truth = [], [], 0.78 / 0.8
    for _ in range(500):
        before = random.random(800) < 0.2
        after = np.where(before, random.random(800) < 0.7, random.random(800) < 0.1)
        found = compare_with_original(
            Outputs(before.astype(float)), Outputs(after.astype(float)), np.arange(800)
        )
        bounds = found[3].bounds
        low.append(bounds.low <= truth)
        high.append(truth <= bounds.high)
    assert 0.92 < np.mean(low) < 0.98
    assert 0.92 < np.mean(high) < 0.98


def test_divergence_is_scipy_s():
    random = np.random.default_rng(0)
    p, q = random.dirichlet(np.ones(3), 20), random.dirichlet(np.ones(3), 20)
    np.testing.assert_allclose(
        kl_divergence(p, q), [entropy(a, b, base=2) for a, b in zip(p, q, strict=True)]
    )
    ruled_out = compare_with_original(
        Outputs(np.zeros(30), probabilities=np.full((30, 2), 0.5)),
        Outputs(np.zeros(30), probabilities=np.tile([1.0, 0.0], (30, 1))),
        np.arange(30),
    )
    assert np.isinf(ruled_out[-1].bounds.value)


def test_tables_become_outputs():
    table = pd.DataFrame({"id": ["a", "b"], "label": ["x", "y"], "prediction": ["x", None]})
    table["probabilities"] = [[0.75, 0.25], [0.5, 0.5]]
    listed = pd.DataFrame({"id": ["a", "b"], "error": pd.array([True, None], dtype="boolean")})
    found = read_outputs({"m": table}, {"l": listed}, kind="classification", labels=["x", "y"])
    assert found["m"].answer.tolist() == [0, -1]
    assert found["m"].label.tolist() == [0, 1]
    assert np.isnan(found["m"].error[1])
    assert found["l"].error[0] == 1
    assert np.isnan(found["l"].error[1])
    assert found["l"].answer is None


def test_possible_examples():
    assert possible_examples("accuracy_kept", 0.99, 0.8) == 373
    assert possible_examples("decisions_changed", 0.05, 0.8) == 59
    assert possible_examples("js_divergence", 0.05, 0.8) is None
