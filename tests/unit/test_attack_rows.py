"""Whatever an example is, it becomes a row, and the same row whatever the others are."""

import pytest

from attacks import LABELS, attack, engine_of
from miniature.attack.rows import ATTACKS_SCHEMA


def test_result_does_not_depend_on_the_other_examples(attack_models, attack_examples, whole_attack, tmp_path):
    some = attack_examples[::-3]
    table = attack(attack_models, some, tmp_path / "j").set_index("id")
    expected = whole_attack[0].set_index("id").loc[[id for id, _, _ in some]]
    assert table.equals(expected)


def test_odd_texts_are_rows(attack_models, tmp_path):
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
    table = attack(attack_models, rows, tmp_path / "j", max_candidates=2, query_budget=400).set_index("id")
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


def test_one_bad_example_is_a_row(attack_models, attack_examples, whole_attack, tmp_path, monkeypatch):
    from miniature.attack.search.victim import Victim

    (bad,) = engine_of(attack_models).victim.encode([attack_examples[2][1]])
    real = Victim.forward

    def sometimes(self, keys, level):
        if bad in keys:
            raise RuntimeError("boom \x1b[31m")
        return real(self, keys, level)

    monkeypatch.setattr(Victim, "forward", sometimes)
    table = attack(attack_models, attack_examples[:6], tmp_path / "j")
    assert table["outcome"][2] == "error"
    assert table["message"][2] == "RuntimeError: boom \\x1b[31m"
    others = [0, 1, 3, 4, 5]
    assert table.loc[others].equals(whole_attack[0].loc[others])


@pytest.mark.parametrize("budget", [1, 2, 9])
def test_budget_is_kept_and_named(attack_models, attack_examples, tmp_path, budget):
    table = attack(attack_models, attack_examples, tmp_path / "j", query_budget=budget)
    assert (table["queries"] <= budget).all()
    spent = table[table["queries"] == budget]
    assert set(spent["outcome"]) <= {"query_budget", "success", *(["skipped"] if budget == 1 else [])}
    assert (table["outcome"] == "query_budget").any()


@pytest.mark.parametrize("changes", [{"screening": "bf16"}, {"batch_size": 1}])
def test_screening_and_batches_change_no_row(attack_models, attack_examples, whole_attack, tmp_path, changes):
    assert attack(attack_models, attack_examples, tmp_path / "j", **changes).equals(whole_attack[0])


@pytest.mark.parametrize("live", [2, 64])
def test_a_bound_too_small_is_noticed_and_changes_no_row(
    attack_models, attack_examples, whole_attack, tmp_path, monkeypatch, live
):
    """As if calibration had seen a hundredth of the error of bfloat16, noticed when some are finished."""
    from miniature.attack.search import engine
    from miniature.attack.search.victim import SCREENED, Victim

    calibrate, bounds = Victim.calibrate, []

    def calibrate_badly(self, keys):
        calibrate(self, keys)
        self.errors[SCREENED] /= 100
        bounds.append((self.errors[SCREENED], self.errors))

    monkeypatch.setattr(Victim, "calibrate", calibrate_badly)
    monkeypatch.setattr(engine, "MOST_LIVE", live)
    table = attack(attack_models, attack_examples, tmp_path / "j", screening="bf16")
    ((small, errors),) = bounds
    assert errors[SCREENED] > small
    assert table.equals(whole_attack[0])


def test_a_victim_that_is_always_wrong_is_never_attacked(
    attack_models, attack_examples, whole_attack, tmp_path
):
    before = whole_attack[0].set_index("id")["prediction_before"]
    wrong = [(id, text, LABELS[1 - LABELS.index(before[id])]) for id, text, _ in attack_examples]
    table = attack(attack_models, wrong, tmp_path / "j")
    assert (table["outcome"] == "skipped").all()
    assert (table["queries"] == 1).all()
    assert table["perturbed_text"].isna().all()


def test_out_of_memory_halves_the_batches(attack_models, attack_examples, whole_attack, monkeypatch):
    import torch

    from miniature.attack.rows import attacks_frame

    engine = engine_of(attack_models)
    real = type(engine.victim.model).forward

    def limited(self, input_ids=None, **others):
        if input_ids.numel() > 200:
            raise torch.OutOfMemoryError("out of memory")
        return real(self, input_ids=input_ids, **others)

    monkeypatch.setattr(type(engine.victim.model), "forward", limited)
    rows = {row["id"]: row for row in engine.attack_examples(attack_examples)}
    # Two passes of too many tokens lead below what there is room for, and no further.
    assert 50 <= engine.victim.tokens <= 200
    assert attacks_frame(rows[id] for id, _, _ in attack_examples).equals(whole_attack[0])


def test_a_fault_of_the_machine_is_no_row(attack_models, attack_examples, tmp_path, monkeypatch):
    """Otherwise every example to come would be an error that stays."""
    from miniature.attack.search.victim import Victim

    real, asked = Victim.forward, []

    def sometimes(self, keys, level):
        asked.append(keys)
        if len(asked) > 30:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes.")
        return real(self, keys, level)

    monkeypatch.setattr(Victim, "forward", sometimes)
    with pytest.raises(RuntimeError, match="allocate"):
        attack(attack_models, attack_examples, tmp_path / "j")


def test_an_example_that_fails_midway_says_what_is_known(attack_models, attack_examples, monkeypatch):
    from miniature.attack.search.victim import Victim

    id, text, label = next(row for row in attack_examples if row[0] != "r0")
    engine = engine_of(attack_models)
    (whole,) = engine.victim.encode([text])
    real = Victim.forward

    def only_whole(self, keys, level):
        if engine.victim.calibrated and any(key != whole for key in keys):
            raise RuntimeError("boom")
        return real(self, keys, level)

    monkeypatch.setattr(Victim, "forward", only_whole)
    row = engine.attack_example(id, text, label)
    assert (row["outcome"], row["prediction_before"]) == ("error", label)
    assert row["queries"] > 1
    assert row["perturbed_text"] is None
