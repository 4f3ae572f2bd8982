"""A small world of people, places, companies and things, and three kinds of text about it."""

import pandas as pd

from miniature.data.world.encyclopedia import ENCYCLOPEDIA
from miniature.data.world.news import NEWS
from miniature.data.world.passages import build_questions
from miniature.data.world.reviews import build_reviews
from miniature.messages import StudyError

DOMAINS = ("encyclopedia", "news", "reviews")


def build_world_table(domain: str, split: str, examples: int, *, seed: int) -> pd.DataFrame:
    """Generate one split of one of the world's datasets.

    Splits share no text whatever their seeds, because the subjects (for reviews, the texts) are dealt out
    to the splits by a hash of their names: a test passage is about someone no training passage is about.

    Parameters
    ----------
    domain : {"encyclopedia", "news", "reviews"}
        Articles with questions; reports with questions; reviews with labels.
    split : {"train", "calibration", "validation", "test"}
        Whose texts. A training table of questions begins with short passages: its row order is a curriculum.
    examples : int
        Rows wanted.
    seed : int
        The study's seed.

    Returns
    -------
    pandas.DataFrame
        `examples` rows. Questions: id, cluster, title, question, context, answers, answer_starts, answerable,
        a third of them unanswerable. Reviews: id, cluster, text, label ("negative" or "positive").

    Raises
    ------
    StudyError
        For an unknown domain or split, or fewer than one example.

    Examples
    --------
    >>> table = build_world_table("reviews", "test", 3, seed=0)
    >>> list(table.columns), len(table)
    (['id', 'cluster', 'text', 'label'], 3)
    """
    if domain not in DOMAINS:
        raise StudyError(
            f"The generated world has no domain {domain!r}.",
            where="datasets: domain",
            fix=f"domain: encyclopedia   # or {' or '.join(DOMAINS[1:])}",
        )
    if examples < 1:
        raise StudyError(
            f"A split of a generated dataset needs at least one example, not {examples}.",
            where=f"datasets: {domain}: splits: {split}: examples",
            fix="examples: 1000",
        )
    if domain == "reviews":
        return build_reviews(split, examples, seed=seed)
    return build_questions(NEWS if domain == "news" else ENCYCLOPEDIA, split, examples, seed=seed)
