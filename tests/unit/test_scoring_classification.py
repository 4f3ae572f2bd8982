"""Accuracy and the majority baseline."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from miniature.predictions.score_classification import summarize

LABELS = st.lists(st.sampled_from(["good", "bad", "so-so"]), min_size=1, max_size=30)


def score(labels, predictions):
    return summarize(pd.DataFrame({"label": labels, "prediction": predictions}))


def test_accuracy_by_hand():
    scores = score(["good", "bad", "good", "good"], ["good", "good", "bad", "good"])
    assert scores == {"accuracy": 50.0, "baseline_accuracy": 75.0, "n": 4}


@given(LABELS, st.randoms(use_true_random=False))
def test_accuracy_of_the_right_labels_of_the_majority_and_of_anything(labels, random):
    perfect = score(labels, labels)
    assert perfect["accuracy"] == 100
    assert perfect["n"] == len(labels)
    constant = [score(labels, [label] * len(labels))["accuracy"] for label in set(labels)]
    assert max(constant) == perfect["baseline_accuracy"]
    assert sum(constant) == pytest.approx(100)
    order = list(range(len(labels)))
    random.shuffle(order)
    guesses = list(reversed(labels))
    assert score([labels[i] for i in order], [guesses[i] for i in order]) == score(labels, guesses)


def test_nothing_scores_nothing():
    assert score([], []) == {"accuracy": None, "baseline_accuracy": None, "n": 0}
