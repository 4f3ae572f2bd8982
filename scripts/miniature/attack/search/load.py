"""An engine from model folders."""

import os

from miniature.attack.search.engine import Engine
from miniature.attack.search.parts import Helpers
from miniature.attack.words.sentence_encoder import load_sentence_encoder
from miniature.attack.words.tagger import Tagger
from miniature.attack.words.vectors import read_word_vectors
from miniature.job.compute import prepare_device
from miniature.models.checkpoints import load_result, order_outputs


def load_engine(
    victim_folder: str | os.PathLike,
    masked_lm_folder: str | os.PathLike | None,
    recipe: dict,
    *,
    labels: list[str],
    max_length: int,
    sentence_encoder_folder: str | os.PathLike | None = None,
    device: str = "cpu",
    seed: int = 0,
) -> Engine:
    """Load a classifier and the models and files of a recipe into an attack; parameters as in `Engine`."""
    prepare_device(device)
    victim, victim_tokenizer = load_result(victim_folder, head="classification")
    order_outputs(victim, labels)
    return Engine(
        victim,
        victim_tokenizer,
        load_helpers(recipe, masked_lm_folder, sentence_encoder_folder),
        recipe,
        labels=labels,
        max_length=max_length,
        device=device,
        seed=seed,
    )


def load_helpers(
    recipe: dict,
    masked_lm_folder: str | os.PathLike | None,
    sentence_encoder_folder: str | os.PathLike | None,
) -> Helpers:
    """Load the models and files that a recipe names besides the victim."""
    vectors, tagger = recipe.get("word_vectors"), recipe.get("pos_tagger")
    return Helpers(
        masked_lm=load_result(masked_lm_folder, head="masked-lm") if "masked_lm" in recipe else None,
        sentence_encoder=(
            load_sentence_encoder(sentence_encoder_folder) if recipe.get("sentence_encoder") else None
        ),
        vectors=read_word_vectors(vectors) if vectors else None,
        tagger=Tagger(tagger) if tagger else None,
    )
