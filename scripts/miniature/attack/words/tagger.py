"""Parts of speech from NLTK's English tagger, supplied by the user: three JSON files, no code."""

import functools
import json
import os
from pathlib import Path

from miniature.messages import StudyError

NAME = "averaged_perceptron_tagger_eng"
FILES = tuple(f"{NAME}.{part}.json" for part in ("weights", "tagdict", "classes"))

# The Penn Treebank's tags in the universal tagset of Petrov, Das and McDonald (2012); others are X.
_UNIVERSAL = {
    tag: universal
    for universal, tags in {
        "VERB": "MD VB VBD VBG VBN VBP VBZ",
        "NOUN": "NN NNP NNPS NNS",
        "PRON": "PRP PRP$ WP WP$",
        "ADJ": "JJ JJR JJS",
        "ADV": "RB RBR RBS WRB",
        "ADP": "IN",
        "CONJ": "CC",
        "DET": "DT EX PDT WDT",
        "NUM": "CD",
        "PRT": "POS RP TO",
        ".": "# $ '' `` ( ) , . : -LRB- -RRB-",
    }.items()
    for tag in tags.split()
}


class Tagger:
    """Tags lists of words.

    Parameters
    ----------
    folder : path
        With the three files of NLTK's download ``averaged_perceptron_tagger_eng``.
    where : str
        The configuration key, for messages.

    Raises
    ------
    StudyError
        A file is missing or damaged.
    """

    def __init__(self, folder: str | os.PathLike, *, where: str = "pos_tagger"):
        from nltk.tag.perceptron import PerceptronTagger

        check_tagger(folder, where=where)
        parts = [_read(Path(folder) / file) for file in FILES]
        if [type(part) for part in parts] != [dict, dict, list]:
            raise StudyError("The tagger's files are not those of NLTK.", where=str(folder))
        self._tagger = PerceptronTagger(load=False)
        self._tagger.decode_json_params(parts)
        self._tags = functools.lru_cache(maxsize=2**14)(self._tag)

    def __call__(self, words: list[str]) -> tuple[str, ...]:
        """Universal tags, one for each word."""
        return self._tags(tuple(words))

    def _tag(self, words: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(_UNIVERSAL.get(tag, "X") for _, tag in self._tagger.tag(list(words)))


def check_tagger(folder: str | os.PathLike, *, where: str = "pos_tagger") -> None:
    """Check that a folder has the tagger's files.

    Raises
    ------
    StudyError
        One is missing.
    """
    missing = [file for file in FILES if not (Path(folder) / file).is_file()]
    if missing:
        raise StudyError(
            f"The folder of the part-of-speech tagger has no {missing[0]}: {folder}.",
            where=where,
            fix=f"pos_tagger: nltk_data/taggers/{NAME}   # python -m nltk.downloader {NAME}",
        )


def _read(file: Path) -> object:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise StudyError(
            f"The tagger cannot be read: {error}.", where=str(file), fix="download NLTK's tagger again"
        ) from None
