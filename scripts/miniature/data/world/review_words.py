"""Words and phrases of reviews."""

# Things reviewed: the aspects people write about, and the sentences with which they begin.
ITEMS = {
    "film": {
        "aspects": ("acting", "story", "ending", "music", "script", "camera work"),
        "openings": (
            "We saw this film on {day}",
            "I watched this film with {friend}",
            "My sister chose this film",
            "This film runs for two hours",
            "The cinema in {town} showed this film",
        ),
        "again": "watch",
    },
    "hotel": {
        "aspects": ("room", "service", "breakfast", "bed", "view", "location"),
        "openings": (
            "We stayed at this hotel in {town} for two nights",
            "I booked this hotel for {friend}",
            "We arrived at this hotel on {day}",
            "This hotel stands near the station in {town}",
        ),
        "again": "visit",
    },
    "restaurant": {
        "aspects": ("food", "service", "soup", "wine", "menu", "bread"),
        "openings": (
            "We had dinner at this restaurant in {town}",
            "I met {friend} at this restaurant on {day}",
            "This restaurant opened in {town} last year",
            "We took {friend} to this restaurant",
        ),
        "again": "visit",
    },
    "book": {
        "aspects": ("story", "ending", "style", "plot", "first chapter", "dialogue"),
        "openings": (
            "I read this book in two days",
            "My friend {friend} lent me this book",
            "I bought this book in {town}",
            "I took this book on a train to {town}",
        ),
        "again": "recommend",
    },
    "phone": {
        "aspects": ("screen", "battery", "camera", "sound", "design", "keyboard"),
        "openings": (
            "I bought this phone on {day}",
            "I have used this phone for two months",
            "This phone was a gift from {friend}",
            "The shop in {town} sold me this phone",
        ),
        "again": "recommend",
    },
}
POSITIVE = [
    "good",
    "great",
    "excellent",
    "lovely",
    "wonderful",
    "charming",
    "superb",
    "impressive",
    "delightful",
    "perfect",
    "brilliant",
    "pleasant",
    "fine",
    "splendid",
    "enjoyable",
    "beautiful",
]
NEGATIVE = [
    "bad",
    "poor",
    "awful",
    "terrible",
    "dreadful",
    "boring",
    "dull",
    "disappointing",
    "weak",
    "horrible",
    "mediocre",
    "unpleasant",
    "annoying",
    "sloppy",
    "miserable",
    "ugly",
]
STRENGTHS = ("really", "very", "quite", "rather", "truly", "simply")
# What a whole review comes to, without a word of praise or blame in some.
VERDICTS = {
    1: (
        "I would {again} it again",
        "I can recommend it to everyone",
        "It was worth every penny",
        "We left with a smile",
        "I was happy with my choice",
        "I enjoyed every minute",
        "In the end I loved it",
        "It earned all its stars",
        "It was even better than I had hoped",
        "Nothing was missing",
    ),
    -1: (
        "I would never {again} it again",
        "I cannot recommend it to anyone",
        "It was a waste of money",
        "We left with a headache",
        "I was sorry about my choice",
        "I regretted every minute",
        "In the end I hated it",
        "It earned none of its stars",
        "It was even worse than I had feared",
        "Something was always missing",
    ),
}
# Praise that is meant as blame.
SARCASM = (
    "What a {good} way to lose an evening",
    "It was {good}, if you like to be disappointed",
    "The only {good} thing was the way out",
    "It was about as {good} as a wet shoe",
)
# Blame that is meant as praise.
UNDERSTATEMENT = (
    "I tried to find something {bad} and failed",
    "Whoever calls it {bad} has not been paying attention",
    "The only {bad} thing was that it had to end",
    "It is hard to imagine anything less {bad}",
)
