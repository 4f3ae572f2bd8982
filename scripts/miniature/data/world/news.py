"""The news: reports with a dateline, partly about what the encyclopedia knows, in other words."""

from miniature.data.world import names
from miniature.data.world.draw import Draw
from miniature.data.world.encyclopedia import IT, person_subject
from miniature.data.world.encyclopedia import make_subject as make_known_subject
from miniature.data.world.news_facts import NEWS_RELATIONS
from miniature.data.world.passages import Domain, Subject

# Share of people and towns that the encyclopedia has too.
KNOWN_SHARE = 0.3
FILLERS = {
    "person": (
        "A spokesman declined to comment",
        "Supporters cheered outside",
        "{p} office gave no further details",
        "The hearing continues next week",
    ),
    "town": (
        "Officials gave no further details",
        "Schools will stay closed until further notice",
        "An inquiry is expected next week",
        "Roads in the region remain blocked",
    ),
    "company": (
        "Analysts had expected better news",
        "A spokesman declined to comment",
        "The unions called for talks",
        "The government said it was watching closely",
    ),
}


def make_person(draw: Draw) -> str:
    """Name of a random person in the news; first names and surnames may be known or foreign."""
    she = draw.chance(0.5)
    if draw.chance(KNOWN_SHARE):
        first = names.FIRST_NAMES_SHE if she else names.FIRST_NAMES_HE
    else:
        first = names.NEWS_FIRST_NAMES_SHE if she else names.NEWS_FIRST_NAMES_HE
    last = names.SURNAMES if draw.chance(KNOWN_SHARE) else names.NEWS_SURNAMES
    return f"{draw.pick(first)} {draw.pick(last)}"


def make_subject(draw: Draw, kind: str) -> Subject:
    """Make a random subject of a kind."""
    if kind == "person":
        name = make_person(draw)
        first = name.split()[0]
        return person_subject(name, she=first in names.FIRST_NAMES_SHE or first in names.NEWS_FIRST_NAMES_SHE)
    if kind == "town" and not draw.chance(KNOWN_SHARE):
        town = draw.pick(names.NEWS_TOWNS)
        return Subject(kind, town, town, IT)
    return make_known_subject(draw, kind)


def make_opening(draw: Draw) -> str:
    """Write a dateline."""
    return f"{draw.pick(names.DATELINES)}, {1 + draw.below(28)} {draw.pick(names.MONTHS)}."


NEWS = Domain(
    name="news",
    relations=NEWS_RELATIONS,
    fillers=FILLERS,
    make_subject=make_subject,
    make_person=make_person,
    make_opening=make_opening,
    facts=2,
    second_subject=0.5,
)
