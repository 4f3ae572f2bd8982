"""Recipes: strict, complete, and told how to mend."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miniature.attack.recipes import PRESETS, RECIPE_KEYS, check_recipe
from miniature.attack.stopwords import STOPWORDS
from miniature.messages import StudyError

FULL = {**PRESETS["textattack-48"], "masked_lm": "lm"}


def test_full_recipe_is_returned_as_it_is_in_the_order_of_the_keys():
    shuffled = dict(reversed(FULL.items()))
    assert list(check_recipe(shuffled, "here").items()) == [(key, FULL[key]) for key in RECIPE_KEYS]


def test_presets_state_k():
    assert PRESETS["textattack-48"]["max_candidates"] == 48
    assert PRESETS["textattack-8"]["max_candidates"] == 8


def test_preset_is_spelled_out_and_overridden():
    found = check_recipe({"preset": "textattack-8", "masked_lm": "lm", "query_budget": 100}, "here")
    assert found == {**PRESETS["textattack-8"], "masked_lm": "lm", "query_budget": 100}
    assert check_recipe(found, "here") == found


@pytest.mark.parametrize("key", sorted(RECIPE_KEYS))
def test_missing_key_is_named_with_a_line_to_paste(key):
    with pytest.raises(StudyError) as caught:
        check_recipe({k: v for k, v in FULL.items() if k != key}, "config.yaml: recipes: a")
    assert key in caught.value.what
    assert caught.value.where == "config.yaml: recipes: a"
    assert caught.value.fix.startswith(f"{key}: ")


@pytest.mark.parametrize(
    ("key", "value", "fix"),
    [
        ("max_candidats", 9, "max_candidates: 9"),
        ("presets", "textattack-8", "preset: textattack-8"),
        ("zzzz", 1, "remove 'zzzz'"),
        ("query_budget", 0, "query_budget: null"),
        ("max_candidates", 0, "max_candidates: 48"),
        ("max_candidates", True, "max_candidates: 48"),
        ("max_candidates", 8.0, "max_candidates: 48"),
        ("max_candidates", None, "max_candidates: 48"),
        ("max_candidates", "8", "max_candidates: 48"),
        ("max_words_changed", 0, "max_words_changed: 0.4"),
        ("max_words_changed", 1.5, "max_words_changed: 0.4"),
        ("max_words_changed", float("nan"), "max_words_changed: 0.4"),
        ("min_confidence", -0.1, "min_confidence: 0.0"),
        ("skip_stopwords", "yes", "skip_stopwords: true"),
        ("importance", "unc", "importance: unk"),
        ("kind", "bert_attack", "kind: bert-attack"),
        ("masked_lm", " ", "masked_lm: world-lm"),
        ("subword_order", "perplexity", "subword_combinations: 24"),
        ("preset", "textattack48", "preset: textattack-48"),
        ("preset", ["a"], "preset: textattack-48"),
    ],
)
def test_mistakes_come_with_the_corrected_line(key, value, fix):
    with pytest.raises(StudyError) as caught:
        check_recipe({**FULL, key: value}, "config.yaml")
    assert caught.value.fix == fix
    assert caught.value.where.startswith("config.yaml: ")


@given(st.dictionaries(st.text(max_size=8), st.none() | st.integers() | st.floats() | st.text(max_size=5)))
def test_anything_else_is_a_study_error(recipe):
    with pytest.raises(StudyError):
        check_recipe(recipe, "here")


def test_not_a_block():
    with pytest.raises(StudyError):
        check_recipe("textattack-8", "here")


@given(st.sampled_from(sorted(RECIPE_KEYS)), st.integers(-5, 2000) | st.floats() | st.booleans() | st.none())
def test_what_passes_passes_again_unchanged(key, value):
    try:
        found = check_recipe({**FULL, key: value}, "here")
    except StudyError:
        return
    assert check_recipe(found, "here") == found
    assert type(found[key]) in (RECIPE_KEYS[key].kind, type(None))


def test_whole_number_is_a_share():
    assert check_recipe({**FULL, "max_words_changed": 1}, "here")["max_words_changed"] == 1.0


def test_stopwords_are_lower_case_words_and_carry_no_opinion():
    assert all(word == word.lower().strip() for word in STOPWORDS)
    assert {"the", "not", "isn't", "and", "with"} <= STOPWORDS
    assert not STOPWORDS & {"good", "bad", "like", "love", "film", "best", "worst", "enjoy", "great"}


def test_recipes_and_summaries_need_no_torch():
    import subprocess
    from pathlib import Path

    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import miniature.attack.recipes, miniature.attack.summary, miniature.attack.run\n"
        "sys.exit(any(name in sys.modules for name in ('torch', 'textattack', 'transformers')))"
    )
    scripts = Path(__file__).parents[2] / "scripts"
    assert subprocess.run([sys.executable, "-c", code, str(scripts)]).returncode == 0
