"""The encyclopedia: short articles about people, towns, companies and buildings."""

from miniature.data.world import names
from miniature.data.world.draw import Draw
from miniature.data.world.facts import ENCYCLOPEDIA_RELATIONS
from miniature.data.world.passages import Domain, Subject

IT = ("it", "it", "its")
FILLERS = {
    "person": (
        "Few letters of {o} have been kept",
        "{s} was fond of long walks",
        "{p} early life is not well known",
        "Many friends wrote about {o}",
        "{s} had a quiet voice and a warm smile",
    ),
    "town": (
        "Many visitors come to {o} in summer",
        "The streets of the town are narrow",
        "{p} market is held every week",
        "There are fine views from the hills",
        "The winters there are long and cold",
    ),
    "company": (
        "Business was good for a long time",
        "{p} first years were hard",
        "Many families depend on {o}",
        "{p} rivals speak well of {o}",
        "The early records of the company are lost",
    ),
    "building": (
        "Many visitors come to see {o}",
        "A storm once damaged {o}",
        "{s} is open to visitors every day",
        "There is an old story about {o}",
        "Painters have often come to draw {o}",
    ),
}


def make_person(draw: Draw) -> str:
    """Name of a random person."""
    first = names.FIRST_NAMES_SHE if draw.chance(0.5) else names.FIRST_NAMES_HE
    return f"{draw.pick(first)} {draw.pick(names.SURNAMES)}"


def make_subject(draw: Draw, kind: str) -> Subject:
    """Make a random subject of a kind."""
    if kind == "person":
        name = make_person(draw)
        return person_subject(name, she=name.split()[0] in names.FIRST_NAMES_SHE)
    if kind == "town":
        town = draw.pick(names.TOWNS)
        return Subject(kind, town, town, IT)
    if kind == "company":
        name = f"{draw.pick(names.COMPANY_FIRST)} {draw.pick(names.COMPANY_SECOND)}"
        return Subject(kind, name, name, IT)
    name = f"the {draw.pick(names.WORK_FIRST)} {draw.pick(names.WORK_SECOND)}"
    return Subject(kind, name, name, IT)


def person_subject(name: str, *, she: bool) -> Subject:
    """Make a subject of a person's name; the surname alone may stand for it."""
    return Subject("person", name, name.split()[1], ("she", "her", "her") if she else ("he", "him", "his"))


def make_opening(draw: Draw) -> str:
    """Nothing: an article begins with its first sentence."""
    return ""


ENCYCLOPEDIA = Domain(
    name="encyclopedia",
    relations=ENCYCLOPEDIA_RELATIONS,
    fillers=FILLERS,
    make_subject=make_subject,
    make_person=make_person,
    make_opening=make_opening,
    facts=3,
    second_subject=0.5,
)
