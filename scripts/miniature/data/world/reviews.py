"""Reviews: opinions about aspects, with negation, contrast, concession and irony."""

import pandas as pd

from miniature.data.world import names
from miniature.data.world.draw import Draw
from miniature.data.world.passages import check_split, in_split
from miniature.data.world.review_words import (
    ITEMS,
    NEGATIVE,
    POSITIVE,
    SARCASM,
    STRENGTHS,
    UNDERSTATEMENT,
    VERDICTS,
)

# The first part of a training table is single sentences: from them negation and contrast are quickest learnt.
SHORT_SHARE = 0.3
LABELS = {1: "positive", -1: "negative"}
# An opinion agrees with the label this often; the rest is the fair-mindedness of real reviews.
AGREEMENT = 0.9
# What is said after "but" outweighs what is said before it, and a verdict outweighs both.
PLAIN, MINOR, MAJOR, VERDICT = 1.0, 0.5, 1.5, 2.0
CLEAR = 0.75
# Reviews in which the opinions do not tell which way the writer leans: no reader gets more than half of them.
TORN_SHARE = 0.04
NEGATED, CONTRAST, CONCESSION, IRONY = 0.2, 0.25, 0.12, 0.06


def opinion(draw: Draw, aspect: str, polarity: int) -> str:
    """Write a clause that praises (1) or blames (-1) an aspect."""
    if draw.chance(NEGATED):
        adjective = draw.pick(NEGATIVE if polarity > 0 else POSITIVE)
        return draw.pick(
            (
                f"the {aspect} was not {adjective}",
                f"the {aspect} was never {adjective}",
                f"the {aspect} was not at all {adjective}",
                f"nobody could call the {aspect} {adjective}",
            )
        )
    adjective = draw.pick(POSITIVE if polarity > 0 else NEGATIVE)
    strength = f"{draw.pick(STRENGTHS)} " if draw.chance(0.4) else ""
    return draw.pick(
        (f"the {aspect} was {strength}{adjective}", f"I found the {aspect} {strength}{adjective}")
    )


def opinion_sentence(draw: Draw, aspects: list[str], label: int) -> tuple[str, float]:
    """Write one sentence of opinion."""
    first = label if draw.chance(AGREEMENT) else -label
    kind = draw.unit()
    if kind < IRONY:
        if first < 0:
            return draw.pick(SARCASM).format(good=draw.pick(POSITIVE)), -PLAIN
        return draw.pick(UNDERSTATEMENT).format(bad=draw.pick(NEGATIVE)), PLAIN
    if kind < IRONY + CONTRAST and len(aspects) > 1:
        before, after = opinion(draw, aspects.pop(), -first), opinion(draw, aspects.pop(), first)
        return f"{before}, {draw.pick(('but', 'yet', 'but in return'))} {after}", first * (MAJOR - MINOR)
    if kind < IRONY + CONTRAST + CONCESSION and len(aspects) > 1:
        minor, major = opinion(draw, aspects.pop(), -first), opinion(draw, aspects.pop(), first)
        if draw.chance(0.5):
            return f"although {minor}, {major}", first * (MAJOR - MINOR)
        return f"{major}, even if {minor}", first * (MAJOR - MINOR)
    if draw.chance(0.3) and len(aspects) > 1:
        return (
            f"{opinion(draw, aspects.pop(), first)} and {opinion(draw, aspects.pop(), first)}",
            first * 2 * PLAIN,
        )
    return opinion(draw, aspects.pop(), first), first * PLAIN


def write_review(draw: Draw, label: int, *, short: bool) -> tuple[str, float]:
    """Write a review that leans one way; return it with the sum of what its sentences say."""
    item = ITEMS[draw.pick(tuple(ITEMS))]
    aspects = draw.sample(item["aspects"], len(item["aspects"]))
    sentences, score = [], 0.0
    if not short and draw.chance(0.7):
        friend = draw.pick(names.FIRST_NAMES_SHE if draw.chance(0.5) else names.FIRST_NAMES_HE)
        sentences.append(
            draw.pick(item["openings"]).format(
                day=draw.pick(names.WEEKDAYS), town=draw.pick(names.TOWNS), friend=friend
            )
        )
    for _ in range(1 if short else 1 + draw.below(3)):
        if aspects:
            sentence, weight = opinion_sentence(draw, aspects, label)
            sentences.append(sentence)
            score += weight
    if not short and draw.chance(0.45):
        polarity = label if draw.chance(0.93) else -label
        sentences.append(draw.pick(VERDICTS[polarity]).format(again=item["again"]))
        score += polarity * VERDICT
    return " ".join(sentence[0].upper() + sentence[1:] + "." for sentence in sentences), score


def build_reviews(split: str, examples: int, *, seed: int) -> pd.DataFrame:
    """Build one split of the reviews, see `miniature.data.world.build_world_table`."""
    check_split(split)
    draw = Draw(seed, "world", "reviews", split)
    rows, seen = [], set()
    n_short = int(examples * SHORT_SHARE) if split == "train" else 0
    while len(rows) < examples:
        label = 1 if draw.chance(0.5) else -1
        short = len(rows) < n_short
        torn = not short and draw.chance(TORN_SHARE)
        text, score = write_review(draw, label, short=short)
        while (abs(score) >= CLEAR) if torn else (score * label < CLEAR):
            text, score = write_review(draw, label, short=short)
        if text in seen or not in_split(text, split):
            continue
        seen.add(text)
        rows.append((text, LABELS[label]))
    table = pd.DataFrame(rows, columns=["text", "label"])
    ids = [f"reviews-{split}-{i:05d}" for i in range(len(table))]
    table.insert(0, "id", ids)
    table.insert(1, "cluster", ids)
    return table
