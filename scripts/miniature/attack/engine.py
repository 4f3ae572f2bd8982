"""One attack: a victim, a masked LM and a recipe put together, and one example attacked at a time."""

import random

import numpy as np
import torch

from miniature.attack.candidates import MaskedLMSwap
from miniature.attack.library import (
    Attack,
    AttackResult,
    GreedyWordSwapWIR,
    MaxWordsPerturbed,
    RepeatModification,
    SkippedAttackResult,
    StopwordModification,
    SuccessfulAttackResult,
    UntargetedClassification,
)
from miniature.attack.stopwords import STOPWORDS
from miniature.attack.texts import Text
from miniature.attack.victim import Victim
from miniature.messages import StudyError, printable
from miniature.models.checkpoints import longest_input
from miniature.seeds import derive_seed


class ChangeOfLabel(UntargetedClassification):
    """TextAttack's untargeted goal, with probabilities that are always the softmax of the victim's logits.

    The original takes the scores for probabilities already when every row of a call happens to sum to 1
    within 1e-6, and refuses models of so many classes that a float32 softmax misses 1 by more.
    """

    def _process_model_outputs(self, inputs, scores: torch.Tensor) -> torch.Tensor:
        return torch.softmax(scores, dim=1)  # [texts, classes]


class Engine:
    """Attacks single examples of one victim with one recipe.

    Parameters
    ----------
    victim, victim_tokenizer : PreTrainedModel, PreTrainedTokenizerBase
        The classifier under attack.
    masked_lm, masked_lm_tokenizer : PreTrainedModel, PreTrainedTokenizerFast
        What proposes words.
    recipe : dict
        From `recipes.check_recipe`.
    labels : list of str
        Names of the classes, in the order of the classifier's outputs.
    max_length : int
        Longest input of the victim, in tokens.
    device : str
        ``cpu`` or ``cuda``.
    seed : int
        The study's seed; every example gets its own, derived from its id.

    Raises
    ------
    StudyError
        The classifier has another number of classes, or the masked LM does not fit the recipe.
    """

    def __init__(
        self,
        victim,
        victim_tokenizer,
        masked_lm,
        masked_lm_tokenizer,
        recipe: dict,
        *,
        labels: list[str],
        max_length: int,
        device: str = "cpu",
        seed: int = 0,
    ):
        classes = int(victim.config.num_labels)
        if classes != len(labels):
            raise StudyError(
                f"The classifier tells {classes} classes apart, the study names {len(labels)} labels.",
                where=f"model {victim.config.name_or_path}",
                fix=f"labels: [{', '.join(labels)}] must have {classes} names",
            )
        longest = longest_input(victim)
        if max_length > longest:
            raise StudyError(
                f"The classifier reads at most {longest} tokens, the study asks for {max_length}.",
                where=f"model {victim.config.name_or_path}, classification: max_length",
                fix=f"max_length: {longest}",
            )
        self.labels = list(labels)
        self.seed = seed
        self.recipe = recipe
        self.victim = Victim(
            victim, victim_tokenizer, max_length=max_length, batch_size=recipe["batch_size"], device=device
        )
        self.swap = MaskedLMSwap(masked_lm, masked_lm_tokenizer, recipe, device=device)
        budget = recipe["query_budget"]
        self.goal = ChangeOfLabel(
            self.victim,
            query_budget=float("inf") if budget is None else budget,
            # The victim makes its own batches, by length.
            model_batch_size=2**31,
        )
        # A word is never changed twice: the greedy search visits each once, and this also holds where a swap
        # moved the words behind it.
        constraints = [RepeatModification(), MaxWordsPerturbed(max_percent=recipe["max_words_changed"])]
        if recipe["skip_stopwords"]:
            # Compared as written, as TextAttack does: a capital at the start of a sentence is not matched.
            constraints.append(StopwordModification(stopwords=STOPWORDS))
        search = GreedyWordSwapWIR(
            wir_method=recipe["importance"], unk_token=victim_tokenizer.unk_token or "[UNK]"
        )
        self.attack = Attack(self.goal, constraints, self.swap, search)

    def attack_example(self, id: str, text: str | None, label: str | None) -> dict:
        """Attack one example; whatever goes wrong with it becomes part of its row.

        Parameters
        ----------
        id : str
            The example's id.
        text : str or None
            What to attack.
        label : str or None
            The name of its true class.

        Returns
        -------
        dict
            One row of the attacks table.
        """
        row = empty_row(id, text, label)
        try:
            if not isinstance(text, str):
                raise ValueError("The example has no text.")
            if label not in self.labels:
                raise ValueError(f"The label {label!r} is not one of {', '.join(self.labels)}.")
            set_seeds(derive_seed(self.seed, "attack", id))
            return row | self._outcome(self.attack.attack(Text(text), self.labels.index(label)))
        except (MemoryError, torch.OutOfMemoryError):
            # Not the example's fault: the next one would fare no better, and it is to be attacked again.
            raise
        except Exception as error:
            message = printable(f"{type(error).__name__}: {error}", limit=500)
            return row | {"outcome": "error", "message": message}
        finally:
            self.attack.clear_cache()
            self.victim.forget()
            self.swap.forget()

    def _outcome(self, result: AttackResult) -> dict:
        before = self.labels[result.original_result.output]
        words = result.original_result.attacked_text.words
        queries = int(self.goal.num_queries)
        row = {"prediction_before": before, "words": len(words), "queries": queries}
        if isinstance(result, SkippedAttackResult):
            return row | {"outcome": "skipped"}
        if isinstance(result, SuccessfulAttackResult):
            outcome = "success"
        elif queries >= self.goal.query_budget:
            outcome = "query_budget"
        else:
            outcome = "failure"
        perturbed = result.perturbed_result.attacked_text
        return row | {
            "outcome": outcome,
            "prediction_after": self.labels[result.perturbed_result.output],
            "perturbed_text": perturbed.text,
            "words_changed": count_changed(words, perturbed.words),
        }


def empty_row(id: str, text: str | None, label: str | None) -> dict:
    """Start the row of an example of which nothing is known yet."""
    return {
        "id": id,
        "label": label,
        "prediction_before": None,
        "prediction_after": None,
        "outcome": None,
        "original_text": text,
        "perturbed_text": None,
        "words": None,
        "words_changed": None,
        "queries": None,
        "message": None,
    }


def count_changed(before: list[str], after: list[str]) -> int:
    """Count the places at which two lists of words differ; words too many or too few count as well.

    Examples
    --------
    >>> count_changed(["a", "good", "film"], ["a", "bad", "film"])
    1
    """
    return sum(a != b for a, b in zip(before, after, strict=False)) + abs(len(before) - len(after))


def set_seeds(seed: int) -> None:
    """Seed every generator that an attack may draw from."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
