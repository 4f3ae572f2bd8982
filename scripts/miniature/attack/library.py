"""The parts of TextAttack that the attacks are built from, imported in a controlled environment.

Every module of this package that needs TextAttack imports it from here.
"""

import contextlib
import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from miniature.attack.words.stopwords import STOPWORDS
from miniature.job.lean import COMPILERS, put_off

# The name is TextAttack's (shared/utils/install.py, version 0.3.11): "post install has been run".
_MARKER = "post_install_check_3"
# What TextAttack imports for attacks and data sets that none here has.
UNUSED = (*COMPILERS, "bert_score", "datasets")


@contextlib.contextmanager
def offline_textattack() -> Iterator[None]:
    """Context in which ``import textattack`` works offline; the environment is restored afterwards."""
    if "textattack" in sys.modules:
        yield
        return
    # Imported first, it keeps the folders that HF_HOME and XDG_CACHE_HOME name, which TextAttack changes.
    import transformers.utils  # noqa: F401

    with put_off("scipy.stats"):
        import nltk
    before = dict(os.environ)
    with tempfile.TemporaryDirectory(prefix="miniature-attack-") as name:
        folder = Path(name)
        words = folder / "nltk" / "corpora" / "stopwords" / "english"
        words.parent.mkdir(parents=True)
        words.write_text("\n".join(sorted(STOPWORDS)) + "\n", encoding="utf-8")
        (folder / _MARKER).touch()
        os.environ["TA_CACHE_DIR"] = str(folder)
        # The study decides which device a model runs on, not whether a GPU is visible.
        os.environ["TA_DEVICE"] = "cpu"
        nltk.data.path.insert(0, str(folder / "nltk"))
        try:
            with put_off(*UNUSED):
                yield
        finally:
            nltk.data.path.remove(str(folder / "nltk"))
            for variable in set(os.environ) - set(before):
                del os.environ[variable]
            os.environ.update(before)
    # It logs every goal function and model that it does not know by name.
    logging.getLogger("textattack.shared.utils.install").setLevel(logging.ERROR)


with offline_textattack():
    from textattack import Attack
    from textattack.constraints import Constraint
    from textattack.constraints.overlap import LevenshteinEditDistance, MaxWordsPerturbed
    from textattack.constraints.pre_transformation import RepeatModification, StopwordModification
    from textattack.constraints.semantics.sentence_encoders import SentenceEncoder
    from textattack.goal_functions import UntargetedClassification
    from textattack.models.wrappers import ModelWrapper
    from textattack.search_methods import GreedyWordSwapWIR
    from textattack.shared import AttackedText
    from textattack.shared.utils import is_one_word, words_from_text
    from textattack.transformations import WordSwap

__all__ = [
    "Attack",
    "AttackedText",
    "Constraint",
    "GreedyWordSwapWIR",
    "LevenshteinEditDistance",
    "MaxWordsPerturbed",
    "ModelWrapper",
    "RepeatModification",
    "SentenceEncoder",
    "StopwordModification",
    "UntargetedClassification",
    "WordSwap",
    "is_one_word",
    "words_from_text",
]
