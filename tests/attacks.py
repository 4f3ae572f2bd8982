"""Tiny models to attack and texts to attack them with; TextAttack is imported when they are made."""

import os
import random

import pytest

from miniature.attack import run
from miniature.attack.recipe import spell_recipe
from miniature.attack.words.stopwords import STOPWORDS

os.environ.setdefault("OMP_NUM_THREADS", "1")

WORDS = [
    "the", "a", "and", "was", "is", "of", "in", "to", "with", "not", "very", "film", "plot", "cast",
    "story", "music", "acting", "scene", "ending", "director", "script", "good", "great", "fine",
    "superb", "lovely", "bad", "awful", "poor", "dull", "weak", "boring", "brilliant", "happy",
    "sad", "long", "short", "dark", "bright", "watch", "saw", "loved", "hated", "found", "felt",
    "seemed", "looked", "never", "always", "often", "quite", "really", "simply", "truly",
]  # fmt: skip
# Not in the vocabulary as wholes: read as several pieces.
PIECED = [
    "unlovable", "goodish", "filmable", "overlong", "dullness", "rewatchable",
]  # fmt: skip
PIECES = [
    "un", "##lov", "##able", "##ish", "film", "over", "##long", "##ness", "re", "##watch",
    "##watchable", "##film", "##er", "##s",
]  # fmt: skip
LABELS = ["negative", "positive"]


@pytest.fixture(scope="session")
def attack_models(tmp_path_factory):
    """Folders of a classifier and a masked LM of different vocabularies, both random but far from flat."""
    from transformers import BertForMaskedLM, BertForSequenceClassification

    root = tmp_path_factory.mktemp("models")
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    letters = [*"abcdefghijklmnopqrstuvwxyz.,!?'", *(f"##{c}" for c in "abcdefghijklmnopqrstuvwxyz")]
    vocabularies = {
        "victim": [*special, *letters, *WORDS],
        "lm": [*special, *letters, *dict.fromkeys([*reversed(WORDS), *PIECES])],
    }
    for number, (name, kind) in enumerate(
        [("victim", BertForSequenceClassification), ("lm", BertForMaskedLM)]
    ):
        save_random_model(root / name, kind, vocabularies[name], length=64, seed=number + 5, spread=0.25)
    return root


@pytest.fixture(scope="session")
def attack_examples(attack_models):
    """Texts with the victim's own prediction as label, but for every sixth."""
    rng = random.Random(3)
    texts = []
    for _ in range(36):
        words = [rng.choice(WORDS + PIECED) for _ in range(rng.randint(4, 22))]
        texts.append(" ".join(words).capitalize() + rng.choice([".", "!", " .", "", ", really?"]))
    return label_texts(attack_models / "victim", texts)


def save_random_model(folder, kind, tokens, *, length, seed, spread):
    """Save a random BERT of 2 layers x 32 with a WordPiece vocabulary of these tokens, each of them once."""
    import torch
    from transformers import BertConfig, BertTokenizerFast

    import miniature.attack.library  # noqa: F401  (TextAttack has to be imported this way first)

    folder.mkdir()
    (folder / "vocab.txt").write_text("\n".join(dict.fromkeys(tokens)) + "\n", encoding="utf-8")
    tokenizer = BertTokenizerFast(str(folder / "vocab.txt"), model_max_length=length)
    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=64, max_position_embeddings=length, initializer_range=spread, num_labels=2,
        hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
    )  # fmt: skip
    kind(config).eval().save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def label_texts(victim, texts):
    """Rows (id, text, label): the label is what the victim predicts, but for every sixth text."""
    import torch

    model, tokenizer = load(victim, "classification")
    rows = []
    for i, text in enumerate(texts):
        with torch.no_grad():
            prediction = int(model(**tokenizer([text], return_tensors="pt")).logits[0].argmax())
        rows.append((f"r{i}", text, LABELS[prediction if i % 6 else 1 - prediction]))
    return rows


def load(folder, head):
    from miniature.models.checkpoints import load_checkpoint

    return load_checkpoint(folder, head=head)


def table_of(rows):
    import pandas as pd

    return pd.DataFrame(rows, columns=["id", "text", "label"])


def recipe(**changes):
    return {"preset": "textattack-8", "masked_lm": "lm", "max_masked_lm_length": 64, **changes}


def attack(models, rows, journal, **changes):
    return run.attack_table(
        models / "victim",
        models / "lm",
        table_of(rows),
        recipe(**changes),
        labels=LABELS,
        text_settings={"max_length": 64},
        journal=journal,
    )


def stock_attack(models, k, budget, importance="unk"):
    """An attack from TextAttack's own classes only."""
    from textattack.constraints.overlap import MaxWordsPerturbed
    from textattack.constraints.pre_transformation import RepeatModification, StopwordModification
    from textattack.goal_functions import UntargetedClassification
    from textattack.models.wrappers import HuggingFaceModelWrapper
    from textattack.search_methods import GreedyWordSwapWIR
    from textattack.transformations import WordSwapMaskedLM

    from miniature.attack.library import Attack

    wrapper = HuggingFaceModelWrapper(*load(models / "victim", "classification"))
    lm, lm_tokenizer = load(models / "lm", "masked-lm")
    swap = WordSwapMaskedLM(
        method="bert-attack",
        masked_language_model=lm,
        tokenizer=lm_tokenizer,
        max_candidates=k,
        max_length=64,
    )
    constraints = [
        RepeatModification(), StopwordModification(stopwords=STOPWORDS), MaxWordsPerturbed(max_percent=0.4)
    ]  # fmt: skip
    goal = UntargetedClassification(wrapper, query_budget=budget)
    return Attack(goal, constraints, swap, GreedyWordSwapWIR(importance))


def engine_of(models, **changes):
    from miniature.attack.search.load import load_engine

    settings = spell_recipe(recipe(**changes))
    return load_engine(models / "victim", models / "lm", settings, labels=LABELS, max_length=64)


def proposals(engine, text, word):
    from miniature.attack.search.texts import Text

    text = Text(text)
    return engine.swap.proposals(text, text.words.index(word))


@pytest.fixture(scope="session")
def whole_attack(attack_models, attack_examples, tmp_path_factory):
    """An uninterrupted run: its table and its journal."""
    journal = tmp_path_factory.mktemp("whole") / "journal"
    return attack(attack_models, attack_examples, journal), journal.read_bytes()
