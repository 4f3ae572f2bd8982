"""What the news tells: some of the encyclopedia's relations in other words, and some of its own."""

from miniature.data.world.facts import Relation

TELLABLE = (
    Relation(
        "person",
        "prize",
        "prize",
        (
            "{s} accepted the {v} at a ceremony in the capital",
            "Judges awarded the {v} to {o} on stage",
        ),
        ("Which prize did {n} win?", "Which prize was {n} given?"),
    ),
    Relation(
        "person",
        "home",
        "any_town",
        (
            "Neighbours in {v} described {o} as a private person",
            "Reporters visited {o} at home in {v}",
        ),
        ("Where does {n} live?", "In which town does {n} live?"),
    ),
    Relation(
        "person",
        "job",
        "job",
        (
            "{s} is a former {v} and is new to politics",
            "Before the election {s} earned a living as a {v}",
        ),
        ("What did {n} work as?", "What was {n} before the election?"),
    ),
    Relation(
        "person",
        "spouse",
        "person",
        (
            "{s} and {v} married in secret last month",
            "{s} appeared in court with the lawyer of {v}",
        ),
        ("Who did {n} marry?", "Who is close to {n}?"),
    ),
    Relation(
        "person",
        "sport",
        "sport",
        (
            "{s} will play {v} for the national team",
            "An injury keeps {o} from playing {v} this season",
        ),
        ("What does {n} play?", "Which sport does {n} play?"),
    ),
    Relation(
        "person",
        "arrival",
        "weekday",
        (
            "{s} is expected to make a statement on {v}",
            "Police questioned {o} again on {v}",
        ),
        ("When will {n} speak?", "On which day was {n} in the news?"),
    ),
    Relation(
        "town",
        "mayor",
        "person",
        (
            "Mayor {v} of {o} asked residents to stay calm",
            "{v} was elected mayor of {o} in a close vote",
        ),
        ("Who is the mayor of {n}?", "Which mayor spoke in {n}?"),
    ),
    Relation(
        "town",
        "river",
        "river",
        (
            "The {v} burst its banks and flooded parts of {o}",
            "Rescue boats searched the {v} near {o}",
        ),
        ("Which river flows through {n}?", "Which river flooded {n}?"),
    ),
    Relation(
        "town",
        "population",
        "population",
        (
            "Power failed in {v} homes across {o}",
            "Police said {v} people marched through {o}",
        ),
        ("How many people live in {n}?", "How many people were out in {n}?"),
    ),
    Relation(
        "town",
        "cause",
        "cause",
        (
            "Damage from the {v} in {o} is still being counted",
            "Officials in {o} blamed the {v} on bad planning",
        ),
        ("What happened in {n}?", "What damaged {n}?"),
    ),
    Relation(
        "town",
        "injured",
        "injured",
        (
            "At least {v} people were injured in {o}",
            "Hospitals in {o} treated {v} patients overnight",
        ),
        ("How many people were injured in {n}?", "How many patients did {n} treat?"),
    ),
    Relation(
        "town",
        "landmark",
        "structure",
        (
            "Crowds gathered outside the {v} in {o}",
            "Smoke was seen above the {v} in {o}",
        ),
        ("Which building in {n} was in the news?", "What is the oldest building in {n}?"),
    ),
    Relation(
        "company",
        "head",
        "person",
        (
            "{v} resigned as chairman of {o} after the vote",
            "Investors in {o} urged {v} to step down",
        ),
        ("Who leads {n}?", "Who is chairman of {n}?"),
    ),
    Relation(
        "company",
        "seat",
        "any_town",
        (
            "{s} will close its plant in {v}",
            "Unions protested at the {v} offices of {o}",
        ),
        ("Where is the main office of {n}?", "Where did unions protest against {n}?"),
    ),
    Relation(
        "company",
        "staff",
        "staff",
        (
            "{s} plans to cut {v} jobs by spring",
            "Shares of {o} rose after it hired {v} workers",
        ),
        ("How many workers does {n} employ?", "How many jobs are at stake at {n}?"),
    ),
    Relation(
        "company",
        "product",
        "product",
        (
            "{s} recalled its {v} over safety fears",
            "Exports of {v} by {o} fell sharply",
        ),
        ("What does {n} make?", "Which goods did {n} recall?"),
    ),
    Relation(
        "company",
        "results",
        "weekday",
        (
            "{s} publishes its results on {v}",
            "Trading in shares of {o} stopped on {v}",
        ),
        ("When does {n} publish its results?", "On which day did trading in {n} stop?"),
    ),
)

NEWS_RELATIONS = {
    kind: tuple(relation for relation in TELLABLE if relation.kind == kind)
    for kind in ("person", "town", "company")
}
