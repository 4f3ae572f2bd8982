"""The components of an attack, by its recipe: the source of words and the constraints on texts."""

from dataclasses import dataclass

from miniature.attack.library import (
    LevenshteinEditDistance,
    RepeatModification,
    StopwordModification,
    WordSwap,
)
from miniature.attack.search.texts import MostWordsChanged
from miniature.attack.words.masked_lm import MaskedLM
from miniature.attack.words.masked_swaps import MaskedLMSwap, MaskedWordSwap
from miniature.attack.words.sentence_encoder import MeanPooledEncoder
from miniature.attack.words.stopwords import STOPWORDS
from miniature.attack.words.swaps import CharacterEdits, NearWords
from miniature.attack.words.tagger import Tagger
from miniature.attack.words.vectors import SamePartOfSpeech, WordSimilarity, WordVectors


@dataclass(frozen=True)
class Helpers:
    """Models and files besides the victim that a recipe names; each is None if it names none.

    Parameters
    ----------
    masked_lm : tuple, optional
        Model and tokenizer.
    sentence_encoder : tuple, optional
        Model and tokenizer.
    vectors : WordVectors, optional
        Of lower-case words.
    tagger : Tagger, optional
        Of parts of speech.
    """

    masked_lm: tuple | None = None
    sentence_encoder: tuple | None = None
    vectors: WordVectors | None = None
    tagger: Tagger | None = None


def build_reader(recipe: dict, helpers: Helpers, *, device: str = "cpu") -> MaskedLM | None:
    """Reader of the masked LM, for a recipe that has one."""
    if helpers.masked_lm is None:
        return None
    return MaskedLM(*helpers.masked_lm, max_length=recipe["max_masked_lm_length"], device=device)


def build_swap(recipe: dict, helpers: Helpers, reader: MaskedLM | None) -> WordSwap:
    """Transformation of a word-by-word attack: the source of its words."""
    kind = recipe["kind"]
    if kind == "bert-attack":
        return MaskedLMSwap(reader, recipe)
    if kind == "bae":
        return MaskedWordSwap(reader, recipe)
    if kind == "deepwordbug":
        return CharacterEdits(recipe["edits"])
    if kind == "textfooler":
        return NearWords(helpers.vectors, recipe["max_candidates"])
    raise ValueError(f"There is no word-by-word attack {kind!r}.")


def build_constraints(recipe: dict, helpers: Helpers, *, device: str = "cpu") -> list:
    """Constraints of a word-by-word attack, the cheap ones first."""
    # A word is never changed twice: the greedy search visits each once, even if a swap shifted the words
    # after it.
    constraints: list = [RepeatModification()]
    if recipe["skip_stopwords"]:
        # Case-sensitive, as in TextAttack: a capital at the start of a sentence does not match.
        constraints.append(StopwordModification(stopwords=STOPWORDS))
    if recipe["max_words_changed"] is not None:
        constraints.append(MostWordsChanged(recipe["max_words_changed"]))
    if recipe.get("max_edit_distance") is not None:
        constraints.append(LevenshteinEditDistance(recipe["max_edit_distance"]))
    if helpers.vectors is not None:
        constraints.append(WordSimilarity(helpers.vectors, recipe["min_word_similarity"]))
    if helpers.tagger is not None:
        constraints.append(SamePartOfSpeech(helpers.tagger))
    if helpers.sentence_encoder is not None:
        constraints.append(
            MeanPooledEncoder(*helpers.sentence_encoder, recipe["sentence_encoder"], device=device)
        )
    return constraints
