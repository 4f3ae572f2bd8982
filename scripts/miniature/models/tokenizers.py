"""Load a fast tokenizer and make sure that it gives a model the tokens that it was trained on."""

import contextlib
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from transformers import AutoTokenizer, PreTrainedTokenizerFast
from transformers.utils import logging as transformers_logging

from miniature.messages import StudyError, python_line
from miniature.models.configuration import ROBERTA_LIKE
from miniature.models.folders import read_tokenizer_config
from miniature.models.windows import find_template

SPECIAL_TOKENS = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")
# What transformers 5 writes where version 4 names a class of its own.
VERSION_5 = "TokenizersBackend"
# Entries of a vocabulary that no text can give, as a share that no vocabulary has by chance.
UNREACHABLE = 0.01
LETTERS = "abcdefghijklmnopqrstuvwxyz"


@contextlib.contextmanager
def loading(what: str, *, where: str, fix: str) -> Iterator[None]:
    """Turn whatever a library raises on a user's file into a message.

    The libraries of Hugging Face raise exceptions of every type on a wrong file, `Exception` itself among
    them. What the machine refuses (a disk, memory) is no fault of the file, and passes.

    Raises
    ------
    StudyError
        In place of anything raised inside.
    """
    level = transformers_logging.get_verbosity()
    # Its warnings about new heads and lengths are judged by our own checks.
    transformers_logging.set_verbosity_error()
    try:
        yield
    except (StudyError, MemoryError):
        raise
    except Exception as error:
        if getattr(error, "errno", None) is not None or "memory" in str(error).lower():
            raise
        text = (str(error).splitlines() or [""])[0][:300]
        raise StudyError(f"{what}: {type(error).__name__}: {text}", where=where, fix=fix) from None
    finally:
        transformers_logging.set_verbosity(level)


def load_tokenizer(folder: str | os.PathLike, *, pair: bool = False) -> PreTrainedTokenizerFast:
    """Load a fast tokenizer, which alone knows where in the text a token comes from.

    Parameters
    ----------
    folder : path
        With ``tokenizer.json``, of transformers 4 or 5, or the vocabulary that one is made from.
    pair : bool
        Two texts are read together: question and context.

    Raises
    ------
    StudyError
        The folder holds no tokenizer that can be read, only a slow one, or one that brings code; or texts
        would be read otherwise than the vocabulary asks for: in lower case where it has capitals, with
        capitals where it has none, or without the tokens around a text.
    """
    folder = Path(folder)
    config = read_tokenizer_config(folder)
    with loading(
        "The tokenizer cannot be read",
        where=str(folder),
        fix="save it anew where it works: "
        "AutoTokenizer.from_pretrained(..., use_fast=True).save_pretrained(...)",
    ):
        if config.get("tokenizer_class") == VERSION_5 or isinstance(config.get("extra_special_tokens"), list):
            tokenizer = _from_version_5(folder, config)
        else:
            tokenizer = AutoTokenizer.from_pretrained(
                str(folder), use_fast=True, trust_remote_code=False, local_files_only=True
            )
        if not tokenizer.is_fast:
            raise StudyError(
                "The tokenizer does not say where in the text a token comes from.",
                where=str(folder),
                fix="save a fast tokenizer there: AutoTokenizer.from_pretrained(..., use_fast=True)"
                ".save_pretrained(...)",
            )
        # A text of many scripts: what a tokenizer cannot read at all shows here, not in the middle of a job.
        tokenizer("A b, ß 中 \N{PILE OF POO} 42.")
        _check_special_tokens(tokenizer, folder, pair=pair)
        _check_case(tokenizer, folder, config)
    return tokenizer


def _from_version_5(folder: Path, config: Mapping) -> PreTrainedTokenizerFast:
    """A tokenizer as ``tokenizer.json`` has it: transformers 5 names no class that version 4 knows."""
    file = folder / "tokenizer.json"
    if not file.is_file():
        raise StudyError(
            "The tokenizer was saved by transformers 5, and its tokenizer.json is not there.",
            where=str(folder),
            fix="copy tokenizer.json from where the model was saved",
        )
    named = {key: config[key] for key in SPECIAL_TOKENS if isinstance(config.get(key), str | Mapping)}
    named = {key: value if isinstance(value, str) else value["content"] for key, value in named.items()}
    extra = config.get("extra_special_tokens")
    return PreTrainedTokenizerFast(
        tokenizer_file=str(file),
        additional_special_tokens=[
            token if isinstance(token, str) else token["content"]
            for token in (extra if isinstance(extra, list) else [])
        ],
        **named,
    )


def _check_special_tokens(tokenizer: PreTrainedTokenizerFast, folder: Path, *, pair: bool) -> None:
    """Refuse a tokenizer that puts no token before a text, after it, or between two."""
    words = [token for token in tokenizer.all_special_tokens if token.isalnum() and token.islower()]
    if words:
        raise StudyError(
            f"{words[0]!r} is a special token of the tokenizer, and would be cut out of ordinary words.",
            where=str(folder / "tokenizer_config.json"),
            fix="name the special tokens that the model was trained with, such as [CLS] or <s>",
        )
    parts = [find_template(tokenizer, pair=False)] + [find_template(tokenizer, pair=True)] * pair
    bare = next(("before" for part in parts if not len(part.before[0])), None)
    bare = bare or next(("after" for part in parts if not len(part.after[0])), None)
    bare = bare or ("between" if pair and not len(parts[1].between[0]) else None)
    if bare is None:
        return
    vocabulary = tokenizer.get_vocab()
    first = next((t for t in (tokenizer.cls_token, "[CLS]", "<s>") if t in vocabulary), None)
    last = next((t for t in (tokenizer.sep_token, "[SEP]", "</s>") if t in vocabulary), None)
    fix = "save the tokenizer that the model was trained with there"
    if first and last and (folder / "tokenizer.json").is_file():
        both = f"{first} $A {last} {last} $B {last}" if first == "<s>" else f"{first} $A {last} $B:1 {last}:1"
        fix = python_line(
            "from tokenizers import Tokenizer, processors; t = Tokenizer.from_file(%(file)s); "
            "t.post_processor = processors.TemplateProcessing(single=%(single)s, pair=%(both)s, "
            "special_tokens=[(k, t.token_to_id(k)) for k in %(around)s]); t.save(%(file)s)",
            file=str(folder / "tokenizer.json"),
            single=f"{first} $A {last}",
            both=both,
            around=[first, last],
        )
    raise StudyError(
        f"The tokenizer puts no special token {bare} {'two texts' if bare == 'between' else 'a text'}, "
        "so that a word would be read in its place"
        + (" (the embedding called [CLS], and the place of 'no answer')." if bare == "before" else "."),
        where=str(folder),
        fix=fix,
    )


def _check_case(tokenizer: PreTrainedTokenizerFast, folder: Path, config: Mapping) -> None:
    """Refuse a tokenizer that changes letters in a way that its vocabulary contradicts."""
    backend = tokenizer.backend_tokenizer
    vocabulary = tokenizer.get_vocab()
    if any(entry.startswith("Ġ") for entry in vocabulary):
        # Bytes are written as letters, capitals among them: only those of the alphabet mean what they are.
        candidates = [entry for entry in vocabulary if re.search("[A-Z]", entry) and entry.isascii()]
    else:
        candidates = [entry for entry in vocabulary if not entry.isascii() or entry.lower() != entry]
    special = {str(token) for token in tokenizer.added_tokens_decoder.values()}
    words = [e.removeprefix("##").lstrip("Ġ▁") for e in candidates if e not in special and e[:1] not in "[<"]
    normalizer = backend.normalizer
    if normalizer is not None:
        lost = [word for word in words if word and _folded(normalizer, word)]
        if len(lost) > max(1, UNREACHABLE * len(vocabulary)):
            capitals = any(word.lower() != word for word in lost) and normalizer.normalize_str("A") != "A"
            raise StudyError(
                f"The tokenizer {'puts texts into lower case' if capitals else 'takes the accents off'}, and "
                f"its vocabulary has {'capitals' if capitals else 'accents'} ({len(lost)} entries that no "
                f"text can give, such as {lost[len(lost) // 2]!r}).",
                where=str(folder / "tokenizer_config.json"),
                fix=_case_line(folder, config, "do_lower_case" if capitals else "strip_accents", False),
            )
    known = [letter for letter in LETTERS if _is_known(tokenizer, letter)]
    capitals = any(word.lower() != word for word in words)
    if (
        len(known) > len(LETTERS) / 2
        and not capitals
        and not any(_is_known(tokenizer, c.upper()) for c in LETTERS)
    ):
        raise StudyError(
            "The vocabulary has no capitals, and the tokenizer does not put texts into lower case: every "
            "word with a capital letter would be unknown.",
            where=str(folder / "tokenizer_config.json"),
            fix=_case_line(folder, config, "do_lower_case", True),
        )


def _folded(normalizer, word: str) -> bool:
    """Whether a normalizer takes case or accents off a word; spaces around signs do not count."""
    return normalizer.normalize_str(word).replace(" ", "") != word.replace(" ", "")


def _is_known(tokenizer: PreTrainedTokenizerFast, letter: str) -> bool:
    backend = tokenizer.backend_tokenizer
    unknown = {tokenizer.unk_token_id, backend.token_to_id(getattr(backend.model, "unk_token", None) or "")}
    ids = backend.encode(letter, add_special_tokens=False).ids
    return bool(ids) and unknown.isdisjoint(ids)


def _case_line(folder: Path, config: Mapping, key: str, value: bool) -> str:
    """What to write so that a tokenizer keeps letters, or no longer does, in the file that decides it."""
    file = folder / "tokenizer_config.json"
    shown = str(value).lower()
    by_class = str(config.get("tokenizer_class", "Bert")).startswith(("Bert", "DistilBert", "Electra"))
    if by_class and not config:
        return python_line(
            'open(%(file)s, "w").write(%(text)s)', file=str(file), text=f'{{"{key}": {shown}}}'
        )
    if by_class and not isinstance(config.get("extra_special_tokens"), list):
        return f'"{key}": {shown},   # in tokenizer_config.json'
    option = {"do_lower_case": "lowercase"}.get(key, key)
    return python_line(
        "from tokenizers import Tokenizer, normalizers; t = Tokenizer.from_file(%(file)s); "
        f"t.normalizer = normalizers.BertNormalizer({option}={value}); t.save(%(file)s)",
        file=str(folder / "tokenizer.json"),
    )


def settle_padding(tokenizer: PreTrainedTokenizerFast, config, *, where: str) -> None:
    """Give a tokenizer without a padding token one; refuse one that pads otherwise than its model.

    Padding is masked and decides nothing, except that RoBERTa counts its positions from it.

    Raises
    ------
    StudyError
        A RoBERTa and its tokenizer pad with different tokens.
    """
    its = config.pad_token_id
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.convert_ids_to_tokens(0 if its is None else int(its))
    elif config.model_type in ROBERTA_LIKE and tokenizer.pad_token_id != its:
        raise StudyError(
            f"The model counts positions from token {its}, and its tokenizer pads with "
            f"{tokenizer.pad_token} ({tokenizer.pad_token_id}).",
            where=where,
            fix=f'"pad_token_id": {tokenizer.pad_token_id},   # in config.json, if it was trained so',
        )
