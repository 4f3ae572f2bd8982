"""Every setting that an attack can have, with its bounds, and which attack has which."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Knob:
    """One key of a recipe.

    Parameters
    ----------
    kind : type
        ``int``, ``float``, ``bool``, ``str``, ``list`` (of the choices) or ``dict`` (of further keys).
    meaning : str
        What it does, for the user.
    example : object
        A value to paste.
    low, high : float, optional
        Smallest and largest value allowed.
    low_excluded : bool
        Whether `low` itself is forbidden.
    choices : tuple of str
        The values allowed, where they can be listed.
    nullable : bool
        Whether ``null`` (no limit, or none) is allowed.
    keys : mapping of str to Knob, optional
        The keys of a ``dict``, all of which must be there.
    """

    kind: type
    meaning: str
    example: object
    low: float | None = None
    high: float | None = None
    low_excluded: bool = False
    choices: tuple[str, ...] = ()
    nullable: bool = False
    keys: "dict[str, Knob] | None" = None


SENTENCE_ENCODER_KEYS: dict[str, Knob] = {
    "model": Knob(str, "name under `sentence_encoders`", "sentences"),
    "min_similarity": Knob(float, "least similarity of the texts", 0.8, low=-1, high=1),
    "metric": Knob(str, "cosine, or 1 - angle / pi", "cosine", choices=("cosine", "angular")),
    "compared_with": Knob(
        str, "the original text, or the one before the last change", "original", choices=("original", "last")
    ),
    "window": Knob(int, "words around the change that are compared; null: all", None, low=1, nullable=True),
    "skip_shorter": Knob(bool, "let texts of fewer words than the window pass", False),
}

EDITS = ("swap", "substitute", "delete", "insert")

RECIPE_KEYS: dict[str, Knob] = {
    "kind": Knob(
        str,
        "the attack",
        "bert-attack",
        choices=("bert-attack", "bert-attack-authors", "bae", "deepwordbug", "textfooler"),
    ),
    "masked_lm": Knob(str, "name under `masked_lms` of the model that proposes the words", "world-lm"),
    "edits": Knob(
        list,
        "which edits of one character are tried: two neighbours swapped, one substituted, deleted, inserted",
        ["swap", "substitute", "delete", "insert"],
        choices=EDITS,
    ),
    "max_candidates": Knob(int, "K: proposals per word", 48, low=1, high=1000),
    "max_words_changed": Knob(
        float,
        "share of the words that may change; null: all",
        0.4,
        low=0,
        high=1,
        low_excluded=True,
        nullable=True,
    ),
    "max_edit_distance": Knob(
        int,
        "most edits (Levenshtein distance) from the original; null: no limit",
        30,
        low=1,
        nullable=True,
    ),
    "min_confidence": Knob(
        float, "least probability of a proposal (of each piece) under the masked LM", 0.0, low=0, high=1
    ),
    "min_score": Knob(
        float,
        "least score (logit) of a proposal for a word of one piece; 0: no limit",
        0.0,
        low=0,
        high=1000,
    ),
    "skip_stopwords": Knob(bool, "leave English function words alone", True),
    "skip_stopword_candidates": Knob(bool, "propose no English function words", False),
    "skip_special_tokens": Knob(bool, "propose no special tokens such as [UNK]", False),
    "subword_candidates": Knob(
        int, "proposals per piece of a word of several pieces; null: K", None, low=1, high=1000, nullable=True
    ),
    "subword_combinations": Knob(
        int, "combinations of pieces looked at; null: until K are found", None, low=1, nullable=True
    ),
    "subword_order": Knob(
        str,
        "order of the combinations: as they are enumerated, or by the masked LM's perplexity of the pieces",
        "enumeration",
        choices=("enumeration", "perplexity"),
    ),
    "subword_max_pieces": Knob(
        int, "words of more pieces are left alone; null: no limit", None, low=1, nullable=True
    ),
    "subword_pieces_used": Knob(int, "of a longer word only so many first pieces are combined", 12, low=1),
    "importance": Knob(
        str,
        "how a word's importance is found: replace it by the victim's unknown token, or delete it",
        "unk",
        choices=("unk", "delete"),
    ),
    "score_last_word": Knob(bool, "find the importance of the last word too, so that it can change", False),
    "keep_last_tried": Knob(
        bool, "where no proposal helps, leave the last one tried in the text, uncounted", True
    ),
    "word_vectors": Knob(
        str, "file of word vectors, best counter-fitted ones; null: none", None, nullable=True
    ),
    "min_word_similarity": Knob(
        float,
        "least cosine of the vectors of a word and its proposal, where both have one",
        0.4,
        low=-1,
        high=1,
    ),
    "pos_tagger": Knob(
        str,
        "folder with NLTK's English tagger: a noun or verb becomes a noun or verb, any other word one of its "
        "own part of speech; null: any word",
        None,
        nullable=True,
    ),
    "sentence_encoder": Knob(
        dict,
        "reject texts whose meaning has moved, by a sentence encoder; null: none",
        None,
        nullable=True,
        keys=SENTENCE_ENCODER_KEYS,
    ),
    "query_budget": Knob(int, "most queries per example; null: no limit", None, low=1, nullable=True),
    "max_seconds": Knob(
        float,
        "most seconds per example; null: no limit. With a limit the results depend on the machine",
        None,
        low=0,
        low_excluded=True,
        nullable=True,
    ),
    "max_masked_lm_length": Knob(int, "longest input of the masked LM, in tokens", 512, low=8, high=8192),
    "batch_size": Knob(
        int,
        "texts of the longest length per forward pass of the victim, and as many more of shorter ones",
        64,
        low=1,
        high=4096,
    ),
    "screening": Knob(
        str,
        "a first look at the texts in bf16, after which full precision decides wherever it could differ; "
        "faster only where the hardware has bf16 units",
        "none",
        choices=("none", "bf16"),
    ),
}

_COMMON = ("kind", "skip_stopwords", "query_budget", "max_seconds", "batch_size", "screening")

# Keys in the order of RECIPE_KEYS.
KEYS_OF: dict[str, tuple[str, ...]] = {
    kind: tuple(key for key in RECIPE_KEYS if key in {*_COMMON, *keys})
    for kind, keys in {
        "bert-attack": (
            "masked_lm", "max_candidates", "max_words_changed", "min_confidence", "skip_stopword_candidates",
            "skip_special_tokens", "subword_candidates", "subword_combinations", "subword_order",
            "subword_max_pieces", "importance", "word_vectors", "min_word_similarity", "sentence_encoder",
            "max_masked_lm_length",
        ),
        "bert-attack-authors": (
            "masked_lm", "max_candidates", "max_words_changed", "min_score", "skip_stopword_candidates",
            "skip_special_tokens", "subword_candidates", "subword_combinations", "subword_pieces_used",
            "score_last_word", "keep_last_tried", "word_vectors", "min_word_similarity",
            "max_masked_lm_length",
        ),
        "bae": (
            "masked_lm", "max_candidates", "max_words_changed", "min_confidence", "importance", "pos_tagger",
            "sentence_encoder", "max_masked_lm_length",
        ),
        "deepwordbug": (
            "edits", "max_words_changed", "max_edit_distance", "importance", "sentence_encoder",
        ),
        "textfooler": (
            "max_candidates", "max_words_changed", "importance", "word_vectors", "min_word_similarity",
            "pos_tagger", "sentence_encoder",
        ),
    }.items()
}  # fmt: skip

# Keys that may be null in general, but not for these attacks.
NEEDED: dict[str, tuple[str, ...]] = {
    "textfooler": ("word_vectors",),
    "bert-attack-authors": ("subword_candidates", "subword_combinations"),
}
NEEDED_EXAMPLES = {
    "word_vectors": "vectors/counter-fitted.txt",
    "subword_candidates": 4,
    "subword_combinations": 24,
}
