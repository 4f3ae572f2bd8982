"""Passages: facts told in sentences, with the place of every answer, and questions about them."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from miniature.data.world.draw import Draw
from miniature.data.world.facts import POOLS, Relation
from miniature.messages import StudyError

# Tenths of all subjects that may be the main subject of a passage of a split. No main subject is shared, so
# no passage can be: a test passage is mainly about someone no training passage was mainly about, whatever the
# seeds. A second subject comes from anywhere.
SPLIT_TENTHS = {
    "train": range(0, 7),
    "calibration": range(7, 8),
    "validation": range(8, 9),
    "test": range(9, 10),
}

# The first part of a training table is short passages: a model first learns where an answer stands.
SHORT_SHARE = 0.5
QUESTIONS_PER_PASSAGE = 3
UNANSWERABLE_SHARE = 1 / 3
# Of the unanswerable questions: told of the other subject only; asked about a stranger; the rest is told of
# nobody.
OTHER_SHARE, STRANGER_SHARE = 0.2, 0.15
# How often the second subject is told something that the main subject is told too. Then the words of the
# question do not find the answer, and a reader must look at whose it is.
SAME_RELATION = 0.25


@dataclass(frozen=True)
class Subject:
    """Whom a passage is about: its name and the words that may stand for it."""

    kind: str
    name: str
    short: str
    pronouns: tuple[str, str, str]  # she, her, her


@dataclass(frozen=True)
class Fact:
    """An answer: whose it is, which relation, and where it is in the passage."""

    subject: Subject
    relation: Relation
    value: str
    start: int


@dataclass(frozen=True)
class Domain:
    """A kind of text.

    Attributes
    ----------
    name : str
        Name of the domain.
    relations : mapping of str to sequence of Relation
        What can be told, by kind of subject.
    fillers : mapping of str to sequence of str
        Sentences that tell no fact, by kind of subject.
    make_subject : callable
        ``(draw, kind) -> Subject``.
    make_person : callable
        ``(draw) -> str``, the name of a person who is an answer.
    make_opening : callable
        ``(draw) -> str``, what stands before the first sentence.
    facts : int
        Facts told of the main subject of a full passage, or one more.
    second_subject : float
        Probability of a second subject of the same kind, which makes a reader look whose fact it is.
    """

    name: str
    relations: Mapping[str, Sequence[Relation]]
    fillers: Mapping[str, Sequence[str]]
    make_subject: Callable[[Draw, str], Subject]
    make_person: Callable[[Draw], str]
    make_opening: Callable[[Draw], str]
    facts: int
    second_subject: float


@dataclass
class Passage:
    """A text being written, and the facts told in it so far."""

    main: Subject
    text: str = ""
    facts: list[Fact] = field(default_factory=list)
    used: set[str] = field(default_factory=set)

    def add(self, sentence: str) -> int:
        """Append a sentence (capital and full stop are added) and return the place where it begins."""
        if self.text:
            self.text += " "
        start = len(self.text)
        self.text += sentence[0].upper() + sentence[1:] + "."
        return start

    def tell(self, draw: Draw, subject: Subject, relation: Relation, form: str, make_person) -> None:
        """Append a statement of one fact, with an answer that no other fact of the passage has."""
        value = ""
        while not value or value in self.used:
            value = make_person(draw) if relation.values == "person" else draw.pick(POOLS[relation.values])
        self.used.add(value)
        before, after = draw.pick(relation.statements).split("{v}")
        forms = subject_forms(subject, form)
        before, after = before.format(**forms), after.format(**forms)
        start = self.add(before + value + after) + len(before)
        shown = self.text[start : start + len(value)]  # an answer that opens a sentence has a capital
        self.facts.append(Fact(subject, relation, shown, start))


def subject_forms(subject: Subject, form: str) -> dict[str, str]:
    """Words for a subject: ``s`` (she), ``o`` (her) and ``p`` (her, possessive)."""
    if form == "pronoun":
        return dict(zip("sop", subject.pronouns, strict=True))
    name = subject.name if form == "name" else subject.short
    return {"s": name, "o": name, "p": f"{name}'" if name.endswith("s") else f"{name}'s"}


def in_split(name: str, split: str) -> bool:
    """Whether passages of a split may be about the subject of this name."""
    tenth = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big") % 10
    return tenth in SPLIT_TENTHS[split]


def check_split(split: str) -> None:
    """Raise `StudyError` for a split that has no subjects of its own."""
    if split not in SPLIT_TENTHS:
        raise StudyError(
            f"The generated world has no split {split!r}.",
            where="datasets: splits of a dataset with `format: world`",
            fix=f"one of: {', '.join(SPLIT_TENTHS)}",
        )


def write_passage(draw: Draw, domain: Domain, split: str, *, short: bool) -> Passage:
    """Write one passage."""
    kind = draw.pick(tuple(domain.relations))
    main = domain.make_subject(draw, kind)
    while not in_split(main.name, split):
        main = domain.make_subject(draw, kind)
    passage = Passage(main, used={main.name})
    relations = domain.relations[kind]
    told = draw.sample(relations, (1 if short else domain.facts) + draw.below(2))
    groups = [(main, told)]
    if draw.chance(domain.second_subject):
        second = domain.make_subject(draw, kind)
        while second.name == main.name or second.short == main.short:
            second = domain.make_subject(draw, kind)
        passage.used.add(second.name)
        theirs = draw.sample(relations, 1 if short else 1 + draw.below(2))
        if draw.chance(SAME_RELATION):
            theirs = list(dict.fromkeys([draw.pick(told), *theirs]))[: len(theirs)]
        groups.append((second, theirs))
    if draw.chance(0.3):
        groups.reverse()
    passage.text = domain.make_opening(draw)
    fillers = list(domain.fillers[kind])
    for subject, relations in groups:
        for i, relation in enumerate(relations):
            mood = draw.unit()
            form = "name" if i == 0 or mood < 0.5 else "short" if mood < 0.7 else "pronoun"
            passage.tell(draw, subject, relation, form, domain.make_person)
        if not short and draw.chance(0.3):
            filler = draw.pick(fillers)
            fillers.remove(filler)
            passage.add(filler.format(**subject_forms(subject, "pronoun")))
    return passage


def ask(draw: Draw, domain: Domain, passage: Passage) -> tuple[str, Fact | None]:
    """Ask something of a passage."""
    if not draw.chance(UNANSWERABLE_SHARE):
        fact = draw.pick(passage.facts)
        return draw.pick(fact.relation.questions).format(n=fact.subject.name), fact
    kind = passage.main.kind
    here = {fact.relation.name: fact.relation for fact in passage.facts}
    told = {(fact.subject.name, fact.relation.name) for fact in passage.facts}
    crossed = [
        (name, here[relation])
        for name in dict.fromkeys([passage.main.name, *(fact.subject.name for fact in passage.facts)])
        for relation in here
        if (name, relation) not in told
    ]
    untold = [relation for relation in domain.relations[kind] if relation.name not in here]
    mood = draw.unit()
    if crossed and mood < OTHER_SHARE:
        name, relation = draw.pick(crossed)
    elif mood < OTHER_SHARE + STRANGER_SHARE or not untold:
        name = domain.make_subject(draw, kind).name
        while name.lower() in passage.text.lower():
            name = domain.make_subject(draw, kind).name
        relation = draw.pick(list(here.values()))
    else:
        name, relation = passage.main.name, draw.pick(untold)
    return draw.pick(relation.questions).format(n=name), None


def question_rows(draw: Draw, domain: Domain, split: str, examples: int, *, short: bool) -> list[dict]:
    """Questions about fresh passages, up to three of each, in random order."""
    rows = []
    passages = 0
    while len(rows) < examples:
        passage = write_passage(draw, domain, split, short=short)
        cluster = f"{domain.name}-{split}-{'short' if short else 'passage'}-{passages:05d}"
        passages += 1
        asked = dict(ask(draw, domain, passage) for _ in range(QUESTIONS_PER_PASSAGE))
        for question, fact in asked.items():
            rows.append(
                {
                    "cluster": cluster,
                    "title": passage.main.name.removeprefix("the "),
                    "question": question,
                    "context": passage.text,
                    "answers": [fact.value] if fact else [],
                    "answer_starts": [fact.start] if fact else [],
                }
            )
    return draw.sample(rows[:examples], examples)


def build_questions(domain: Domain, split: str, examples: int, *, seed: int) -> pd.DataFrame:
    """Build one split of a domain, see `miniature.data.world.build_world_table`."""
    check_split(split)
    draw = Draw(seed, "world", domain.name, split)
    n_short = int(examples * SHORT_SHARE) if split == "train" else 0
    rows = question_rows(draw, domain, split, n_short, short=True)
    rows += question_rows(draw, domain, split, examples - n_short, short=False)
    table = pd.DataFrame(
        rows, columns=["cluster", "title", "question", "context", "answers", "answer_starts"]
    )
    table.insert(0, "id", [f"{domain.name}-{split}-{i:05d}" for i in range(len(table))])
    table["answerable"] = pd.array([len(answers) > 0 for answers in table["answers"]], dtype="boolean")
    return table
