"""Decisions from inexact answers are those from exact ones; checked against sorting the exact scores."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import miniature.attack.library  # noqa: F401  (TextAttack has to be imported this way first)
from miniature.attack.search.answers import Answers, Ask, BoundExceeded, Ranking
from miniature.attack.search.victim import ALONE, BATCHED, SCREENED

ERRORS = {SCREENED: 0.05, BATCHED: 1e-4, ALONE: 0.0}


class Oracle:
    """Knows the exact logits of texts, and answers below `ALONE` with noise within the bounds."""

    def __init__(self, exact: np.ndarray, seed: int, errors: dict = ERRORS):
        self.exact = {(i,): row for i, row in enumerate(exact.astype(np.float32))}
        self.random = np.random.default_rng(seed)
        self.noise = {
            (key, level): self.random.uniform(-1, 1, row.shape) * errors[level] * 0.99
            for key, row in self.exact.items()
            for level in errors
        }
        self.asked: list[tuple] = []

    def run(self, steps):
        """Drive a generator to its end and return what it returns."""
        answer = None
        while True:
            try:
                request = steps.send(answer)
            except StopIteration as end:
                return end.value
            assert isinstance(request, Ask)
            assert len(set(request.keys)) == len(request.keys)
            self.asked += [(key, request.level) for key in request.keys]
            rows = [self.exact[key] + self.noise[key, request.level] for key in request.keys]
            answer = np.array(rows, dtype=np.float32)


def scores(exact: np.ndarray, label: int) -> np.ndarray:
    """1 minus the probability of the label in float32, as TextAttack has it."""
    probabilities = torch.softmax(torch.tensor(exact, dtype=torch.float32), dim=1)
    return (1 - probabilities[:, label]).numpy()


# Logits that are often equal, often nearly equal, and sometimes so large that a softmax is 0 or 1.
near = st.sampled_from([0.0, 1e-7, 3e-6, 5e-5, 1e-3, 0.02, 0.5, 3.0, 40.0])
logit = st.tuples(near, near, st.sampled_from([-1, 1])).map(lambda parts: (parts[0] + parts[1]) * parts[2])
logits = st.lists(st.lists(logit, min_size=3, max_size=3), min_size=1, max_size=24).map(np.array)


@given(logits, st.integers(0, 2), st.sampled_from([SCREENED, BATCHED, ALONE]), st.data())
def test_decisions_are_those_of_exact_answers(exact, label, first, data):
    # The same text may stand in the list more than once, as TextAttack's candidates may.
    keys = [(i,) for i in data.draw(st.lists(st.integers(0, len(exact) - 1), min_size=1, max_size=30))]
    rows = exact[[i for (i,) in keys]]
    expected = scores(rows, label)
    oracle = Oracle(exact, seed=1)
    answers = Answers(label, dict(ERRORS), first=first)
    best = oracle.run(answers.best(keys))
    assert best == int(np.argmax(expected))
    for i, key in enumerate(keys[:4]):
        assert oracle.run(answers.is_higher(keys[best], key)) == (expected[best] > expected[i])
        assert oracle.run(answers.is_higher(key, keys[0])) == (expected[i] > expected[0])
        predicted = torch.softmax(torch.tensor(rows[i], dtype=torch.float32), dim=0).argmax()
        assert oracle.run(answers.predict(key)) == int(predicted)
    # No text is read twice at a level.
    assert len(set(oracle.asked)) == len(oracle.asked)


@given(logits, st.integers(0, 2), st.sampled_from([SCREENED, BATCHED, ALONE]), st.data())
def test_ranking_is_numpys(exact, label, first, data):
    keys = [(i,) for i in data.draw(st.lists(st.integers(0, len(exact) - 1), min_size=1, max_size=40))]
    expected = (-scores(exact[[i for (i,) in keys]], label)).argsort().tolist()
    oracle = Oracle(exact, seed=2)
    answers = Answers(label, dict(ERRORS), first=first)
    oracle.run(answers.look(keys))
    ranking = Ranking(answers, keys)
    assert [oracle.run(ranking.next()) for _ in keys] == expected


def test_only_doubtful_texts_are_read_again():
    exact = np.array([[0.0, 0.0], [0.3, 0.0], [0.0, 2.0], [0.0, 2.01], [0.0, -1.0]])
    oracle = Oracle(exact, seed=3)
    answers = Answers(0, dict(ERRORS), first=SCREENED)
    assert oracle.run(answers.best([(i,) for i in range(5)])) == 3
    assert {key for key, level in oracle.asked if level > SCREENED} == {(2,), (3,)}
    assert not any(level == ALONE for _, level in oracle.asked)


def test_first_word_needs_no_order_of_the_others():
    exact = np.array([[0.0, 5.0], *([0.0, i * 1e-3] for i in range(20))])
    oracle = Oracle(exact, seed=4)
    answers = Answers(0, dict(ERRORS), first=SCREENED)
    keys = [(i,) for i in range(21)]
    oracle.run(answers.look(keys))
    assert oracle.run(Ranking(answers, keys).next()) == 0
    assert len(oracle.asked) == 21


def test_a_bound_that_is_exceeded_is_raised():
    oracle = Oracle(np.array([[1.0, 1.00001], [1.0, 1.0]]), seed=5)
    oracle.noise = {place: np.full(2, 0.5 if place[1] == BATCHED else 0.0) for place in oracle.noise}
    errors = dict(ERRORS)
    answers = Answers(0, errors, first=BATCHED)
    with pytest.raises(BoundExceeded):
        oracle.run(answers.best([(0,), (1,)]))
    assert errors[BATCHED] >= 0.5


def test_an_answer_that_is_no_number_is_an_error():
    oracle = Oracle(np.array([[np.nan, 0.0]]), seed=6)
    with pytest.raises(ValueError, match="not a number"):
        oracle.run(Answers(0, dict(ERRORS), first=BATCHED).predict((0,)))
