"""The generated world: honest splits, exact answers, words that a small vocabulary can hold."""

import re
from collections import Counter

import pytest

from miniature.data.world import build_world_table, names
from miniature.data.world.draw import Draw
from miniature.data.world.encyclopedia import ENCYCLOPEDIA
from miniature.data.world.facts import ENCYCLOPEDIA_RELATIONS
from miniature.data.world.news import NEWS
from miniature.data.world.news_facts import NEWS_RELATIONS
from miniature.data.world.passages import SPLIT_TENTHS, ask, in_split, write_passage
from miniature.data.world.review_words import NEGATIVE, POSITIVE
from miniature.data.world.reviews import LABELS, opinion
from miniature.messages import StudyError

QUESTION_DOMAINS = ("encyclopedia", "news")


@pytest.fixture(scope="module")
def tables():
    sizes = {"train": 3000, "calibration": 400, "test": 600}
    return {
        (domain, split): build_world_table(domain, split, size, seed=0)
        for domain in (*QUESTION_DOMAINS, "reviews")
        for split, size in sizes.items()
    }


@pytest.mark.parametrize("domain", QUESTION_DOMAINS)
def test_questions_have_the_contract_columns_and_exact_answers(tables, domain):
    table = tables[domain, "test"]
    assert list(table.columns) == [
        "id",
        "cluster",
        "title",
        "question",
        "context",
        "answers",
        "answer_starts",
        "answerable",
    ]
    assert table["id"].is_unique
    assert len(table) == 600
    for row in table.itertuples():
        assert row.answerable == (len(row.answers) == 1)
        for answer, start in zip(row.answers, row.answer_starts, strict=True):
            assert row.context[start : start + len(answer)] == answer
            # A span that tokenisation can find: it begins and ends at the border of a word.
            assert not re.match(r"\w", row.context[start - 1 : start] or " ")
            assert not re.match(r"\w", row.context[start + len(answer)])


@pytest.mark.parametrize("domain", QUESTION_DOMAINS)
def test_a_third_is_unanswerable(tables, domain):
    assert 0.60 < tables[domain, "train"]["answerable"].mean() < 0.72


@pytest.mark.parametrize("domain", QUESTION_DOMAINS)
def test_one_cluster_is_one_passage(tables, domain):
    table = tables[domain, "test"]
    assert (table.groupby("cluster")["context"].nunique() == 1).all()
    assert (table.groupby("context")["cluster"].nunique() == 1).mean() > 0.99
    assert 1.5 < len(table) / table["cluster"].nunique() <= 3


@pytest.mark.parametrize("domain", QUESTION_DOMAINS)
@pytest.mark.parametrize("seed", [0, 1])
def test_no_text_and_no_subject_is_shared_between_splits(tables, domain, seed):
    test = build_world_table(domain, "test", 600, seed=seed)
    for other in ("train", "calibration"):
        assert not set(test["context"]) & set(tables[domain, other]["context"])
        assert not set(test["title"]) & set(tables[domain, other]["title"])


def test_no_review_is_written_twice(tables):
    texts = [text for split in ("train", "calibration", "test") for text in tables["reviews", split]["text"]]
    assert len(texts) == len(set(texts))


def test_splits_cover_all_subjects_once():
    tenths = [tenth for part in SPLIT_TENTHS.values() for tenth in part]
    assert sorted(tenths) == list(range(10))
    for name in names.TOWNS:
        assert sum(in_split(name, split) for split in SPLIT_TENTHS) == 1


@pytest.mark.parametrize("domain", [*QUESTION_DOMAINS, "reviews"])
def test_same_seed_same_table_other_seed_another(domain):
    one = build_world_table(domain, "test", 50, seed=3)
    assert one.equals(build_world_table(domain, "test", 50, seed=3))
    assert not one.equals(build_world_table(domain, "test", 50, seed=4))


def test_a_training_table_begins_with_short_texts(tables):
    for domain, column, half in (("encyclopedia", "context", 1500), ("reviews", "text", 900)):
        words = tables[domain, "train"][column].str.split().str.len()
        assert words[:half].mean() < 0.6 * words[half:].mean()
        # Shuffled within each part: no curriculum beyond the one intended.
        for part in (words[:half], words[half:]):
            middle = len(part) // 2
            assert abs(part.iloc[:middle].mean() - part.iloc[middle:].mean()) < 2
    # What is measured is never short by design.
    assert tables["encyclopedia", "test"]["context"].str.split().str.len().mean() > 25


@pytest.mark.parametrize("domain", QUESTION_DOMAINS)
def test_unanswerable_questions_are_plausible(tables, domain):
    """Each has its subject or its relation's words in the passage; most have the subject."""
    table = tables[domain, "test"]
    unanswerable = table[~table["answerable"]]
    about_main = [
        title in question for title, question in zip(unanswerable.title, unanswerable.question, strict=True)
    ]
    assert 0.4 < sum(about_main) / len(about_main) < 0.95


def test_an_answer_is_told_once(tables):
    """No second place in the passage holds the gold answer, so exact match is a fair test of the place."""
    answerable = tables["encyclopedia", "test"].query("answerable")
    found = [
        len(re.findall(rf"\b{re.escape(answers[0])}\b", context))
        for answers, context in zip(answerable["answers"], answerable["context"], strict=True)
    ]
    assert sum(n == 1 for n in found) / len(found) > 0.99


@pytest.mark.parametrize("domain", [ENCYCLOPEDIA, NEWS], ids=QUESTION_DOMAINS)
def test_a_question_is_answerable_exactly_if_its_fact_is_told(domain):
    draw = Draw(0, "test", "ask")
    for _ in range(1500):
        passage = write_passage(draw, domain, "test", short=False)
        question, fact = ask(draw, domain, passage)
        told = {q.format(n=f.subject.name): f for f in passage.facts for q in f.relation.questions}
        assert told.get(question) == fact
        # Nothing is told twice, so no question has two answers.
        assert len({(f.subject.name, f.relation.name) for f in passage.facts}) == len(passage.facts)


def test_news_shares_relations_but_not_words_with_the_encyclopedia(tables):
    known = {(r.kind, r.name) for relations in ENCYCLOPEDIA_RELATIONS.values() for r in relations}
    news = {(r.kind, r.name) for relations in NEWS_RELATIONS.values() for r in relations}
    assert 5 <= len(known & news) < len(news)
    statements = {s for rs in ENCYCLOPEDIA_RELATIONS.values() for r in rs for s in r.statements}
    assert not statements & {s for rs in NEWS_RELATIONS.values() for r in rs for s in r.statements}


def test_relations_can_be_formatted():
    for relations in (*ENCYCLOPEDIA_RELATIONS.values(), *NEWS_RELATIONS.values()):
        for relation in relations:
            for statement in relation.statements:
                assert statement.count("{v}") == 1
                assert len(re.findall(r"\{[sop]\}", statement)) == 1
            assert all(question.count("{n}") == 1 for question in relation.questions)


def test_no_name_is_of_two_kinds():
    """The kind of an answer can be told from the answer."""
    lists = [
        value
        for key, value in vars(names).items()
        if key.isupper() and key not in ("BIRTH_YEARS", "DEATH_YEARS", "POPULATIONS", "STAFF", "HEIGHTS")
    ]
    counts = Counter(word.lower() for words in lists for word in set(words))
    assert [word for word, n in counts.items() if n > 1] == []


def test_reviews_are_balanced_and_varied(tables):
    table = tables["reviews", "train"]
    assert list(table.columns) == ["id", "cluster", "text", "label"]
    assert 0.45 < (table["label"] == "positive").mean() < 0.55
    assert set(table["label"]) == set(LABELS.values())
    words = table["text"].str.split().str.len()
    assert words.min() >= 3
    assert words.max() <= 64
    assert table["text"].str.contains(" but | yet |lthough| even if ").mean() > 0.25
    assert table["text"].str.contains(r"\bnot |\bnever |obody ").mean() > 0.25


def test_counting_words_of_praise_is_not_enough(tables):
    """The label follows the opinions, but negation and contrast keep a count of words well below 100 %."""
    table = tables["reviews", "train"]

    def count(text):
        found = re.findall(r"\w+", text.lower())
        return sum(word in POSITIVE for word in found) - sum(word in NEGATIVE for word in found)

    right = [
        (count(text) > 0) == (label == "positive")
        for text, label in zip(table.text, table.label, strict=True)
    ]
    assert 0.6 < sum(right) / len(right) < 0.85


@pytest.mark.parametrize("polarity", [1, -1])
def test_negation_turns_the_adjective(polarity):
    draw = Draw(0, "test")
    for _ in range(200):
        clause = opinion(draw, "soup", polarity)
        negated = any(word in clause for word in (" not ", " never ", "nobody "))
        adjective = next(word for word in (*POSITIVE, *NEGATIVE) if re.search(rf"\b{word}\b", clause))
        assert (adjective in POSITIVE) == ((polarity > 0) != negated)


def test_draw_is_uniform_and_samples_without_replacement():
    draw = Draw(0, "test", "uniform")
    counts = Counter(draw.pick("abcd") for _ in range(8000))
    assert all(1800 < n < 2200 for n in counts.values())
    sample = draw.sample(range(10), 4)
    assert len(set(sample)) == 4
    assert sorted(draw.sample(range(5), 9)) == [0, 1, 2, 3, 4]


def test_words_fit_a_small_vocabulary(tables):
    texts = list(tables["reviews", "train"]["text"])
    for domain in QUESTION_DOMAINS:
        texts += [*tables[domain, "train"]["context"], *tables[domain, "train"]["question"]]
    assert len(set(re.findall(r"\w+", " ".join(texts).lower()))) < 1800


@pytest.mark.parametrize(
    ("domain", "split", "examples", "word"),
    [
        ("poetry", "test", 3, "encyclopedia"),
        ("news", "dev", 3, "validation"),
        ("news", "test", 0, "examples:"),
    ],
)
def test_mistakes_say_what_to_write(domain, split, examples, word):
    with pytest.raises(StudyError) as error:
        build_world_table(domain, split, examples, seed=0)
    assert word in error.value.fix
