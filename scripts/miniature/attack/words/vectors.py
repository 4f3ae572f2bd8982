"""Word vectors supplied by the user: a plain text file or an ``.npz`` archive, never a pickle.

Counter-fitted vectors (Mrkšić et al. 2016) push antonyms apart, which ordinary vectors do not; TextFooler and
the authors' code of BERT-ATTACK use them. This project does not include them.
"""

import os
import zipfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from miniature.attack.library import AttackedText, Constraint
from miniature.attack.words.tagger import Tagger
from miniature.messages import StudyError

FORMAT = "a word and its numbers on each line, or an .npz with the arrays words and vectors"
# Enough to detect a header, another format or an incomplete first line without reading hundreds of megabytes.
LINES_LOOKED_AT = 100


class WordVectors:
    """Words and their vectors.

    Parameters
    ----------
    words : list of str
        Where a word appears twice, its first vector counts.
    vectors : array_like, shape [words, dimensions]
        Finite numbers; kept as float32.

    Examples
    --------
    >>> vectors = WordVectors(["good", "fine", "bad"], [[1.0, 0.0], [0.8, 0.6], [-1.0, 0.0]])
    >>> round(vectors.cosine("good", "fine"), 6), vectors.cosine("good", "unheard")
    (0.8, None)
    >>> vectors.nearest("good", 1)
    ['fine']
    """

    def __init__(self, words: list[str], vectors):
        self.words = list(words)
        self.vectors = np.asarray(vectors, dtype=np.float32)
        if self.vectors.ndim != 2 or len(self.words) != len(self.vectors) or not self.vectors.size:
            raise ValueError(f"{len(self.words)} words, vectors of the shape {self.vectors.shape}.")
        if not np.isfinite(self.vectors).all():
            raise ValueError("A vector contains a value that is not a number.")
        # Built in reverse, so that the first of two equal words wins.
        self._row = {self.words[i]: i for i in reversed(range(len(self.words)))}
        self._lengths = np.linalg.norm(self.vectors.astype(np.float64), axis=1)  # [words]
        self._nearest: dict[tuple[str, int], list[str]] = {}

    def cosine(self, a: str, b: str) -> float | None:
        """Cosine of two words' vectors; None where one has no vector, 0 where one has length 0."""
        if a not in self._row or b not in self._row:
            return None
        i, j = self._row[a], self._row[b]
        length = self._lengths[i] * self._lengths[j]
        product = self.vectors[i].astype(np.float64) @ self.vectors[j].astype(np.float64)
        return float(product / length) if length else 0.0

    def nearest(self, word: str, k: int) -> list[str]:
        """Words at the least Euclidean distance, nearest first, ties in the order of the file."""
        if word not in self._row:
            return []
        if (word, k) not in self._nearest:
            row = self._row[word]
            distance = np.linalg.norm(self.vectors - self.vectors[row], axis=1)  # [words]
            distance[row] = np.inf
            order = np.argsort(distance, kind="stable")[: min(k, len(distance) - 1)]
            self._nearest[word, k] = [self.words[i] for i in order]
        return self._nearest[word, k]


def read_word_vectors(path: str | os.PathLike, *, where: str = "word_vectors") -> WordVectors:
    """Read a file of word vectors."""
    path = Path(path)
    check_word_vectors(path, where=where)
    if path.suffix == ".npz":
        return _from_archive(path)
    words, rows = [], []
    for word, row in _lines(path):
        words.append(word)
        rows.append(row)
    return WordVectors(words, np.stack(rows))


def check_word_vectors(path: str | os.PathLike, *, where: str = "word_vectors") -> None:
    """Check a file of word vectors without reading all of it.

    Raises
    ------
    StudyError
        As `read_word_vectors`, for errors in the first lines.
    """
    path = Path(path)
    if not path.is_file():
        raise StudyError(
            f"There is no file of word vectors {path}.",
            where=where,
            fix="word_vectors: /folder/counter-fitted-vectors.txt",
        )
    if path.suffix in (".pickle", ".pkl", ".p", ".npy", ".bin"):
        raise StudyError(
            f"Word vectors cannot be read from a {path.suffix} file: it may contain code, or has no words.",
            where=where,
            fix=f"word_vectors: a file with {FORMAT}",
        )
    if path.suffix == ".npz":
        _open_archive(path).close()
    elif not list(islice(_lines(path), LINES_LOOKED_AT)):
        raise StudyError("The file of word vectors is empty.", where=str(path), fix=FORMAT)


def _lines(path: Path) -> Iterator[tuple[str, np.ndarray]]:
    """Words with their vectors, line by line."""
    dimensions = None
    with path.open(encoding="utf-8") as file:
        numbered = enumerate(file, 1)
        while True:
            try:
                number, line = next(numbered)
            except StopIteration:
                return
            except UnicodeDecodeError as error:
                raise _malformed(path, None, f"it is not text: {error.reason}") from None
            if not line.strip():
                continue
            word, *numbers = line.split()
            try:
                with np.errstate(over="ignore"):  # told below
                    row = np.array(numbers, dtype=np.float32)
            except ValueError:
                raise _malformed(path, number, "something after the word is not a number") from None
            if not np.isfinite(row).all():
                raise _malformed(path, number, "a number is not finite")
            dimensions = len(row) if dimensions is None else dimensions
            if not len(row) or len(row) != dimensions:
                also = "; delete a first line of two counts" if dimensions == 1 else ""
                raise _malformed(path, number, f"{len(row)} numbers instead of {dimensions}{also}")
            yield word, row


def _malformed(path: Path, line: int | None, why: str) -> StudyError:
    place = f"{path}, line {line}" if line else str(path)
    return StudyError(f"The word vectors cannot be read: {why}.", where=place, fix=f"give {FORMAT}")


def _open_archive(path: Path) -> np.lib.npyio.NpzFile:
    try:
        archive = np.load(path, allow_pickle=False)
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise _malformed(path, None, str(error)) from None
    missing = {"words", "vectors"} - set(archive.files)
    if missing:
        raise _malformed(path, None, f"it has no array {' and '.join(sorted(missing))}")
    return archive


def _from_archive(path: Path) -> WordVectors:
    with _open_archive(path) as archive:
        try:
            words, vectors = archive["words"], archive["vectors"]
        except (ValueError, OSError, zipfile.BadZipFile) as error:
            raise _malformed(path, None, str(error)) from None
    if words.dtype.kind != "U" or words.ndim != 1 or vectors.dtype.kind not in "fiu":
        raise _malformed(path, None, "words must be texts and vectors numbers")
    try:
        return WordVectors(words.tolist(), vectors)
    except ValueError as error:
        raise _malformed(path, None, str(error).rstrip(".")) from None


class WordSimilarity(Constraint):
    """Require a minimum cosine of the new word's and the original word's vectors; a word without one passes.

    Parameters
    ----------
    vectors : WordVectors
        Of lower-case words.
    least : float
        Minimum cosine.
    """

    def __init__(self, vectors: WordVectors, least: float):
        super().__init__(compare_against_original=True)
        self.vectors = vectors
        self.least = least

    def _check_constraint(self, transformed_text: AttackedText, reference_text: AttackedText) -> bool:
        for index in transformed_text.attack_attrs["newly_modified_indices"]:
            # A swap that split one word into two shifts the words after it: the original word here is
            # unknown.
            if index >= min(len(reference_text.words), len(transformed_text.words)):
                return False
            old, new = reference_text.words[index], transformed_text.words[index]
            cosine = self.vectors.cosine(old.lower(), new.lower())
            if cosine is not None and cosine < self.least:
                return False
        return True


class SamePartOfSpeech(Constraint):
    """Require the part of speech of the original word; a noun may become a verb and vice versa.

    Both words are tagged within a window of four words before and three after, as in TextAttack's
    ``PartOfSpeech``. As there, a word that occurs more than once in this window gets the tag of its first
    occurrence.

    Parameters
    ----------
    tagger : Tagger
        Gives universal tags.
    """

    def __init__(self, tagger: Tagger):
        super().__init__(compare_against_original=True)
        self.tagger = tagger

    def _check_constraint(self, transformed_text: AttackedText, reference_text: AttackedText) -> bool:
        words = reference_text.words
        for index in transformed_text.attack_attrs["newly_modified_indices"]:
            if index >= min(len(words), len(transformed_text.words)):
                return False
            before, after = words[max(index - 4, 0) : index], words[index + 1 : index + 4]
            tags = [self._tag(before, word, after) for word in (words[index], transformed_text.words[index])]
            if tags[0] != tags[1] and set(tags) != {"NOUN", "VERB"}:
                return False
        return True

    def _tag(self, before: list[str], word: str, after: list[str]) -> str:
        window = [*before, word, *after]
        return self.tagger(window)[window.index(word)]
