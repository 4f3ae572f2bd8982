"""Recipes: strict, complete, and told how to mend."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miniature.attack.recipe.check import KEYS_OF, PRESETS, RECIPE_KEYS, check_recipe
from miniature.attack.words.stopwords import STOPWORDS
from miniature.messages import StudyError

OPEN = {"masked_lm": "lm", "word_vectors": "vectors.txt"}
# Every kind of attack, spelled out.
FULLS = {
    preset["kind"]: {
        key: preset[key] if preset.get(key) is not None else OPEN.get(key) for key in KEYS_OF[preset["kind"]]
    }
    for preset in PRESETS.values()
}
FULL = {**PRESETS["textattack-48"], "masked_lm": "lm"}
ENCODER = {
    "model": "sentences", "min_similarity": 0.8, "metric": "cosine", "compared_with": "original",
    "window": 15, "skip_shorter": True,
}  # fmt: skip


@pytest.mark.parametrize("kind", sorted(FULLS))
def test_full_recipe_is_returned_as_it_is_in_the_order_of_the_keys(kind):
    full = FULLS[kind]
    shuffled = dict(reversed(full.items()))
    assert list(check_recipe(shuffled, "here").items()) == [(key, full[key]) for key in KEYS_OF[kind]]


def test_every_kind_has_a_preset_and_every_key_a_kind():
    assert set(FULLS) == set(KEYS_OF) == set(RECIPE_KEYS["kind"].choices)
    assert {key for keys in KEYS_OF.values() for key in keys} == set(RECIPE_KEYS)


@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_preset_lacks_only_what_names_a_model_or_a_file(preset):
    missing = set(KEYS_OF[PRESETS[preset]["kind"]]) - set(PRESETS[preset])
    assert missing <= {"masked_lm", "word_vectors"}
    recipe = {"preset": preset, **{key: OPEN[key] for key in missing}}
    named = {key: OPEN[key] for key in missing}
    assert check_recipe(recipe, "here") == {**PRESETS[preset], **named}
    for key in missing:
        with pytest.raises(StudyError) as caught:
            check_recipe({k: v for k, v in recipe.items() if k != key}, "here")
        assert caught.value.fix.startswith(f"{key}: ")


def test_presets_state_k():
    assert PRESETS["textattack-48"]["max_candidates"] == 48
    assert PRESETS["textattack-8"]["max_candidates"] == 8


def test_preset_is_spelled_out_and_overridden():
    found = check_recipe({"preset": "textattack-8", "masked_lm": "lm", "query_budget": 100}, "here")
    assert found == {**PRESETS["textattack-8"], "masked_lm": "lm", "query_budget": 100}
    assert check_recipe(found, "here") == found


@pytest.mark.parametrize(("kind", "key"), [(kind, key) for kind in sorted(FULLS) for key in FULLS[kind]])
def test_missing_key_is_named_with_a_line_to_paste(kind, key):
    with pytest.raises(StudyError) as caught:
        check_recipe({k: v for k, v in FULLS[kind].items() if k != key}, "config.yaml: recipes: a")
    assert key in caught.value.what
    assert caught.value.where == "config.yaml: recipes: a"
    assert caught.value.fix.startswith(f"{key}: ")


EXAMPLE = (
    "{model: sentences, min_similarity: 0.8, metric: cosine, compared_with: original, window: null, "
    "skip_shorter: false}"
)


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
        ("preset", "referenz", "preset: reference"),
        ("max_seconds", 0, "max_seconds: null"),
        ("max_seconds", float("inf"), "max_seconds: null"),
        ("min_word_similarity", 1.5, "min_word_similarity: 0.4"),
        ("min_word_similarity", float("nan"), "min_word_similarity: 0.4"),
        ("word_vectors", 3, "word_vectors: null"),
        ("edits", ["swap"], "remove edits"),
        ("sentence_encoder", "sentences", f"sentence_encoder: {EXAMPLE}"),
        ("sentence_encoder", {**ENCODER, "windows": 3}, "window: 3"),
        ("sentence_encoder", {**ENCODER, "min_similarity": 1.2}, "min_similarity: 0.8"),
        ("sentence_encoder", {**ENCODER, "metric": "cos"}, "metric: cosine"),
        ("sentence_encoder", {**ENCODER, "window": None}, "skip_shorter: false"),
        ("sentence_encoder", {"model": "sentences"}, "min_similarity: 0.8"),
    ],
)
def test_mistakes_come_with_the_corrected_line(key, value, fix):
    with pytest.raises(StudyError) as caught:
        check_recipe({**FULL, key: value}, "config.yaml")
    assert caught.value.fix == fix
    assert caught.value.where.startswith("config.yaml: ")


@pytest.mark.parametrize(
    ("kind", "key", "value", "fix"),
    [
        ("deepwordbug", "edits", [], "edits: [swap, substitute, delete, insert]"),
        ("deepwordbug", "edits", ["swap", "swap"], "edits: [swap, substitute, delete, insert]"),
        ("deepwordbug", "edits", ["turn"], "edits: [swap, substitute, delete, insert]"),
        ("deepwordbug", "masked_lm", "lm", "remove masked_lm"),
        ("textfooler", "word_vectors", None, "word_vectors: vectors/counter-fitted.txt"),
        ("bert-attack-authors", "subword_candidates", None, "subword_candidates: 4"),
        ("bert-attack-authors", "subword_combinations", None, "subword_combinations: 24"),
        ("bert-attack-authors", "importance", "unk", "remove importance"),
        ("bae", "max_words_changed", 2, "max_words_changed: 0.4"),
    ],
)
def test_mistakes_of_a_kind_come_with_the_corrected_line(kind, key, value, fix):
    with pytest.raises(StudyError) as caught:
        check_recipe({**FULLS[kind], key: value}, "config.yaml")
    assert caught.value.fix == fix
    assert caught.value.where == f"config.yaml: {key}"


def test_a_preset_is_of_one_kind():
    with pytest.raises(StudyError) as caught:
        check_recipe({"preset": "bae", "kind": "deepwordbug", "masked_lm": "lm"}, "here")
    assert caught.value.fix == "kind: bae"


@given(st.dictionaries(st.text(max_size=8), st.none() | st.integers() | st.floats() | st.text(max_size=5)))
def test_anything_else_is_a_study_error(recipe):
    with pytest.raises(StudyError):
        check_recipe(recipe, "here")


def test_not_a_block():
    with pytest.raises(StudyError):
        check_recipe("textattack-8", "here")


@given(st.sampled_from(sorted(FULL)), st.integers(-5, 2000) | st.floats() | st.booleans() | st.none())
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
        "import miniature.attack.recipe.check, miniature.attack.summary, miniature.attack.run\n"
        "sys.exit(any(name in sys.modules for name in ('torch', 'textattack', 'transformers')))"
    )
    scripts = Path(__file__).parents[2] / "scripts"
    assert subprocess.run([sys.executable, "-c", code, str(scripts)]).returncode == 0
