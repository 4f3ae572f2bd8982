"""Attack recipes: presets that are what public implementations do, and a recipe with all its settings.

Three public implementations of BERT-ATTACK disagree on nearly every setting, so a number without its
settings means nothing. What each setting may be is in config/schema.yaml. No preset has a sentence encoder:
TextAttack's recipes use the Universal Sentence Encoder, which needs TensorFlow Hub; a recipe may name another
one. All use this project's stop words.
"""

from collections.abc import Mapping

# What TextAttack's recipe BERTAttackLi2020 sets. K was 48, as in the paper, until version 0.3.11 made it 8.
_TEXTATTACK = {
    "kind": "bert-attack", "masked_lm": None, "max_candidates": 48, "max_words_changed": 0.4,
    "min_confidence": 0.0, "skip_stopwords": True, "skip_stopword_candidates": False,
    "skip_special_tokens": False, "subword_candidates": None, "subword_combinations": None,
    "subword_order": "enumeration", "subword_max_pieces": None, "importance": "unk", "word_vectors": None,
    "min_word_similarity": 0.4, "sentence_encoder": None, "query_budget": None, "max_seconds": None,
    "max_masked_lm_length": 512, "batch_size": 64, "screening": "none",
}  # fmt: skip

# Every setting of each kind of attack, in the order in which they are written with the results. What names a
# model or a file is left open where the attack cannot do without it.
PRESETS: dict[str, dict] = {
    # The code of BERT-ATTACK's authors as they ran it on IMDB (LinyangLee/BERT-Attack, commit 8a93610).
    "reference": {
        "kind": "bert-attack-authors", "masked_lm": None, "max_candidates": 48, "max_words_changed": 0.4,
        "min_score": 0.0, "skip_stopwords": True, "skip_stopword_candidates": True,
        "skip_special_tokens": False, "subword_candidates": 4, "subword_combinations": 24,
        "subword_pieces_used": 12, "score_last_word": False, "keep_last_tried": True, "word_vectors": None,
        "min_word_similarity": 0.4, "query_budget": None, "max_seconds": None, "max_masked_lm_length": 512,
        "batch_size": 64, "screening": "none",
    },
    "textattack-48": _TEXTATTACK,
    "textattack-8": {**_TEXTATTACK, "max_candidates": 8},
    # TextAttack's BAEGarg2019 (replacement only), DeepWordBugGao2018 and TextFoolerJin2019.
    "bae": {
        "kind": "bae", "masked_lm": None, "max_candidates": 50, "max_words_changed": None,
        "min_confidence": 0.0, "skip_stopwords": True, "importance": "delete", "pos_tagger": None,
        "sentence_encoder": None, "query_budget": None, "max_seconds": None, "max_masked_lm_length": 512,
        "batch_size": 64, "screening": "none",
    },
    "deepwordbug": {
        "kind": "deepwordbug", "edits": ["swap", "substitute", "delete", "insert"],
        "max_words_changed": None, "max_edit_distance": 30, "skip_stopwords": True, "importance": "unk",
        "sentence_encoder": None, "query_budget": None, "max_seconds": None, "batch_size": 64,
        "screening": "none",
    },
    "textfooler": {
        "kind": "textfooler", "max_candidates": 50, "max_words_changed": None, "skip_stopwords": True,
        "importance": "delete", "word_vectors": None, "min_word_similarity": 0.5, "pos_tagger": None,
        "sentence_encoder": None, "query_budget": None, "max_seconds": None, "batch_size": 64,
        "screening": "none",
    },
}  # fmt: skip

KEYS_OF = {preset["kind"]: tuple(preset) for preset in PRESETS.values()}

# Settings that may be null in general, but not for these attacks.
REQUIRED_SETTINGS: dict[str, tuple[str, ...]] = {
    "bert-attack": ("masked_lm",),
    "bert-attack-authors": ("masked_lm", "subword_candidates", "subword_combinations"),
    "bae": ("masked_lm",),
    "textfooler": ("word_vectors",),
}


def with_preset(recipe: Mapping) -> dict:
    """Settings of a recipe as far as it or its preset says them."""
    preset = recipe.get("preset")
    settings = {**(PRESETS.get(preset, {}) if isinstance(preset, str) else {}), **recipe}
    settings.pop("preset", None)
    return settings


def spell_recipe(recipe: Mapping) -> dict:
    """A recipe that has passed the checks of a study, with its preset spelled out.

    Parameters
    ----------
    recipe : mapping
        Every key of its kind, or ``preset`` and what differs.

    Returns
    -------
    dict
        Every key of ``KEYS_OF[kind]``, in that order.

    Examples
    --------
    >>> full = spell_recipe({"preset": "textattack-8", "masked_lm": "lm"})
    >>> full["max_candidates"], full["max_words_changed"]
    (8, 0.4)
    """
    settings = with_preset(recipe)
    return {key: settings[key] for key in KEYS_OF[settings["kind"]]}
