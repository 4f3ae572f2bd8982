"""Models from the Hub: configuration, tokenizer and safetensors weights."""

import re
from pathlib import Path

from miniature.messages import StudyError
from miniature.retrieval.hub import fetch
from miniature.retrieval.pins import record_pin, resolve_once

CONFIG = ("config.json",)
TOKENIZER = (
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
    "special_tokens_map.json",
    "added_tokens.json",
    "spiece.model",
    "sentencepiece.bpe.model",
)
WEIGHTS = re.compile(r"model(-\d{5}-of-\d{5})?\.safetensors|model\.safetensors\.index\.json")
PICKLES = (".bin", ".pkl", ".pickle", ".pt", ".pth", ".ckpt", ".h5", ".msgpack")


def retrieve_model(hub_id: str, revision: str, folder: str | Path, pins: str | Path | None = None) -> None:
    """Download one model into a folder.

    Parameters
    ----------
    hub_id : str
        ``owner/name``.
    revision : str
        A commit of 40 hexadecimal digits, or a branch or tag.
    folder : path
        Destination; its ``RETRIEVED.json`` records the commit and the files.
    pins : path, optional
        Folder with the pins of branches and tags; see `miniature.retrieval.pins`. Without it they are
        resolved each time.

    Raises
    ------
    StudyError
        As `miniature.retrieval.pins.resolve_once` and `miniature.retrieval.hub.fetch`; or the repository has
        no configuration, no vocabulary, or only pickled weights, which could run code on loading.
    """
    commit = resolve_once("model", hub_id, revision, pins)
    where = f"{hub_id} at {commit.sha}"
    weights = sorted(name for name in commit.files if WEIGHTS.fullmatch(name))
    if not any(name.endswith(".safetensors") for name in weights):
        pickles = [name for name in commit.files if name.endswith(PICKLES)]
        if pickles:
            raise StudyError(
                "This model has no safetensors weights, only "
                f"{', '.join(sorted(pickles)[:5])}; loading such files can run code, so they are not used.",
                where=where,
                fix="revision: <a commit with model.safetensors; see the pull requests of the model>\n"
                "or convert it with save_pretrained(..., safe_serialization=True) and write\n"
                "path: <that folder>",
            )
        raise StudyError("This repository has no model weights.", where=where, fix="hub: <a model>")
    tokenizer = [name for name in TOKENIZER if name in commit.files]
    if "config.json" not in commit.files:
        raise StudyError("This model has no config.json.", where=where, fix="hub: <a transformers model>")
    if not {"tokenizer.json", "vocab.txt", "vocab.json", "spiece.model", "sentencepiece.bpe.model"} & set(
        tokenizer
    ):
        raise StudyError(
            "This model has no tokenizer.", where=where, fix="hub: <a model with vocab.txt or tokenizer.json>"
        )
    fetch(commit, [*CONFIG, *tokenizer, *weights], folder)
    record_pin(commit, pins)
