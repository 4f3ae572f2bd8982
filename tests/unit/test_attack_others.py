"""BAE, DeepWordBug and TextFooler beside TextAttack's own components, on tiny models made here."""

import json
import os
import random

import numpy as np
import pytest

from miniature.attack.recipes import check_recipe
from miniature.attack.stopwords import STOPWORDS
from miniature.messages import StudyError

os.environ.setdefault("OMP_NUM_THREADS", "1")

WORDS = [
    "the", "a", "was", "is", "of", "with", "not", "film", "plot", "cast", "story", "music", "acting", "scene",
    "ending", "script", "good", "great", "fine", "superb", "lovely", "bad", "awful", "poor", "dull", "weak",
    "boring", "brilliant", "happy", "sad", "dark", "watch", "saw", "loved", "hated", "felt", "truly", "Paris",
]  # fmt: skip
LABELS = ["negative", "positive"]
LENGTH = 48
# So few words may change that some texts hold.
SHARE = 0.1


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Folders of a classifier, a masked LM and an encoder without a head, random but far from flat."""
    import torch
    from transformers import (
        BertConfig,
        BertForMaskedLM,
        BertForSequenceClassification,
        BertModel,
        BertTokenizerFast,
    )

    import miniature.attack.library  # noqa: F401  (TextAttack has to be imported this way first)

    root = tmp_path_factory.mktemp("models")
    letters = [*"abcdefghijklmnopqrstuvwxyz.,!?'-", *(f"##{c}" for c in "abcdefghijklmnopqrstuvwxyz")]
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokens = list(dict.fromkeys([*special, *letters, *map(str.lower, WORDS), "##ly"]))
    kinds = {"victim": BertForSequenceClassification, "lm": BertForMaskedLM, "sentences": BertModel}
    for number, (name, kind) in enumerate(kinds.items()):
        folder = root / name
        folder.mkdir()
        (folder / "vocab.txt").write_text("\n".join(tokens) + "\n", encoding="utf-8")
        tokenizer = BertTokenizerFast(str(folder / "vocab.txt"), model_max_length=LENGTH)
        torch.manual_seed(number + 11)
        config = BertConfig(
            vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=2, num_attention_heads=2,
            intermediate_size=64, max_position_embeddings=LENGTH, initializer_range=0.2, num_labels=2,
            hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
        )  # fmt: skip
        kind(config).eval().save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    return root


@pytest.fixture(scope="module")
def examples(folders):
    """Texts with the victim's own prediction as label, but for every sixth."""
    import torch

    victim, tokenizer = load(folders / "victim", "classification")
    rng = random.Random(4)
    rows = []
    for i in range(24):
        words = [rng.choice(WORDS) for _ in range(rng.randint(4, 24))]
        text = " ".join(words).capitalize() + rng.choice([".", "!", "", ", REALLY good-looking?"])
        with torch.no_grad():
            prediction = int(victim(**tokenizer([text], return_tensors="pt")).logits[0].argmax())
        rows.append((f"r{i}", text, LABELS[prediction if i % 6 else 1 - prediction]))
    return rows


def load(folder, head):
    from miniature.models.checkpoints import load_checkpoint

    return load_checkpoint(folder, head=head)


def vectors_file(folder):
    """Counter-fitted-like vectors of length 1, of most of the words, and some near words besides."""
    generator = np.random.default_rng(5)
    words = [word.lower() for word in WORDS if word not in ("plot", "dark")]
    words += [f"{word}er" for word in words[:20]] + ["good-natured", "ill-made"]
    base = generator.normal(size=(len(words), 6))
    base[len(words) - 22 : len(words) - 2] = base[:20] + 0.3 * base[20:40]
    base /= np.linalg.norm(base, axis=1, keepdims=True)
    path = folder / "vectors.txt"
    lines = [" ".join([word, *(f"{x:.6f}" for x in row)]) for word, row in zip(words, base, strict=True)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def tagger_folder(root):
    """NLTK's tagger trained on a handful of sentences, as the JSON files that NLTK reads."""
    from nltk.tag.perceptron import PerceptronTagger

    from miniature.attack.tagger import FILES, NAME

    tags = {
        "the": "DT",
        "a": "DT",
        "of": "IN",
        "with": "IN",
        "not": "RB",
        "truly": "RB",
        "was": "VBD",
        "is": "VBZ",
    }
    tags |= dict.fromkeys(
        ["film", "plot", "cast", "story", "music", "acting", "scene", "ending", "script"], "NN"
    )
    tags |= dict.fromkeys(["watch", "saw", "loved", "hated", "felt"], "VBD")
    rng = random.Random(1)
    lower = [word.lower() for word in WORDS]
    sentences = [[(w, tags.get(w, "JJ")) for w in rng.choices(lower, k=8)] for _ in range(200)]
    tagger = PerceptronTagger(load=False)
    tagger.train(sentences, nr_iter=3)
    folder = root / "taggers" / NAME
    folder.mkdir(parents=True)
    for file, part in zip(FILES, tagger.encode_json_obj(), strict=True):
        (folder / file).write_text(json.dumps(part), encoding="utf-8")
    mapping = root / "taggers" / "universal_tagset" / "en-ptb.map"
    mapping.parent.mkdir()
    pairs = {"DT": "DET", "IN": "ADP", "RB": "ADV", "VBD": "VERB", "VBZ": "VERB", "NN": "NOUN", "JJ": "ADJ"}
    mapping.write_text("".join(f"{a}\t{b}\n" for a, b in pairs.items()), encoding="utf-8")
    return folder


def attack(folders, rows, journal, recipe):
    import pandas as pd

    from miniature.attack.run import attack_table

    return attack_table(
        folders / "victim",
        folders / "lm" if recipe["preset"] in ("bae", "reference") else None,
        pd.DataFrame(rows, columns=["id", "text", "label"]),
        {"max_words_changed": SHARE, **recipe},
        labels=LABELS,
        text_settings={"max_length": LENGTH},
        journal=journal,
        sentence_encoder_folder=folders / "sentences",
    ).set_index("id")


def stock(folders, transformation, constraints, importance, budget=None):
    """An attack from TextAttack's own classes only."""
    from textattack.constraints.overlap import MaxWordsPerturbed
    from textattack.constraints.pre_transformation import RepeatModification, StopwordModification
    from textattack.goal_functions import UntargetedClassification
    from textattack.models.wrappers import HuggingFaceModelWrapper
    from textattack.search_methods import GreedyWordSwapWIR

    from miniature.attack.library import Attack

    wrapper = HuggingFaceModelWrapper(*load(folders / "victim", "classification"))
    goal = UntargetedClassification(wrapper, query_budget=budget or float("inf"))
    both = [
        RepeatModification(),
        StopwordModification(stopwords=STOPWORDS),
        MaxWordsPerturbed(max_percent=SHARE),
    ]
    both += constraints
    return Attack(goal, both, transformation, GreedyWordSwapWIR(importance))


def assert_equal(table, attack, examples, *, before=lambda id: None, least=3):
    """Same outcome, text and queries for each example attacked alone by stock TextAttack."""
    ends = {"SuccessfulAttackResult": {"success"}, "SkippedAttackResult": {"skipped"}}
    for id, text, label in examples:
        before(id)
        result = attack.attack(text, LABELS.index(label))
        mine = table.loc[id]
        assert mine["outcome"] in ends.get(type(result).__name__, {"failure", "query_budget"}), id
        assert mine["queries"] == result.num_queries, id
        if mine["outcome"] != "skipped":
            assert mine["perturbed_text"] == result.perturbed_result.attacked_text.text
            assert mine["prediction_after"] == LABELS[result.perturbed_result.output]
    counts = table["outcome"].value_counts()
    # The comparison is worth something only where every kind of end occurs.
    assert counts.get("success", 0) >= least
    assert counts.get("failure", 0) + counts.get("query_budget", 0) >= least


@pytest.mark.parametrize("changes", [{}, {"max_edit_distance": 1}, {"edits": ["delete"]}])
def test_deepwordbug_equals_textattacks(folders, examples, tmp_path, changes):
    from textattack.constraints.overlap import LevenshteinEditDistance
    from textattack.transformations import (
        CompositeTransformation,
        WordSwapNeighboringCharacterSwap,
        WordSwapRandomCharacterDeletion,
        WordSwapRandomCharacterInsertion,
        WordSwapRandomCharacterSubstitution,
    )

    from miniature.seeds import derive_seed

    table = attack(folders, examples, tmp_path / "j", {"preset": "deepwordbug", **changes})
    parts = {
        "swap": WordSwapNeighboringCharacterSwap,
        "substitute": WordSwapRandomCharacterSubstitution,
        "delete": WordSwapRandomCharacterDeletion,
        "insert": WordSwapRandomCharacterInsertion,
    }
    wanted = changes.get("edits", list(parts))
    constraints = [LevenshteinEditDistance(changes.get("max_edit_distance", 30))]
    swap = CompositeTransformation([parts[edit]() for edit in wanted])
    theirs = stock(folders, swap, constraints, "unk")

    def set_seeds(id):
        random.seed(derive_seed(0, "attack", id))
        np.random.seed(derive_seed(0, "attack", id))

    assert_equal(table, theirs, examples, before=set_seeds, least=2)


@pytest.mark.parametrize("changes", [{"max_candidates": 6}, {"max_candidates": 60, "min_confidence": 0.02}])
def test_bae_equals_textattacks(folders, examples, tmp_path, changes):
    from textattack.transformations import WordSwapMaskedLM

    table = attack(
        folders,
        examples,
        tmp_path / "j",
        {"preset": "bae", "masked_lm": "lm", "max_masked_lm_length": LENGTH, "query_budget": 60, **changes},
    )
    lm, tokenizer = load(folders / "lm", "masked-lm")
    swap = WordSwapMaskedLM(
        method="bae",
        masked_language_model=lm,
        tokenizer=tokenizer,
        max_length=LENGTH,
        max_candidates=changes["max_candidates"],
        min_confidence=changes.get("min_confidence", 0.0),
    )
    assert_equal(table, stock(folders, swap, [], "delete", 60), examples)


def textattack_embedding(path):
    from sklearn.neighbors import NearestNeighbors
    from textattack.shared import WordEmbedding

    from miniature.attack.vectors import read_word_vectors

    vectors = read_word_vectors(path)
    rows = {word: i for i, word in enumerate(vectors.words)}
    # TextAttack's own search for neighbours fails (it reads values where it wants places), so they are given.
    nearest = NearestNeighbors(n_neighbors=9).fit(vectors.vectors).kneighbors(vectors.vectors)[1]
    return WordEmbedding(vectors.vectors, rows, dict(enumerate(vectors.words)), nearest)


@pytest.mark.parametrize("tagged", [False, True])
def test_textfooler_equals_textattacks(folders, examples, tmp_path, tagged):
    import nltk
    from textattack.constraints.grammaticality import PartOfSpeech
    from textattack.constraints.semantics import WordEmbeddingDistance
    from textattack.transformations import WordSwapEmbedding

    path = vectors_file(tmp_path)
    tagger = tagger_folder(tmp_path) if tagged else None
    table = attack(
        folders,
        examples,
        tmp_path / "j",
        {
            "preset": "textfooler", "word_vectors": str(path), "max_candidates": 8,
            "min_word_similarity": 0.2, "pos_tagger": str(tagger) if tagged else None,
        },
    )  # fmt: skip
    embedding = textattack_embedding(path)
    constraints = [WordEmbeddingDistance(embedding=embedding, min_cos_sim=0.2)]
    if tagged:
        nltk.data.path.insert(0, str(tmp_path))
        constraints.append(PartOfSpeech(allow_verb_noun_swap=True))
    try:
        theirs = stock(folders, WordSwapEmbedding(8, embedding), constraints, "delete")
        assert_equal(table, theirs, examples, least=1 if tagged else 3)
    finally:
        if tagged:
            nltk.data.path.remove(str(tmp_path))


def plain_authors_attack(folders, text, label, k):
    """The loop of the authors' code, written down as it is described, one query and one read at a time."""
    import itertools

    import torch

    victim, tokenizer = load(folders / "victim", "classification")
    lm, lm_tokenizer = load(folders / "lm", "masked-lm")
    queries = 0

    @torch.no_grad()
    def ask(text):
        nonlocal queries
        queries += 1
        inputs = tokenizer(text, truncation=True, max_length=LENGTH, return_tensors="pt")
        return torch.softmax(victim(**inputs).logits[0], dim=0).double().numpy()

    @torch.no_grad()
    def read(ids):
        return lm(input_ids=torch.tensor(ids)).logits

    first = ask(text)
    if first.argmax() != label:
        return "skipped", None, 1
    words = text.replace("\n", "").lower().split(" ")
    pieces = [lm_tokenizer.tokenize(word) for word in words]
    flat = list(itertools.chain(*pieces))[: LENGTH - 2]
    logits = read([lm_tokenizer.convert_tokens_to_ids(["[CLS]", *flat, "[SEP]"])])[0][1:]
    scores = []
    for i in range(len(words) - 1):
        without = ask(" ".join([*words[:i], "[UNK]", *words[i + 1 :]]))
        score = first[label] - without[label]
        if without.argmax() != label:
            score += without.max() - first[without.argmax()]
        scores.append(score)
    now, current, changed, start = list(words), first[label], 0, [0, *itertools.accumulate(map(len, pieces))]
    for i in sorted(range(len(scores)), key=lambda i: scores[i], reverse=True):
        if changed > int(SHARE * len(words)):
            break
        if words[i] in STOPWORDS or start[i] > LENGTH - 2:
            continue
        rows = logits[start[i] : start[i + 1]]
        if len(rows) == 1:
            found = lm_tokenizer.convert_ids_to_tokens(rows[0].topk(k).indices.tolist())
        elif len(rows):
            tops = [row.topk(min(4, k)).indices.tolist() for row in rows[:12]]
            products = list(itertools.product(*tops))[:24]
            losses = [
                float(torch.nn.functional.cross_entropy(read([ids])[0], torch.tensor(ids)))
                for ids in products
            ]
            order = sorted(range(len(products)), key=losses.__getitem__)
            found = [
                " ".join(lm_tokenizer.convert_ids_to_tokens(products[j])).replace(" ##", "").strip()
                for j in order
            ]
        else:
            found = []
        best, helpful, last = 0.0, None, now[i]
        for new in found:
            if new == words[i] or "##" in new or new in STOPWORDS:
                continue
            last = new
            tried = " ".join([*now[:i], new, *now[i + 1 :]]).replace(" ##", "").strip()
            answer = ask(tried)
            if answer.argmax() != label:
                return "success", tried, queries
            if current - answer[label] > best:
                best, helpful = current - answer[label], new
        now[i] = last if helpful is None else helpful
        if helpful is not None:
            changed, current = changed + 1, current - best
    return "failure", " ".join(now).replace(" ##", "").strip() if now != words else text, queries


def test_reference_equals_the_plain_loop(folders, examples, tmp_path):
    rows = [(id, f"{text} unlovely overdark", label) for id, text, label in examples]
    recipe = {"preset": "reference", "masked_lm": "lm", "max_candidates": 6, "max_masked_lm_length": LENGTH}
    table = attack(folders, rows, tmp_path / "j", recipe)
    for id, text, label in rows:
        outcome, changed, queries = plain_authors_attack(folders, text, LABELS.index(label), 6)
        mine = table.loc[id]
        assert (mine["outcome"], mine["queries"]) == (outcome, queries), id
        if outcome != "skipped":
            assert mine["perturbed_text"] == changed
    counts = table["outcome"].value_counts()
    assert min(counts.get(outcome, 0) for outcome in ("success", "failure", "skipped")) >= 2
    # What an example comes to does not depend on the others.
    some = rows[::-4]
    assert attack(folders, some, tmp_path / "k", recipe).equals(table.loc[[id for id, *_ in some]])


def test_a_tagger_forbids_what_nothing_else_does(folders, examples, tmp_path):
    from miniature.attack.constraints import SamePartOfSpeech
    from miniature.attack.library import AttackedText
    from miniature.attack.tagger import Tagger

    constraint = SamePartOfSpeech(Tagger(tagger_folder(tmp_path)))
    text = AttackedText("the film was dull and the story truly good")
    allowed = {
        (old, new): constraint._check_constraint(text.replace_word_at_index(text.words.index(old), new), text)
        for old, new in [
            ("film", "plot"),
            ("film", "loved"),
            ("dull", "bad"),
            ("dull", "film"),
            ("truly", "sad"),
        ]
    }
    # A noun may become a noun or a verb, an adjective only an adjective, an adverb no adjective.
    assert list(allowed.values()) == [True, True, True, False, False]


@pytest.mark.parametrize(
    ("settings", "stock_settings"),
    [
        (
            {"min_similarity": 0.9, "metric": "cosine", "compared_with": "original", "window": None},
            {"threshold": 0.9, "metric": "cosine", "compare_against_original": True, "window_size": None},
        ),
        (
            {"min_similarity": 0.75, "metric": "angular", "compared_with": "last", "window": 5,
             "skip_shorter": True},
            {"threshold": 0.75, "metric": "angular", "compare_against_original": False, "window_size": 5,
             "skip_text_shorter_than_window": True},
        ),
    ],
)  # fmt: skip
def test_sentence_encoder_equals_textattacks_constraint(
    folders, examples, tmp_path, settings, stock_settings
):
    """TextAttack's constraint with vectors that transformers gives for one text at a time."""
    import torch
    from textattack.constraints.semantics.sentence_encoders import SentenceEncoder
    from textattack.transformations import WordSwapMaskedLM
    from transformers import AutoTokenizer, BertModel

    encoder = BertModel.from_pretrained(folders / "sentences").eval()
    encoder_tokenizer = AutoTokenizer.from_pretrained(folders / "sentences")

    class Plain(SentenceEncoder):
        def encode(self, sentences):
            rows = []
            for sentence in sentences:
                inputs = encoder_tokenizer([sentence], truncation=True, return_tensors="pt")
                with torch.no_grad():
                    rows.append(encoder(**inputs).last_hidden_state[0].mean(dim=0))
            return torch.stack(rows)

    block = {"model": "sentences", "skip_shorter": False, **settings}
    table = attack(
        folders,
        examples,
        tmp_path / "j",
        {
            "preset": "bae", "masked_lm": "lm", "max_masked_lm_length": LENGTH, "query_budget": 60,
            "max_candidates": 12, "sentence_encoder": block,
        },
    )  # fmt: skip
    lm, tokenizer = load(folders / "lm", "masked-lm")
    swap = WordSwapMaskedLM(
        method="bae", masked_language_model=lm, tokenizer=tokenizer, max_length=LENGTH, max_candidates=12,
        min_confidence=0.0,
    )  # fmt: skip
    theirs = stock(folders, swap, [Plain(**stock_settings)], "delete", 60)
    assert_equal(table, theirs, examples, least=2)
    free = stock(folders, swap, [], "delete", 60)
    attacked = [row for row in examples if table.loc[row[0], "outcome"] != "skipped"]
    results = [free.attack(text, LABELS.index(label)).perturbed_result for _, text, label in attacked]
    found = table[table["outcome"] != "skipped"]["perturbed_text"]
    # The constraint does something.
    assert [result.attacked_text.text for result in results] != found.tolist()


def test_damaged_tagger_is_told(tmp_path):
    from miniature.attack.tagger import FILES, Tagger

    folder = tagger_folder(tmp_path)
    (folder / FILES[1]).write_text("{", encoding="utf-8")
    with pytest.raises(StudyError, match="cannot be read"):
        Tagger(folder)
    (folder / FILES[1]).unlink()
    with pytest.raises(StudyError, match="lacks averaged_perceptron") as caught:
        Tagger(folder, where="recipes: a: pos_tagger")
    assert caught.value.where == "recipes: a: pos_tagger"


def test_time_budget_is_an_outcome_of_its_own(folders, examples, tmp_path):
    recipe = {"preset": "deepwordbug", "max_seconds": 1e-9}
    table = attack(folders, examples, tmp_path / "j", recipe)
    assert set(table["outcome"]) <= {"skipped", "success", "time_budget"}
    assert (table["outcome"] == "time_budget").sum() >= 10
    both = attack(folders, examples, tmp_path / "k", {**recipe, "query_budget": 2})
    assert set(both["outcome"]) == {"skipped", "query_budget"}
    assert check_recipe(recipe, "here")["max_seconds"] == 1e-9
