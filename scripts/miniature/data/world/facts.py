"""What can be told and asked of people, towns, companies and buildings.

A statement has ``{v}`` for the answer and one of ``{s}`` (she, Clara Holt), ``{o}`` (her, Clara Holt) or
``{p}`` (her, Clara Holt's) for whom it is about. A question has ``{n}`` for the name.
"""

from dataclasses import dataclass

from miniature.data.world import names


@dataclass(frozen=True)
class Relation:
    """One kind of fact.

    Attributes
    ----------
    kind : str
        What it is told of: person, town, company or building.
    name : str
        Name of the relation.
    values : str
        Key of the pool of answers in `POOLS`, or ``person``.
    statements, questions : tuple of str
        Ways to tell it and to ask for it.
    """

    kind: str
    name: str
    values: str
    statements: tuple[str, ...]
    questions: tuple[str, ...]


POOLS = {
    "town": names.TOWNS,
    "country": names.COUNTRIES,
    "river": names.RIVERS,
    "job": names.JOBS,
    "instrument": names.INSTRUMENTS,
    "study": names.STUDIES,
    "prize": names.PRIZES,
    "product": names.PRODUCTS,
    "structure": names.BUILDINGS,
    "material": names.MATERIALS,
    "color": names.COLOURS,
    "year": names.YEARS,
    "birth_year": names.BIRTH_YEARS,
    "death_year": names.DEATH_YEARS,
    "old_year": names.OLD_YEARS,
    "population": names.POPULATIONS,
    "staff": names.STAFF,
    "height": names.HEIGHTS,
    "any_town": names.TOWNS + names.NEWS_TOWNS,
    "weekday": names.WEEKDAYS,
    "cause": names.CAUSES,
    "injured": names.INJURED,
    "sport": names.SPORTS,
}

TELLABLE = (
    Relation(
        "person",
        "birth",
        "birth_year",
        (
            "{s} was born in {v}",
            "{s} was born in the year {v}",
            "{s} was born in the winter of {v}",
        ),
        ("When was {n} born?", "In what year was {n} born?"),
    ),
    Relation(
        "person",
        "death",
        "death_year",
        (
            "{s} died in {v}",
            "{s} died in the spring of {v}",
            "{s} died after a short illness in {v}",
        ),
        ("When did {n} die?", "In what year did {n} die?"),
    ),
    Relation(
        "person",
        "childhood",
        "town",
        (
            "{s} grew up in {v}",
            "{s} grew up near {v}",
            "{s} grew up on a farm outside {v}",
        ),
        ("Where did {n} grow up?", "In which town did {n} grow up?"),
    ),
    Relation(
        "person",
        "home",
        "town",
        (
            "{s} lived in {v} for many years",
            "{s} later lived in {v}",
            "{s} lived with two sisters in {v}",
        ),
        ("Where did {n} live?", "In which town did {n} live?"),
    ),
    Relation(
        "person",
        "job",
        "job",
        (
            "{s} worked as a {v}",
            "{s} first worked as a {v}",
            "{s} worked for many years as a {v}",
        ),
        ("What did {n} work as?", "As what did {n} work?"),
    ),
    Relation(
        "person",
        "instrument",
        "instrument",
        (
            "{s} played the {v}",
            "{s} often played the {v} at home",
            "{s} played the {v} with great skill",
        ),
        ("What did {n} play?", "Which instrument did {n} play?"),
    ),
    Relation(
        "person",
        "study",
        "study",
        (
            "{s} studied {v}",
            "{s} studied {v} for three years",
            "{s} studied {v} at the university",
        ),
        ("What did {n} study?", "Which subject did {n} study?"),
    ),
    Relation(
        "person",
        "prize",
        "prize",
        (
            "{s} won the {v}",
            "{s} twice won the {v}",
            "{s} won the {v} for a famous book",
        ),
        ("What did {n} win?", "Which prize did {n} win?"),
    ),
    Relation(
        "person",
        "spouse",
        "person",
        (
            "{s} married {v}",
            "{s} married {v} in a small church",
            "{s} later married {v}",
        ),
        ("Who did {n} marry?", "Who married {n}?"),
    ),
    Relation(
        "person",
        "mentor",
        "person",
        (
            "{s} was taught by {v}",
            "{s} was taught to read by {v}",
            "{s} was first taught by {v}",
        ),
        ("Who taught {n}?", "By whom was {n} taught?"),
    ),
    Relation(
        "town",
        "river",
        "river",
        (
            "{s} lies on the river {v}",
            "The river {v} flows through {o}",
            "The river {v} divides {o} in two",
        ),
        ("Which river flows through {n}?", "On which river does {n} lie?"),
    ),
    Relation(
        "town",
        "country",
        "country",
        (
            "{s} is a small town in {v}",
            "{s} is an old town in the south of {v}",
            "{s} belongs to the country of {v}",
        ),
        ("In which country is {n}?", "To which country does {n} belong?"),
    ),
    Relation(
        "town",
        "mayor",
        "person",
        (
            "{p} mayor is {v}",
            "{p} mayor is called {v}",
            "{s} has a mayor called {v}",
        ),
        ("Who is the mayor of {n}?", "What is the mayor of {n} called?"),
    ),
    Relation(
        "town",
        "population",
        "population",
        (
            "{s} has {v} inhabitants",
            "About {v} people live in {o}",
            "{s} has a population of {v} people",
        ),
        ("How many people live in {n}?", "How many inhabitants does {n} have?"),
    ),
    Relation(
        "town",
        "fame",
        "product",
        (
            "{s} is known for its {v}",
            "{s} is best known for its {v}",
            "{s} is known in many places for its {v}",
        ),
        ("What is {n} known for?", "What is {n} best known for?"),
    ),
    Relation(
        "town",
        "origin",
        "old_year",
        (
            "{s} was founded in {v}",
            "{s} was founded by farmers in {v}",
            "{s} was founded in the year {v}",
        ),
        ("When was {n} founded?", "In what year was {n} founded?"),
    ),
    Relation(
        "town",
        "landmark",
        "structure",
        (
            "The oldest building in {o} is the {v}",
            "{p} oldest building is a {v}",
            "The oldest building in {o} is a small {v}",
        ),
        ("What is the oldest building in {n}?", "Which building is the oldest in {n}?"),
    ),
    Relation(
        "town",
        "neighbour",
        "town",
        (
            "{p} nearest neighbour is {v}",
            "The town nearest to {o} is {v}",
            "The road from {o} leads to nearby {v}",
        ),
        ("Which town is nearest to {n}?", "What is the nearest neighbour of {n}?"),
    ),
    Relation(
        "company",
        "founder",
        "person",
        (
            "{s} was founded by {v}",
            "{s} was founded by the merchant {v}",
            "{s} was founded long ago by {v}",
        ),
        ("Who founded {n}?", "By whom was {n} founded?"),
    ),
    Relation(
        "company",
        "head",
        "person",
        (
            "{s} is led by {v}",
            "{s} is now led by {v}",
            "{s} has long been led by {v}",
        ),
        ("Who leads {n}?", "By whom is {n} led?"),
    ),
    Relation(
        "company",
        "seat",
        "town",
        (
            "{s} has its main office in {v}",
            "{p} main office is in {v}",
            "The main office of {o} is in {v}",
        ),
        ("Where is the main office of {n}?", "In which town is the main office of {n}?"),
    ),
    Relation(
        "company",
        "product",
        "product",
        (
            "{s} makes {v}",
            "{s} makes {v} of high quality",
            "{s} mostly makes {v}",
        ),
        ("What does {n} make?", "Which goods does {n} make?"),
    ),
    Relation(
        "company",
        "staff",
        "staff",
        (
            "{s} employs {v} workers",
            "{s} now employs {v} people",
            "{s} employs about {v} workers",
        ),
        ("How many workers does {n} employ?", "How many people does {n} employ?"),
    ),
    Relation(
        "company",
        "start",
        "year",
        (
            "{s} was opened in {v}",
            "{s} was opened in the summer of {v}",
            "{s} was opened in the year {v}",
        ),
        ("When was {n} opened?", "In what year was {n} opened?"),
    ),
    Relation(
        "building",
        "architect",
        "person",
        (
            "{s} was designed by {v}",
            "{s} was designed by the architect {v}",
            "{s} was mostly designed by {v}",
        ),
        ("Who designed {n}?", "By whom was {n} designed?"),
    ),
    Relation(
        "building",
        "completion",
        "year",
        (
            "{s} was completed in {v}",
            "{s} was completed in the autumn of {v}",
            "{s} was completed in the year {v}",
        ),
        ("When was {n} completed?", "In what year was {n} completed?"),
    ),
    Relation(
        "building",
        "place",
        "town",
        (
            "{s} stands in the centre of {v}",
            "{s} stands in {v}",
            "{s} stands on a hill above {v}",
        ),
        ("Where does {n} stand?", "In which town does {n} stand?"),
    ),
    Relation(
        "building",
        "material",
        "material",
        (
            "{s} is built of {v}",
            "{s} is built mostly of {v}",
            "{s} is built of local {v}",
        ),
        ("What is {n} built of?", "Of which material is {n} built?"),
    ),
    Relation(
        "building",
        "height",
        "height",
        (
            "{s} is {v} metres high",
            "{s} is about {v} metres high",
            "{s} is nearly {v} metres high",
        ),
        ("How high is {n}?", "How many metres high is {n}?"),
    ),
    Relation(
        "building",
        "color",
        "color",
        (
            "{p} doors are painted {v}",
            "The doors of {o} are painted {v}",
            "{p} doors were once painted {v}",
        ),
        ("What color are the doors of {n}?", "Which color are the doors of {n} painted?"),
    ),
)

ENCYCLOPEDIA_RELATIONS = {
    kind: tuple(relation for relation in TELLABLE if relation.kind == kind)
    for kind in ("person", "town", "company", "building")
}
