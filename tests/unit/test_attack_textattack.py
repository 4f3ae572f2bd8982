"""The attack beside stock TextAttack, on tiny models made here. TextAttack is imported in this file only."""

import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from miniature.attack import run
from miniature.attack.recipes import PRESETS, check_recipe
from miniature.attack.rows import ATTACKS_SCHEMA
from miniature.attack.stopwords import STOPWORDS
from miniature.messages import StudyError

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


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Folders of a classifier and a masked LM of different vocabularies, both random but far from flat."""
    import torch
    from transformers import BertConfig, BertForMaskedLM, BertForSequenceClassification, BertTokenizerFast

    import miniature.attack.library  # noqa: F401  (TextAttack has to be imported this way first)

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
        folder = root / name
        folder.mkdir()
        (folder / "vocab.txt").write_text(
            "\n".join(dict.fromkeys(vocabularies[name])) + "\n", encoding="utf-8"
        )
        tokenizer = BertTokenizerFast(str(folder / "vocab.txt"), model_max_length=64)
        torch.manual_seed(number + 5)
        config = BertConfig(
            vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=2, num_attention_heads=2,
            intermediate_size=64, max_position_embeddings=64, initializer_range=0.25, num_labels=2,
            hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
        )  # fmt: skip
        model = kind(config).eval()
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    return root


@pytest.fixture(scope="module")
def examples(models):
    """Texts with the victim's own prediction as label, but for every sixth."""
    import torch

    victim, tokenizer = load(models / "victim", "classification")
    rng = random.Random(3)
    rows = []
    for i in range(36):
        words = [rng.choice(WORDS + PIECED) for _ in range(rng.randint(4, 22))]
        text = " ".join(words).capitalize() + rng.choice([".", "!", " .", "", ", really?"])
        with torch.no_grad():
            prediction = int(victim(**tokenizer([text], return_tensors="pt")).logits[0].argmax())
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


@pytest.mark.parametrize(
    ("k", "budget", "importance"), [(4, None, "unk"), (8, 60, "unk"), (3, None, "delete")]
)
def test_attack_equals_stock_textattack(models, examples, tmp_path, k, budget, importance):
    ours = attack(
        models, examples, tmp_path / "j", max_candidates=k, query_budget=budget, importance=importance
    ).set_index("id")
    stock = stock_attack(models, k, float("inf") if budget is None else budget, importance)
    names = {"SuccessfulAttackResult": {"success"}, "SkippedAttackResult": {"skipped"}}
    for id, text, label in examples:
        result = stock.attack(text, LABELS.index(label))
        mine = ours.loc[id]
        assert mine["outcome"] in names.get(type(result).__name__, {"failure", "query_budget"})
        assert mine["queries"] == result.num_queries
        assert mine["prediction_before"] == LABELS[result.original_result.output]
        if mine["outcome"] != "skipped":
            assert mine["perturbed_text"] == result.perturbed_result.attacked_text.text
            assert mine["prediction_after"] == LABELS[result.perturbed_result.output]
    counts = ours["outcome"].value_counts()
    # The comparison is worth something only where every kind of end occurs.
    assert min(counts.get("success", 0), counts.get("skipped", 0)) >= 5
    assert counts.get("failure", 0) + counts.get("query_budget", 0) >= 5


@pytest.fixture(scope="module")
def whole(models, examples, tmp_path_factory):
    """An uninterrupted run: its table and its journal."""
    journal = tmp_path_factory.mktemp("whole") / "journal"
    return attack(models, examples, journal), journal.read_bytes()


KILLED = """
import os, signal, socket, sys, json
sys.path[:0] = [sys.argv[1]]
def refuse(*_):
    raise AssertionError("the network was asked")
socket.socket.connect = socket.getaddrinfo = refuse
before = dict(os.environ)
from miniature.attack import library, run
import huggingface_hub.constants, datasets.config
for name in "TA_CACHE_DIR TA_DEVICE HF_HOME XDG_CACHE_HOME TFHUB_CACHE_DIR TOKENIZERS_PARALLELISM".split():
    assert os.environ.get(name) == before.get(name), name
assert str(datasets.config.HF_CACHE_HOME).startswith("/nonexistent")
assert huggingface_hub.constants.HF_HOME.startswith("/nonexistent")
from miniature.attack.journal import Journal
append = Journal.append
def append_and_die(self, row):
    append(self, row)
    if len(self.rows) == 7:
        with open(self.path, "ab") as file:
            file.write(b'{"id": "r7", "label": "neg')
        os.kill(os.getpid(), signal.SIGKILL)
Journal.append = append_and_die
arguments = json.loads(sys.argv[2])
import pandas as pd
table = pd.DataFrame(arguments.pop("rows"), columns=["id", "text", "label"])
run.attack_table(table=table, **arguments)
"""


def test_killed_attack_continues_offline_and_without_home(models, examples, whole, tmp_path):
    journal = tmp_path / "journal"
    arguments = {
        "victim_folder": str(models / "victim"), "masked_lm_folder": str(models / "lm"), "rows": examples,
        "recipe": recipe(), "labels": LABELS, "text_settings": {"max_length": 64}, "journal": str(journal),
    }  # fmt: skip
    scripts = Path(run.__file__).parents[2]
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "OMP_NUM_THREADS": "1"}
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(scripts), json.dumps(arguments)],
        env=environment, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert killed.returncode == -9, killed.stderr
    found = journal.read_bytes()
    finished = found[: found.rindex(b"\n") + 1]
    assert len(finished.splitlines()) == 8  # the key and seven examples
    assert len(finished) < len(found)

    table = attack(models, examples, journal)

    expected, expected_journal = whole
    assert table.equals(expected)
    # What was there is still there, and nothing was attacked twice.
    assert journal.read_bytes() == expected_journal
    assert expected_journal.startswith(finished)


def test_finished_journal_needs_no_models(models, examples, whole, tmp_path, monkeypatch):
    from miniature.attack import loading

    journal = tmp_path / "journal"
    journal.write_bytes(whole[1])
    monkeypatch.setattr(loading, "load_engine", lambda *a, **k: pytest.fail("the models were loaded"))
    assert attack(models, examples, journal).equals(whole[0])


def test_other_settings_begin_anew(models, examples, whole, tmp_path):
    journal = tmp_path / "journal"
    journal.write_bytes(whole[1])
    table = attack(models, examples[:3], journal, max_candidates=2)
    assert len(journal.read_bytes().splitlines()) == 4
    assert list(table["id"]) == ["r0", "r1", "r2"]


def test_another_number_of_threads_begins_anew(models, examples, whole, tmp_path, monkeypatch):
    import torch

    journal = tmp_path / "journal"
    attack(models, examples[:1], journal)
    before = journal.read_bytes().splitlines()
    monkeypatch.setattr(torch, "get_num_threads", lambda: 77)
    attack(models, examples[:1], journal)
    after = journal.read_bytes().splitlines()
    assert after[0] != before[0]
    assert len(after) == len(before) == 2


@pytest.mark.parametrize("name", ["victim", "lm"])
def test_a_damaged_model_is_set_aside_and_the_journal_kept(models, examples, whole, tmp_path, name):
    from miniature.attack.loading import load_engine

    copy = tmp_path / "models"
    journal = tmp_path / "journal"
    checked = check_recipe(recipe(), "recipe")
    for read in (
        lambda: attack(copy, examples, journal),
        lambda: load_engine(copy / "victim", copy / "lm", checked, labels=LABELS, max_length=64),
    ):
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(models, copy)
        file = copy / name / "model.safetensors"
        os.truncate(file, file.stat().st_size - 1)
        journal.write_bytes(whole[1])
        with pytest.raises(StudyError, match="is damaged"):
            read()
        assert not (copy / name).exists()
        assert (copy / f"{name}.damaged").is_dir()
        assert journal.read_bytes() == whole[1]


def test_result_does_not_depend_on_the_other_examples(models, examples, whole, tmp_path):
    some = examples[::-3]
    table = attack(models, some, tmp_path / "j").set_index("id")
    expected = whole[0].set_index("id").loc[[id for id, _, _ in some]]
    assert table.equals(expected)


def test_odd_texts_are_rows(models, tmp_path):
    texts = {
        "empty": "",
        "blank": " \n\t ",
        "one": "good",
        "stop": "the of and not a",
        "emoji": "🎉🎉 good 🎬film🎬 great😀",
        "arabic": "هذا فيلم جيد جدا",
        "hebrew mixed": "good סרט טוב great \u202efilm",
        "chinese": "这部电影非常好看 good",
        "mask": "a [MASK] good [SEP] film",
        "split": "good <SPLIT> film",
        "punctuation": "?!... --- ''' ***",
        "long": "good bad film " * 1667,
        "combining": "e\u0301 film\u200dgood ﬁne Ⅷ",
    }
    rows = [(id, text, label) for id, text in texts.items() for label in LABELS]
    rows = [(f"{id} {label}", text, label) for id, text, label in rows]
    rows += [("label", "good film", "neutral"), ("missing", None, "positive")]
    table = attack(models, rows, tmp_path / "j", max_candidates=2, query_budget=400).set_index("id")
    assert list(table.index) == [id for id, _, _ in rows]
    assert (table.loc[["label", "missing"], "outcome"] == "error").all()
    assert "neutral" in table.loc["label", "message"]
    # TextAttack's own separator of inputs, met in a text, is more than it can take.
    assert set(table.loc[["split negative", "split positive"], "outcome"]) == {"skipped", "error"}
    rest = table.drop(["label", "missing", "split negative", "split positive"])
    assert (rest["outcome"] != "error").all(), rest["message"].dropna().to_dict()
    for id in texts.keys() - {"split"}:
        # One of the two labels is the prediction, the other was wrong before the attack.
        pair = rest.loc[[f"{id} {label}" for label in LABELS], "outcome"]
        assert (pair == "skipped").sum() == 1
    assert rest.loc["long positive", "words"] == 5001
    assert list(table.reset_index().columns) == ATTACKS_SCHEMA.names


def test_one_bad_example_is_a_row(models, examples, whole, tmp_path, monkeypatch):
    from miniature.attack.victim import Victim

    bad_text = examples[2][1]
    real = Victim.__call__

    def sometimes(self, texts):
        if bad_text in texts:
            raise RuntimeError("boom \x1b[31m")
        return real(self, texts)

    monkeypatch.setattr(Victim, "__call__", sometimes)
    table = attack(models, examples[:6], tmp_path / "j")
    assert table["outcome"][2] == "error"
    assert table["message"][2] == "RuntimeError: boom \\x1b[31m"
    others = [0, 1, 3, 4, 5]
    assert table.loc[others].equals(whole[0].loc[others])


@pytest.mark.parametrize("budget", [1, 2, 9])
def test_budget_is_kept_and_named(models, examples, tmp_path, budget):
    table = attack(models, examples, tmp_path / "j", query_budget=budget)
    assert (table["queries"] <= budget).all()
    spent = table[table["queries"] == budget]
    assert set(spent["outcome"]) <= {"query_budget", "success", *(["skipped"] if budget == 1 else [])}
    assert (table["outcome"] == "query_budget").any()


def engine_of(models, **changes):
    from miniature.attack.loading import load_engine

    settings = check_recipe(recipe(**changes), "test")
    return load_engine(models / "victim", models / "lm", settings, labels=LABELS, max_length=64)


def test_quick_swap_equals_textattacks(examples):
    from miniature.attack.library import AttackedText
    from miniature.attack.texts import Text

    rng = random.Random(1)
    odd = [
        "good-looking 'film' *x* a_b",
        "foo$bar 🎉word é",
        "bad-'s -good- x",
        "这部 good",
    ]
    new_words = ["great", "[UNK]", "[MASK]", "two words", "", "-x", "don't", "好", ",good", "I", "bad"]
    for start in [text for _, text, _ in examples[:12]] + odd:
        slow, quick = AttackedText(start), Text(start)
        for _ in range(6):
            index = rng.randrange(max(1, len(slow.words)))
            word = rng.choice(new_words)
            slow, quick = slow.replace_word_at_index(index, word), quick.replace_word_at_index(index, word)
            assert quick.text == slow.text
            assert quick.words == slow.words
            assert quick == slow
            assert hash(quick) == hash(slow)
            assert set(quick.attack_attrs) == set(slow.attack_attrs)
            for name in ("modified_indices", "newly_modified_indices"):
                assert quick.attack_attrs[name] == slow.attack_attrs[name]
            same = quick.attack_attrs["original_index_map"] == slow.attack_attrs["original_index_map"]
            assert same.all()
            if not slow.words:
                break


def proposals(engine, text, word):
    from miniature.attack.texts import Text

    engine.swap.forget()
    text = Text(text)
    return engine.swap.proposals(text, text.words.index(word))


def test_lazy_combinations_equal_enumerating_all(models):
    """The reference enumerates every combination with itertools and keeps the first K that are one word."""
    import itertools

    import torch

    engine = engine_of(models, max_candidates=5)
    text = "the filmable story was unlovable"
    for word in ("filmable", "unlovable"):
        ids = engine.swap.tokenizer(text)["input_ids"]
        pieces = engine.swap.tokenizer(word, add_special_tokens=False)["input_ids"]
        assert len(pieces) > 1
        start = next(i for i in range(len(ids)) if ids[i : i + len(pieces)] == pieces)
        with torch.no_grad():
            logits = engine.swap.model(torch.tensor([ids])).logits[0, start : start + len(pieces)]
        every = itertools.product(*torch.topk(logits, 5).indices.tolist())
        words = ["".join(engine.swap.tokenizer.convert_ids_to_tokens(c)).replace("##", "") for c in every]
        from miniature.attack.library import is_one_word

        assert proposals(engine, text, word) == [w for w in words if is_one_word(w)][:5]


def test_perplexity_order_is_ascending_and_limited(models):
    import torch

    engine = engine_of(
        models, max_candidates=48, subword_candidates=3, subword_combinations=7, subword_order="perplexity"
    )
    found = engine.swap._by_perplexity([(7, 41), (40, 9), (60, 61), (41, 7)])
    with torch.no_grad():
        losses = [float(engine.swap.model(torch.tensor([c]), labels=torch.tensor([c])).loss) for c in found]
    assert losses == sorted(losses)
    assert len(set(losses)) == 4
    listed = proposals(engine, "the filmable story was unlovable", "unlovable")
    assert 0 < len(listed) <= 7


def test_knobs_limit_the_proposals(models):
    text, word = "a good film was bad and dull", "film"
    plain = proposals(engine_of(models, max_candidates=60), text, word)
    assert set(plain) & STOPWORDS
    assert set(plain) & {"[UNK]", "[PAD]", "[CLS]", "[SEP]", "[MASK]"}
    no_stop = proposals(engine_of(models, max_candidates=60, skip_stopword_candidates=True), text, word)
    assert no_stop == [w for w in plain if w not in STOPWORDS]
    no_special = proposals(engine_of(models, max_candidates=60, skip_special_tokens=True), text, word)
    assert no_special == [w for w in plain if not w.startswith("[")]
    confident = proposals(engine_of(models, max_candidates=60, min_confidence=0.02), text, word)
    assert confident == plain[: len(confident)]
    assert 0 < len(confident) < len(plain)
    pieced = "the unlovable film"
    assert proposals(engine_of(models), pieced, "unlovable")
    assert proposals(engine_of(models, subword_max_pieces=1), pieced, "unlovable") == []


def test_models_that_do_not_fit_are_refused(models):
    from miniature.attack.loading import load_engine

    with pytest.raises(StudyError, match="reads at most 64 tokens") as caught:
        engine_of(models, max_masked_lm_length=512)
    assert caught.value.fix == "max_masked_lm_length: 64"
    settings = check_recipe(recipe(), "test")
    with pytest.raises(StudyError, match="2 classes"):
        load_engine(models / "victim", models / "lm", settings, labels=["a", "b", "c"], max_length=64)
    with pytest.raises(StudyError, match="another task"):
        load_engine(models / "victim", models / "victim", settings, labels=LABELS, max_length=64)


def test_victim_answers_as_the_model_does(models, examples):
    """Sorting, padding, truncation and duplicates change nothing but the last bits."""
    import torch

    engine = engine_of(models, batch_size=5)
    texts = [text for _, text, _ in examples] + ["good film " * 100, "", examples[0][1]]
    answers = engine.victim(texts)
    tokenizer = engine.victim.tokenizer
    with torch.no_grad():
        single = [
            engine.victim.model(**tokenizer(t, truncation=True, max_length=64, return_tensors="pt")).logits[0]
            for t in texts
        ]
    assert torch.allclose(answers, torch.stack(single), atol=1e-4)
    assert torch.equal(answers[0], answers[-1])


def test_presets_state_k():
    assert {name: preset["max_candidates"] for name, preset in PRESETS.items()} == {
        "textattack-48": 48,
        "textattack-8": 8,
    }


@pytest.mark.parametrize(("name", "head"), [("victim", "classification"), ("lm", "masked-lm")])
def test_encoder_gives_the_tokenizers_ids(models, name, head):
    from miniature.attack.encoding import Encoder

    odd = st.text(alphabet=" \n\t\x1c\x85\u00a0\u3000\u0301\u200d'.-[]aegUNKMSLPXD好éÉİ🎉", max_size=30)
    words = st.lists(st.sampled_from([*WORDS, *PIECED, "[UNK]", "[MASK].", "(SEP)", ""]), max_size=30)
    tokenizer = load(models / name, head)[1]
    encoders = {length: Encoder(tokenizer, length) for length in (3, 12, 64)}
    assert all(encoder.by_stretches for encoder in encoders.values())

    @settings(deadline=None, max_examples=150)
    @given(st.lists(odd | words.map(" ".join), min_size=1, max_size=3), st.sampled_from([3, 12, 64]))
    def check(texts, length):
        expected = tokenizer(texts, truncation=True, max_length=length)["input_ids"]
        assert encoders[length](texts) == [tuple(ids) for ids in expected]

    check()


def byte_level(folder, **options):
    """A small RoBERTa-like tokenizer of its own, trained on a few words."""
    from tokenizers import ByteLevelBPETokenizer
    from transformers import RobertaTokenizerFast

    bpe = ByteLevelBPETokenizer()
    bpe.train_from_iterator(
        [" ".join(WORDS)] * 3, vocab_size=500, special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    )
    bpe.save_model(str(folder))
    return RobertaTokenizerFast(str(folder / "vocab.json"), str(folder / "merges.txt"), **options)


def test_byte_level_masked_lm_proposes_whole_words(models, tmp_path):
    import torch
    from transformers import RobertaConfig, RobertaForMaskedLM

    from miniature.attack.engine import Engine
    from miniature.attack.library import is_one_word

    tokenizer = byte_level(tmp_path, model_max_length=64)
    torch.manual_seed(0)
    config = RobertaConfig(
        vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=64, max_position_embeddings=66, initializer_range=0.25, pad_token_id=1,
    )  # fmt: skip
    victim, victim_tokenizer = load(models / "victim", "classification")
    engine = Engine(
        victim, victim_tokenizer, RobertaForMaskedLM(config).eval(), tokenizer,
        check_recipe(recipe(max_candidates=40), "test"), labels=LABELS, max_length=64,
    )  # fmt: skip
    inner = proposals(engine, "the good film was bad", "film")
    assert inner
    # Only pieces that begin a word, spelled without the mark of the space.
    begins = {token[1:] for token in tokenizer.get_vocab() if token.startswith("Ġ")}
    assert set(inner) <= begins
    assert all(is_one_word(word) and "Ġ" not in word for word in inner)
    pieced = proposals(engine, "the zzyzx film", "zzyzx")
    assert pieced
    assert all("Ġ" not in word and is_one_word(word) for word in pieced)
    outcomes = {engine.attack_example("a", "the good film was bad", label)["outcome"] for label in LABELS}
    assert "skipped" in outcomes
    assert "error" not in outcomes


def test_other_tokenizers_are_refused(models):
    from tokenizers import Tokenizer
    from tokenizers.models import Unigram
    from transformers import PreTrainedTokenizerFast

    from miniature.attack.candidates import Vocabulary

    unigram = Tokenizer(Unigram([("<unk>", 0.0), ("▁good", -1.0), ("<mask>", 0.0)], 0))
    with pytest.raises(StudyError, match="Unigram"):
        Vocabulary(PreTrainedTokenizerFast(tokenizer_object=unigram, mask_token="<mask>"))


def test_victim_that_reads_less_than_asked_is_refused(models):
    from miniature.attack.loading import load_engine

    with pytest.raises(StudyError, match="reads at most 64 tokens") as caught:
        load_engine(
            models / "victim", models / "lm", check_recipe(recipe(), "t"), labels=LABELS, max_length=65
        )
    assert caught.value.fix == "max_length: 64"
