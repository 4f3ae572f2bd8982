"""Recipes: strict, complete, and refused with the corrected line."""

import sys

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from miniature.attack.recipe import KEYS_OF, PRESETS, REQUIRED_SETTINGS, spell_recipe
from miniature.attack.words.stopwords import STOPWORDS
from miniature.config.checks.recipes import check_recipes
from miniature.config.defaults import load_schema
from miniature.config.lines import Positions
from miniature.config.schema import schema_errors

OPEN = {"masked_lm": "lm", "word_vectors": "vectors.txt"}
DEFS = load_schema()["$defs"]
SETTINGS = DEFS["recipe"]["properties"]
# Every kind of attack, spelled out.
FULLS = {
    preset["kind"]: {key: OPEN.get(key) if value is None else value for key, value in preset.items()}
    for preset in PRESETS.values()
}
FULL = {**PRESETS["textattack-48"], "masked_lm": "lm"}
ENCODER = {
    "model": "sentences", "min_similarity": 0.8, "metric": "cosine", "compared_with": "original",
    "window": 15, "skip_shorter": True,
}  # fmt: skip


@pytest.fixture(autouse=True)
def no_files(monkeypatch):
    monkeypatch.setattr("miniature.config.checks.recipes._check_files", lambda *_: [])


def mistakes(recipe):
    """What is told of a recipe: by the schema, else by the checks beside it."""
    config = {
        "characteristics": {"vulnerability": {"recipes": {"a": recipe}}},
        "masked_lms": {"lm": {}},
        "sentence_encoders": {"sentences": {}},
    }
    schema = {
        "properties": {"characteristics": load_schema()["properties"]["characteristics"]}, "$defs": DEFS,
    }  # fmt: skip
    return schema_errors(config, schema, Positions()) or list(check_recipes(config, Positions()))


def fixes(recipe):
    return [error.fix for error in mistakes(recipe)]


@pytest.mark.parametrize("kind", sorted(FULLS))
def test_full_recipe_is_returned_as_it_is_in_the_order_of_the_keys(kind):
    full = FULLS[kind]
    assert not mistakes(full)
    shuffled = dict(reversed(full.items()))
    assert list(spell_recipe(shuffled).items()) == [(key, full[key]) for key in KEYS_OF[kind]]


def test_every_kind_has_a_preset_and_every_key_a_kind():
    assert set(FULLS) == set(KEYS_OF) == set(SETTINGS["kind"]["enum"])
    assert set(PRESETS) == set(SETTINGS["preset"]["enum"])
    order = [key for key in SETTINGS if key != "preset"]
    assert {key for keys in KEYS_OF.values() for key in keys} == set(order)
    for keys in KEYS_OF.values():
        assert list(keys) == [key for key in order if key in keys]


@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_preset_lacks_only_what_names_a_model_or_a_file(preset):
    needed = REQUIRED_SETTINGS.get(PRESETS[preset]["kind"], ())
    missing = {key for key in needed if PRESETS[preset][key] is None}
    assert missing <= {"masked_lm", "word_vectors"}
    named = {key: OPEN[key] for key in missing}
    recipe = {"preset": preset, **named}
    assert not mistakes(recipe)
    assert spell_recipe(recipe) == {**PRESETS[preset], **named}
    for key in missing:
        for without in ({k: v for k, v in recipe.items() if k != key}, {**recipe, key: None}):
            assert fixes(without)[0].startswith(f"{key}: ")


def test_presets_state_k():
    assert PRESETS["textattack-48"]["max_candidates"] == 48
    assert PRESETS["textattack-8"]["max_candidates"] == 8


def test_preset_is_spelled_out_and_overridden():
    found = spell_recipe({"preset": "textattack-8", "masked_lm": "lm", "query_budget": 100})
    assert found == {**PRESETS["textattack-8"], "masked_lm": "lm", "query_budget": 100}
    assert spell_recipe(found) == found
    assert not mistakes(found)


@pytest.mark.parametrize(("kind", "key"), [(kind, key) for kind in sorted(FULLS) for key in FULLS[kind]])
def test_missing_key_is_named_with_a_line_to_paste(kind, key):
    [error] = mistakes({k: v for k, v in FULLS[kind].items() if k != key})
    if key == "kind":
        assert error.fix == "preset: textattack-48"
    else:
        assert error.fix.startswith(f"{key}: ")
        assert not mistakes({**FULLS[kind], **yaml.safe_load(error.fix)})


def test_all_that_is_missing_is_told_at_once():
    [error] = mistakes({"kind": "textfooler", "word_vectors": "v.txt"})
    added = yaml.safe_load(error.fix)
    assert set(added) == set(KEYS_OF["textfooler"]) - {"kind", "word_vectors"}


EXAMPLE = (
    "{model: sentences, min_similarity: 0.8, metric: cosine, compared_with: original, window: null, "
    "skip_shorter: false}"
)


@pytest.mark.parametrize(
    ("key", "value", "fix"),
    [
        ("query_budget", 0, "query_budget: null"),
        ("max_candidates", 0, "max_candidates: 48"),
        ("max_candidates", True, "max_candidates: 48"),
        ("max_candidates", 8.0, "max_candidates: 8"),
        ("max_candidates", None, "max_candidates: 48"),
        ("max_candidates", "8", "max_candidates: 8"),
        ("max_words_changed", 0, "max_words_changed: 0.4"),
        ("max_words_changed", 1.5, "max_words_changed: 0.4"),
        ("max_words_changed", float("nan"), "max_words_changed: 0.4"),
        ("min_confidence", -0.1, "min_confidence: 0.0"),
        ("skip_stopwords", "yes", "skip_stopwords: true"),
        ("importance", "unc", "importance: unk"),
        ("kind", "bert_attack", "kind: bert-attack"),
        ("masked_lm", " ", "masked_lm: words"),
        ("subword_order", "perplexity", "subword_combinations: 24"),
        ("preset", "textattack48", "preset: textattack-48"),
        ("preset", ["a"], "preset: textattack-48"),
        ("preset", "referenz", "preset: reference"),
        ("max_seconds", 0, "max_seconds: null"),
        ("max_seconds", float("inf"), "max_seconds: null"),
        ("min_word_similarity", 1.5, "min_word_similarity: 0.4"),
        ("min_word_similarity", float("nan"), "min_word_similarity: 0.4"),
        ("word_vectors", 3, "word_vectors: vectors/counter-fitted.txt"),
        ("edits", ["swap"], "remove edits"),
        ("sentence_encoder", "sentences", f"sentence_encoder: {EXAMPLE}"),
        ("sentence_encoder", {**ENCODER, "min_similarity": 1.2}, "min_similarity: 0.8"),
        ("sentence_encoder", {**ENCODER, "metric": "cos"}, "metric: cosine"),
        ("sentence_encoder", {**ENCODER, "window": None}, "skip_shorter: false"),
    ],
)
def test_mistakes_come_with_the_corrected_line(key, value, fix):
    [error] = mistakes({**FULL, key: value})
    assert error.fix == fix
    assert error.where.startswith("characteristics.vulnerability.recipes.a")


def test_unknown_keys_and_missing_ones_of_a_block():
    assert fixes({"presets": "textattack-8", "masked_lm": "lm"}) == ["preset: textattack-8"]
    assert fixes({"preset": "deepwordbug", "max_words_change": 0.2}) == ["max_words_changed: 0.2"]
    [fix] = fixes({**FULL, "zzzz": 1})
    assert fix.startswith("known keys here: preset, kind, ")
    encoder = {**ENCODER, "windows": 3}
    del encoder["window"]
    assert fixes({**FULL, "sentence_encoder": encoder}) == ["window: 3"]
    found = fixes({**FULL, "sentence_encoder": {"model": "sentences"}})
    assert found[0] == "min_similarity: 0.8"
    assert len(found) == 5


@pytest.mark.parametrize(
    ("kind", "key", "value", "fix"),
    [
        ("deepwordbug", "edits", [], "edits: [swap, substitute, delete, insert]"),
        ("deepwordbug", "edits", ["swap", "swap"], "edits: [swap, substitute, delete, insert]"),
        ("deepwordbug", "edits", ["turn"], "edits: [swap, substitute, delete, insert]"),
        ("deepwordbug", "edits", ["swap", "deletes"], "edits: [swap, delete]"),
        ("deepwordbug", "masked_lm", "lm", "remove masked_lm"),
        ("textfooler", "word_vectors", None, "word_vectors: vectors/counter-fitted.txt"),
        ("bert-attack-authors", "subword_candidates", None, "subword_candidates: 4"),
        ("bert-attack-authors", "subword_combinations", None, "subword_combinations: 24"),
        ("bert-attack-authors", "importance", "unk", "remove importance"),
        ("bae", "max_words_changed", 2, "max_words_changed: 0.4"),
    ],
)
def test_mistakes_of_a_kind_come_with_the_corrected_line(kind, key, value, fix):
    [error] = mistakes({**FULLS[kind], key: value})
    assert error.fix == fix
    assert error.where.startswith(f"characteristics.vulnerability.recipes.a.{key}")


def test_a_preset_is_of_one_kind():
    assert fixes({"preset": "bae", "kind": "deepwordbug", "masked_lm": "lm"}) == ["kind: bae"]


@given(st.dictionaries(st.text(max_size=8), st.none() | st.integers() | st.floats() | st.text(max_size=5)))
def test_anything_else_is_refused(recipe):
    assert mistakes(recipe)


def test_not_a_block():
    assert mistakes("textattack-8")


@given(st.sampled_from(sorted(FULL)), st.integers(-5, 2000) | st.floats() | st.booleans() | st.none())
def test_what_passes_is_spelled_out_unchanged(key, value):
    recipe = {**FULL, key: value}
    if not mistakes(recipe):
        assert spell_recipe(recipe) == recipe
        assert not isinstance(value, float) or np.isfinite(value)


def test_stopwords_are_lower_case_words_and_carry_no_opinion():
    assert all(word == word.lower().strip() for word in STOPWORDS)
    assert {"the", "not", "isn't", "and", "with"} <= STOPWORDS
    assert not STOPWORDS & {"good", "bad", "like", "love", "film", "best", "worst", "enjoy", "great"}


def test_recipes_and_summaries_need_no_torch():
    import subprocess
    from pathlib import Path

    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import miniature.attack.recipe, miniature.attack.summary, miniature.attack.run\n"
        "sys.exit(any(name in sys.modules for name in ('torch', 'textattack', 'transformers')))"
    )
    scripts = Path(__file__).parents[2] / "scripts"
    assert subprocess.run([sys.executable, "-c", code, str(scripts)]).returncode == 0
