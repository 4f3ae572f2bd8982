"""BAE, DeepWordBug and TextFooler beside TextAttack's own components."""

import random

import numpy as np
import pytest

from miniature.attack.recipe import spell_recipe
from miniature.messages import StudyError
from other_attacks import LENGTH, assert_equal, attack, load, stock, tagger_folder, vectors_file


@pytest.mark.parametrize("changes", [{}, {"max_edit_distance": 1}, {"edits": ["delete"]}])
def test_deepwordbug_equals_textattacks(other_models, other_examples, tmp_path, changes):
    from textattack.constraints.overlap import LevenshteinEditDistance
    from textattack.transformations import (
        CompositeTransformation,
        WordSwapNeighboringCharacterSwap,
        WordSwapRandomCharacterDeletion,
        WordSwapRandomCharacterInsertion,
        WordSwapRandomCharacterSubstitution,
    )

    from miniature.seeds import derive_seed

    table = attack(other_models, other_examples, tmp_path / "j", {"preset": "deepwordbug", **changes})
    parts = {
        "swap": WordSwapNeighboringCharacterSwap,
        "substitute": WordSwapRandomCharacterSubstitution,
        "delete": WordSwapRandomCharacterDeletion,
        "insert": WordSwapRandomCharacterInsertion,
    }
    wanted = changes.get("edits", list(parts))
    constraints = [LevenshteinEditDistance(changes.get("max_edit_distance", 30))]
    swap = CompositeTransformation([parts[edit]() for edit in wanted])
    theirs = stock(other_models, swap, constraints, "unk")

    def set_seeds(id):
        random.seed(derive_seed(0, "attack", id))
        np.random.seed(derive_seed(0, "attack", id))

    assert_equal(table, theirs, other_examples, before=set_seeds, least=2)


@pytest.mark.parametrize("changes", [{"max_candidates": 6}, {"max_candidates": 60, "min_confidence": 0.02}])
def test_bae_equals_textattacks(other_models, other_examples, tmp_path, changes):
    from textattack.transformations import WordSwapMaskedLM

    table = attack(
        other_models,
        other_examples,
        tmp_path / "j",
        {"preset": "bae", "masked_lm": "lm", "max_masked_lm_length": LENGTH, "query_budget": 60, **changes},
    )
    lm, tokenizer = load(other_models / "lm", "masked-lm")
    swap = WordSwapMaskedLM(
        method="bae",
        masked_language_model=lm,
        tokenizer=tokenizer,
        max_length=LENGTH,
        max_candidates=changes["max_candidates"],
        min_confidence=changes.get("min_confidence", 0.0),
    )
    assert_equal(table, stock(other_models, swap, [], "delete", 60), other_examples)


def textattack_embedding(path):
    from sklearn.neighbors import NearestNeighbors
    from textattack.shared import WordEmbedding

    from miniature.attack.words.vectors import read_word_vectors

    vectors = read_word_vectors(path)
    rows = {word: i for i, word in enumerate(vectors.words)}
    # TextAttack's own search for neighbors fails (it reads values where it wants places), so they are given.
    nearest = NearestNeighbors(n_neighbors=9).fit(vectors.vectors).kneighbors(vectors.vectors)[1]
    return WordEmbedding(vectors.vectors, rows, dict(enumerate(vectors.words)), nearest)


@pytest.mark.parametrize("tagged", [False, True])
def test_textfooler_equals_textattacks(other_models, other_examples, tmp_path, tagged):
    import nltk
    from textattack.constraints.grammaticality import PartOfSpeech
    from textattack.constraints.semantics import WordEmbeddingDistance
    from textattack.transformations import WordSwapEmbedding

    path = vectors_file(tmp_path)
    tagger = tagger_folder(tmp_path) if tagged else None
    table = attack(
        other_models,
        other_examples,
        tmp_path / "j",
        {
            "preset": "textfooler", "word_vectors": str(path), "max_candidates": 8,
            "min_word_similarity": 0.2, "pos_tagger": str(tagger) if tagged else None,
        },
    )  # fmt: skip
    embedding = textattack_embedding(path)
    constraints = [WordEmbeddingDistance(embedding=embedding, min_cos_sim=0.2)]
    if tagged:
        nltk.data.path.insert(0, str(tmp_path))
        constraints.append(PartOfSpeech(allow_verb_noun_swap=True))
    try:
        theirs = stock(other_models, WordSwapEmbedding(8, embedding), constraints, "delete")
        assert_equal(table, theirs, other_examples, least=1 if tagged else 3)
    finally:
        if tagged:
            nltk.data.path.remove(str(tmp_path))


def test_a_tagger_forbids_what_nothing_else_does(tmp_path):
    from miniature.attack.library import AttackedText
    from miniature.attack.words.tagger import Tagger
    from miniature.attack.words.vectors import SamePartOfSpeech

    constraint = SamePartOfSpeech(Tagger(tagger_folder(tmp_path)))
    text = AttackedText("the film was dull and the story truly good")
    allowed = {
        (old, new): constraint._check_constraint(text.replace_word_at_index(text.words.index(old), new), text)
        for old, new in [
            ("film", "plot"),
            ("film", "loved"),
            ("dull", "bad"),
            ("dull", "film"),
            ("truly", "sad"),
        ]
    }
    # A noun may become a noun or a verb, an adjective only an adjective, an adverb no adjective.
    assert list(allowed.values()) == [True, True, True, False, False]


def test_damaged_tagger_is_told(tmp_path):
    from miniature.attack.words.tagger import FILES, Tagger

    folder = tagger_folder(tmp_path)
    (folder / FILES[1]).write_text("{", encoding="utf-8")
    with pytest.raises(StudyError, match="cannot be read"):
        Tagger(folder)
    (folder / FILES[1]).unlink()
    with pytest.raises(StudyError, match="has no averaged_perceptron") as caught:
        Tagger(folder, where="recipes: a: pos_tagger")
    assert caught.value.where == "recipes: a: pos_tagger"


def test_time_budget_is_an_outcome_of_its_own(other_models, other_examples, tmp_path):
    recipe = {"preset": "deepwordbug", "max_seconds": 1e-9}
    table = attack(other_models, other_examples, tmp_path / "j", recipe)
    assert set(table["outcome"]) <= {"skipped", "success", "time_budget"}
    assert (table["outcome"] == "time_budget").sum() >= 10
    both = attack(other_models, other_examples, tmp_path / "k", {**recipe, "query_budget": 2})
    assert set(both["outcome"]) == {"skipped", "query_budget"}
    assert spell_recipe(recipe)["max_seconds"] == 1e-9
