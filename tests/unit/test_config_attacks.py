"""A study whose attacks have a mistake is refused before any job, with the place and the line to paste."""

import pytest

from changed_studies import REMOVED, changed, validate, write_encoder
from miniature.attack.words.tagger import FILES
from miniature.config import plan
from miniature.config.validate import StudyErrors

RECIPES = ("characteristics", "vulnerability", "recipes")
ATTACK = (*RECIPES, "bert-attack")

CASES = {
    "no masked lm named": (
        [((*ATTACK, "masked_lm"), REMOVED)],
        ["takes its words from a masked language model", "masked_lm: words"],
    ),
    "no masked lm there": (
        [(("masked_lms",), REMOVED), ((*ATTACK, "masked_lm"), REMOVED)],
        ["names none", "masked_lms: {words: {hub: "],
    ),
    "unknown preset": (
        [((*ATTACK, "preset"), "refrence")],
        ["'preset' is 'refrence'", "must be one of", "preset: reference"],
    ),
    "key of another attack": ([((*ATTACK, "edits"), ["swap"])], ["no part of bert-attack", "remove edits"]),
    "no word vectors": (
        [(ATTACK, {"preset": "textfooler"})],
        ["textfooler needs word_vectors", "word_vectors: vectors/"],
    ),
    "word vectors that are not there": (
        [(ATTACK, {"preset": "textfooler", "word_vectors": "/nowhere/vectors.txt"})],
        ["no file of word vectors /nowhere/vectors.txt", "word_vectors: /folder/"],
    ),
    "word vectors of an unset folder": (
        [(ATTACK, {"preset": "textfooler", "word_vectors": "${NOT_SET_ANYWHERE}/vectors.txt"})],
        ["NOT_SET_ANYWHERE is not set", "export NOT_SET_ANYWHERE="],
    ),
    "similarity out of range": (
        [((*ATTACK, "min_word_similarity"), 40)],
        ["must be at most 1", "min_word_similarity: 0.4"],
    ),
    "no tagger": (
        [(ATTACK, {"preset": "bae", "masked_lm": "words", "pos_tagger": "/nowhere"})],
        ["has no averaged_perceptron_tagger_eng.weights.json", "pos_tagger: nltk_data/taggers/"],
    ),
    "a sentence encoder that is not there": (
        [((*ATTACK, "sentence_encoder"), {
            "model": "sentences", "min_similarity": 0.8, "metric": "cosine", "compared_with": "original",
            "window": None, "skip_shorter": False,
        })],
        ["names a sentence encoder, and the study has none", "sentence_encoders: {sentences: {path: "],
    ),
    "folder of a sentence encoder": (
        [(("sentence_encoders",), {"sentences": {"path": "/nowhere/sentences"}})],
        ["no model folder /nowhere/sentences"],
    ),
    "sentence encoder of two sources": (
        [(("sentence_encoders",), {"sentences": {"hub": "a/b", "path": "/nowhere"}})],
        ["needs exactly one of"],
    ),
    "masked lm for edits": (
        [(ATTACK, {"preset": "deepwordbug", "masked_lm": "words"})],
        ["no part of deepwordbug", "remove masked_lm"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_mistake_is_told_with_place_and_fix(case, tmp_path):
    edits, expected = CASES[case]
    with pytest.raises(StudyErrors) as caught:
        validate(changed(*edits), tmp_path)
    message = str(caught.value)
    for part in (*expected, "study.yaml"):
        assert part in message, message


def test_malformed_word_vectors_are_told_before_any_job(tmp_path):
    file = tmp_path / "vectors.txt"
    file.write_text("good 1 2\nfine 1 nan\n", encoding="utf-8")
    with pytest.raises(StudyErrors, match="not finite") as caught:
        validate(changed((ATTACK, {"preset": "textfooler", "word_vectors": str(file)})), tmp_path)
    assert f"{file}, line 2" in str(caught.value)
    file.write_text("good 1 2\nfine 1\n", encoding="utf-8")
    with pytest.raises(StudyErrors, match="1 numbers instead of 2"):
        validate(changed((ATTACK, {"preset": "textfooler", "word_vectors": str(file)})), tmp_path)


def test_every_attack_is_accepted_with_what_it_needs(tmp_path, monkeypatch):
    vectors, encoder, tagger = tmp_path / "v.txt", tmp_path / "encoder", tmp_path / "tagger"
    vectors.write_text("good 1 2\nfine 1 3\n", encoding="utf-8")
    write_encoder(encoder)
    tagger.mkdir()
    for file in FILES:
        (tagger / file).write_text("{}", encoding="utf-8")
    monkeypatch.setenv("MY_VECTORS", str(tmp_path))
    block = {
        "model": "sentences", "min_similarity": 0.8, "metric": "cosine", "compared_with": "original",
        "window": 15, "skip_shorter": True,
    }  # fmt: skip
    recipes = {
        "bert-attack": {"preset": "textattack-8", "masked_lm": "words", "sentence_encoder": block},
        "authors": {"preset": "reference", "masked_lm": "words", "word_vectors": "${MY_VECTORS}/v.txt"},
        "bae": {"preset": "bae", "masked_lm": "words", "pos_tagger": "${MY_VECTORS}/tagger"},
        "typos": {"preset": "deepwordbug", "max_seconds": 60},
        "synonyms": {"preset": "textfooler", "word_vectors": str(vectors), "pos_tagger": str(tagger)},
    }
    config = changed((RECIPES, recipes), (("sentence_encoders",), {"sentences": {"path": str(encoder)}}))
    found = validate(config, tmp_path)
    assert plan.attack_recipe(found, "authors")["word_vectors"] == str(vectors)
    assert plan.attack_recipe(found, "bae")["pos_tagger"] == str(tagger)
    assert plan.attack_recipe(found, "typos")["max_seconds"] == 60.0
