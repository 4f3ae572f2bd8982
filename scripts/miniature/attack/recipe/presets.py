"""Recipes by name: what public implementations do, spelled out.

No preset has a sentence encoder. TextAttack's recipes use the Universal Sentence Encoder, which needs
TensorFlow Hub; a recipe may name another one. All use this project's stop words.
"""

_GREEDY = {
    "skip_stopwords": True,
    "max_words_changed": None,
    "query_budget": None,
    "max_seconds": None,
    "sentence_encoder": None,
    "batch_size": 64,
    "screening": "none",
}

# What TextAttack's recipe BERTAttackLi2020 sets. K was 48, as in the paper, until version 0.3.11 made it 8.
_TEXTATTACK = {
    **_GREEDY,
    "kind": "bert-attack",
    "max_words_changed": 0.4,
    "min_confidence": 0.0,
    "skip_stopword_candidates": False,
    "skip_special_tokens": False,
    "subword_candidates": None,
    "subword_combinations": None,
    "subword_order": "enumeration",
    "subword_max_pieces": None,
    "importance": "unk",
    "word_vectors": None,
    "min_word_similarity": 0.4,
    "max_masked_lm_length": 512,
}

PRESETS: dict[str, dict] = {
    # The code of BERT-ATTACK's authors as they ran it on IMDB (LinyangLee/BERT-Attack, commit 8a93610).
    "reference": {
        "kind": "bert-attack-authors",
        "max_candidates": 48,
        "max_words_changed": 0.4,
        "min_score": 0.0,
        "skip_stopwords": True,
        "skip_stopword_candidates": True,
        "skip_special_tokens": False,
        "subword_candidates": 4,
        "subword_combinations": 24,
        "subword_pieces_used": 12,
        "score_last_word": False,
        "keep_last_tried": True,
        "word_vectors": None,
        "min_word_similarity": 0.4,
        "query_budget": None,
        "max_seconds": None,
        "max_masked_lm_length": 512,
        "batch_size": 64,
        "screening": "none",
    },
    "textattack-48": {**_TEXTATTACK, "max_candidates": 48},
    "textattack-8": {**_TEXTATTACK, "max_candidates": 8},
    # TextAttack's BAEGarg2019 (replacement only), DeepWordBugGao2018 and TextFoolerJin2019.
    "bae": {
        **_GREEDY,
        "kind": "bae",
        "max_candidates": 50,
        "min_confidence": 0.0,
        "importance": "delete",
        "pos_tagger": None,
        "max_masked_lm_length": 512,
    },
    "deepwordbug": {
        **_GREEDY,
        "kind": "deepwordbug",
        "edits": ["swap", "substitute", "delete", "insert"],
        "max_edit_distance": 30,
        "importance": "unk",
    },
    "textfooler": {
        **_GREEDY,
        "kind": "textfooler",
        "max_candidates": 50,
        "importance": "delete",
        "min_word_similarity": 0.5,
        "pos_tagger": None,
    },
}
