"""The sentence encoder's constraint beside TextAttack's."""

import pytest

from other_attacks import LABELS, LENGTH, assert_equal, attack, load, stock


@pytest.mark.slow
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
    other_models, other_examples, tmp_path, settings, stock_settings
):
    """TextAttack's constraint with vectors that transformers gives for one text at a time."""
    import torch
    from textattack.constraints.semantics.sentence_encoders import SentenceEncoder
    from textattack.transformations import WordSwapMaskedLM
    from transformers import AutoTokenizer, BertModel

    encoder = BertModel.from_pretrained(other_models / "sentences").eval()
    encoder_tokenizer = AutoTokenizer.from_pretrained(other_models / "sentences")

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
        other_models,
        other_examples,
        tmp_path / "j",
        {
            "preset": "bae", "masked_lm": "lm", "max_masked_lm_length": LENGTH, "query_budget": 60,
            "max_candidates": 12, "sentence_encoder": block,
        },
    )  # fmt: skip
    lm, tokenizer = load(other_models / "lm", "masked-lm")
    swap = WordSwapMaskedLM(
        method="bae", masked_language_model=lm, tokenizer=tokenizer, max_length=LENGTH, max_candidates=12,
        min_confidence=0.0,
    )  # fmt: skip
    theirs = stock(other_models, swap, [Plain(**stock_settings)], "delete", 60)
    assert_equal(table, theirs, other_examples, least=2)
    free = stock(other_models, swap, [], "delete", 60)
    attacked = [row for row in other_examples if table.loc[row[0], "outcome"] != "skipped"]
    results = [free.attack(text, LABELS.index(label)).perturbed_result for _, text, label in attacked]
    found = table[table["outcome"] != "skipped"]["perturbed_text"]
    # The constraint does something.
    assert [result.attacked_text.text for result in results] != found.tolist()
