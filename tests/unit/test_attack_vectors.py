"""Word vectors: read whole or refused with the line at fault; neighbors against scikit-learn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics.pairwise import cosine_similarity
from sklearn.neighbors import NearestNeighbors

from miniature.attack.words.vectors import WordVectors, check_word_vectors, read_word_vectors
from miniature.messages import StudyError


def some(n=40, dimensions=7, seed=0):
    vectors = np.random.default_rng(seed).normal(size=(n, dimensions)).astype(np.float32)
    return [f"word{i}" for i in range(n)], vectors


def test_cosines_and_neighbors_are_those_of_scikit_learn():
    words, rows = some()
    vectors = WordVectors(words, rows)
    cosine = cosine_similarity(rows.astype(np.float64))
    assert vectors.cosine("word3", "word8") == pytest.approx(cosine[3, 8])
    assert vectors.cosine("word3", "word3") == pytest.approx(1.0)
    nearest = NearestNeighbors(n_neighbors=6).fit(rows).kneighbors(rows)[1]
    for i, word in enumerate(words):
        assert vectors.nearest(word, 5) == [words[j] for j in nearest[i, 1:]]


def test_on_unit_vectors_the_nearest_have_the_highest_cosine():
    words, rows = some()
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    cosine = cosine_similarity(rows)
    np.fill_diagonal(cosine, -2)
    best = np.argsort(-cosine, axis=1)[:, :4]
    vectors = WordVectors(words, rows)
    assert all(vectors.nearest(word, 4) == [words[j] for j in best[i]] for i, word in enumerate(words))


def test_a_word_is_never_its_own_neighbor_and_ties_go_by_the_file():
    vectors = WordVectors(["a", "b", "c", "d"], [[1, 0], [1, 0], [1, 0], [0, 1]])
    assert vectors.nearest("b", 2) == ["a", "c"]
    assert vectors.nearest("b", 99) == ["a", "c", "d"]
    assert vectors.nearest("unheard", 3) == []


def test_a_vector_of_length_0_has_cosine_0():
    assert WordVectors(["a", "b"], [[0.0, 0.0], [1.0, 0.0]]).cosine("a", "b") == 0.0


@given(st.lists(st.lists(st.floats(-5, 5, width=32), min_size=3, max_size=3), min_size=2, max_size=6))
def test_cosine_is_symmetric_and_bounded(rows):
    words = [str(i) for i in range(len(rows))]
    vectors = WordVectors(words, rows)
    assert vectors.cosine("0", "1") == vectors.cosine("1", "0")
    assert abs(vectors.cosine("0", "1")) <= 1 + 1e-6


def test_text_and_archive_read_alike(tmp_path):
    words, rows = some()
    text, archive = tmp_path / "vectors.txt", tmp_path / "vectors.npz"
    lines = [" ".join([word, *map(repr, map(float, row))]) for word, row in zip(words, rows, strict=True)]
    # The first of two equal words counts; empty lines do not.
    text.write_text("\n".join([*lines, "", "word3 " + "9 " * rows.shape[1]]) + "\n", encoding="utf-8")
    np.savez(archive, words=np.array(words), vectors=rows)
    a, b = read_word_vectors(text), read_word_vectors(archive)
    assert a.cosine("word3", "word8") == b.cosine("word3", "word8")
    assert b.words == words
    assert a.nearest("word5", 3) == b.nearest("word5", 3)


BAD_TEXTS = {
    "one number less": ("a 1 2 3\nb 1 2\n", "2 numbers instead of 3", ", line 2"),
    "nan": ("a 1 2\nb 1 nan\n", "not finite", ", line 2"),
    "infinite": ("a 1 2\nb 1 1e99\n", "not finite", ", line 2"),
    "no number": ("a 1 2\nb 1 x\n", "not a number", ", line 2"),
    "a header": ("2 3\na 1 2 3\nb 1 2 3\n", "delete a first line of two counts", ", line 2"),
    "no numbers": ("a\nb\n", "0 numbers", ", line 1"),
    "empty": ("\n \n", "is empty", "vectors.txt"),
}


@pytest.mark.parametrize("name", sorted(BAD_TEXTS))
@pytest.mark.parametrize("read", [read_word_vectors, check_word_vectors])
def test_malformed_text_is_refused_with_the_line(tmp_path, name, read):
    text, what, where = BAD_TEXTS[name]
    path = tmp_path / "vectors.txt"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(StudyError) as caught:
        read(path)
    assert what in caught.value.what
    assert caught.value.where.endswith(where)


def test_a_mistake_far_down_is_found_when_read(tmp_path):
    path = tmp_path / "vectors.txt"
    path.write_text("".join(f"w{i} 1 2\n" for i in range(500)) + "last 1\n", encoding="utf-8")
    check_word_vectors(path)
    with pytest.raises(StudyError) as caught:
        read_word_vectors(path)
    assert caught.value.where.endswith("line 501")


def test_other_files_are_refused(tmp_path):
    with pytest.raises(StudyError, match="no file of word vectors") as caught:
        read_word_vectors(tmp_path / "none.txt", where="recipes: a: word_vectors")
    assert caught.value.where == "recipes: a: word_vectors"
    for name in ("words.pickle", "words.p", "words.npy", "words.bin"):
        (tmp_path / name).write_bytes(b"\x80\x04K\x01.")
        with pytest.raises(StudyError, match="may contain code"):
            read_word_vectors(tmp_path / name)
    (tmp_path / "binary.txt").write_bytes(b"a \xff\xfe 1\n")
    with pytest.raises(StudyError, match="not text"):
        read_word_vectors(tmp_path / "binary.txt")


class Bomb:
    def __reduce__(self):
        return (pytest.fail, ("a pickle was loaded",))


ARCHIVES = {
    "objects": {"words": np.array([Bomb(), "b"], dtype=object), "vectors": np.ones((2, 2))},
    "no words": {"vectors": np.ones((2, 2))},
    "too few words": {"words": np.array(["a"]), "vectors": np.ones((2, 2))},
    "one dimension": {"words": np.array(["a", "b"]), "vectors": np.ones(2)},
    "nan": {"words": np.array(["a", "b"]), "vectors": np.array([[1.0, np.nan], [0.0, 1.0]])},
    "numbers for words": {"words": np.arange(2), "vectors": np.ones((2, 2))},
}


@pytest.mark.parametrize("name", sorted(ARCHIVES))
def test_malformed_archives_are_refused(tmp_path, name):
    np.savez(tmp_path / "v.npz", **ARCHIVES[name])
    with pytest.raises(StudyError, match="cannot be read"):
        read_word_vectors(tmp_path / "v.npz")


def test_a_torn_archive_is_refused(tmp_path):
    words, rows = some()
    np.savez(tmp_path / "v.npz", words=np.array(words), vectors=rows)
    whole = (tmp_path / "v.npz").read_bytes()
    (tmp_path / "v.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(StudyError, match="cannot be read"):
        read_word_vectors(tmp_path / "v.npz")
