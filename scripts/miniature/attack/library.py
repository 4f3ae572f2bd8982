"""The parts of TextAttack that the attacks are built from, imported in the right surroundings.

Every module of this package that needs TextAttack takes it from here.
"""

from miniature.attack.environment import offline_textattack

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
