"""A small world of people, places, companies and things, and three kinds of text about it."""

import pandas as pd

from miniature.data.world.encyclopedia import ENCYCLOPEDIA
from miniature.data.world.news import NEWS
from miniature.data.world.passages import build_questions
from miniature.data.world.reviews import build_reviews
from miniature.messages import StudyError

DOMAINS = ("encyclopedia", "news", "reviews")


def build_world_table(domain: str, split: str, examples: int, *, seed: int) -> pd.DataFrame:
    """Generate one split of one of the world's datasets."""
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
