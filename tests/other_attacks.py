"""Tiny models, texts and files for attacks of all kinds, and TextAttack's own attack to hold them beside."""

import json
import random

import numpy as np
import pytest

from attacks import LABELS, label_texts, load, save_random_model
from miniature.attack.words.stopwords import STOPWORDS

WORDS = [
    "the", "a", "was", "is", "of", "with", "not", "film", "plot", "cast", "story", "music", "acting", "scene",
    "ending", "script", "good", "great", "fine", "superb", "lovely", "bad", "awful", "poor", "dull", "weak",
    "boring", "brilliant", "happy", "sad", "dark", "watch", "saw", "loved", "hated", "felt", "truly", "Paris",
]  # fmt: skip
LENGTH = 48
# So few words may change that some texts hold.
SHARE = 0.1


@pytest.fixture(scope="session")
def other_models(tmp_path_factory):
    """Folders of a classifier, a masked LM and an encoder without a head, random but far from flat."""
    from transformers import BertForMaskedLM, BertForSequenceClassification, BertModel

    root = tmp_path_factory.mktemp("models")
    letters = [*"abcdefghijklmnopqrstuvwxyz.,!?'-", *(f"##{c}" for c in "abcdefghijklmnopqrstuvwxyz")]
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokens = [*special, *letters, *map(str.lower, WORDS), "##ly"]
    kinds = {"victim": BertForSequenceClassification, "lm": BertForMaskedLM, "sentences": BertModel}
    for number, (name, kind) in enumerate(kinds.items()):
        save_random_model(root / name, kind, tokens, length=LENGTH, seed=number + 11, spread=0.2)
    return root


@pytest.fixture(scope="session")
def other_examples(other_models):
    """Texts with the victim's own prediction as label, but for every sixth."""
    rng = random.Random(4)
    texts = []
    for _ in range(24):
        words = [rng.choice(WORDS) for _ in range(rng.randint(4, 24))]
        texts.append(" ".join(words).capitalize() + rng.choice([".", "!", "", ", REALLY good-looking?"]))
    return label_texts(other_models / "victim", texts)


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

    from miniature.attack.words.tagger import FILES, NAME

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


def attack(other_models, rows, journal, recipe):
    import pandas as pd

    from miniature.attack.run import attack_table

    return attack_table(
        other_models / "victim",
        other_models / "lm" if recipe["preset"] in ("bae", "reference") else None,
        pd.DataFrame(rows, columns=["id", "text", "label"]),
        {"max_words_changed": SHARE, **recipe},
        labels=LABELS,
        text_settings={"max_length": LENGTH},
        journal=journal,
        sentence_encoder_folder=other_models / "sentences",
    ).set_index("id")


def stock(other_models, transformation, constraints, importance, budget=None):
    """An attack from TextAttack's own classes only."""
    from textattack.constraints.overlap import MaxWordsPerturbed
    from textattack.constraints.pre_transformation import RepeatModification, StopwordModification
    from textattack.goal_functions import UntargetedClassification
    from textattack.models.wrappers import HuggingFaceModelWrapper
    from textattack.search_methods import GreedyWordSwapWIR

    from miniature.attack.library import Attack

    wrapper = HuggingFaceModelWrapper(*load(other_models / "victim", "classification"))
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
