"""What an attack was run with is written beside its results."""

from importlib import metadata

import pytest

from miniature.attack.recipe import spell_recipe
from miniature.attack.rows import attack_settings
from miniature.attack.words.stopwords import STOPWORDS
from miniature.job.provenance import timed_recipes


def settings(recipe):
    return attack_settings(
        spell_recipe(recipe), task="reviews", model="tiny", examples=7, labels=["no", "yes"],
        text_settings={"max_length": 64}, device="cpu", threads=2, seed=3,
    )  # fmt: skip


def test_every_knob_is_there_with_versions_and_stop_words():
    recipe = {"preset": "reference", "masked_lm": "lm", "query_budget": 9}
    found = settings(recipe)
    assert found["recipe"] == spell_recipe(recipe)
    assert found["packages"]["textattack"] == metadata.version("textattack")
    assert set(found["stop_words"]) == STOPWORDS
    kept = {key: found[key] for key in ("task", "model", "examples", "labels", "max_length", "device")}
    assert kept == {
        "task": "reviews", "model": "tiny", "examples": 7, "labels": ["no", "yes"], "max_length": 64,
        "device": "cpu",
    }  # fmt: skip
    assert (found["threads"], found["seed"]) == (2, 3)
    assert settings({"preset": "deepwordbug", "skip_stopwords": False})["stop_words"] == []


@pytest.mark.parametrize(("seconds", "deterministic"), [(None, True), (60, False)])
def test_a_time_budget_marks_results_as_not_the_same_every_time(seconds, deterministic):
    recipe = {"preset": "deepwordbug", "max_seconds": seconds}
    assert settings(recipe)["deterministic"] is deterministic
    vulnerability = {"enabled": True, "recipes": {"typos": recipe, "other": {"preset": "deepwordbug"}}}
    found = timed_recipes({"characteristics": {"vulnerability": vulnerability}})
    assert found == ([] if deterministic else ["typos"])
    off = {"characteristics": {"vulnerability": {**vulnerability, "enabled": False}}}
    assert timed_recipes(off) == []
