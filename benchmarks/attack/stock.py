"""The attack put together from TextAttack's own classes only, with its own model wrapper."""

from miniature.attack.words.stopwords import STOPWORDS


def stock_attack(victim, victim_tokenizer, masked_lm, masked_lm_tokenizer, recipe: dict, device: str = "cpu"):
    """BERT-ATTACK as TextAttack's recipe has it, without the Universal Sentence Encoder.

    Parameters
    ----------
    victim, victim_tokenizer, masked_lm, masked_lm_tokenizer
        The models; `victim_tokenizer.model_max_length` is what the wrapper pads to.
    recipe : dict
        From `spell_recipe`, of the kind ``bert-attack``; nothing in it may be set that TextAttack
        does not have.
    device : str
        ``cpu`` or ``cuda``; both models are moved there.

    Returns
    -------
    textattack.Attack
    """
    # First, because it sets TextAttack up to be imported offline.
    from miniature.attack.library import (
        Attack,
        GreedyWordSwapWIR,
        MaxWordsPerturbed,
        RepeatModification,
        StopwordModification,
        UntargetedClassification,
    )

    from textattack.models.wrappers import HuggingFaceModelWrapper  # isort: skip
    from textattack.shared import utils  # isort: skip
    from textattack.transformations import WordSwapMaskedLM  # isort: skip

    # Where the swap moves its model; TextAttack decides it once, when it is imported.
    utils.device = device
    swap = WordSwapMaskedLM(
        method="bert-attack",
        masked_language_model=masked_lm,
        tokenizer=masked_lm_tokenizer,
        max_candidates=recipe["max_candidates"],
        max_length=recipe["max_masked_lm_length"],
    )
    constraints = [RepeatModification(), MaxWordsPerturbed(max_percent=recipe["max_words_changed"])]
    if recipe["skip_stopwords"]:
        constraints.append(StopwordModification(stopwords=STOPWORDS))
    budget = recipe["query_budget"]
    goal = UntargetedClassification(
        HuggingFaceModelWrapper(victim.to(device), victim_tokenizer),
        query_budget=float("inf") if budget is None else budget,
    )
    return Attack(goal, constraints, swap, GreedyWordSwapWIR(recipe["importance"]))


def stock_row(attack, text: str, label: int) -> tuple[str, str | None, int]:
    """Attack one text; return outcome (a spent budget is a failure), text and number of queries."""
    result = attack.attack(text, label)
    outcome = {
        "SuccessfulAttackResult": "success",
        "SkippedAttackResult": "skipped",
        "FailedAttackResult": "failure",
    }[type(result).__name__]
    perturbed = None if outcome == "skipped" else result.perturbed_result.attacked_text.text
    return outcome, perturbed, result.num_queries
