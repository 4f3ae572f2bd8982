"""The attack beside stock TextAttack, on tiny models made here."""

import pytest

from attacks import LABELS, attack, stock_attack


@pytest.mark.slow
@pytest.mark.parametrize(
    ("k", "budget", "importance"), [(4, None, "unk"), (8, 60, "unk"), (3, None, "delete")]
)
def test_attack_equals_stock_textattack(attack_models, attack_examples, tmp_path, k, budget, importance):
    ours = attack(
        attack_models,
        attack_examples,
        tmp_path / "j",
        max_candidates=k,
        query_budget=budget,
        importance=importance,
    ).set_index("id")
    stock = stock_attack(attack_models, k, float("inf") if budget is None else budget, importance)
    names = {"SuccessfulAttackResult": {"success"}, "SkippedAttackResult": {"skipped"}}
    for id, text, label in attack_examples:
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
